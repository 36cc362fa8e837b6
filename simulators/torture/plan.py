"""What a torture will do, drawn from one seed before anything runs: rounds, and in each of them faults by time.

Pure. The same seed and minutes give the same plan on every machine; what a machine cannot do is drawn all the same
and counted as not tried, so that the rest stays as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

PARTS = ("box", "secure", "cloud", "cardzone", "broker")
BROKERS = ("nats", "mosquitto")
DATABASES = ("sqlite", "postgresql")
LINKS = ("uplink", "acquirer")
CUTS = (
    "latency",
    "blackhole",
    "reset",
    "half_open",
    "slicer",
    "bandwidth",
    "byte_limit",
    "combined",
)
RESTORES = ("database", "broker_store")
SYNCING = ("box", "cloud", "cardzone")  # parts whose syncs can be made to fail

BOXES = 2  # one alone would hide what a fault does to the neighbour; more starve two cores
ROUND_S_MAX = 150  # of load on one installation: long enough for backlogs, short enough to see many brokers
ROUNDS_MIN = 2  # each broker at least once
FAULT_EVERY_S = 2.2  # between two faults: with less nearly no card payment comes through, and none is tested
CALM_S = 0.5  # of a fault's slot kept free, so that the order of faults is that of the plan
# How long a fault lasts: beyond every patience of a payment at the upper end (6 s), a hiccup at the lower.
STOP_S = (0.4, 8.0)
CUT_S = (0.8, 8.0)
HOLD_S = (0.5, 3.0)  # a stolen client id, a full disk, syncs that fail
# A shop that is wired up again by hand takes longer; a supervisor is quicker.
DOWN_S = (0.0, 1.5)


class Fault(NamedTuple):
    """One fault: when after the round's begin, what, on what, for how long, with which numbers."""

    at_s: float
    kind: str  # kill, stop, cut, takeover, restore, fill, fsync
    what: str
    lasts_s: float
    numbers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """One installation's share of a torture."""

    number: int
    seed: str
    broker: str
    database: str
    seconds: float
    faults: tuple[Fault, ...] = field(repr=False)


def draw(seed: int, minutes: float, brokers: tuple[str, ...] = BROKERS) -> list[Round]:
    """The whole plan. Brokers take turns, and so do databases, every second time the other way round."""
    seconds = minutes * 60
    count = max(min(ROUNDS_MIN, len(brokers)), math.ceil(seconds / ROUND_S_MAX))
    return [
        _round(number, f"{seed}/{number}", brokers[number % len(brokers)], seconds / count)
        for number in range(count)
    ]


def _round(number: int, seed: str, broker: str, seconds: float) -> Round:
    choices = Random(seed)  # noqa: S311 - faults, not keys
    database = DATABASES[(number + number // len(DATABASES)) % len(DATABASES)]
    deck: list[tuple[str, str]] = []
    while len(deck) < seconds / FAULT_EVERY_S or not deck:
        deck += _deck(choices)
    slot_s = seconds / len(deck)
    faults = (
        _fault(choices, slot_s * place + choices.uniform(0, max(0.0, slot_s - CALM_S)), *one)
        for place, one in enumerate(deck)
    )
    return Round(number, seed, broker, database, seconds, tuple(faults))


def _deck(choices: Random) -> list[tuple[str, str]]:
    """Every kind of fault once, shuffled: whatever the seed, none is left out for long."""
    deck = [
        *(("kill", part) for part in PARTS),
        *(("stop", part) for part in PARTS),
        *(("cut", kind) for kind in CUTS),
        *(("restore", what) for what in RESTORES),
        ("takeover", "client_id"),
        ("fill", "disk"),
        *(("fsync", part) for part in SYNCING),
    ]
    choices.shuffle(deck)
    return deck


def _fault(choices: Random, at_s: float, kind: str, what: str) -> Fault:
    lasts = {
        "stop": STOP_S,
        "cut": CUT_S,
        "takeover": HOLD_S,
        "fill": HOLD_S,
        "fsync": HOLD_S,
        "kill": DOWN_S,
    }
    lasts_s = round(choices.uniform(*lasts.get(kind, (0.0, 0.0))), 3)
    numbers: dict[str, Any] = {"box": choices.randrange(BOXES)}
    if kind == "cut":
        numbers |= {"link": choices.choice(LINKS), **_conditions(choices, what)}
    return Fault(round(at_s, 3), kind, what, lasts_s, numbers)


def _conditions(choices: Random, what: str) -> dict[str, Any]:
    """The numbers of one kind of cut; every number is drawn always, so that plans stay alike when a kind is added."""
    drawn: dict[str, Any] = {
        "latency_ms": choices.randrange(100, 2_500),
        "slice_bytes": choices.randrange(1, 200),
        "bytes_per_s": choices.randrange(300, 8_000),
        "byte_limit": choices.randrange(1, 6_000),
        "kept": choices.choice(("client", "server")),
    }
    wanted = {
        "latency": ("latency_ms",),
        "slicer": ("slice_bytes",),
        "bandwidth": ("bytes_per_s",),
        "byte_limit": ("byte_limit",),
        "half_open": ("kept",),
        "combined": ("latency_ms", "slice_bytes", "bytes_per_s"),
    }
    found = {name: drawn[name] for name in wanted.get(what, ())}
    return {**found, "is_blackhole": True} if what == "blackhole" else found
