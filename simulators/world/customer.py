"""A shopper of the world: acts at the box's event port, sees only the screen, remembers what she was told.

She is `simulators.shopper` without a browser: her memory has the same form and is judged by the same checker. Whatever
she finds on the screen from the one before her, she or an attendant clears first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from edge.events import AttendantActed, CodeScanned, ShopperActed, WeightRead
from simulators.goods import GOODS, Good
from simulators.shopper import Memory

if TYPE_CHECKING:
    from random import Random

    from simulators.world.box import BoxSite
    from simulators.world.trace import Trace

STAFF = "anna"
ITEMS_MAX = 4  # so that two sales a minute fit
THINK_S = (0.3, 1.5)  # between two touches or scans
STEP_S = 15.0  # a page that does not change for so long has lost the shopper
MONEY_S = 200.0  # beyond every budget and patience of the settings
CARD_TRIES = 20  # the reader is armed within a few milliseconds of its page
CLEAR_TRIES = 12  # pages of somebody else that lead to the first one
VOID, CANCEL, RECEIPT = 0.08, 0.04, 0.6
CARDS = ("visa", "mastercard", "unionpay", "visa-contactless")

# What brings each page of somebody else to its end; "" is waiting.
CLEARING = {
    "paid": "done",
    "cash": "back",
    "authorizing": "",
    "unknown": "",
    "out_of_service": "",
    "dark": "",
}
SETTLED = ("paid", "declined", "attract", "out_of_service")


class Customer:
    """All shoppers of one box, one after the other. `card_share` of them pay by card where that is offered."""

    def __init__(self, site: BoxSite, chance: Random, trace: Trace, card_share: float) -> None:
        self.memories: list[Memory] = []
        self._site, self._chance, self._trace = site, chance, trace
        self._card_share = card_share

    async def visit(self, number: int) -> Memory:
        """One visit, to whatever end."""
        memory = Memory(number)
        try:
            await self._clear()
            await self._take_goods(memory)
            if memory.ending == "left" and memory.lines:
                await self._pay(memory)
        except TimeoutError:
            memory.ending = "unknown" if memory.method else "left"
        self.memories.append(memory)
        self._trace.note("visit.ended", self._site.name, f"{memory.ending} {memory.method} {memory.total}")
        return memory

    async def _clear(self) -> None:
        for _ in range(CLEAR_TRIES):
            page = self._site.eyes.view["page"]
            if page == "attract":
                return
            action = CLEARING.get(page, "cancel_sale")
            if action:
                await self._touch(action)
            else:
                await self._site.eyes.until(lambda view, was=page: view["page"] != was, MONEY_S)  # type: ignore[misc]
        raise TimeoutError

    async def _take_goods(self, memory: Memory) -> None:
        for _ in range(self._chance.randint(1, ITEMS_MAX)):
            good = self._chance.choice(GOODS)
            memory.planned.append(good.gtin)
            self._post(CodeScanned(good.code))
            if good.is_weighed:
                await self._weigh(good)
            await self._think()
        # After a power cut the screen may thank the shopper before her: that sale is not hers.
        view = await self._site.eyes.until(_is_filled, STEP_S)
        lines = view["sale"]["lines"]
        if len(lines) > 1 and self._happens(VOID):
            number = self._chance.choice(lines)["number"]
            await self._touch("void_line", line=number)
            view = await self._site.eyes.until(lambda seen: _is_voided(seen, number), STEP_S)
        self._remember(memory, view)
        if self._happens(CANCEL):
            await self._touch("cancel_sale")
            await self._site.eyes.until(lambda seen: seen["page"] == "attract", STEP_S)
            memory.ending = "voided"

    async def _weigh(self, good: Good) -> None:
        del good
        await self._site.eyes.until(lambda seen: seen["page"] == "weigh", STEP_S)
        self._post(WeightRead(self._chance.randint(40, 2500), "stable"))
        await self._think()
        await self._touch("weigh_done")

    async def _pay(self, memory: Memory) -> None:
        await self._touch("pay")
        view = await self._site.eyes.until(lambda seen: seen["page"] in ("choose", "age", "attract"), STEP_S)
        if view["page"] == "age":
            self._post(AttendantActed("age_approved", STAFF))
            await self._site.eyes.until(lambda seen: seen["page"] == "basket", STEP_S)
            await self._touch("pay")
            view = await self._site.eyes.until(lambda seen: seen["page"] == "choose", STEP_S)
        is_card = "card" in view.get("methods", ()) and self._happens(self._card_share)
        self._remember(memory, view)
        memory.method = "card" if is_card else "cash"
        await self._touch("method", choice=memory.method)
        await self._site.eyes.until(lambda seen: seen["page"] == memory.method, STEP_S)
        if is_card:
            await self._present(memory)
        else:
            await self._give_cash(memory)
        await self._end(memory)

    async def _present(self, memory: Memory) -> None:
        memory.card = self._chance.choice(CARDS)
        for _ in range(CARD_TRIES):
            if self._site.cards is not None and self._site.cards.present(memory.card):
                return
            await asyncio.sleep(THINK_S[0])
        raise TimeoutError

    async def _give_cash(self, memory: Memory) -> None:
        total = int("".join(letter for letter in memory.total if letter.isdigit()))
        memory.cash_given = -(-total // 500) * 500
        await self._think()
        self._post(AttendantActed("cash_counted", STAFF, amount_minor=memory.cash_given))

    async def _end(self, memory: Memory) -> None:
        view = await self._site.eyes.until(lambda seen: seen["page"] in (*SETTLED, "unknown"), MONEY_S)
        if view["page"] == "unknown":
            memory.was_told_unknown = True
            view = await self._site.eyes.until(lambda seen: seen["page"] in SETTLED, MONEY_S)
        is_mine = view["sale"] is not None and view["sale"]["order"] == memory.order
        memory.ending = view["page"] if is_mine and view["page"] in ("paid", "declined") else "unknown"
        if memory.ending == "paid":
            await self._leave_paid(memory, view)
        elif memory.ending == "declined":
            await self._touch("cancel_sale")

    async def _leave_paid(self, memory: Memory, view: dict[str, Any]) -> None:
        self._remember(memory, view)
        tender = view["sale"]["tender"]
        memory.cash_back = tender["change"] if memory.method == "cash" else ""
        memory.receipt_wanted = self._happens(RECEIPT)
        await self._touch("receipt", choice="print" if memory.receipt_wanted else "none")
        await self._touch("done")

    async def _touch(self, action: str, **more: Any) -> None:
        self._post(ShopperActed(action, **more))
        await self._think()

    async def _think(self) -> None:
        await asyncio.sleep(self._chance.uniform(*THINK_S))

    def _post(self, event: Any) -> None:
        if self._site.eyes.address and self._site.box is not None:
            self._trace.note("acted", self._site.name, event)
            self._site.box.post(event)

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share

    @staticmethod
    def _remember(memory: Memory, view: dict[str, Any]) -> None:
        """Keep what the screen says of her sale; TimeoutError when it is gone with a restart."""
        if view["sale"] is None or memory.order not in ("", view["sale"]["order"]):
            raise TimeoutError
        memory.order = view["sale"]["order"]
        memory.lines = view["sale"]["lines"]
        memory.total = view["sale"]["total"]


def _is_filled(view: dict[str, Any]) -> bool:
    return view["page"] == "basket" and bool(view["sale"]["lines"])


def _is_voided(view: dict[str, Any], number: int) -> bool:
    lines = view["sale"]["lines"] if view["sale"] else []
    return any(line["number"] == number and line["is_voided"] for line in lines)
