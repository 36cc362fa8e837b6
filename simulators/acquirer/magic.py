"""The one table of magic amounts: what the simulated acquirer does when an amount or a card asks for it.

An amount from 9,900.00 to 9,999.99 (990000 to 999999 minor units) is magic: its last two digits are a case.
Every other amount is approved, unless the card carries a case (`simulators.cards`).
docs/reference/magic-amounts.md shows this table; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAGIC_FROM_MINOR = 990_000
MAGIC_BELOW_MINOR = 1_000_000

# What leaves the host for a purchase, in order. "late" waits; all others go at once.
Step = Literal[
    "answer",
    "late",
    "garbage",
    "half",  # half of the answer, then the link is cut
    "drip",  # the answer byte by byte
    "oversize",  # a length that no message has, then nothing useful
    "other-amount",
    "other-currency",
    "other-terminal",
    "other-type",
    "no-codes",  # approval code and RRN are missing
    "partial",
    "decline",
]


@dataclass(frozen=True, slots=True)
class Case:
    """One way to answer. `captures`: when the money is taken; `reversal`: what reversals of it meet first."""

    number: int
    name: str
    meaning: str
    code: str = "00"
    captures: Literal["now", "late", "never"] = "now"
    steps: tuple[Step, ...] = ("answer",)
    reversal: tuple[
        str, ...
    ] = ()  # one entry for each reversal message: "silent" or a response code; then 00


def _decline(number: int, meaning: str) -> Case:
    return Case(number, f"declined-{number:02d}", meaning, code=f"{number:02d}", captures="never")


_TABLE = (
    Case(0, "approved", "approved"),
    _decline(1, "call the issuer"),
    _decline(4, "withhold the card"),
    _decline(5, "declined by the issuer"),
    _decline(12, "invalid purchase"),
    _decline(13, "invalid amount"),
    _decline(14, "invalid card number"),
    _decline(30, "format error"),
    _decline(41, "card lost"),
    _decline(43, "card stolen"),
    _decline(51, "not enough money"),
    _decline(54, "card expired"),
    _decline(55, "wrong PIN"),
    _decline(57, "not permitted for this card"),
    _decline(58, "not permitted at this terminal"),
    _decline(59, "fraud suspected"),
    _decline(61, "amount above the card's limit"),
    _decline(62, "card restricted"),
    _decline(65, "too many purchases"),
    Case(68, "undecided", "captured, answered with 68 (response received too late)", code="68"),
    _decline(75, "too many PIN tries"),
    Case(
        79,
        "late-reversal-silent",
        "captured at once, answered after the time-out; the first two reversals are not answered",
        steps=("late",),
        reversal=("silent", "silent"),
    ),
    Case(80, "late", "captured at once, answered after the time-out", steps=("late",)),
    Case(81, "silent-captured", "captured, never answered", steps=()),
    Case(82, "silent-lost", "the request is lost: neither captured nor answered", captures="never", steps=()),
    Case(83, "double", "answered twice", steps=("answer", "answer")),
    Case(
        84,
        "late-after-reversal",
        "processed late: a reversal that came before is accepted as of an unknown purchase, then the money is captured",
        captures="late",
        steps=("late",),
    ),
    Case(85, "other-amount", "approved over another amount", steps=("other-amount",)),
    Case(86, "garbage", "bytes that are no message, then the answer", steps=("garbage", "answer")),
    Case(87, "half", "half an answer, then the link is cut", steps=("half",)),
    Case(88, "partial", "approved in part (code 10)", code="10", steps=("partial",)),
    Case(
        89,
        "reversal-silent",
        "captured, never answered; the first three reversals are not answered either",
        steps=(),
        reversal=("silent", "silent", "silent"),
    ),
    Case(90, "other-currency", "approved in another currency", steps=("other-currency",)),
    _decline(91, "issuer not available"),
    Case(92, "other-terminal", "the answer names another terminal", steps=("other-terminal",)),
    Case(93, "contradiction", "approved, then declined", steps=("answer", "decline")),
    Case(94, "other-type", "an answer of an unknown message type", steps=("other-type",)),
    Case(95, "no-codes", "approved without approval code and RRN", steps=("no-codes",)),
    _decline(96, "host error"),
    Case(97, "drip", "approved, byte by byte", steps=("drip",)),
    Case(
        98,
        "reversal-passing",
        "captured, never answered; the first two reversals meet 96 (host error)",
        steps=(),
        reversal=("96", "96"),
    ),
    Case(
        99,
        "reversal-refused",
        "captured, never answered; the first reversal is refused (12)",
        steps=(),
        reversal=("12",),
    ),
)
CASES: dict[int, Case] = {case.number: case for case in _TABLE}


def case_of(amount_minor: int, card_case: int = -1) -> Case:
    """Choose: the card's case, then the amount's; a magic amount without a case is approved."""
    if card_case >= 0:
        return CASES[card_case]
    if MAGIC_FROM_MINOR <= amount_minor < MAGIC_BELOW_MINOR:
        return CASES.get(amount_minor % 100, CASES[0])
    return CASES[0]


def as_markdown() -> str:
    """Write the table as docs/reference/magic-amounts.md shows it."""
    lines = ["| digits | name | what the acquirer does | money captured |", "|---|---|---|---|"]
    lines += [f"| {case.number:02d} | {case.name} | {case.meaning} | {case.captures} |" for case in _TABLE]
    return "\n".join(lines)
