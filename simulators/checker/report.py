"""What the checker found: counters, and for each of them the reasons."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

# What must be 0 at the end of a run; the first five are the counters of the architecture.
MUST_BE_ZERO = (
    "lost",
    "charged_twice",
    "charged_without_sale",
    "priced_wrong",
    "ledger_imbalance",
    "goods_without_money",
    "memories_contradicted",
    "evidence_damaged",
)


class Finding(NamedTuple):
    """One reason why a counter is not 0: which counter, about what, and what is wrong."""

    counter: str
    subject: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict over one run. Sales are counted by order, the imbalance in minor units."""

    sales_started: int
    sales_paid: int
    sales_declined: int  # given up after the last tender was declined
    sales_voided: int  # given up otherwise
    sales_open: int  # neither completed nor given up
    unknown_open: int  # attempts of which somebody still has to ask
    lost: int
    charged_twice: int
    charged_without_sale: int
    priced_wrong: int
    ledger_imbalance: int
    goods_without_money: int  # completed, but less captured than the tenders say
    memories_contradicted: int
    evidence_damaged: int
    receipts_outstanding: int  # records in journals that the cloud does not hold
    findings: tuple[Finding, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether everything is 0 that must be."""
        return not any(getattr(self, name) for name in MUST_BE_ZERO)

    def reasons(self, counter: str) -> list[str]:
        """Why a counter is not 0."""
        return [f"{found.subject}: {found.what}" for found in self.findings if found.counter == counter]

    def as_json(self) -> dict[str, Any]:
        """Plain values, counters first."""
        told = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {**told, "findings": [found._asdict() for found in self.findings]}
