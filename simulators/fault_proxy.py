"""A TCP proxy that makes a link bad: late, silent, reset, half open, in slices, slow, or cut after so many bytes.

Conditions may be combined and changed at any time. Bytes are never altered, doubled or put into another order: they
come late, or the connection is cut. What a black hole holds comes out when it ends, as TCP's own repetition would do.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

CHUNK_BYTES = 16_384  # one read: a TLS record
WAITING_CHUNKS_MAX = 64  # of one direction, about 1 MiB: what sockets and routers on the way would hold
PACES_PER_S = 20  # a limited bandwidth passes in so many pieces a second
CONNECT_S = 5.0  # to reach the far side on loopback; a server that is stopped still accepts

Side = Literal["client", "server"]
_END, _RESET = b"", None  # what stands in the queue for a closed and for a broken sender
_LINGER_RESET = struct.pack("ii", 1, 0)  # closing sends RST and drops what waits


@dataclass(frozen=True, slots=True)
class Conditions:
    """How bad the link is; 0 and False mean not at all."""

    latency_ms: int = 0  # each way
    is_blackhole: bool = False  # nothing passes, new connections neither
    slice_bytes: int = 0  # at most so many bytes at once
    slice_pause_ms: int = 1  # between two slices
    bytes_per_s: int = 0  # each way
    byte_limit: int = 0  # a connection is reset after so many more bytes, both ways together


CLEAR = Conditions()


class FaultProxy:
    """Stands on a loopback port for a server at another; `conditions` hold for every connection through it."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.counts: Counter[str] = Counter()
        self._target = (host, port)
        self._conditions = CLEAR
        self._passable = asyncio.Event()
        self._passable.set()
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen on a free loopback port; the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Stop listening and cut everything."""
        if self._server is not None:
            self._server.close()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def conditions(self) -> Conditions:
        """How bad the link is now."""
        return self._conditions

    @conditions.setter
    def conditions(self, now: Conditions) -> None:
        self._conditions = now
        for connection in self._connections:
            connection.carried = 0
        if now.is_blackhole:
            self._passable.clear()
        else:
            self._passable.set()

    @property
    def connections(self) -> int:
        """How many connections stand."""
        return len(self._connections)

    def reset(self) -> int:
        """Reset every connection on both sides; how many there were."""
        found = list(self._connections)
        for connection in found:
            connection.abort()
        self.counts["reset"] += len(found)
        return len(found)

    def half_open(self, kept: Side = "client") -> int:
        """Reset every connection on one side only; the `kept` side believes in it until it notices by itself."""
        found = [connection for connection in self._connections if connection.sever(kept)]
        self.counts["half_open"] += len(found)
        return len(found)

    async def passable(self) -> Conditions:
        """Wait until something may pass; how it passes."""
        await self._passable.wait()
        return self._conditions

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a server serves in tasks"
        self._tasks.add(task)
        try:
            await self._join(reader, writer)
        finally:
            self._tasks.discard(task)
            _abort(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passable.wait()
        try:
            async with asyncio.timeout(CONNECT_S):
                far_reader, far_writer = await asyncio.open_connection(*self._target)
        except (OSError, TimeoutError):
            self.counts["refused"] += 1
            return
        connection = _Connection(self, (reader, writer), (far_reader, far_writer))
        self._connections.add(connection)
        self.counts["joined"] += 1
        try:
            await connection.carry()
        finally:
            self._connections.discard(connection)
            connection.abort()


_End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Connection:
    """One connection: two directions, which live and die together unless it is half open."""

    def __init__(self, proxy: FaultProxy, client: _End, server: _End) -> None:
        self.carried = 0
        self._proxy = proxy
        self._writers = {"client": client[1], "server": server[1]}
        self._readers = {"client": client[0], "server": server[0]}
        self._kept: Side | None = None

    async def carry(self) -> None:
        """Carry both ways until both ended, or one broke."""
        async with asyncio.TaskGroup() as ways:
            ways.create_task(self._way("client", "server"))
            ways.create_task(self._way("server", "client"))

    def abort(self) -> None:
        """Reset both sides."""
        for writer in self._writers.values():
            _abort(writer)

    def sever(self, kept: Side) -> bool:
        """Reset the other side and swallow what the kept one says from now on; False when it was done before."""
        if self._kept is not None:
            return False
        self._kept = kept
        _abort(self._writers["server" if kept == "client" else "client"])
        return True

    async def _way(self, source: Side, sink: Side) -> None:
        waiting: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(WAITING_CHUNKS_MAX)
        reading = asyncio.create_task(self._read(source, waiting))
        try:
            while True:
                due_s, chunk = await waiting.get()
                await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))
                if not await self._hand_on(chunk, sink):
                    return
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, source: Side, waiting: asyncio.Queue[tuple[float, bytes | None]]) -> None:
        """Queue what a side says, each chunk with the time at which it may go on."""
        loop = asyncio.get_running_loop()
        while True:
            chunk: bytes | None
            try:
                chunk = await self._readers[source].read(CHUNK_BYTES)
            except OSError:
                chunk = _RESET
            await waiting.put((loop.time() + self._proxy.conditions.latency_ms / 1000, chunk))
            if not chunk:
                return

    async def _hand_on(self, chunk: bytes | None, sink: Side) -> bool:
        """Give one chunk, or the end, to the other side; whether the way goes on."""
        await self._proxy.passable()
        if self._kept is not None:
            return self._swallow(chunk, sink)
        if chunk is _RESET:
            self.abort()
            return False
        writer = self._writers[sink]
        try:
            if chunk == _END:
                writer.write_eof()
                return False
            return await self._write(chunk, sink)
        except OSError:
            if self._kept is None:
                self.abort()
            return self._kept is not None

    def _swallow(self, chunk: bytes | None, sink: Side) -> bool:
        """Half open: the kept side is listened to until it ends, the other is gone without a word."""
        is_ended = not chunk
        if sink == self._kept:
            return False
        if is_ended:
            self.abort()
        return not is_ended

    async def _write(self, chunk: bytes, sink: Side) -> bool:
        writer, offset = self._writers[sink], 0
        while offset < len(chunk):
            now = await self._proxy.passable()
            if self._kept is not None:
                return sink != self._kept
            size = _piece(now, len(chunk) - offset, self.carried)
            if not size:
                self._proxy.counts["byte_limit"] += 1
                self.abort()
                return False
            writer.write(chunk[offset : offset + size])
            await writer.drain()
            offset += size
            self.carried += size
            await asyncio.sleep(_pause_s(now, size))
        return True


def _piece(now: Conditions, left: int, carried: int) -> int:
    """How many bytes may pass at once; 0 when the connection has had its share."""
    size = left
    if now.slice_bytes:
        size = min(size, now.slice_bytes)
    if now.bytes_per_s:
        size = min(size, max(1, now.bytes_per_s // PACES_PER_S))
    if now.byte_limit:
        size = min(size, max(0, now.byte_limit - carried))
    return size


def _pause_s(now: Conditions, size: int) -> float:
    slow_s = size / now.bytes_per_s if now.bytes_per_s else 0.0
    return slow_s + (now.slice_pause_ms / 1000 if now.slice_bytes else 0.0)


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close at once with RST, not with an orderly end."""
    plug = writer.get_extra_info("socket")
    if plug is not None and not writer.is_closing():
        with suppress(OSError):
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    writer.transport.abort()
