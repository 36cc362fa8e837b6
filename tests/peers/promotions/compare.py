"""Walks through scenarios: each step changes the shop, or states what comes out and is compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from protocol.errors import TillboxError
from tests.peers.promotions import steps_cart, steps_promotions, steps_shop, steps_states
from tests.peers.promotions.gherkin import Scenario, Step, scenarios_in
from tests.peers.promotions.ours import priced
from tests.peers.promotions.outside import is_passed_over, reason_outside
from tests.peers.promotions.shop import Money, Shop, UnmappedError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.peers.promotions.sentences import Sentence

CHANGES = steps_shop.SENTENCES + steps_promotions.SENTENCES + steps_cart.SENTENCES
STATES = steps_states.SENTENCES


@dataclass
class Stated:
    """One thing that a scenario expects, and what came."""

    step: str
    expected: object
    came: object

    @property
    def is_equal(self) -> bool:
        """Tell whether it came as expected."""
        return self.expected == self.came


@dataclass
class Verdict:
    """What became of one scenario: `reason` says why it is not mapped, "" when it is."""

    scenario: Scenario
    reason: str = ""
    stated: list[Stated] = field(default_factory=list)
    passed_over: int = 0

    @property
    def is_mapped(self) -> bool:
        """Tell whether every step was read and something was compared."""
        return not self.reason

    @property
    def different(self) -> list[Stated]:
        """What came otherwise than expected."""
        return [stated for stated in self.stated if not stated.is_equal]

    @property
    def amounts(self) -> int:
        """How many amounts of money were compared."""
        return sum(isinstance(stated.expected, Money) for stated in self.stated)


def compare(place: Path) -> list[Verdict]:
    """The verdict on every scenario of a file or below a folder."""
    return [judge(scenario) for scenario in scenarios_in(place)]


def judge(scenario: Scenario) -> Verdict:
    """Walk through one scenario. What is outside pricing is looked for first, so that the reason is the telling one."""
    verdict = Verdict(scenario)
    for step in scenario.steps:
        verdict.reason = verdict.reason or reason_of(step)
    if verdict.reason:
        return verdict
    shop = Shop()
    try:
        for step in scenario.steps:
            _walk(shop, step, verdict)
    except UnmappedError as unmapped:
        verdict.reason = str(unmapped)
    except TillboxError as refused:
        verdict.reason = f"refused by the engine: {refused}"
    if not verdict.reason and not verdict.stated:
        verdict.reason = "it states nothing that a sale decides"
    return verdict


def reason_of(step: Step) -> str:
    """Say why a step leaves its scenario unmapped; "" when there is a reader for it."""
    text = step.text
    if is_passed_over(text) or _first(STATES, text) is not None:
        return ""
    return reason_outside(text) or ("" if _first(CHANGES, text) else f"a sentence without a reader: {text}")


def _walk(shop: Shop, step: Step, verdict: Verdict) -> None:
    if is_passed_over(step.text):
        verdict.passed_over += 1
        return
    states = _first(STATES, step.text)
    if states is not None:
        pair = states.act(shop, priced(shop), *states.values(step.text))
        if isinstance(pair, tuple):
            verdict.stated.append(Stated(step.text, *pair))
        return
    changes = _first(CHANGES, step.text)
    if changes is not None:
        changes.act(shop, *changes.values(step.text))


def _first(sentences: list[Sentence], text: str) -> Sentence | None:
    return next((sentence for sentence in sentences if sentence.reads(text)), None)
