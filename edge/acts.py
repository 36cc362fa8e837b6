"""Carrying out what the flows command: reader, printer, drawer, pole, scale, timers and live requests.

Nothing is decided here. An act that takes time runs as a task of its own and comes back as an event; a device that
fails is told as an event too, so the flows always hear how their command ended.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from edge import effects, events
from edge.timers import Timers
from protocol.errors import CallerError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from edge.ports import CardModule, PoleDisplay, ReceiptPrinter, Uplink, WeighingScale
    from protocol.document import Document

    Post = Callable[[Any], None]

# One sale has at most a handful of attempts; older frames are only needed for reversals still under way.
MAX_REMEMBERED_FRAMES = 256

_log = logging.getLogger(__name__)


class Acts:
    """The hands of the box. A device that is not bound is None, and commands to it are told as failed."""

    def __init__(  # noqa: PLR0913 - one for each hand
        self,
        *,
        uplink: Uplink,
        cards: CardModule | None = None,
        printer: ReceiptPrinter | None = None,
        pole: PoleDisplay | None = None,
        scale: WeighingScale | None = None,
        apply_settings: Callable[[int], None] | None = None,
        apply_versions: Callable[[int, int], None] | None = None,
    ) -> None:
        self._uplink = uplink
        self._cards = cards
        self._printer = printer
        self._pole = pole
        self._scale = scale
        self._apply_settings = apply_settings
        self._apply_versions = apply_versions
        self._timers = Timers()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._frames: dict[tuple[str, int], bytes] = {}
        self._paper = asyncio.Lock()
        self._acts: dict[type, Callable[[Any, Post], None]] = {
            effects.StartTimer: self._start_timer,
            effects.StopTimer: self._stop_timer,
            effects.ArmReader: self._arm,
            effects.DisarmReader: self._disarm,
            effects.SealCard: self._seal,
            effects.ForgetCard: self._forget,
            effects.AskCloud: self._ask,
            effects.PrintReceipt: self._print,
            effects.PrintSlip: self._print_slip,
            effects.OpenDrawer: self._open_drawer,
            effects.ShowOnPole: self._show_pole,
            effects.WatchScale: self._watch,
            effects.ApplySettings: self._settings,
            effects.ApplyVersions: self._versions,
        }

    def remember_frame(self, record: effects.Record, frame: bytes) -> None:
        """Keep the frame of an intention: a live request carries the very bytes of the journal."""
        kind = _REQUEST_OF_RECORD.get(record.t)
        if kind is not None:
            self.remember(kind, int(record.fields["attempt"]), frame)

    def remember(self, kind: str, attempt: int, frame: bytes) -> None:
        """Keep the frame of an intention of an earlier start."""
        self._frames[kind, attempt] = frame
        if len(self._frames) > MAX_REMEMBERED_FRAMES:
            del self._frames[next(iter(self._frames))]

    def perform(self, command: effects.Command, post: Post) -> None:
        """Start one command; what comes of it is posted as an event."""
        act = self._acts.get(type(command))
        if act is None:
            raise CallerError(
                "command-unknown", f"No act for {type(command).__name__}", "Add it to the table of acts."
            )
        act(command, post)

    async def stop(self) -> None:
        """Cancel timers and tasks under way, and wait until they ended."""
        self._timers.stop_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("an act failed unexpectedly", exc_info=task.exception())

    def _start_timer(self, command: effects.StartTimer, post: Post) -> None:
        self._timers.start(command.name, command.delay_ms, post)

    def _stop_timer(self, command: effects.StopTimer, post: Post) -> None:
        del post
        self._timers.stop(command.name)

    def _arm(self, command: effects.ArmReader, post: Post) -> None:
        if self._cards is not None:
            self._start(_quietly(self._cards.arm(command.amount_minor, command.currency), "reader", post))

    def _disarm(self, command: effects.DisarmReader, post: Post) -> None:
        del command
        if self._cards is not None:
            self._start(_quietly(self._cards.disarm(), "reader", post))

    def _seal(self, command: effects.SealCard, post: Post) -> None:
        self._start(self._seal_card(command, post))

    async def _seal_card(self, command: effects.SealCard, post: Post) -> None:
        try:
            if self._cards is None:
                raise DeviceError("reader-not-bound", "This box has no card reader", "Bind one in box.json.")
            digest, masked, brand = await self._cards.seal(
                command.attempt, command.amount_minor, command.currency
            )
        except DeviceError as failed:
            post(events.CardNotSealed(command.attempt, failed.code))
            return
        post(events.CardSealed(command.attempt, digest, masked, brand))

    def _forget(self, command: effects.ForgetCard, post: Post) -> None:
        self._frames.pop(("pay", command.attempt), None)
        if self._cards is not None:
            self._start(_quietly(self._cards.forget(command.attempt), "reader", post))

    def _ask(self, command: effects.AskCloud, post: Post) -> None:
        self._start(self._ask_cloud(command, post))

    async def _ask_cloud(self, command: effects.AskCloud, post: Post) -> None:
        blob = ""
        if command.kind == "pay" and self._cards is not None:
            try:
                blob = await self._cards.stored(command.attempt)
            except DeviceError as gone:
                answer = {"reason": gone.code}
                post(events.PaymentAnswered("pay", command.attempt, "unknown", answer))
                return
        frame, kind = self._frames.get((command.kind, command.attempt), b""), command.kind
        if kind == "reverse" and not frame:
            kind = "query"  # too many to remember: the replica holds the intention, so the cloud reverses by itself
        self._uplink.ask(kind, command.payment, command.attempt, frame, blob, command.budget_ms)

    def _print(self, command: effects.PrintReceipt, post: Post) -> None:
        self._start(self._print_receipt(command, post))

    async def _print_receipt(self, command: effects.PrintReceipt, post: Post) -> None:
        outcome, digest = await self._print_document(command.document)
        post(events.ReceiptPrinted(command.order, command.copy, outcome, digest))

    async def _print_document(self, document: Document) -> tuple[str, str]:
        """(printed | failed | unknown, digest)."""
        if self._printer is not None:
            async with self._paper:
                try:
                    return await self._printer.print(document)
                except DeviceError as failed:
                    _log.warning("paper not printed: %s", failed)
        return "failed", ""

    def _print_slip(self, command: effects.PrintSlip, post: Post) -> None:
        del post
        self._start(self._print_document(command.document))

    def _open_drawer(self, command: effects.OpenDrawer, post: Post) -> None:
        del command
        if self._printer is not None:
            self._start(_quietly(self._printer.open_drawer(), "drawer", post))

    def _show_pole(self, command: effects.ShowOnPole, post: Post) -> None:
        if self._pole is not None:
            self._start(_quietly(self._pole.show(command.upper, command.lower), "pole", post))

    def _watch(self, command: effects.WatchScale, post: Post) -> None:
        del post
        if self._scale is not None:
            self._scale.watch(is_wanted=command.is_wanted)

    def _settings(self, command: effects.ApplySettings, post: Post) -> None:
        del post
        if self._apply_settings is not None:
            self._apply_settings(command.version)

    def _versions(self, command: effects.ApplyVersions, post: Post) -> None:
        del post
        if self._apply_versions is not None:
            self._apply_versions(command.number, command.from_ms)


async def _quietly(work: Coroutine[Any, Any, None], device: str, post: Post) -> None:
    """Run a device command; a failure degrades the device and stops nothing else."""
    try:
        await work
    except DeviceError as failed:
        post(events.DeviceChanged(device, "degraded", failed.code))


_REQUEST_OF_RECORD = {"tender_intended": "pay", "reversal_intended": "reverse"}
