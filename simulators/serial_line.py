"""A serial line without hardware: a pty whose far end lies at a stable path, as udev would give it.

The simulated device holds the master side; the product opens the path with its real serial code. A pty
knows neither speed nor parity: line noise is simulated by the bytes that the device sends. Unplugging
closes both ends and takes the path away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from pathlib import Path

from protocol.errors import CallerError, ConfigError

# What the far end may leave unread before bytes are lost, as in a real UART's driver.
MAX_UNSENT_BYTES = 1 << 20
READ_BYTES = 65536


class SerialLine:
    """One line at `path`; `read` and `write` are the device's side of it."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._master = -1
        self._far_end = -1
        self._received = bytearray()
        self._arrived = asyncio.Event()

    @property
    def is_plugged(self) -> bool:
        """Whether the path is there."""
        return self._master >= 0

    def plug(self) -> None:
        """Make the line appear at its path; a line of before is replaced.

        ConfigError("line-taken"): something else is there.
        """
        if self.is_plugged:
            return
        fresh = self.path.with_name(self.path.name + ".new")
        for path in (self.path, fresh):
            if os.path.lexists(path) and not path.is_symlink():
                raise ConfigError(
                    "line-taken", f"{path} is there and no simulated line", "Choose another path."
                )
        self._master, self._far_end = pty.openpty()
        tty.setraw(self._far_end)
        os.set_blocking(self._master, False)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._far_end))
        fresh.replace(self.path)
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    def unplug(self) -> None:
        """Make the line go away, as when its cable is pulled."""
        if not self.is_plugged:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        if self.path.is_symlink() and str(self.path.readlink()) == os.ttyname(self._far_end):
            self.path.unlink()
        os.close(self._master)
        os.close(self._far_end)
        self._master = self._far_end = -1
        self._received.clear()

    async def read(self) -> bytes:
        """Bytes that the product wrote; waits for the first."""
        while not self._received:
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._received)
        self._received.clear()
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes to the product.

        Waits while the line is full, CallerError("line-unplugged") without a line.
        """
        view = memoryview(data)
        while view:
            if not self.is_plugged:
                raise CallerError("line-unplugged", f"{self.path.name} is unplugged", "Plug it in first.")
            try:
                view = view[os.write(self._master, view) :]
            except BlockingIOError:
                await self._writable()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        descriptor = self._master
        loop.add_writer(descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(descriptor)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            self._received += os.read(self._master, READ_BYTES)
            del self._received[:-MAX_UNSENT_BYTES]
        self._arrived.set()
