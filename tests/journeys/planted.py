"""A launcher that plants a fault into the product: `python -m tests.journeys.planted PLACE -m MODULE ARGUMENTS...`.

PLACE/fault names one of FAULTS, or is missing; it is read once, when the process starts. Each fault is what a bug could
do in the part that it patches; the product itself has no switch for any of them.
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

from tests.journeys.launching import run_product

MODULE = "tests.journeys.planted"
OTHER_STAN = 500_000  # far from those that a test's few purchases use


def lose_sales() -> None:
    """The cloud stores and receipts a completed sale, but its orders never hear of it."""
    from cloud.orders import handlers

    take = handlers.take

    async def forgetful(tx: Any, records: Any, *others: Any) -> Any:
        return await take(tx, [record for record in records if record.kind != "sale_completed"], *others)

    handlers.take = forgetful  # type: ignore[assignment]  # that is the fault


def charge_twice() -> None:
    """The card zone sends a purchase once more, under another STAN."""
    from cloud.cardzone.zone import Zone

    exchange = Zone._exchange

    async def eager(self: Zone, message: Any, *others: Any) -> Any:
        self._links.send({**message, "11": f"{int(message['11']) + OTHER_STAN:06d}"})
        return await exchange(self, message, *others)

    Zone._exchange = eager  # type: ignore[method-assign, assignment]  # that is the fault


def keep_reversals() -> None:
    """The card zone books a reversal as answered and never sends it."""
    from cloud.cardzone.reversals import Reversals

    async def lazy(self: Reversals, trace: Any) -> None:
        await self.answered({"t": "0410", "39": "00", "41": trace.terminal, "11": trace.stan, "7": trace.de7})

    Reversals._send = lazy  # type: ignore[method-assign]  # that is the fault


def price_wrong() -> None:
    """The box sells everything for one penny more than its catalogue says."""
    from protocol.catalogue import Prices

    find = Prices.find

    def greedy(self: Prices, gtin: str) -> Any:
        item = copy.copy(find(self, gtin))
        if item is not None:
            item.unit_price_minor += 1
        return item

    Prices.find = greedy  # type: ignore[method-assign]  # that is the fault


def post_one_side() -> None:
    """The ledger books a penny more on one side of a sale."""
    from cloud.ledger import rules

    transfers = rules._transfers

    def careless(name: str, *others: Any) -> Any:
        entry = transfers(name, *others)
        (account, amount), *rest = entry.postings
        return entry._replace(postings=((account, amount + 1), *rest)) if name.startswith("sale:") else entry

    rules._transfers = careless  # type: ignore[assignment]  # that is the fault


# For each fault the processes that have it: what their module is called.
FAULTS = {
    "lost": ("cloud", lose_sales),
    "charged_twice": ("cloud.cardzone.main", charge_twice),
    "charged_without_sale": ("cloud.cardzone.main", keep_reversals),
    "priced_wrong": ("box", price_wrong),
    "ledger_imbalance": ("cloud", post_one_side),
}


def plant(place: Path) -> None:
    """Patch what the file names, in the process that it is meant for."""
    try:
        who, patch = FAULTS[(place / "fault").read_text()]
    except FileNotFoundError:
        return
    module, command = sys.argv[3], sys.argv[4]
    if who in (module, command):
        patch()


if __name__ == "__main__":
    plant(Path(sys.argv[1]))
    run_product(MODULE, Path(sys.argv[1]))
