"""The life of a device around its adapter.

Open, work, break, wait, open again; each step told as a device state.

An adapter lives one connected life in `run()`; `supervise` starts the next one with back-off and never
gives up, because somebody may plug the device in again a week later.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge.peripherals.events import DEVICE_STATES, DeviceStateChanged
from protocol.errors import CallerError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from edge.peripherals.events import PeripheralEvent

    OnEvent = Callable[[PeripheralEvent], None]
    MonotonicMs = Callable[[], int]

# A USB device that was only re-enumerated is back within this.
FIRST_DELAY_S = 0.25
# Replugging a cable should be felt at once by the person who does it: never wait longer than this.
LONGEST_DELAY_S = 5.0
# A life this long proves the device works: the next break starts from the first delay again.
STEADY_LIFE_MS = 10_000
# So many lives in a row that ended early are no loose cable any more.
FAILURES_UNTIL_FAILED = 5

_log = logging.getLogger(__name__)


class DeviceState:
    """The one present state of a device; tells every change once."""

    def __init__(self, device: str, on_event: OnEvent) -> None:
        self.device = device
        self.name = ""
        self.reason = ""
        self._on_event = on_event

    def become(self, name: str, reason: str = "") -> None:
        """Reach a state of `DEVICE_STATES`; telling the same state and reason again changes nothing."""
        if name not in DEVICE_STATES:
            raise CallerError("device-state-unknown", f"{name} is no device state")
        if (name, reason) == (self.name, self.reason):
            return
        self.name, self.reason = name, reason
        self._on_event(DeviceStateChanged(self.device, name, reason))


class Peripheral(Protocol):
    """What supervision needs of an adapter."""

    state: DeviceState

    async def run(self) -> None:
        """Live one connected life; end only by DeviceError or cancellation."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """Bounds of trying again; the defaults carry the reasons above."""

    first_delay_s: float = FIRST_DELAY_S
    longest_delay_s: float = LONGEST_DELAY_S
    steady_life_ms: int = STEADY_LIFE_MS
    failures_until_failed: int = FAILURES_UNTIL_FAILED

    def delay_s(self, failures: int) -> float:
        """How long to wait after so many failures in a row (1 or more)."""
        return min(self.longest_delay_s, self.first_delay_s * float(1 << min(failures - 1, 16)))


async def supervise(
    device: Peripheral,
    clock: MonotonicMs,
    back_off: BackOff | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Keep `device` alive until cancelled. `clock` gives monotonic milliseconds."""
    bounds = back_off or BackOff()
    failures = 0
    while True:
        began_ms = clock()
        if device.state.name not in ("absent", "failed"):
            device.state.become("opening")
        fault = await _live(device)
        failures = 1 if clock() - began_ms >= bounds.steady_life_ms else failures + 1
        device.state.become(_state_after(fault, failures, bounds), fault.code)
        await sleep(bounds.delay_s(failures))


async def _live(device: Peripheral) -> DeviceError:
    try:
        await device.run()
    except DeviceError as fault:
        return fault
    except Exception as fault:  # noqa: BLE001  (the supervisor's loop lets nothing pass)
        _log.exception("device %s broke by a fault of the program", device.state.device)
        return DeviceError(
            "device-program-fault", f"{type(fault).__name__} in the adapter", "Send the log to us."
        )
    return DeviceError("device-ended", "The adapter ended by itself", "Send the log to us.")


def _state_after(fault: DeviceError, failures: int, bounds: BackOff) -> str:
    if fault.code in ("device-absent", "device-unplugged"):
        return "absent"
    if failures >= bounds.failures_until_failed or fault.code == "device-program-fault":
        return "failed"
    return "opening"
