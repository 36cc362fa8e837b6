"""What goes wrong in a world, and when: all of it from the seed, one table of kinds.

Each kind does its harm and, where it lasts, ends by itself; `heal` ends all. `ground.counts` tells what was really
done, by kind; message faults count messages. Crashes wait for a fault point that the chosen process passes.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from simulators.world.ground import SHARD, STORE, TENANT
from simulators.world.wire import DOWN, FINE, UP, Weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.acquirer.host import Acquirer
    from simulators.world.box import BoxSite
    from simulators.world.cloud import WorldCloud
    from simulators.world.ground import Ground
    from simulators.world.units import Unit, Units
    from simulators.world.wire import Wire

EVERY_S = (4.0, 36.0)  # between two faults: some sales go through in peace, most meet one
DOWN_S = (0.5, 25.0)  # a process is started again: at once, or after somebody came
ARMED_S = 180.0  # a crash that never found its fault point is given up
WEATHER_S = (5.0, 60.0)
PARTITION_S = (2.0, 120.0)  # shorter and longer than every patience of the links
BROKER_AWAY_S = (0.5, 15.0)
PAUSE_S = (1.0, 40.0)
FULL_S = (2.0, 60.0)
CLOCK_S = (10.0, 300.0)
HOUR_MS, DAY_MS, YEAR_MS = 3_600_000, 86_400_000, 31_536_000_000
CLOUD_SKEW_MS = 60_000  # a server keeps time better than a till
SLOW_INBOX = 4  # messages that wait for a client that stands still
FREE_BYTES = (0, 6_000)  # of a full disk: the next record fits, or not even that

BACKUP_AGE_S = (10.0, 900.0)
RESTORING_WORLDS = 0.25
# A cloud that forgets is promised what the boxes still hold; these faults may take away a box's own copy meanwhile.
DESTROYING = ("bit-flip", "disk-full", "fsync-error", "clock-forward", "clock-wrong-year")

# What the acquirer does with the next purchase: the numbers of its cases (`simulators.acquirer.magic`).
CHANNEL = {
    "channel-silent": (81, 82, 89, 98),
    "channel-late": (79, 80),
    "channel-late-after-reversal": (84,),
    "channel-double": (83, 93),
    "channel-wrong-amount": (85, 88, 90, 95),
    "channel-decline": (5, 51, 91),
}


class Faults:
    """See the module."""

    def __init__(
        self, ground: Ground, units: Units, sites: list[BoxSite], cloud: WorldCloud, acquirer: Acquirer
    ) -> None:
        self._ground, self._units, self._sites = ground, units, sites
        self._cloud, self._acquirer = cloud, acquirer
        self._chance = ground.seeds.chance("faults")
        self._seen: dict[str, set[str]] = defaultdict(set)
        self._armed: dict[tuple[str, str], str] = {}
        self._is_backed_up = self._is_healed = False
        units.at_point = self._at_point
        self._kinds: list[tuple[str, Callable[[str], None]]] = [
            ("message-lost", self._weather),
            ("message-delayed", self._weather),
            ("message-doubled", self._weather),
            ("message-reordered", self._weather),
            ("partition", self._partition),
            ("partition-one-way", self._partition),
            ("broker-restart", self._restart_broker),
            ("takeover", self._take_over),
            ("slow-consumer", self._slow),
            ("crash-box", self._crash),
            ("crash-box", self._crash),
            ("crash-cloud", self._crash),
            ("crash-zone", self._crash),
            ("pause", self._pause),
            ("fsync-error", self._fail_sync),
            ("disk-full", self._fill_disk),
            ("bit-flip", self._flip_bit),
            ("clock-forward", self._jump_clock),
            ("clock-back", self._jump_clock),
            ("clock-drift", self._jump_clock),
            ("clock-wrong-year", self._jump_clock),
            ("clock-cloud", self._skew_cloud),
            ("poison", self._send),
            ("garbage", self._send),
            ("replay", self._send),
            ("foreign", self._send),
            *[(kind, self._answer_badly) for kind in CHANNEL],
        ]

        if self._chance.random() < RESTORING_WORLDS:
            self._kinds = [one for one in self._kinds if one[0] not in DESTROYING]
            self._kinds.append(("old-database", self._restore_database))

    async def run(self) -> None:
        """Let things go wrong for ever."""
        while True:
            await asyncio.sleep(self._chance.uniform(*EVERY_S))
            kind, act = self._chance.choice(self._kinds)
            self._ground.trace.note("fault", kind)
            act(kind)

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self._is_healed = True
        self._armed.clear()
        self._ground.broker.come_back()
        self._cloud.clock.skew_ms = 0
        for wire in self._wires():
            wire.weather, wire.cut = FINE, frozenset()
        for site in self._sites:
            self._repair(site)
            site.jump_clock(0)

    def _wires(self) -> list[Wire]:
        return [*(site.wire for site in self._sites), self._cloud.wire]

    def _later(self, span: tuple[float, float], act: Callable[[], None]) -> None:
        self._ground.loop.call_later(self._chance.uniform(*span), act)

    def _count(self, kind: str) -> None:
        self._ground.counts[kind] += 1

    def _weather(self, kind: str) -> None:
        """Messages of one client are lost, delayed, doubled or reordered for a while; each of them is counted."""
        wire = self._chance.choice(self._wires())
        share = self._chance.choice((0.05, 0.2, 0.6))
        wire.weather = {
            "message-lost": Weather(loss=share),
            "message-delayed": Weather(delay_s=(0.05, self._chance.choice((0.5, 3.0, 15.0)))),
            "message-doubled": Weather(doubled=share),
            "message-reordered": Weather(reordered=share),
        }[kind]
        self._later(WEATHER_S, partial(setattr, wire, "weather", FINE))

    def _partition(self, kind: str) -> None:
        wire = self._chance.choice(self._wires())
        ways = [UP, DOWN] if kind == "partition" else [self._chance.choice((UP, DOWN))]
        wire.cut = frozenset(ways)
        self._ground.broker.cut(wire)
        self._count(kind)
        self._later(PARTITION_S, partial(setattr, wire, "cut", frozenset()))

    def _restart_broker(self, kind: str) -> None:
        self._ground.broker.restart()
        self._count(kind)
        self._later(BROKER_AWAY_S, self._ground.broker.come_back)

    def _take_over(self, kind: str) -> None:
        client = self._chance.choice([site.config.client_id for site in self._sites])
        self._ground.broker.take_over(client)
        self._count(kind)

    def _slow(self, kind: str) -> None:
        """A client stands still while its inbox is small: what does not fit is lost."""
        unit = self._chance.choice([unit for unit in self._units.all if unit.kind != "zone"])
        sites = [site for site in self._sites if site.name == unit.name]
        link = sites[0].link if sites else self._cloud.link
        if link is not None and link.session is not None and unit.is_alive:
            link.session.bound = SLOW_INBOX
            self._stop(unit)
            self._count(kind)

    def _pause(self, kind: str) -> None:
        unit = self._chance.choice(self._units.all)
        if unit.is_alive:
            self._stop(unit)
            self._count(kind)

    def _stop(self, unit: Unit) -> None:
        assert unit.process is not None, "it is alive"
        self._ground.loop.pause(unit.process)
        self._later(PAUSE_S, partial(self._ground.loop.resume, unit.process))

    def _crash(self, kind: str) -> None:
        """Crash one process at a fault point that its kind has passed before; or, now and then, at once."""
        unit = self._chance.choice([unit for unit in self._units.all if f"crash-{unit.kind}" == kind])
        points = sorted(self._seen[unit.kind])
        if not points or self._chance.random() < 0.1:
            self._kill(unit, kind)
            return
        name = (unit.name, self._chance.choice(points))
        self._armed[name] = kind
        self._ground.loop.call_later(ARMED_S, self._armed.pop, name, None)

    def _at_point(self, unit: Unit, name: str) -> bool:
        self._seen[unit.kind].add(name)
        kind = self._armed.pop((unit.name, name), "") if self._armed else ""
        if not kind:
            return False
        self._ground.trace.counts[f"crash-at {name}"] += 1
        self._kill(unit, kind)
        return True

    def _kill(self, unit: Unit, kind: str) -> None:
        if unit.is_alive:
            self._units.crash(unit, self._chance.uniform(*DOWN_S))
            self._count(kind)

    def _restore_database(self, kind: str) -> None:
        """The cloud's database is replaced by a copy that is minutes old, as after a disaster."""
        if self._is_backed_up or not self._cloud_unit.is_alive:
            return
        self._cloud.back_up()
        self._is_backed_up = True
        self._later(BACKUP_AGE_S, partial(self._fall_back, kind))

    def _fall_back(self, kind: str) -> None:
        self._is_backed_up = False
        if self._is_healed or not self._cloud_unit.is_alive:
            self._cloud.forget_backup()
            return
        self._kill(self._cloud_unit, kind)
        self._cloud.restore()

    @property
    def _cloud_unit(self) -> Unit:
        return next(unit for unit in self._units.all if unit.kind == "cloud")

    def _fail_sync(self, kind: str) -> None:
        site = self._chance.choice(self._sites)
        if site.disk is not None:
            site.disk.sync_fails = self._chance.choice((1, 1, 2, 4))
            self._count(kind)

    def _fill_disk(self, kind: str) -> None:
        site = self._chance.choice(self._sites)
        if site.disk is not None:
            site.disk.fill_up(self._chance.randint(*FREE_BYTES))
            self._count(kind)
            self._later(FULL_S, partial(self._repair, site))

    def _flip_bit(self, kind: str) -> None:
        """One bit of a journal turns, in a record that the cloud has confirmed: others have no second copy."""
        site = self._chance.choice(self._sites)
        if site.flip_bit(self._chance):
            self._count(kind)

    @staticmethod
    def _repair(site: BoxSite) -> None:
        if site.disk is not None:
            site.disk.sync_fails = 0
            site.disk.empty()

    def _jump_clock(self, kind: str) -> None:
        """A box's clock is wrong for a while: by seconds, hours, days, or as if it never had been set."""
        site, chance = self._chance.choice(self._sites), self._chance
        far_ms = chance.choice((30_000, HOUR_MS, 26 * HOUR_MS, 40 * DAY_MS))
        by_ms = {
            "clock-forward": far_ms,
            "clock-back": -far_ms,
            "clock-drift": chance.randint(-2_000, 2_000),
            "clock-wrong-year": chance.choice((-40, -6, 30)) * YEAR_MS,
        }[kind]
        site.jump_clock(by_ms)
        self._count(kind)
        self._later(CLOCK_S, partial(site.jump_clock, 0))

    def _skew_cloud(self, kind: str) -> None:
        self._cloud.clock.skew_ms = self._chance.randint(-CLOUD_SKEW_MS, CLOUD_SKEW_MS)
        self._count(kind)
        self._later(CLOCK_S, partial(setattr, self._cloud.clock, "skew_ms", 0))

    def _send(self, kind: str) -> None:
        """Somebody who may publish sends what he should not."""
        broker, chance = self._ground.broker, self._chance
        site = chance.choice(self._sites)
        topic = f"tb1/{SHARD}/{TENANT}/{STORE}/{site.name}/up/{chance.choice(('evt', 'req'))}"
        payload = chance.randbytes(chance.choice((0, 31, 200, 4_000)))
        if kind == "poison" and site.box is not None:
            topic, payload = site.box.identity.seal(topic.rpartition("/")[2], payload)
        if kind in ("replay", "foreign") and broker.heard:
            old, payload = chance.choice(broker.heard)
            topic = old if kind == "replay" else topic
        broker.publish(topic, payload, retain=False)
        self._count(kind)

    def _answer_badly(self, kind: str) -> None:
        self._acquirer.use_next(self._chance.choice(CHANNEL[kind]))
        self._count(kind)
