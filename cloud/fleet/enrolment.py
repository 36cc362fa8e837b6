"""Enrolling a box: number, certificate, keys and provisioning directory, all from one place.

Everything is checked and the directory filled before the row is committed; only its last rename comes after. So an
enrolment that fails changes nothing, a crash before that rename costs a number, and no number is given to two boxes.
A name in service is refused unless its box is to be replaced: that ends the old enrolment, with a new number, new keys,
and the old certificate revoked. The running cloud notices by itself (`watch`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloud.files import locked
from cloud.fleet import store
from cloud.fleet.provisioning import Place, Provision
from cloud.fleet.rules import NewBox, Numbered, check_new, check_not_in_service, number_box
from protocol.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cloud.database import Database
    from cloud.fleet.authority import Authority

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every box of this installation is told alike."""

    broker_host: str
    broker_port: int
    broker_server_name: str
    card_zone_key: str  # hexadecimal, an uncompressed P-256 point
    configuration_signer: str  # hexadecimal, 32 bytes


class Enrolment:
    """Adds boxes to an installation and takes them away."""

    def __init__(
        self,
        *,
        database: Database,
        authority: Authority,
        lock: Path,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._database = database
        self._authority = authority
        self._lock = lock
        self._now_ms = now_ms
        self._random_bytes = random_bytes

    async def enroll(
        self,
        wanted: NewBox,
        *,
        surroundings: Surroundings,
        currency: str,
        devices: dict[str, Any],
        directory: Path,
    ) -> Numbered:
        """Make a box and write its directory.

        Errors: ConfigError "box-directory-taken", "box-directory-not-writable", and those of `rules`.
        """
        check_new(wanted, currency, devices)
        keys = (self._random_bytes(KEY_BYTES), self._random_bytes(KEY_BYTES))
        told = {**_told(surroundings), "currency": currency, "devices": devices}
        place = Place(directory)
        try:
            async with locked(self._lock):
                numbered = await self._admit(wanted, told, keys, place)
        except BaseException:
            place.clear()
            raise
        place.finish()
        return numbered

    async def revoke(self, tenant: str, box: str, reason: str) -> None:
        """Shut a box out for good; its name may be enrolled anew. CallerError "box-unknown"."""
        now_ms = self._now_ms()
        async with locked(self._lock), self._database.transaction() as tx:
            serials = await store.open_serials(tx, tenant, box)
            if not serials:
                raise CallerError(
                    "box-unknown", f"{tenant} has no enrolled box {box}", "See tillbox fleet list"
                )
            await store.end(tx, tenant, box, now_ms)
            await store.revoke(tx, tenant, box, reason, now_ms)
            self._revoke(tenant, serials)

    async def _admit(
        self, wanted: NewBox, told: dict[str, Any], keys: tuple[bytes, bytes], place: Place
    ) -> Numbered:
        now_ms = self._now_ms()
        async with self._database.transaction() as tx:
            former = await store.open_serials(tx, wanted.tenant, wanted.box)
            check_not_in_service(wanted, former)
            last, tenant_shard = await store.last_number(tx, wanted.tenant)
            numbered = number_box(wanted, last, tenant_shard, self._random_bytes)
            issued = self._authority.issue_box(wanted.tenant, numbered.client_id)
            place.fill(
                Provision(
                    {**_identity(wanted, numbered), **told},
                    issued,
                    self._authority.root_path.read_bytes(),
                    *keys,
                )
            )
            await store.end(tx, wanted.tenant, wanted.box, now_ms)
            number, shard, client_id = numbered
            names = (wanted.tenant, number, wanted.box, wanted.store, shard, client_id)
            box = (wanted.tenant, wanted.box, wanted.store, shard, number, "serving", "", issued.serial)
            await store.enrol(tx, (*names, issued.serial, now_ms, 0), (*box, *keys, now_ms, now_ms))
            self._revoke(wanted.tenant, former)
        return numbered

    def _revoke(self, tenant: str, serials: list[str]) -> None:
        """Write the list before the commit: whoever sees the row changed finds the list changed too."""
        for serial in serials:
            self._authority.revoke(tenant, serial)


def _identity(wanted: NewBox, numbered: Numbered) -> dict[str, Any]:
    names = {"v": 1, "tenant": wanted.tenant, "store": wanted.store, "box": wanted.box}
    return {**names, **numbered._asdict()}


def _told(surroundings: Surroundings) -> dict[str, Any]:
    return {
        "broker": {
            "host": surroundings.broker_host,
            "port": surroundings.broker_port,
            "server_name": surroundings.broker_server_name,
        },
        "card_zone_key": surroundings.card_zone_key,
        "configuration_signer": surroundings.configuration_signer,
    }
