"""What enrolment decides: what may become a box, numbers that are never used twice, client ids, shards. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from protocol.device_rules import device_faults
from protocol.errors import CallerError, ConfigError
from protocol.money import exponent
from protocol.topics import check_name, shard_number, shard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_BOX_NUMBER = 65_023  # of 16 bits; the numbers above belong to the cloud's own makers of ids
NONCE_BYTES = 6  # an id that nobody guesses, so nobody can take over a session by naming it


class NewBox(NamedTuple):
    """A box as it is asked for; an empty shard means the tenant's own."""

    tenant: str
    store: str
    box: str
    shard: str = ""
    replaces: bool = False  # shuts out the box that has this name in service


class Numbered(NamedTuple):
    """What the rules gave a box."""

    box_number: int
    shard: str
    client_id: str


def check_new(wanted: NewBox, currency: str, devices: object) -> None:
    """Refuse what a box would refuse at its start, before anything is made.

    Errors: PeerError "topic-...", "currency-unknown"; ConfigError "devices-wrong" with every fault of the devices.
    """
    for name in wanted[:3]:
        check_name(name)
    if wanted.shard:
        shard_number(wanted.shard)
    exponent(currency)
    faults = device_faults(devices)
    if faults:
        raise ConfigError("devices-wrong", "; ".join(faults), "Correct --devices")


def check_not_in_service(wanted: NewBox, serials: Sequence[str]) -> None:
    """Refuse to shut out a box that holds the name (`serials` are its certificates); CallerError "box-in-service"."""
    if serials and not wanted.replaces:
        raise CallerError(
            "box-in-service",
            f"{wanted.tenant} has a box {wanted.box} in service, which a second one of this name would shut out",
            "Choose another name, revoke that box first, or say --replace",
        )


def number_box(
    wanted: NewBox, last_number: int, tenant_shard: str, random_bytes: Callable[[int], bytes]
) -> Numbered:
    """Give the next number of the tenant, its shard and a client id.

    `last_number` is the highest that the tenant ever used, 0 for none; `tenant_shard` is "" for a new tenant.
    The client id is also the certificate's common name, which may have 64 characters: that is why it holds the
    number and not the box's name. A NATS server refuses ids with dots, and no name has an underscore.
    Errors: CallerError "box-numbers-used-up", "shard-differs". What else may be wrong was found by `check_new`.

    >>> number_box(NewBox("acme", "north", "till-1"), 16, "2a", lambda count: bytes(count))
    Numbered(box_number=17, shard='2a', client_id='acme_17_000000000000')
    """
    if last_number >= MAX_BOX_NUMBER:
        raise CallerError(
            "box-numbers-used-up", f"{wanted.tenant} used all its box numbers", "Open a second tenant"
        )
    shard = tenant_shard or wanted.shard or shard_of(wanted.tenant)
    if wanted.shard and wanted.shard != shard:
        raise CallerError("shard-differs", f"{wanted.tenant} lives in shard {shard}", "Leave --shard away")
    number = last_number + 1
    return Numbered(number, shard, f"{wanted.tenant}_{number}_{random_bytes(NONCE_BYTES).hex()}")
