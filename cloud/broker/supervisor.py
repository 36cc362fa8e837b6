"""The broker that the cloud runs itself: which program, its files from the enrolments, start and reload."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cloud.broker import mosquitto, nats
from cloud.broker.access import box_grant, cloud_grant
from cloud.child import Child
from cloud.files import write_private
from cloud.fleet.authority import CLOUD_CLIENT_ID
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloud.broker.access import Admitted
    from cloud.broker.plan import Plan
    from cloud.fleet.authority import Authority

Kind = Literal["nats", "mosquitto"]

READY_TIMEOUT_S = 20.0  # NATS recovers its store in a second or two on a slow disk
LOOK_S = 0.02  # between two tries whether it listens

# Debian puts servers where a user's PATH does not look.
_MORE_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


def find_broker(choice: Literal["auto", "nats", "mosquitto"]) -> tuple[Kind, str]:
    """Find a program to run: for "auto" a mosquitto if there is one, else NATS; ConfigError "broker-missing"."""
    places = os.pathsep.join([os.defpath, *_MORE_PLACES])
    if choice != "nats":
        found = shutil.which("mosquitto") or shutil.which("mosquitto", path=places)
        if found is not None:
            return "mosquitto", found
    if choice != "mosquitto":
        beside = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        found = beside or shutil.which("nats-server")
        if found is not None:
            return "nats", found
    raise ConfigError(
        "broker-missing",
        f"No program for the broker ({choice}) is installed",
        "Install tillbox[cloud] or mosquitto",
    )


class Broker:
    """One broker as a child; `refresh` after boxes changed."""

    def __init__(self, kind: Kind, plan: Plan, authority: Authority) -> None:
        self.kind = kind
        self._plan = plan
        self._authority = authority
        self._written: dict[str, bytes] = {}
        module = nats if kind == "nats" else mosquitto
        self.child = Child(name=kind, command=module.command(plan), log=plan.directory / f"{kind}.log")

    def write(self, boxes: Iterable[Admitted]) -> bool:
        """Write the files for these boxes; tell whether anything is new."""
        grants = [cloud_grant(CLOUD_CLIENT_ID), *(box_grant(box) for box in boxes)]
        if self.kind == "nats":
            wanted = nats.files(self._plan, grants)
        else:
            wanted = mosquitto.files(self._plan, grants, self._authority.revocations())
        for name, data in wanted.items():
            if self._written.get(name) != data:
                write_private(self._plan.directory / name, data)
        is_new, self._written = wanted != self._written, wanted
        return is_new

    def refresh(self, boxes: Iterable[Admitted]) -> None:
        """Write the files again and have the broker read them, without a restart."""
        if self.write(boxes):
            self.child.reload()

    async def run(self) -> None:
        """Run until cancelled; `write` comes first."""
        await self.child.run()

    async def wait_until_listening(self) -> None:
        """Wait until somebody accepts connections there; ConfigError "broker-does-not-start"."""
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while not await self._listens():  # noqa: ASYNC110 - another process; there is no event
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise ConfigError(
                "broker-does-not-start",
                f"{self.kind} does not listen on {self._plan.host}:{self._plan.port}",
                f"Read {self._plan.directory.name}/{self.kind}.log in the data directory",
            ) from None

    async def _listens(self) -> bool:
        if self.child.pid is None:
            return False
        try:
            _, writer = await asyncio.open_connection(self._plan.host, self._plan.port)
        except OSError:
            return False
        writer.close()
        return True
