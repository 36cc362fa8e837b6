"""A simulated card reader on a real serial line: the development protocol, and all that a reader does wrong.

Cards come from `simulators.cards`; `present` shows one, `remove` takes it away at any moment. The reader
shows a card only while it is armed, as a real one does; one that is put in earlier is read when it becomes
armed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.errors import CallerError
from simulators.card_reader_frames import Incoming, card_payload, frame
from simulators.cards import BY_NAME, TestCard
from simulators.device_control import stay
from simulators.serial_line import SerialLine

if TYPE_CHECKING:
    from simulators.device_control import Actions

NOISE = bytes(range(0, 256, 5)) + b"\x02\x00\x08P\x02\x02\xff\xff" + b"\x02\xff\xff" + b"\x02\x00"
EARLY_S = 0.0  # a card that is removed early leaves right behind its reading


@dataclass(frozen=True, slots=True)
class CardReaderSettings:
    """Where the reader's line appears; `control` is a socket path or empty."""

    path: str
    control: str = ""
    follows_input: bool = False
    name: str = "tillbox development reader"


class CardReaderSim:
    """One reader with at most one card in it."""

    def __init__(self, settings: CardReaderSettings) -> None:
        self.line = SerialLine(settings.path)
        self.armed_for = ""  # "1250 EUR" while a card is wanted
        self.is_silent = False  # answers nothing, as a hung reader
        self._name = settings.name
        self._card: TestCard | None = None
        self._reading: asyncio.Task[None] | None = None

    def plug(self) -> None:
        """Plug it in."""
        self.line.plug()
        if self._reading is None:
            self._reading = asyncio.create_task(self._listen())

    def unplug(self) -> None:
        """Pull the cable; the reader loses its power with it."""
        self.armed_for = ""
        self._card = None
        self.line.unplug()

    async def close(self) -> None:
        """Stop being a reader."""
        self.unplug()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None

    async def present(self, card: TestCard | str) -> None:
        """Put a card in or on the reader."""
        found = BY_NAME.get(card) if isinstance(card, str) else card
        if found is None:
            raise CallerError("card-unknown", "There is no such test card", "Choose one of simulators.cards")
        self._card = found
        if self.armed_for:
            await self._read_card(found)

    async def remove(self) -> None:
        """Take the card away."""
        was, self._card = self._card, None
        if was is not None and was.entry == "contact":
            await self._send(frame("R"))

    async def noise(self, times: int = 1) -> None:
        """Send bytes that are no frame."""
        for _ in range(times):
            await self._send(NOISE)

    def actions(self) -> Actions:
        """Name what a control line may do."""
        return {
            "present": self.present,
            "remove": self.remove,
            "noise": self.noise,
            "plug": self.plug,
            "unplug": self.unplug,
            "hang": lambda is_wanted=True: setattr(self, "is_silent", bool(is_wanted)),
        }

    async def _listen(self) -> None:
        incoming = Incoming()
        while True:
            for kind, payload in incoming.feed(await self.line.read()):
                await self._obey(kind, payload)

    async def _obey(self, kind: str, payload: bytes) -> None:
        if self.is_silent:
            return
        if kind == "Q":
            await self._send(frame("H", self._name.encode()))
        elif kind == "D":
            self.armed_for = ""
        elif kind == "A":
            was_armed, self.armed_for = self.armed_for, payload.decode("ascii", "replace")
            if self._card is not None and not was_armed:
                await self._read_card(self._card)

    async def _read_card(self, card: TestCard) -> None:
        whole = frame("P", card_payload(card))
        if card.behaviour == "bad-read":
            await self._send(frame("E"))
        elif card.behaviour == "half-read":
            await self._send(whole[: len(whole) // 2])
        elif card.behaviour == "noisy":
            await self._send(NOISE + whole + NOISE)
        else:
            await self._send(whole)
        if card.entry != "contact":
            self._card = None
        elif card.behaviour == "removed-early":
            await asyncio.sleep(EARLY_S)
            await self.remove()

    async def _send(self, data: bytes) -> None:
        if self.line.is_plugged and not self.is_silent:
            await self.line.write(data)


async def run_card_reader(settings: CardReaderSettings) -> None:
    """Be a card reader until cancelled or until standard input ends."""
    reader = CardReaderSim(settings)
    reader.plug()
    try:
        await stay(reader.actions(), settings.control, follows_input=settings.follows_input)
    finally:
        await reader.close()
