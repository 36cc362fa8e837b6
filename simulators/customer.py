"""A customer who does what the page asks for, from whatever page she finds: before a power cut and after it.

`simulators.shopper` follows a plan of her own from the first scan to the last page; this one looks at the page before
each step, so that a restart in the middle is nothing special to her.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from protocol.errors import OutcomeUnknown
from simulators.demo.estate import STAFF_ID, STAFF_PIN
from simulators.goods import BY_GTIN
from simulators.shopper import PAYMENT_S, Memory

if TYPE_CHECKING:
    from simulators.demo.world import Lane
    from simulators.goods import Good
    from simulators.shopper import Page

MILK, COLA = BY_GTIN["05010477348678"], BY_GTIN["05449000000996"]
BANANAS = BY_GTIN["00000000004011"]
WEIGHT_G = 480
STEP_S = 25.0  # a machine with other things to do, and a box that is started again
CARD_TRIES = 2  # after that she gives up
TAPS_MAX, TAP_S = 5, 2.0  # a reader that starts anew with its module is back within a second or two
SCANS_MAX, SCAN_S = 4, 1.5  # the same thing too soon after the customer before counts as her second scan
STEPS_MAX = 60  # a page that sends her in a circle must not hold her up for ever

# Pages on which she waits for her money.
WAITING = ("authorizing", "unknown")


@dataclass(slots=True)
class Customer:
    """One visit at one lane."""

    lane: Lane
    memory: Memory
    goods: tuple[Good, ...] = (MILK, COLA)
    method: str = "card"
    card: str = "visa-contactless"
    gives_up: bool = False  # cancels the sale that a restart brought back
    cards_shown: int = 0
    declines: int = 0
    is_over: bool = False
    was_here: bool = False

    @property
    def page(self) -> Page:
        """The page of the lane, as it was opened last."""
        assert self.lane.page is not None, "the lane was brought up"
        return self.lane.page

    async def shop(self) -> None:
        """Step after step until the visit is over; OutcomeUnknown when the page goes away or stands still."""
        for _ in range(STEPS_MAX):
            view = await self.page.until(bool, STEP_S)
            self.memory.pages.append(view["page"])
            await getattr(self, f"_at_{view['page']}")(view)
            if self.is_over:
                return
        raise AssertionError(f"visit {self.memory.number} goes in a circle: {self.memory.pages[-8:]}")

    async def take(self, number: int) -> None:
        """Scan one thing and wait for its line, or for the scale's page."""
        good = self.goods[number]

        def is_taken(view: dict[str, Any]) -> bool:
            return _count(view) > number or view["page"] == "weigh"

        for _ in range(SCANS_MAX):
            await self.lane.station.scanner.scan(good.code)
            if await self._sees(is_taken, SCAN_S):
                return
        await self.page.until(is_taken, STEP_S)

    async def _at_attract(self, view: dict[str, Any]) -> None:
        del view
        if self.memory.ending != "left" or self.cards_shown or self.memory.cash_given:
            self.is_over = True
        else:
            await self.take(0)

    async def _at_out_of_service(self, view: dict[str, Any]) -> None:
        """A box that just started may be closed for a moment; it must open by itself."""
        if not await self._sees(lambda view: view["page"] != "out_of_service", STEP_S):
            raise OutcomeUnknown("out-of-service", f"The box stays closed: {view['blocked']}", "")

    async def _at_basket(self, view: dict[str, Any]) -> None:
        if self.gives_up and self.was_here:
            await self._give_up("voided")
            return
        lines = view["sale"]["lines"]
        if len(lines) < len(self.goods):
            await self.take(len(lines))
            return
        self.memory.order, self.memory.lines = view["sale"]["order"], lines
        self.memory.total = view["sale"]["total"]
        await self._touch_on("pay")

    async def _at_weigh(self, view: dict[str, Any]) -> None:
        del view
        self.lane.station.scale.put(WEIGHT_G)
        seen = await self.page.until(lambda view: view["page"] != "weigh" or _is_weighed(view), STEP_S)
        if seen["page"] == "weigh":
            await self._touch_on("weigh_done")
        self.lane.station.scale.put(0)

    async def _at_age(self, view: dict[str, Any]) -> None:
        del view
        await self.page.attend("age_approved", by=STAFF_ID, pin=STAFF_PIN)
        await self._leave("age")

    async def _at_choose(self, view: dict[str, Any]) -> None:
        del view
        self.memory.method = self.method
        await self._choose("choose", self.method)

    async def _at_card(self, view: dict[str, Any]) -> None:
        """Show the card, and again when nothing happens: a reader that just came back may have missed it."""
        self.memory.card, shown = self.card, view["notice"]
        for _ in range(TAPS_MAX):
            self.cards_shown += 1
            await self.lane.station.reader.present(self.card)
            if await self._sees(lambda view: view["page"] != "card" or view["notice"] != shown, TAP_S):
                return
        raise OutcomeUnknown(
            "card-not-taken", f"No reader takes the card, the page shows {self.page.view}", ""
        )

    async def _at_cash(self, view: dict[str, Any]) -> None:
        due = int(view["sale"]["total"].replace(".", ""))
        self.memory.cash_given = -(-due // 500) * 500
        await self.page.attend(
            "cash_counted", by=STAFF_ID, pin=STAFF_PIN, amount_minor=self.memory.cash_given
        )
        await self._leave("cash")

    async def _at_authorizing(self, view: dict[str, Any]) -> None:
        del view
        await self._leave("authorizing", PAYMENT_S)

    async def _at_unknown(self, view: dict[str, Any]) -> None:
        del view
        self.memory.was_told_unknown = True
        await self._leave("unknown", PAYMENT_S)

    async def _at_declined(self, view: dict[str, Any]) -> None:
        del view
        await self.lane.station.reader.remove()
        self.declines += 1
        if self.gives_up or self.declines >= CARD_TRIES:
            await self._give_up("declined")
        else:
            await self._choose("declined", "card")

    async def _at_paid(self, view: dict[str, Any]) -> None:
        if not self.memory.order:  # a restarted box shows the sale before hers
            await self._touch_on("done")
            return
        sale, tender = view["sale"], view["sale"]["tender"]
        self.memory.ending = "paid"
        self.memory.order, self.memory.total = sale["order"], sale["total"]
        self.memory.cash_back = tender["change"] if tender else ""
        if not sale["has_printed"]:
            self.memory.receipt_wanted = True
            await self.page.touch("receipt", choice="print")
            await self.page.until(lambda view: view["page"] != "paid" or view["sale"]["has_printed"], STEP_S)
        await self._touch_on("done")

    async def _choose(self, page: str, method: str) -> None:
        """Touch a method of payment once it is offered. It may go with the link just then: she looks again."""
        await self.page.until(lambda view: view["page"] != page or method in view["methods"], PAYMENT_S)
        await self.page.touch("method", choice=method)
        await self._sees(lambda view: view["page"] != page or method not in view["methods"], STEP_S)

    async def _sees(self, seen: Any, timeout_s: float) -> bool:
        """Whether the page comes to show something in time; a page that is lost is raised."""
        try:
            await self.page.until(seen, timeout_s)
        except OutcomeUnknown as still:
            if still.code != "page-stands-still":
                raise
            return False
        return True

    async def _give_up(self, ending: str) -> None:
        self.memory.ending = ending
        await self._touch_on("cancel_sale")

    async def _touch_on(self, action: str, **more: Any) -> None:
        """Touch a button and wait until the page is another."""
        before = self.page.view["page"]
        await self.page.touch(action, **more)
        await self._leave(before)

    async def _leave(self, page: str, timeout_s: float = STEP_S) -> None:
        await self.page.until(lambda view: view["page"] != page, timeout_s)


def _count(view: dict[str, Any]) -> int:
    return len(view["sale"]["lines"]) if view["sale"] and view["page"] != "paid" else 0


def _is_weighed(view: dict[str, Any]) -> bool:
    sale = view["sale"]
    return bool(sale and sale["weight_state"] == "stable" and sale["weight_g"] > 0)
