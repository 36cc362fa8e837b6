"""Test cards: numbers of public test ranges, what a reader does with them, and what the acquirer answers.

`CARDS` is the shopper's wallet. `host_case` is the number of a case of `simulators.acquirer.magic`; -1 leaves
the answer to the amount. `unique_card` makes any number of further cards, for tests that look for their
digits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from protocol.masking import mask_pan

Entry = Literal["contact", "contactless", "stripe"]
Behaviour = Literal["stays", "removed-early", "bad-read", "noisy", "half-read"]

# Chip data of a made-up card: amounts and cryptogram are constant, which no test acquirer checks in this form.
EMV_TAGS = (
    "9F2608A1B2C3D4E5F60718"
    "9F2701809F100706010A03A00000"
    "9F370412345678"
    "9F36020001"
    "950500000080009A032611229C01005F2A020978"
    "82021980"
    "9F1A020276"
    "9F3303E0F8C8"
)
UNIQUE_PREFIX = "4599"  # of cards made by number: no card above begins so


@dataclass(frozen=True, slots=True)
class TestCard:
    """One card; shows itself masked."""

    __test__ = False  # tests are made with it, it is none

    name: str
    pan: str = field(repr=False)
    brand: str
    entry: Entry = "contact"
    behaviour: Behaviour = "stays"
    host_case: int = -1
    expiry: str = "3012"
    sequence: str = "001"
    emv: str = EMV_TAGS

    @property
    def track2(self) -> str:
        """The equivalent of track 2: number, expiry, service code, filler."""
        filler = "0" * max(0, 37 - len(self.pan) - 1 - 4 - 3)
        return f"{self.pan}={self.expiry}201{filler[:10]}"

    @property
    def masked(self) -> str:
        """The number with its middle hidden."""
        return mask_pan(self.pan)


CARDS: tuple[TestCard, ...] = (
    TestCard("visa", "4111111111111111", "visa"),
    TestCard("visa-contactless", "4012888888881881", "visa", entry="contactless"),
    TestCard("mastercard", "5555555555554444", "mastercard"),
    TestCard("mastercard-two-series", "2223003122003222", "mastercard", entry="contactless"),
    TestCard("amex", "378282246310005", "amex", sequence=""),
    TestCard("unionpay", "6200000000000005", "unionpay"),
    TestCard("unionpay-nineteen", "6205500000000000004", "unionpay", entry="contactless"),
    TestCard("jcb", "3530111333300000", "jcb"),
    TestCard("discover", "6011111111111117", "discover"),
    TestCard("diners", "30569309025904", "diners"),
    TestCard("maestro", "6759649826438453", "maestro"),
    TestCard("stripe-only", "4222222222222", "visa", entry="stripe", sequence="", emv=""),
    TestCard("declined", "4000000000000002", "visa", host_case=5),
    TestCard("no-funds", "4000000000009995", "visa", host_case=51),
    TestCard("lost", "4000000000009987", "visa", host_case=41),
    TestCard("expired", "4000000000000069", "visa", host_case=54, expiry="2001"),
    TestCard("limit", "5105105105105100", "mastercard", host_case=61),
    TestCard("late", "4000000000000077", "visa", host_case=80),
    TestCard("silent-captured", "4000000000000127", "visa", host_case=81),
    TestCard("silent-lost", "4000000000000341", "visa", host_case=82),
    TestCard("late-after-reversal", "4000000000000259", "visa", host_case=84),
    TestCard("removed-early", "4242424242424242", "visa", behaviour="removed-early"),
    TestCard("bad-read", "4000056655665556", "visa", behaviour="bad-read"),
    TestCard("half-read", "5200828282828210", "mastercard", behaviour="half-read"),
    TestCard("noisy-line", "4917610000000000", "visa", behaviour="noisy"),
)
BY_NAME: dict[str, TestCard] = {card.name: card for card in CARDS}


def unique_card(number: int, entry: Entry = "contact") -> TestCard:
    """Make card `number` (0 to 99,999,999,999) with a card number of its own."""
    body = f"{UNIQUE_PREFIX}{number:011d}"
    pan = body + check_digit(body)
    return TestCard(f"unique-{number}", pan, "visa", entry=entry)


def check_digit(body: str) -> str:
    """Give the Luhn digit that makes `body` a card number."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def host_cases() -> dict[str, int]:
    """Give card number -> case, for the acquirer simulator."""
    return {card.pan: card.host_case for card in CARDS if card.host_case >= 0}
