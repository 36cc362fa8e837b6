"""Shoppers who go on buying while everything breaks: what a page or a box does to them, they take as it comes.

A visit ends when the page says so; after a restart or a frozen box the same shopper looks at the page again. What was
asked and not answered may have happened, so she never concludes anything from a touch that failed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from protocol.errors import OutcomeUnknown, PeerError
from simulators.customer import Customer
from simulators.goods import GOODS
from simulators.shopper import Memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from simulators.torture.site import Site, Till

ITEMS_MAX = 4  # short visits: many tenders, which is where money can go wrong
TRIES_MAX = 12  # looks at the page after trouble in one visit: more faults than that do not fall into one
LOOKS_AGAIN_S = 0.3  # what made the trouble needs a moment to be noticed by those who mend it
BACK_S = 120.0  # a box is up again: some starts without success, each with its patience
CARD_PATIENCE_S = 4.0  # then she takes her purse: a closed lane must not end the shopping
GIVES_UP_PERCENT = 10  # of those whose sale a restart brought back
CASH_PERCENT = 30
CARDS = (
    ("visa", 30),
    ("mastercard", 20),
    ("unionpay", 15),
    ("visa-contactless", 15),
    ("no-funds", 5),
    ("declined", 5),
    ("silent-captured", 3),
    ("silent-lost", 3),
    ("late", 4),
)


@dataclass(slots=True)
class HardyShopper(Customer):
    """A customer who pays in cash when cards are not taken for a while."""

    async def _at_choose(self, view: dict[str, Any]) -> None:
        if self.method == "card" and not await self._sees(_takes_card, CARD_PATIENCE_S):
            self.method = "cash"
        await Customer._at_choose(self, view)  # noqa: SLF001 - super() does not work in a dataclass with slots


class Queue:
    """Everyone who shops at one till, one after the other."""

    def __init__(self, site: Site, till: Till, choices: Random, numbers: Callable[[], int]) -> None:
        self.troubles: list[str] = []
        self._site = site
        self._till = till
        self._choices = choices
        self._numbers = numbers

    async def shop(self, is_open: Callable[[], bool]) -> None:
        """Visit after visit while the shop is open; the last one is shopped to its end."""
        while is_open():
            await self._visit(self._customer())

    def _customer(self) -> HardyShopper:
        choices, memory = self._choices, Memory(self._numbers())
        self._site.world.memories.append(memory)
        names, weights = zip(*CARDS, strict=True)
        return HardyShopper(
            lane=self._till.lane,
            memory=memory,
            goods=tuple(choices.choice(GOODS) for _ in range(choices.randint(1, ITEMS_MAX))),
            method="cash" if choices.randrange(100) < CASH_PERCENT else "card",
            card=choices.choices(names, weights)[0],
            gives_up=choices.randrange(100) < GIVES_UP_PERCENT,
        )

    async def _visit(self, customer: HardyShopper) -> None:
        told = ""
        for _ in range(TRIES_MAX):
            try:
                await self._page_is_there()
                await customer.shop()
            except (OutcomeUnknown, PeerError) as trouble:
                told = str(trouble)
                customer.was_here = True
                await asyncio.sleep(LOOKS_AGAIN_S)
            except AssertionError as circle:
                told = str(circle)
                break
            else:
                return
        customer.memory.trouble = told
        self.troubles.append(f"visit {customer.memory.number} at {self._till.lane.name}: {told}")

    async def _page_is_there(self) -> None:
        """Wait for the box, and open its page again where it was lost."""
        try:
            async with asyncio.timeout(BACK_S):
                await self._till.keeper.is_up()
        except TimeoutError:
            raise OutcomeUnknown("box-away", f"{self._till.lane.name} does not come back", "") from None
        await self._till.reopen()


def _takes_card(view: dict[str, Any]) -> bool:
    return view["page"] != "choose" or "card" in view["methods"]
