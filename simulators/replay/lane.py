"""One box of a replay with whoever stands before it: scans a sale's codes, pays, sees that the total is right.

The box is the product's own, put together by `edge.main`, with its journal, link and, for cards, secure module. Only
scanner, touch screen and the attendant's cash count are played, at the agent's event port.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge.config import read_box
from edge.events import AttendantActed, CodeScanned, ShopperActed
from edge.flows.checkout import page_of
from edge.main import Options, RunningBox
from protocol.errors import OutcomeUnknown, PeerError
from simulators.card_reader import CardReaderSettings, CardReaderSim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from edge.flows.state import Box
    from simulators.replay.plan import Sale

PAID_S = 60.0  # a card takes milliseconds here; beyond a minute something is broken
ATTENDANT = "replay"
CARD = "visa-contactless"  # approved by the simulated acquirer, and gone from the reader by itself


class Eyes:
    """The screen as the one who shops sees it: wakes up at every change."""

    def __init__(self) -> None:
        self.address = ""
        self._changed = asyncio.Event()

    def changed(self, look: Callable[[], dict[str, Any]]) -> None:
        """Notice that something changed."""
        del look
        self._changed.set()

    async def run(self) -> None:
        """Look for ever."""
        self.address = "nowhere"
        await asyncio.Event().wait()

    async def started(self) -> None:
        """Eyes are open at once."""

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Return when the condition holds; it is looked at whenever the box shows something."""
        while not is_so():
            self._changed.clear()
            await self._changed.wait()


@dataclass(slots=True)
class Sold:
    """What one box sold."""

    sales: int = 0
    lines: int = 0
    total_minor: int = 0
    cards: int = 0


@dataclass(slots=True)
class Lane:
    """One box with its reader; `sell` is called once."""

    directory: Path
    eyes: Eyes = field(default_factory=Eyes)
    sold: Sold = field(default_factory=Sold)
    box: RunningBox = field(init=False)
    _reader: CardReaderSim | None = None

    def __post_init__(self) -> None:
        config = read_box(self.directory)
        if config.devices.reader is not None:
            self._reader = CardReaderSim(CardReaderSettings(config.devices.reader.path))
        self.box = RunningBox(config, Options(self.directory), screen=self.eyes)

    @property
    def name(self) -> str:
        """The box's name."""
        return self.box.config.box

    @property
    def state(self) -> Box:
        """What the flows hold now."""
        return self.box.agent.box

    async def run(self) -> None:
        """Plug the reader in and be a box until cancelled."""
        if self._reader is not None:
            self._reader.plug()
        try:
            await self.box.run()
        finally:
            await self._unplug()

    async def _unplug(self) -> None:
        if self._reader is not None:
            await self._reader.close()

    async def until_in_service(self) -> None:
        """Wait until the cloud answers and, where there is one, the reader is ready."""
        await self.eyes.until(
            lambda: (
                self.state.is_linked and (self._reader is None or self.state.devices.get("reader") == "ready")
            )
        )

    async def sell(self, sales: Iterable[Sale]) -> None:
        """Make one sale after the other; PeerError "replay-total-differs", OutcomeUnknown "replay-not-paid"."""
        for sale in sales:
            self._fill_basket(sale)
            try:
                async with asyncio.timeout(PAID_S):
                    await self._pay(sale)
            except TimeoutError as stuck:
                raise OutcomeUnknown(
                    "replay-not-paid",
                    f"Invoice {sale.invoice} is not paid after {PAID_S:.0f} s: the box shows {page_of(self.state)}",
                    "Look at the logs in the data directory.",
                ) from stuck
            self._check(sale)
            self.box.post(ShopperActed("done"))
            await self.eyes.until(lambda: page_of(self.state) != "paid")

    def _fill_basket(self, sale: Sale) -> None:
        for code, quantity in sale.codes:
            self.box.post(CodeScanned(code, quantity))
        self.box.post(ShopperActed("pay"))

    async def _pay(self, sale: Sale) -> None:
        if sale.by_card:
            assert self._reader is not None, "a sale by card goes to a box with a reader"
            self.box.post(ShopperActed("method", choice="card"))
            await self.eyes.until(lambda: page_of(self.state) == "card")
            await self._reader.present(CARD)
        else:
            self.box.post(ShopperActed("method", choice="cash"))
            self.box.post(AttendantActed("cash_counted", ATTENDANT, amount_minor=sale.total_minor))
        await self.eyes.until(lambda: page_of(self.state) == "paid")

    def _check(self, sale: Sale) -> None:
        sold = self.state.sale
        assert sold is not None, 'the page "paid" belongs to a sale'
        if (sold.total_minor, len(sold.basket.lines)) != (sale.total_minor, len(sale.codes)):
            raise PeerError(
                "replay-total-differs",
                f"Invoice {sale.invoice} comes to {sale.total_minor}, the box says {sold.total_minor}",
                "Report this: box and file disagree on arithmetic.",
            )
        self.sold.sales += 1
        self.sold.lines += len(sale.codes)
        self.sold.total_minor += sold.total_minor
        self.sold.cards += sale.by_card
