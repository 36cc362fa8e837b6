"""Steps that tests of card payments share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cloud.tills import Till

if TYPE_CHECKING:
    from tests.cloud.estate import Estate


class Crash(BaseException):
    """The process ends here, as after kill -9."""


async def begin(estate: Estate, **changed):
    """A till with an open sale and a card's intention; the replica knows nothing of it yet."""
    till = await estate.enrol(Till(**changed))
    order, priced = till.open_sale()
    return till, order, priced, till.intend(order, priced.total_minor)


async def pay(estate: Estate, till: Till, tender, **changed) -> None:
    await estate.hear(till, "req", till.request("pay", tender, **changed))
    await estate.settle()


async def balances(estate: Estate) -> dict[str, int]:
    return dict(
        await estate.rows("SELECT account, balance_minor FROM ledger_balance WHERE balance_minor <> 0")
    )


def outcomes(estate: Estate, till: Till) -> list[tuple[str, str, str]]:
    return [(told["kind"], told["outcome"], told["reason"]) for told in estate.told(till, "res")]
