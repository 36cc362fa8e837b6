"""One order as the orders service sees it: what its records have told so far.

These are working copies: a handler loads them at the start of a batch, the rules change them, the store writes
them. A rolled back batch throws them away.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class OrderLine:
    """One line as the box recorded it."""

    number: int
    gtin: str
    name: str
    kind: str
    quantity: int
    weight_g: int
    unit_price_minor: int
    tax_class: str
    amount_minor: int
    source: str
    is_voided: int = 0
    voided_by: str = ""


@dataclass(slots=True)
class OrderTender:
    """One attempt to pay, as the box recorded it. `outcome` is "intended" until its result."""

    attempt: int
    payment: int
    method: str
    amount_minor: int
    currency: str
    outcome: str = "intended"
    tendered_minor: int = 0
    change_minor: int = 0
    masked: str = ""
    brand: str = ""
    reason: str = ""
    intended_ms: int = 0
    answered_ms: int = 0


@dataclass(slots=True)
class Order:
    """One order. `flags` are words that a person may look for: late, parked-records, price-not-checked."""

    tenant: str
    order: int
    shard: str
    store: str
    box: str
    generation: str
    first_seq: int
    last_seq: int
    state: str
    currency: str
    engine: int
    catalogue: str
    overlay: str
    promotions: str
    taxes: str
    language: str
    opened_ms: int
    priced_at_ms: int
    ended_ms: int = 0
    ended_generation: str = ""
    ended_seq: int = 0
    business_day: str = ""
    total_minor: int = 0
    net_minor: int = 0
    tax_minor: int = 0
    line_count: int = 0
    price_check: str = "none"
    flags: str = ""
    lines: dict[int, OrderLine] = field(default_factory=dict)
    tenders: dict[int, OrderTender] = field(default_factory=dict)
    changed_lines: set[int] = field(default_factory=set)
    changed_tenders: set[int] = field(default_factory=set)
    spans: dict[str, tuple[int, int]] = field(
        default_factory=dict
    )  # further generation -> first and last seq
    changed_spans: set[str] = field(default_factory=set)

    def reach(self, generation: str, seq: int) -> None:
        """Remember where the order's records stand: in the generation that opened it, or in a later one."""
        if generation == self.generation:
            self.last_seq = max(self.last_seq, seq)
            return
        first, last = self.spans.get(generation, (seq, seq))
        self.spans[generation] = (min(first, seq), max(last, seq))
        self.changed_spans.add(generation)

    def end(self, at_ms: int, generation: str, seq: int) -> None:
        """Remember which record ended the order."""
        self.ended_ms, self.ended_generation, self.ended_seq = at_ms, generation, seq

    def flag(self, word: str) -> None:
        """Add a word to the flags, once."""
        words = self.flags.split()
        if word not in words:
            self.flags = " ".join([*words, word])
