"""Faults of the network and of the broker, and messages that nobody should have sent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from protocol import topics
from protocol.messages import encode_receipt
from protocol.seal import seal
from simulators.world.ground import SHARD, STORE, TENANT
from simulators.world.wire import DOWN, FINE, UP, Weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.world.scene import Scene
    from simulators.world.schedule import Fault
    from simulators.world.wire import Wire

WEATHER_S = (5.0, 60.0)
PARTITION_S = (2.0, 120.0)  # shorter and longer than every patience of the links
BROKER_AWAY_S = (0.5, 15.0)


class NetworkFaults:
    """See the module; `acts` names what is done by kind."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.acts: dict[str, Callable[[Fault], None]] = {
            "message-lost": self._weather,
            "message-delayed": self._weather,
            "message-doubled": self._weather,
            "message-reordered": self._weather,
            "partition": self._partition,
            "partition-one-way": self._partition,
            "broker-restart": self._restart_broker,
            "takeover": self._take_over,
            "poison": self._send,
            "garbage": self._send,
            "replay": self._send,
            "foreign": self._send,
            "forged-receipt": self._forge_receipt,
        }

    def heal(self) -> None:
        """All ways are fine again."""
        self._scene.ground.broker.come_back()
        for wire in self._scene.wires:
            wire.weather, wire.cut = FINE, frozenset()

    def _weather(self, fault: Fault) -> None:
        """Messages of one client are lost, delayed, doubled or reordered for a while; the way counts each of them."""
        wire = fault.chance.choice(self._scene.wires)
        share = fault.chance.choice((0.05, 0.2, 0.6))
        longest_s = fault.chance.choice((0.5, 3.0, 15.0))
        weather = {
            "message-lost": Weather(fault.chance, loss=share),
            "message-delayed": Weather(fault.chance, delay_s=(0.05, longest_s)),
            "message-doubled": Weather(fault.chance, doubled=share),
            "message-reordered": Weather(fault.chance, reordered=share),
        }[fault.kind]
        wire.weather = weather
        self._scene.later(fault, WEATHER_S, partial(_clear, wire, weather))
        what = f"up to {longest_s} s" if fault.kind == "message-delayed" else f"{share:.0%} of them"
        self._scene.did(fault, wire.name, what, is_counted=False)

    def _partition(self, fault: Fault) -> None:
        wire = fault.chance.choice(self._scene.wires)
        way = fault.chance.choice((UP, DOWN))
        cut = frozenset((UP, DOWN) if fault.kind == "partition" else (way,))
        wire.cut = cut
        self._scene.ground.broker.cut(wire)
        self._scene.later(fault, PARTITION_S, partial(_mend, wire, cut))
        self._scene.did(fault, wire.name, "" if fault.kind == "partition" else way)

    def _restart_broker(self, fault: Fault) -> None:
        broker = self._scene.ground.broker
        broker.restart()
        self._scene.later(fault, BROKER_AWAY_S, broker.come_back)
        self._scene.did(fault, "broker")

    def _take_over(self, fault: Fault) -> None:
        site = self._scene.site(fault)
        if self._scene.ground.broker.take_over(site.config.client_id):
            self._scene.did(fault, site.name)

    def _send(self, fault: Fault) -> None:
        """Somebody who may publish sends what he should not; a broker that is away hears nothing."""
        broker, chance = self._scene.ground.broker, fault.chance
        is_repeated = fault.kind in ("replay", "foreign")
        if not broker.is_up or (is_repeated and not broker.heard):
            return
        site = self._scene.site(fault)
        topic = f"tb1/{SHARD}/{TENANT}/{STORE}/{site.name}/up/{chance.choice(('evt', 'req'))}"
        payload = chance.randbytes(chance.choice((0, 31, 200, 4_000)))
        if fault.kind == "poison" and site.box is not None:
            topic, payload = site.box.identity.seal(topic.rpartition("/")[2], payload)
        if is_repeated:
            old, payload = chance.choice(broker.heard)
            topic = old if fault.kind == "replay" else topic
        broker.publish(topic, payload, retain=False)
        self._scene.did(fault, site.name, f"{len(payload)} bytes to {topic.rpartition('/')[2]}")

    def _forge_receipt(self, fault: Fault) -> None:
        """Somebody who can read the replica and write to a box, but has no key, tells it that all of it is stored."""
        site, key = self._scene.site(fault), fault.chance.randbytes(32)
        if site.box is None or not self._scene.ground.broker.is_up:
            return
        journal = site.box.journal
        receipt = {
            "v": 1,
            "generation": journal.generation,
            "through": journal.synced_through,
            "chain": journal.synced_chain.hex(),
            "epoch": max(1, site.box.memory.epoch),
            "status": "ok",
            "resend_from": 0,
            "cloud_time_ms": self._scene.ground.now_ms(),
        }
        topic = topics.build(SHARD, TENANT, STORE, site.name, topics.DOWN, "receipt")
        self._scene.ground.broker.publish(topic, seal(key, topic, encode_receipt(receipt)), retain=False)
        self._scene.did(fault, site.name, f"through {journal.synced_through}")


def _clear(wire: Wire, weather: Weather) -> None:
    """This weather is over, unless another came meanwhile."""
    if wire.weather is weather:
        wire.weather = FINE


def _mend(wire: Wire, cut: frozenset[str]) -> None:
    if wire.cut is cut:
        wire.cut = frozenset()
