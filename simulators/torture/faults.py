"""Carries out the faults of a plan on a running installation, and counts what was really done.

A fault that finds nothing to break (a part that is just down) waits for it a while, and counts as missed when it does
not come. What the machine cannot do counts as not tried, with the reason.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from protocol.errors import ConfigError
from simulators.demo.estate import tillbox
from simulators.fault_proxy import CLEAR, Conditions
from simulators.torture import failing_syncs
from simulators.torture.mqtt import hold_client_id
from simulators.torture.parts import find_part, is_alive, send
from simulators.torture.site import put_back_broker_store

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.fault_proxy import FaultProxy
    from simulators.torture.plan import Fault, Round
    from simulators.torture.site import Site, Till

PART_S = 12.0  # a child that died often is started again after 10 s
LOOK_S = 0.05  # between two looks whether a part is there
FILL_BYTES = 65_536  # at once, until the disk has no more
FILL_BYTES_MAX = 64 * 1024 * 1024  # beyond it this is not the small disk that it should be

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """What was done."""

    kills: Counter[str] = field(default_factory=Counter)
    stops: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    restores: Counter[str] = field(default_factory=Counter)
    sync_failures: Counter[str] = field(default_factory=Counter)
    takeovers: int = 0
    disk_fills: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    not_tried: dict[str, dict[str, Any]] = field(default_factory=dict)

    def skip(self, what: str, why: str) -> None:
        """Count something that this machine cannot do."""
        entry = self.not_tried.setdefault(what, {"what": what, "count": 0, "why": why})
        entry["count"] += 1


class Tormentor:
    """Breaks one site by plan; `run` returns when every fault is over and everything stopped was continued."""

    def __init__(self, site: Site, plan: Round, tally: Tally) -> None:
        self._site = site
        self._plan = plan
        self._tally = tally
        self._stopped: list[int] = []
        self._restoring = asyncio.Lock()

    async def run(self) -> None:
        """Every fault at its time; those that last may overlap."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            async with asyncio.TaskGroup() as under_way:
                for fault in self._plan.faults:
                    await asyncio.sleep(max(0.0, began_s + fault.at_s - loop.time()))
                    _log.info("%.1f s: %s", loop.time() - began_s, fault)
                    under_way.create_task(self._do(fault))
        finally:
            for pid in self._stopped:
                send(pid, signal.SIGCONT)

    async def _do(self, fault: Fault) -> None:
        await getattr(self, f"_{fault.kind}")(fault, self._till(fault))

    def _till(self, fault: Fault) -> Till:
        number: int = fault.numbers["box"]
        return self._site.tills[number % len(self._site.tills)]

    async def _kill(self, fault: Fault, till: Till) -> None:
        keeper = till.keeper if fault.what == "box" else self._site.cloud
        if pid := await self._found(fault, till):
            if fault.what in ("box", "cloud"):
                keeper.down_s = fault.lasts_s
            if send(pid, signal.SIGKILL):
                self._tally.kills[fault.what] += 1

    async def _stop(self, fault: Fault, till: Till) -> None:
        if not (pid := await self._found(fault, till)) or not send(pid, signal.SIGSTOP):
            return
        self._tally.stops[fault.what] += 1
        self._stopped.append(pid)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            self._stopped.remove(pid)
            send(pid, signal.SIGCONT)

    async def _cut(self, fault: Fault, till: Till) -> None:
        proxy = till.proxy if fault.numbers["link"] == "uplink" else self._site.acquirer_proxy
        if fault.what in ("reset", "half_open") and not await self._is_joined(proxy):
            self._tally.missed[f"cut {fault.what}"] += 1
            return
        self._tally.cuts[fault.what] += 1
        if fault.what == "reset":
            proxy.reset()
        elif fault.what == "half_open":
            proxy.half_open(fault.numbers["kept"])
        else:
            await _worsen(proxy, fault)

    async def _takeover(self, fault: Fault, till: Till) -> None:
        held = await hold_client_id(till.lane.directory, self._site.broker_port, fault.lasts_s)
        if held:
            self._tally.takeovers += 1
        else:
            self._tally.missed["takeover"] += 1

    async def _restore(self, fault: Fault, till: Till) -> None:
        """Put an old copy back; the cloud is killed before, as whatever made the restore necessary would have done."""
        del till
        site = self._site
        async with self._restoring:
            broker = find_part("broker", site.cloud.process.pid)
            site.cloud.process.kill()
            async with site.cloud.held():
                await _ended(broker)
                if fault.what == "database":
                    await site.store.put_back()
                    await tillbox("cloud", "restored", "--data", str(site.cloud_directory), "--yes")
                else:
                    await asyncio.to_thread(
                        put_back_broker_store, site.backup, site.cloud_directory / "broker"
                    )
            self._tally.restores[fault.what] += 1

    async def _fill(self, fault: Fault, till: Till) -> None:
        """Fill the small disk of whichever box has one."""
        small = next((one for one in self._site.tills if not one.disk), None)
        if small is None:
            self._tally.skip("disk-full", self._site.tills[-1].disk)
            return
        del till
        filler = small.work / "filler"
        # A full disk gives back what the cloud has confirmed. A cloud that forgets that afterwards is promised nothing
        # (docs/explanation/not-promised.md), so the next restore is to a backup from after this.
        async with self._restoring:
            try:
                await asyncio.to_thread(_fill, filler)
                self._tally.disk_fills += 1
                await asyncio.sleep(fault.lasts_s)
            finally:
                filler.unlink(missing_ok=True)
            await self._site.back_up()

    async def _fsync(self, fault: Fault, till: Till) -> None:
        """Let a part's syncs fail for a while, as a disk does that is about to die, or a full thin volume."""
        if fault.what != "box":
            await self._fail_below_python(fault, till)
            return
        till.syncs_fail.touch()
        self._tally.sync_failures[fault.what] += 1
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            till.syncs_fail.unlink(missing_ok=True)  # of two that overlap the first to end ends both

    async def _fail_below_python(self, fault: Fault, till: Till) -> None:
        """The same for a part whose database syncs by itself. A process that dies meanwhile takes the fault along."""
        if not self._site.has_libfiu:
            self._tally.skip(f"fsync of {fault.what}", failing_syncs.NOT_WANTED)
            return
        pid, pipes = await self._found(fault, till), self._site.sync_pipes
        if not pid or not await failing_syncs.let_fail(pipes, pid, is_failing=True):
            self._tally.missed[f"fsync {fault.what}"] += 1
            return
        self._tally.sync_failures[fault.what] += 1
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            await failing_syncs.let_fail(pipes, pid, is_failing=False)

    async def _is_joined(self, proxy: FaultProxy) -> bool:
        """Whether there is a connection to cut, waited for while there is none."""
        ends_s = asyncio.get_running_loop().time() + PART_S
        while not proxy.connections and asyncio.get_running_loop().time() < ends_s:  # noqa: ASYNC110 - other processes join
            await asyncio.sleep(LOOK_S)
        return proxy.connections > 0

    async def _found(self, fault: Fault, till: Till) -> int:
        """The process that a fault means, waited for while it is down; 0 when it does not come."""
        owner = till.lane.process if fault.what in ("box", "secure") else self._site.cloud.process
        ends_s = asyncio.get_running_loop().time() + PART_S
        while not (pid := find_part(fault.what, owner.pid)):
            if asyncio.get_running_loop().time() > ends_s:
                self._tally.missed[f"{fault.kind} {fault.what}"] += 1
                return 0
            await asyncio.sleep(LOOK_S)
        return pid


async def _worsen(proxy: FaultProxy, fault: Fault) -> None:
    """Make a link bad for a while; the last fault on one link decides, and who made it bad last makes it good."""
    names = set(Conditions.__dataclass_fields__)
    wanted = Conditions(**{name: value for name, value in fault.numbers.items() if name in names})
    proxy.conditions = wanted
    try:
        await asyncio.sleep(fault.lasts_s)
    finally:
        if proxy.conditions is wanted:
            proxy.conditions = CLEAR


async def _ended(pid: int) -> None:
    """Kill a process whose parent is gone, and wait until it wrote its last byte."""
    send(pid, signal.SIGKILL)
    ends_s = asyncio.get_running_loop().time() + PART_S
    while pid and is_alive(pid):
        if asyncio.get_running_loop().time() > ends_s:
            raise ConfigError("process-not-ended", f"process {pid} does not end", "Look at the machine.")
        await asyncio.sleep(LOOK_S)


def _fill(filler: Path) -> None:
    block = bytes(FILL_BYTES)
    with filler.open("wb", buffering=0) as file:
        for _ in range(FILL_BYTES_MAX // FILL_BYTES):
            try:
                file.write(block)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                return
    raise ConfigError("disk-too-large", f"{filler.parent.name} took {FILL_BYTES_MAX} bytes", "Is it mounted?")
