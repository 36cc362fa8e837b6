"""A device breaks and comes back; the box always knows its state."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from edge.peripherals.connection import SerialSettings, TcpSettings, open_link
from edge.peripherals.events import DeviceStateChanged
from edge.peripherals.supervision import BackOff, DeviceState, supervise
from protocol.errors import CallerError, DeviceError
from simulators.serial_line import SerialLine
from tests.device_events import Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.peripherals.connection import Link


class ScriptedDevice:
    """Each life ends with the next fault of a list; a fault of None lives for ever."""

    def __init__(self, told: Told, *faults: Exception | None) -> None:
        self.state = DeviceState("gadget", told)
        self._faults = list(faults)

    async def run(self) -> None:
        fault = self._faults.pop(0)
        self.state.become("ready")
        if fault is None:
            await asyncio.Event().wait()
        else:
            raise fault


async def live(device: ScriptedDevice, lives: int, clock: Callable[[], int] = lambda: 0) -> list[float]:
    delays: list[float] = []

    async def sleep(delay_s: float) -> None:
        delays.append(delay_s)
        if len(delays) == lives:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await supervise(device, clock, BackOff(), sleep)
    return delays


async def test_waits_grow_and_stay_below_the_longest() -> None:
    told = Told()
    broken = [DeviceError("device-stuck", "stuck") for _ in range(8)]

    delays = await live(ScriptedDevice(told, *broken), lives=8)

    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
    assert told.states()[-1] == "failed"


async def test_a_long_life_starts_the_waits_again() -> None:
    told = Told()
    times = iter([0, 10, 10, 20_010, 20_010, 20_020])
    broken = [DeviceError("device-unplugged", "gone") for _ in range(3)]

    delays = await live(ScriptedDevice(told, *broken), lives=3, clock=lambda: next(times))

    assert delays == [0.25, 0.25, 0.5]


async def test_unplugging_is_absent_and_not_failed() -> None:
    told = Told()

    await live(ScriptedDevice(told, DeviceError("device-unplugged", "gone")), lives=1)

    assert told.of(DeviceStateChanged) == [
        DeviceStateChanged("gadget", "opening"),
        DeviceStateChanged("gadget", "ready"),
        DeviceStateChanged("gadget", "absent", "device-unplugged"),
    ]


async def test_a_fault_of_the_program_fails_the_device_and_not_the_box() -> None:
    told = Told()

    await live(ScriptedDevice(told, ZeroDivisionError()), lives=1)

    assert told.of(DeviceStateChanged)[-1] == DeviceStateChanged("gadget", "failed", "device-program-fault")


async def test_a_state_is_told_once() -> None:
    told = Told()
    state = DeviceState("gadget", told)

    state.become("ready")
    state.become("ready")

    assert told.states() == ["ready"]


async def test_a_word_that_is_no_state_is_refused() -> None:
    with pytest.raises(CallerError) as caught:
        DeviceState("gadget", Told()).become("happy")

    assert caught.value.code == "device-state-unknown"


async def test_a_line_that_is_not_there_is_absent(tmp_path: object) -> None:
    with pytest.raises(DeviceError) as caught:
        await open_link(SerialSettings(f"{tmp_path}/nothing"), "scanner")

    assert caught.value.code == "device-absent"


async def test_a_file_that_is_no_line_does_not_open(tmp_path: object) -> None:
    path = f"{tmp_path}/file"
    with open(path, "w", encoding="ascii"):  # noqa: ASYNC230, PTH123  (an empty file, made before the test)
        pass

    with pytest.raises(DeviceError) as caught:
        await open_link(SerialSettings(path), "scanner")

    assert caught.value.code == "device-not-opening"


async def test_a_printer_that_is_switched_off_is_absent() -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    with pytest.raises(DeviceError) as caught:
        await open_link(TcpSettings("127.0.0.1", port), "printer")

    assert caught.value.code == "device-absent"


@pytest.mark.parametrize("is_writing", [False, True])
async def test_unplugging_leaves_no_task_behind_that_broke(tmp_path, is_writing) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    line = SerialLine(tmp_path / "line")
    line.plug()
    link = await open_link(SerialSettings(str(line.path)), "gadget")

    line.unplug()
    with pytest.raises(DeviceError) as broke:
        await (write_until_it_breaks(link) if is_writing else link.read())
    link.close()
    link.close()
    await all_others_ended()

    gc.collect()  # a task that broke unseen is told when it is let go
    assert broke.value.code == "device-unplugged"
    assert complaints == []


async def write_until_it_breaks(link: Link) -> None:
    while True:
        await link.write(b"W")
        await asyncio.sleep(0)


async def all_others_ended() -> None:
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
