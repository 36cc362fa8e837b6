"""A shopper: takes goods, scans, weighs, changes her mind, pays, takes the receipt, and remembers what she saw.

She knows the box only as people do: scanner, scale, reader, and the page. Her memory is evidence for the checker: what
the page told her about her money counts, not what a database says. All choices come from one seeded generator.
"""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from protocol.errors import OutcomeUnknown, PeerError
from simulators.goods import GOODS, Good

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from simulators.remote_station import RemoteStation
    from simulators.station import Station

STEP_S = 8.0  # a page that does not change for so long after a touch has lost the shopper
PAYMENT_S = 60.0  # beyond every budget and patience of the demonstration's settings
UNSOLD_CODE = "4999999999999"  # a good code of nothing that this shop sells
MAX_ITEMS = 9  # a hand basket
SAME_AGAIN_S = 0.9  # a hand needs so long for the next of the same; nearer scans of one code count as one
EVENT_STREAM = "/events"
LOOK = "Look at the page and at the box's log."

# Page states that end a shopper's wait for her money.
SETTLED_PAGES = ("paid", "declined", "attract", "out_of_service")


@dataclass(frozen=True, slots=True)
class Habits:
    """How often shoppers do what, in per cent; cards by weight."""

    void_line: int = 12
    cancel: int = 5
    cash: int = 25
    unknown_code: int = 4
    scan_twice: int = 3
    receipt: int = 70
    chinese: int = 10
    cards: tuple[tuple[str, int], ...] = (
        ("visa", 30),
        ("mastercard", 24),
        ("unionpay", 16),
        ("visa-contactless", 16),
        ("no-funds", 5),
        ("declined", 3),
        ("silent-captured", 2),
        ("silent-lost", 2),
        ("late", 2),
    )


@dataclass(slots=True)
class Memory:
    """What one shopper remembers. Amounts are the page's own texts."""

    number: int
    order: str = ""
    method: str = ""
    card: str = ""
    planned: list[str] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    total: str = ""
    pages: list[str] = field(default_factory=list)
    ending: str = "left"  # paid, declined, voided, unknown, left
    was_told_unknown: bool = False
    receipt_wanted: bool = False
    cash_given: int = 0
    cash_back: str = ""
    trouble: str = ""
    wait_ms: float = 0.0  # tender to answer, as she felt it

    def as_json(self) -> dict[str, Any]:
        """Plain values for the checker's file."""
        return asdict(self)


class Page:
    """The shopper's eyes and finger: follows the event stream, posts touches."""

    def __init__(self, client: httpx.AsyncClient, origin: str) -> None:
        self._client = client
        self._headers = {"origin": origin}
        self._looking: list[tuple[Callable[[dict[str, Any]], Any], asyncio.Future[dict[str, Any]]]] = []
        self.view: dict[str, Any] = {}
        self._trouble = ""
        self._reading: asyncio.Task[None] | None = None

    @property
    def is_lost(self) -> bool:
        """Whether its stream has ended: nothing that it shows is news any more."""
        return bool(self._trouble)

    async def open(self) -> None:
        """Open the page and wait for its first view."""
        self._reading = asyncio.create_task(self._follow())
        await self.until(bool, STEP_S)

    async def close(self) -> None:
        """Walk away from the page."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def touch(self, action: str, **more: Any) -> None:
        """Touch one button. PeerError when the box refuses the touch."""
        await self._post("/act", {"action": action, **more})

    async def attend(self, act: str, **more: Any) -> None:
        """Let the attendant act with badge and PIN."""
        await self._post("/attend", {"act": act, **more})

    async def until(self, seen: Callable[[dict[str, Any]], Any], timeout_s: float) -> dict[str, Any]:
        """The first view for which `seen` is true, however short it stands; OutcomeUnknown when none comes in time."""
        if self.view and seen(self.view):
            return self.view
        if self._trouble:
            raise OutcomeUnknown("page-lost", self._trouble, LOOK)
        found: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        look = (seen, found)
        self._looking.append(look)
        try:
            async with asyncio.timeout(timeout_s):
                return await found
        except TimeoutError:
            page, notice = self.view.get("page", "nothing"), self.view.get("notice", "")
            raise OutcomeUnknown(
                "page-stands-still", f"The page shows {page} {notice} and nothing more", LOOK
            ) from None
        finally:
            self._looking.remove(look)

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        try:
            answer = await self._client.post(path, json=body, headers=self._headers)
        except httpx.HTTPError as broken:
            raise OutcomeUnknown("page-lost", f"{path}: {type(broken).__name__}", LOOK) from broken
        if answer.status_code >= 400:
            raise PeerError("touch-refused", f"{path} answered {answer.status_code}", "Look at the page.")

    async def _follow(self) -> None:
        trouble = "the box closed the page"
        try:
            async with self._client.stream("GET", EVENT_STREAM, timeout=None) as stream:
                kind = ""
                async for line in stream.aiter_lines():
                    if not line:
                        kind = ""
                    elif line.startswith("event:"):
                        kind = line[6:].strip()
                    elif line.startswith("data:") and not kind:
                        self._see(json.loads(line[5:]))
        except (httpx.HTTPError, ValueError) as broken:
            trouble = f"{type(broken).__name__}: {broken}"
        self._trouble = trouble
        for _, found in self._looking:
            if not found.done():
                found.set_exception(OutcomeUnknown("page-lost", trouble, LOOK))

    def _see(self, view: dict[str, Any]) -> None:
        self.view = view
        for seen, found in self._looking:
            if not found.done() and seen(view):
                found.set_result(view)


@dataclass(frozen=True, slots=True)
class Staff:
    """The attendant's badge."""

    id: str
    pin: str


class Shopper:
    """Plays one visit after the other at one box."""

    def __init__(
        self,
        *,
        station: Station | RemoteStation,
        page: Page,
        staff: Staff,
        choices: Random,
        clock_ms: Callable[[], float],
        habits: Habits | None = None,
    ) -> None:
        self._station = station
        self._page = page
        self._staff = staff
        self._choices = choices
        self._clock_ms = clock_ms
        self._habits = habits or Habits()
        self._scanned_ms: dict[str, float] = {}

    async def visit(self, number: int) -> Memory:
        """One visit from the first scan to the thank-you page, or to whatever stood in the way."""
        memory = Memory(number)
        try:
            await self._page.until(lambda view: view["page"] in ("attract", "paid"), STEP_S)
            await self._take_goods(memory)
            if memory.ending == "left" and memory.lines:
                await self._pay(memory)
        except (OutcomeUnknown, PeerError) as trouble:
            memory.trouble = str(trouble)
            memory.ending = "unknown" if memory.method else "left"
        finally:
            await self._station.reader.remove()
            self._station.scale.put(0)
            memory.pages.append(self._page.view.get("page", ""))
        return memory

    def _happens(self, per_cent: int) -> bool:
        return self._choices.randrange(100) < per_cent

    async def _take_goods(self, memory: Memory) -> None:
        if self._happens(self._habits.chinese):
            await self._page.touch("language", choice="zh")
        for _ in range(self._choices.randint(1, MAX_ITEMS)):
            good = self._choices.choice(GOODS)
            memory.planned.append(good.gtin)
            await self._scan(good)
        if self._happens(self._habits.unknown_code):
            await self._show_code(UNSOLD_CODE)
            await self._page.until(lambda view: view["notice"] == "item-not-found", STEP_S)
        view = self._page.view
        if self._happens(self._habits.void_line) and len(view["sale"]["lines"]) > 1:
            line = self._choices.choice(view["sale"]["lines"])["number"]
            await self._page.touch("void_line", line=line)
            view = await self._page.until(lambda seen: seen["sale"]["lines"][line - 1]["is_voided"], STEP_S)
        self._remember(memory, view)
        if self._happens(self._habits.cancel):
            await self._page.touch("cancel_sale")
            await self._page.until(lambda seen: seen["page"] == "attract", STEP_S)
            memory.ending = "voided"

    async def _scan(self, good: Good) -> None:
        sale = self._page.view.get("sale") if self._page.view["page"] != "paid" else None
        before = len(sale["lines"]) if sale else 0
        await self._show_code(good.code)
        if self._happens(self._habits.scan_twice):
            await self._station.scanner.scan(good.code)
        if good.is_weighed:
            await self._page.until(lambda view: view["page"] == "weigh", STEP_S)
            self._station.scale.put(self._choices.randrange(80, 2_400, 5))
            await self._page.until(_is_weighed, STEP_S)
            await self._page.touch("weigh_done")
        await self._page.until(lambda view: _line_count(view) > before and view["page"] == "basket", STEP_S)
        if good.is_weighed:
            self._station.scale.put(0)

    async def _show_code(self, code: str) -> None:
        """Hold a code before the scanner, not sooner than a hand can show the same one again."""
        rest_s = self._scanned_ms.get(code, -math.inf) / 1000 + SAME_AGAIN_S - self._clock_ms() / 1000
        if rest_s > 0:
            await asyncio.sleep(rest_s)
        self._scanned_ms[code] = self._clock_ms()
        await self._station.scanner.scan(code)

    async def _pay(self, memory: Memory) -> None:
        await self._page.touch("pay")
        view = await self._page.until(lambda seen: seen["page"] in ("age", "choose", "paid"), STEP_S)
        if view["page"] == "age":
            await self._attend("age_approved")
            await self._page.until(lambda seen: seen["page"] == "basket", STEP_S)
            await self._page.touch("pay")
            view = await self._page.until(lambda seen: seen["page"] in ("choose", "paid"), STEP_S)
        if view["page"] == "choose":
            wants_cash = self._happens(self._habits.cash) or "card" not in view["methods"]
            await (self._pay_cash(memory) if wants_cash else self._pay_card(memory))
        await self._leave(memory)

    async def _pay_cash(self, memory: Memory) -> None:
        memory.method = "cash"
        await self._page.touch("method", choice="cash")
        view = await self._page.until(lambda seen: seen["page"] == "cash", STEP_S)
        due = int(view["sale"]["total"].replace(".", ""))
        memory.cash_given = -(-due // 500) * 500
        began = self._clock_ms()
        await self._attend("cash_counted", amount_minor=memory.cash_given)
        await self._page.until(lambda seen: seen["page"] == "paid", STEP_S)
        memory.wait_ms = self._clock_ms() - began

    async def _pay_card(self, memory: Memory) -> None:
        memory.method = "card"
        names = [name for name, _ in self._habits.cards]
        memory.card = self._choices.choices(names, [weight for _, weight in self._habits.cards])[0]
        await self._page.touch("method", choice="card")
        await self._page.until(lambda seen: seen["page"] == "card", STEP_S)
        began = self._clock_ms()
        await self._station.reader.present(memory.card)
        await self._page.until(lambda seen: seen["page"] != "card", STEP_S)
        await self._page.until(lambda seen: seen["page"] in (*SETTLED_PAGES, "unknown"), PAYMENT_S)
        memory.wait_ms = self._clock_ms() - began
        if self._page.view["page"] == "unknown":
            memory.was_told_unknown = True
            await self._page.until(lambda seen: seen["page"] in SETTLED_PAGES, PAYMENT_S)

    async def _leave(self, memory: Memory) -> None:
        """Read the last page: paid, declined (then she gives up), or nobody knows."""
        view = self._page.view
        if view["page"] == "paid":
            memory.ending = "paid"
            memory.total = view["sale"]["total"]
            tender = view["sale"]["tender"]
            memory.cash_back = tender["change"] if tender else ""
            memory.receipt_wanted = self._happens(self._habits.receipt)
            await self._page.touch("receipt", choice="print" if memory.receipt_wanted else "none")
            await self._page.touch("done")
            await self._page.until(lambda seen: seen["page"] == "attract", STEP_S)
        elif view["page"] == "declined":
            memory.ending = "declined"
            await self._page.touch("cancel_sale")
            await self._page.until(lambda seen: seen["page"] == "attract", STEP_S)
        else:
            memory.ending = "unknown"

    async def _attend(self, act: str, **more: Any) -> None:
        await self._page.attend(act, by=self._staff.id, pin=self._staff.pin, **more)

    @staticmethod
    def _remember(memory: Memory, view: dict[str, Any]) -> None:
        memory.order = view["sale"]["order"]
        memory.lines = view["sale"]["lines"]
        memory.total = view["sale"]["total"]


def _line_count(view: dict[str, Any]) -> int:
    return len(view["sale"]["lines"]) if view["sale"] else 0


def _is_weighed(view: dict[str, Any]) -> bool:
    sale = view["sale"]
    return bool(sale and sale["weight_state"] == "stable" and sale["weight_g"] > 0)
