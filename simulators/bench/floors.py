"""Floors that need a process of their own: an echo over TCP, and a line from a serial device passed on over TCP.

Run as `python -m simulators.bench.floors echo` or `... relay SERIAL_LINE`; the first line on standard output is the
port. They end when standard input does.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LINE_BYTES_MAX = 65_536  # one echoed request; the longest live request is below it


@asynccontextmanager
async def running_floor(*arguments: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Start a floor and connect to it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulators.bench.floors",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None, "its output was asked for"
    try:
        port = int(await process.stdout.readline())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        _send_at_once(writer)
        yield reader, writer
        writer.close()
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _serve(device: str) -> None:
    """Echo what comes over TCP, or pass on what comes from the device."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _send_at_once(writer)
        if device:
            _pass_on(device, writer)
        while data := await reader.read(LINE_BYTES_MAX):
            writer.write(data)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


def _pass_on(device: str, writer: asyncio.StreamWriter) -> None:
    line = os.open(device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    asyncio.get_running_loop().add_reader(line, lambda: writer.write(os.read(line, LINE_BYTES_MAX)))


def _send_at_once(writer: asyncio.StreamWriter) -> None:
    found: socket.socket = writer.get_extra_info("socket")
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[2] if sys.argv[1] == "relay" else ""))
