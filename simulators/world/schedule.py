"""What goes wrong in a world and when: a list that the seed decides before the world begins.

Each fault has a number, and a generator of its own for everything that is decided about it later: leaving one out
moves no other, and the first faults of a long world are those of a short one. Who carries them out: `faults`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from simulators.world.seeds import Seeds

EVERY_S = (4.0, 36.0)  # between two faults: some sales go through in peace, most meet one

# What the acquirer does with the next purchase: the numbers of its cases (`simulators.acquirer.magic`).
CHANNEL = {
    "channel-silent": (81, 82, 89, 98),
    "channel-late": (79, 80),
    "channel-late-after-reversal": (84,),
    "channel-double": (83, 93),
    "channel-wrong-amount": (85, 88, 90, 95),
    "channel-decline": (5, 51, 91),
}

KINDS = (
    "message-lost",
    "message-delayed",
    "message-doubled",
    "message-reordered",
    "partition",
    "partition-one-way",
    "broker-restart",
    "takeover",
    "slow-consumer",
    "crash-box",
    "crash-box",
    "crash-cloud",
    "crash-zone",
    "pause",
    "fsync-error",
    "fsync-drops-pages",
    "disk-full",
    "bit-flip",
    "clock-forward",
    "clock-back",
    "clock-offset",
    "clock-wrong-year",
    "clock-drift",
    "clock-cloud",
    "poison",
    "garbage",
    "replay",
    "foreign",
    "forged-receipt",
    "old-configuration",
    "configuration-pushed",
    "configuration-sick",
    "configuration-rollback",
    "configuration-wrong-target",
    "configuration-forged",
    *CHANNEL,
)

# A cloud that forgets is promised what the boxes still hold; these faults may take away a box's own copy meanwhile.
DESTROYING = (
    *("bit-flip", "disk-full", "fsync-error", "fsync-drops-pages", "clock-forward", "clock-wrong-year"),
    *("configuration-sick", "old-configuration"),
)
# A box whose disk forgets makes its next ids from its clock alone; with a wrong one it may make some of them twice.
CONFUSING = ("clock-forward", "clock-back", "clock-wrong-year")

ORDINARY = KINDS
CLOUD_FORGETS = (*(kind for kind in KINDS if kind not in DESTROYING), "old-database")
BOX_FORGETS = (
    *(kind for kind in KINDS if kind not in CONFUSING),
    *("old-disk", "old-disk", "old-journal", "old-journal"),
)
# How often a world is of which sort, in the order of `random.choices`.
SORTS = (ORDINARY, CLOUD_FORGETS, BOX_FORGETS)
WEIGHTS = (0.5, 0.2, 0.3)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is to go wrong: `chance` decides whatever else is to be decided about it."""

    number: int
    at_s: float  # after the shoppers began to come
    kind: str
    chance: Random


def plan(seeds: Seeds, length_s: float) -> list[Fault]:
    """All faults of a world of that length, numbered from 1."""
    chance = seeds.chance("schedule")
    (kinds,) = chance.choices(SORTS, WEIGHTS)
    faults: list[Fault] = []
    at_s = chance.uniform(*EVERY_S)
    while at_s < length_s:
        number = len(faults) + 1
        faults.append(Fault(number, at_s, chance.choice(kinds), seeds.chance(f"fault {number}")))
        at_s += chance.uniform(*EVERY_S)
    return faults
