"""Real transports of the peripherals: a serial line or a TCP connection, both as one `Link`.

A device is bound by explicit settings, never guessed. Opening and breaking are told as `DeviceError` with a
slug and what staff can do; waiting and trying again is the business of `supervision.py`.
"""

from __future__ import annotations

import asyncio
import errno
import termios
from dataclasses import dataclass
from pathlib import Path

import serial
import serial_asyncio_fast

from protocol.errors import DeviceError

# A printer in the same shop answers a connect in milliseconds; after this it is switched off or elsewhere.
TCP_CONNECT_S = 3.0
# A device that takes no byte for so long is stuck: the kernel's buffer is full and nobody reads.
WRITE_STALL_S = 5.0
# One read takes at most this much, so that a babbling device cannot grow memory.
READ_BYTES = 4096


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A serial line by its stable path (udev link); parity is N, E or O."""

    path: str
    baud: int = 9600
    data_bits: int = 8
    parity: str = "N"
    stop_bits: int = 1


@dataclass(frozen=True, slots=True)
class TcpSettings:
    """A network printer; 9100 is the usual raw port."""

    host: str
    port: int = 9100


LinkSettings = SerialSettings | TcpSettings


class Link:
    """Bytes to and from one open device.

    Every method raises DeviceError("device-unplugged") once it is gone.
    """

    def __init__(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._name = name
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """Wait for bytes: 1 to READ_BYTES of them."""
        try:
            data = await self._reader.read(READ_BYTES)
        except (OSError, serial.SerialException) as fault:
            raise self._unplugged() from fault
        if not data:
            raise self._unplugged()
        return data

    async def read_within(self, timeout_s: float) -> bytes:
        """Bytes that come within the time, or none."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self.read()
        except TimeoutError:
            return b""

    async def write(self, data: bytes) -> None:
        """Hand bytes to the device; DeviceError("device-stuck") when it takes none for WRITE_STALL_S."""
        try:
            self._writer.write(data)
            async with asyncio.timeout(WRITE_STALL_S):
                await self._writer.drain()
        except TimeoutError as fault:
            raise DeviceError(
                "device-stuck", f"{self._name} takes no more bytes", "Check it, then switch it off and on."
            ) from fault
        except (OSError, serial.SerialException) as fault:
            raise self._unplugged() from fault

    def close(self) -> None:
        """Let the device go; unsent bytes are dropped."""
        transport = self._writer.transport
        # A serial transport that has ended by itself would end a second time, in a task that breaks unseen.
        if not transport.is_closing() or transport.get_write_buffer_size():
            transport.abort()

    def _unplugged(self) -> DeviceError:
        return DeviceError("device-unplugged", f"{self._name} went away", "Check its cable and its power.")


async def open_link(settings: LinkSettings, name: str) -> Link:
    """Open a link to the device `name`.

    DeviceError: "device-absent" (no such line, nobody listens), "device-forbidden" (no right to open it),
    "device-busy" (another program holds it), "device-not-opening" (anything else the system says).
    """
    try:
        if isinstance(settings, TcpSettings):
            async with asyncio.timeout(TCP_CONNECT_S):
                reader, writer = await asyncio.open_connection(settings.host, settings.port)
        else:
            reader, writer = await _open_serial(settings, name)
    except (OSError, serial.SerialException, termios.error, TimeoutError, ValueError) as fault:
        raise _not_open(fault, name) from fault
    return Link(name, reader, writer)


class _SerialTransport(serial_asyncio_fast.SerialTransport):
    """Tells a pulled plug to whoever uses the line, and not also to the loop as a fault of the program."""

    def _fatal_error(self, exc: BaseException, message: str = "") -> None:
        if isinstance(exc, serial.SerialException):
            self._abort(exc)
        else:
            super()._fatal_error(exc, message)


async def _open_serial(
    settings: SerialSettings, name: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if not Path(settings.path).exists():  # noqa: ASYNC240  (a stat of /dev waits for no disk)
        raise DeviceError("device-absent", f"{name} is not there", "Plug it in, or correct its path.")
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport = _SerialTransport(loop, protocol, _set_up(settings))
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _set_up(settings: SerialSettings) -> serial.Serial:
    """Open the line as set up, or with 8N1 where it knows no other (a pty, some USB adapters).

    Such a line delivers parity bits as the eighth bit; the readers of devices that use parity take them out.
    """
    frame = (settings.data_bits, settings.parity, settings.stop_bits)
    try:
        return _exclusive(settings, *frame)
    except termios.error:
        return _exclusive(settings, 8, "N", 1)


def _exclusive(settings: SerialSettings, data_bits: int, parity: str, stop_bits: int) -> serial.Serial:
    line = serial.Serial(settings.path, settings.baud, data_bits, parity, stop_bits, exclusive=True)
    try:
        line.timeout = 0  # sets the line up once more, which a pty refuses when parity was asked for
    except termios.error:
        line.close()
        raise
    return line


def _not_open(fault: Exception, name: str) -> DeviceError:
    number = getattr(fault, "errno", None)
    if isinstance(fault, TimeoutError) or number in _ABSENT:
        return DeviceError("device-absent", f"{name} does not answer", "Check its cable, power and address.")
    if number in (errno.EACCES, errno.EPERM):
        return DeviceError("device-forbidden", f"{name} may not be opened", "Give the box the right to it.")
    if number in (errno.EBUSY, errno.EAGAIN):
        return DeviceError("device-busy", f"{name} is held by another program", "Stop the other program.")
    return DeviceError("device-not-opening", f"{name} cannot be opened ({fault})", "Check path and settings.")


_ABSENT = (
    errno.ENOENT,
    errno.ENXIO,
    errno.ENODEV,
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.ETIMEDOUT,
)
