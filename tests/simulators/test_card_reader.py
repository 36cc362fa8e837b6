"""The card reader simulator on its pty: what a reader shows, and when."""

from __future__ import annotations

import asyncio

import pytest
import serial_asyncio_fast

from edge.secure.reader_frames import FrameReader, ReaderFrame, encode_frame, read_card
from protocol.errors import CallerError
from simulators.card_reader import CardReaderSettings, CardReaderSim
from simulators.cards import BY_NAME

WAIT_S = 10.0  # for anything that must happen


class Line:
    """The far end of the reader's line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self.frames = FrameReader()
        self._found: list[ReaderFrame] = []

    async def next(self) -> ReaderFrame:
        """The next undamaged frame."""
        async with asyncio.timeout(WAIT_S):
            while not self._found:
                self._found = self.frames.feed(await self._reader.read(4096))
        return self._found.pop(0)


@pytest.fixture
async def reader(tmp_path):
    simulated = CardReaderSim(CardReaderSettings(str(tmp_path / "tty-reader")))
    simulated.plug()
    yield simulated
    await simulated.close()


async def far_end(simulated: CardReaderSim) -> Line:
    return Line(
        *await serial_asyncio_fast.open_serial_connection(url=str(simulated.line.path), baudrate=115_200)
    )


async def test_it_says_who_it_is(reader):
    line = await far_end(reader)

    line.writer.write(encode_frame("Q"))
    hello = await line.next()

    assert (hello.kind, hello.payload) == ("H", b"tillbox development reader")


async def test_a_card_that_waits_is_read_when_the_reader_is_armed(reader):
    line = await far_end(reader)
    await reader.present("amex")

    line.writer.write(encode_frame("A", b"1250 EUR"))
    shown = await line.next()
    await reader.remove()
    gone = await line.next()

    assert read_card(shown.payload).pan == BY_NAME["amex"].pan
    assert gone.kind == "R"


async def test_a_card_may_leave_at_once_or_be_half_read_or_come_with_noise(reader):
    line = await far_end(reader)
    line.writer.write(encode_frame("A", b"1250 EUR") + encode_frame("Q"))
    await line.next()

    await reader.present("removed-early")
    early = [(await line.next()).kind for _ in range(2)]
    await reader.present("bad-read")
    bad = (await line.next()).kind
    await reader.present("noisy-line")
    await reader.present("half-read")
    await reader.noise()
    noisy = await read_through_noise(line)

    assert early == ["P", "R"]
    assert bad == "E"
    assert noisy.kind == "P"
    assert line.frames.damage > 0


async def read_through_noise(line: Line) -> ReaderFrame:
    """The next frame, giving up on half ones as the module does."""
    while True:
        try:
            async with asyncio.timeout(0.2):
                return await line.next()
        except TimeoutError:
            found = line.frames.give_up()
            if found:
                return found[0]


async def test_a_card_nobody_made_is_refused(reader):
    with pytest.raises(CallerError, match="card-unknown"):
        await reader.present("monopoly")

    assert reader.armed_for == ""


async def test_unplugging_takes_the_line_and_the_card_away(reader):
    await reader.present("visa")

    reader.unplug()

    assert not reader.line.path.is_symlink()
    reader.plug()
    line = await far_end(reader)
    line.writer.write(encode_frame("A", b"1250 EUR") + encode_frame("Q"))
    assert (await line.next()).kind == "H"
