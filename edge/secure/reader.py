"""Keeps the card reader's line open and turns it into frames and states for the module.

States: absent (no line), opening (asked who it is), ready (it answered), degraded (the line carries noise),
failed (it is there and does not answer). A reader that is pulled out and put back is armed again by the
module.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.peripherals.connection import open_link
from edge.secure.reader_frames import FrameReader, encode_frame
from protocol.errors import DeviceError

if TYPE_CHECKING:
    from edge.peripherals.connection import Link, SerialSettings
    from edge.secure.module import SecureModule
    from edge.secure.reader_frames import ReaderFrame

LOG = logging.getLogger(__name__)
QUESTIONS_MAX = 2  # unanswered ones, then the reader counts as failed
NOISE_MAX = 8  # damaged places since the last hello, then the line counts as degraded
UNSENT_MAX = 64  # frames to a reader that takes none: it is asked again anyway


@dataclass(frozen=True, slots=True)
class ReaderTimes:
    """How patient the module is with a reader."""

    gap_s: float = 0.2  # silence inside a frame: at 9600 baud a byte takes a millisecond
    question_s: float = 1.0  # silence, then it is asked who it is
    reopen_s: float = 0.5  # between two tries to open the line; a plug takes longer to seat


class CardReader:
    """The one reader of this box."""

    def __init__(self, settings: SerialSettings, times: ReaderTimes) -> None:
        self._settings, self._times = settings, times
        self._unsent: asyncio.Queue[bytes] = asyncio.Queue(UNSENT_MAX)
        self._unanswered = 0

    def send(self, data: bytes) -> None:
        """Queue a frame for the reader; a full queue drops it."""
        try:
            self._unsent.put_nowait(data)
        except asyncio.QueueFull:
            LOG.warning("the reader takes no frames")

    async def run(self, module: SecureModule) -> None:
        """Keep the line, for ever."""
        while True:
            try:
                link = await open_link(self._settings, "card reader")
            except DeviceError as error:
                module.reader_changed("absent", error.code)
                await asyncio.sleep(self._times.reopen_s)
                continue
            try:
                await self._serve(link, module)
            except DeviceError as error:
                module.reader_changed("absent", error.code)
            finally:
                link.close()
            await asyncio.sleep(self._times.reopen_s)

    async def _serve(self, link: Link, module: SecureModule) -> None:
        module.reader_changed("opening", "")
        while not self._unsent.empty():
            self._unsent.get_nowait()
        self._unanswered = 0
        frames = FrameReader()
        writing = asyncio.create_task(self._write(link))
        try:
            await link.write(encode_frame("Q"))
            while not writing.done():
                await self._turn(link, module, frames)
            await writing
        finally:
            writing.cancel()

    async def _turn(self, link: Link, module: SecureModule, frames: FrameReader) -> None:
        patience = self._times.gap_s if frames.is_inside else self._times.question_s
        data = await link.read_within(patience)
        found = frames.feed(data) if data else frames.give_up()
        for frame in found:
            self._take(frame, module, frames)
        if frames.damage > NOISE_MAX:
            frames.damage = 0
            module.reader_changed("degraded", "line-noise")
        if not data and not found and not frames.is_inside:
            await self._ask_again(link, module)

    def _take(self, frame: ReaderFrame, module: SecureModule, frames: FrameReader) -> None:
        self._unanswered = 0
        if frame.kind == "H":
            frames.damage = 0
            module.reader_changed("ready", "")
        else:
            module.take_frame(frame)

    async def _ask_again(self, link: Link, module: SecureModule) -> None:
        self._unanswered += 1
        if self._unanswered > QUESTIONS_MAX:
            module.reader_changed("failed", "no-answer")
        await link.write(encode_frame("Q"))

    async def _write(self, link: Link) -> None:
        while True:
            await link.write(await self._unsent.get())
