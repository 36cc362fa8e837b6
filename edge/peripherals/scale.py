"""The counter scale.

Asked only while the shopper is to weigh something, and believed only when it stands still.

The wire's words are in `scale_frames.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.peripherals.connection import LinkSettings, SerialSettings, open_link
from edge.peripherals.events import WeightRead, WeightRefused
from edge.peripherals.scale_frames import ASK_WEIGHT, SET_ZERO, ScaleAnswer, ScaleReader, read_answer
from edge.peripherals.supervision import DeviceState
from protocol.errors import ConfigError, DeviceError, PeerError

if TYPE_CHECKING:
    from edge.peripherals.connection import Link
    from edge.peripherals.supervision import MonotonicMs, OnEvent

# Nine characters take 10 ms at 9600 baud; models that wait for a stable weight before they answer take
# longer.
ANSWER_S = 0.4
# Five readings a second look alive on the screen.
POLL_INTERVAL_S = 0.2
# Two equal answers in a row: a hand that presses slowly or lifts a bag gets no price for one lucky instant.
STABLE_READINGS = 2
SILENCES_UNTIL_DEGRADED = 3
SILENCES_UNTIL_REOPENED = 12
REFUSALS_UNTIL_DEGRADED = 3


@dataclass(frozen=True, slots=True)
class ScaleSettings:
    """Where the scale is and what it was set up to; `capacity_g` is the most that it may be believed."""

    link: LinkSettings = field(
        default_factory=lambda: SerialSettings("/dev/tillbox-scale", data_bits=7, parity="E")
    )
    unit: str = "kg"
    decimals: int = 3
    capacity_g: int = 15_000
    answer_s: float = ANSWER_S
    poll_interval_s: float = POLL_INTERVAL_S

    def __post_init__(self) -> None:
        if self.unit not in ("kg", "lb") or self.decimals not in (2, 3):
            raise ConfigError(
                "scale-unit-unknown",
                f"{self.unit} with {self.decimals} decimals",
                "Choose kg or lb and 2 or 3.",
            )


class Scale:
    """`run()` is one connected life; `watch` starts and stops the asking."""

    def __init__(
        self, settings: ScaleSettings, on_event: OnEvent, clock: MonotonicMs, name: str = "scale"
    ) -> None:
        self.state = DeviceState(name, on_event)
        self._settings = settings
        self._on_event = on_event
        self._clock = clock
        self._is_wanted = asyncio.Event()
        self._zero_wanted = False
        self._told: tuple[str, int] | None = None
        self._last = ScaleAnswer("zero")
        self._repeats = 0
        self._silences = 0
        self._refusals = 0

    def watch(self, *, is_wanted: bool) -> None:
        """Ask the scale for weights, or leave it alone; each start tells the weight anew."""
        if is_wanted and not self._is_wanted.is_set():
            self._told, self._repeats = None, 0
            self._is_wanted.set()
        elif not is_wanted:
            self._is_wanted.clear()

    def zero(self) -> None:
        """Set the empty scale to zero at the next question (staff only)."""
        self._zero_wanted = True

    async def run(self) -> None:
        """Answer to `watch` until the link breaks (DeviceError) or the scale stays silent ("scale-silent")."""
        link = await open_link(self._settings.link, self.state.device)
        reader = ScaleReader()
        self._silences = self._refusals = 0
        self._told = None
        self.state.become("ready")
        try:
            while True:
                if not self._is_wanted.is_set() and not self._zero_wanted:
                    await self._rest(link)
                    continue
                asked_ms = self._clock()
                self._hear(await self._ask(link, reader))
                pause_s = self._settings.poll_interval_s - (self._clock() - asked_ms) / 1000
                await asyncio.sleep(max(0.0, pause_s))
        finally:
            link.close()
            self._tell("unknown", 0)

    async def _rest(self, link: Link) -> None:
        """Wait until a weight is wanted, dropping what the scale says unasked, noticing when it is unplugged."""
        reading = asyncio.create_task(link.read())
        wanted = asyncio.create_task(self._is_wanted.wait())
        try:
            await asyncio.wait((reading, wanted), return_when=asyncio.FIRST_COMPLETED, timeout=1.0)
            if reading.done():
                reading.result()
        finally:
            reading.cancel()
            wanted.cancel()
            await asyncio.gather(reading, wanted, return_exceptions=True)

    async def _ask(self, link: Link, reader: ScaleReader) -> bytes | None:
        """Ask once; the answer's body, or none within the time."""
        reader.forget()
        if self._zero_wanted:
            self._zero_wanted = False
            await link.write(SET_ZERO)
        await link.write(ASK_WEIGHT)
        deadline_ms = self._clock() + int(self._settings.answer_s * 1000)
        while (left_ms := deadline_ms - self._clock()) > 0:
            bodies = reader.feed(await link.read_within(left_ms / 1000))
            if bodies:
                return bodies[-1]
        return None

    def _hear(self, body: bytes | None) -> None:
        if body is None:
            self._silent()
            return
        self._silences = 0
        try:
            answer = read_answer(
                body,
                unit=self._settings.unit,
                decimals=self._settings.decimals,
                capacity_g=self._settings.capacity_g,
            )
        except PeerError as fault:
            self._refuse(fault)
            return
        self._refusals = 0
        self.state.become(*(("degraded", "scale-needs-zero") if answer.needs_zero else ("ready", "")))
        self._repeats = self._repeats + 1 if answer == self._last else 1
        self._last = answer
        if answer.state in ("stable", "zero") and self._repeats < STABLE_READINGS:
            self._tell("moving", 0)
        else:
            self._tell(answer.state, answer.weight_g)

    def _silent(self) -> None:
        self._silences += 1
        self._repeats = 0
        if self._silences >= SILENCES_UNTIL_DEGRADED:
            self._tell("unknown", 0)
            self.state.become("degraded", "scale-silent")
        if self._silences >= SILENCES_UNTIL_REOPENED:
            raise DeviceError("scale-silent", "The scale does not answer", "Check its cable and power.")

    def _refuse(self, fault: PeerError) -> None:
        """Set a wrong answer aside: whatever weight was on the screen counts no longer."""
        self._refusals += 1
        self._repeats = 0
        self._tell("unknown", 0)
        if self._refusals == 1 or self._refusals % 25 == 0:  # every five seconds, not every reading
            self._on_event(WeightRefused(fault.code, fault.what, self._clock()))
        if self._refusals >= REFUSALS_UNTIL_DEGRADED:
            self.state.become("degraded", fault.code)

    def _tell(self, state: str, weight_g: int) -> None:
        if (state, weight_g) != self._told:
            self._told = (state, weight_g)
            self._on_event(WeightRead(weight_g, state, self._clock()))
