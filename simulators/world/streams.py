"""Connections without sockets: servers of this world by port or path, bytes that arrive in order a little later.

Each end runs its callbacks in the context of the process that opened it. When a process crashes, its ends break, and
the other side hears of it as of a reset connection.
"""

from __future__ import annotations

import asyncio
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Self

from simulators.world.process import PRESENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

LOCAL_S = (0.000_1, 0.000_6)  # loopback and a local network; acquirers add their own time
STEP_S = 1e-6  # between two arrivals: bytes never overtake each other


class Streams:
    """All servers and connections of one world."""

    def __init__(self, loop: asyncio.AbstractEventLoop, chance: Random) -> None:
        self._loop, self._chance = loop, chance
        self._servers: dict[str, Listener] = {}

    def listen(self, factory: Callable[[], asyncio.BaseProtocol], address: Any) -> Listener:
        """Open a server; it ends with its process."""
        listener = Listener(self._servers, str(address), factory)
        self._servers[str(address)] = listener
        process = PRESENT.get()
        if process is not None:
            process.cut_with(listener.close)
        return listener

    async def connect(self, factory: Callable[[], asyncio.BaseProtocol], address: Any) -> Any:
        """Open a connection: (transport, protocol). ConnectionRefusedError when nobody listens."""
        await asyncio.sleep(self._way_s())
        listener = self._servers.get(str(address))
        if listener is None:
            raise ConnectionRefusedError(111, "Connection refused")
        near, far = End(self._loop, self._way_s), End(self._loop, self._way_s)
        near.join(far, factory(), copy_context())
        far.join(near, listener.factory(), listener.context.copy())
        process = listener.context.get(PRESENT)
        for end, owner in ((near, PRESENT.get()), (far, process)):
            if owner is not None:
                owner.cut_with(end.abort)
        self._loop.call_soon(far.begin, context=far.context)
        near.begin()
        return near, near.protocol

    def _way_s(self) -> float:
        return self._chance.uniform(*LOCAL_S)


class Listener:
    """One server, as far as asyncio's streams use it."""

    def __init__(
        self, servers: dict[str, Listener], address: str, factory: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        self._servers, self._address = servers, address
        self.factory = factory
        self.context = copy_context()
        self.sockets: list[Any] = [self]

    def getsockname(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", int(self._address) if self._address.isdigit() else 0

    def close(self) -> None:
        """Take no more connections."""
        if self._servers.get(self._address) is self:
            del self._servers[self._address]

    async def wait_closed(self) -> None:
        """It is closed at once."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class End(asyncio.Transport):
    """One end of a connection."""

    protocol: Any
    context: Context

    def __init__(self, loop: asyncio.AbstractEventLoop, way_s: Callable[[], float]) -> None:
        super().__init__()
        self._loop, self._way_s = loop, way_s
        self._other: End | None = None
        self._is_closed = False
        self._last_s = 0.0

    def join(self, other: End, protocol: asyncio.BaseProtocol, context: Context) -> None:
        """Put protocol and other end in place."""
        self._other, self.protocol, self.context = other, protocol, context

    def begin(self) -> None:
        """Tell the protocol that it is connected."""
        self.protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; those to a broken connection are lost."""
        if not self._is_closed and self._other is not None:
            self._later(self._other.take, bytes(data))

    def take(self, data: bytes) -> None:
        """Bytes arrive here."""
        if not self._is_closed:
            self.protocol.data_received(data)

    def close(self) -> None:
        """Send what was written, then end."""
        self._end(None)

    def abort(self) -> None:
        """End at once."""
        self._end(None)

    def ended(self) -> None:
        """The other side is gone."""
        self._end(ConnectionResetError(104, "Connection reset by peer"))

    def is_closing(self) -> bool:
        """Whether this end is closed."""
        return self._is_closed

    def get_write_buffer_size(self) -> int:
        """Nothing waits: the network takes it all."""
        return 0

    def pause_reading(self) -> None:
        """Readers of this world are fast enough for their bounds."""

    def resume_reading(self) -> None:
        """See pause_reading."""

    def _end(self, error: Exception | None) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._loop.call_soon(self.protocol.connection_lost, error, context=self.context)
        if self._other is not None and not self._other.is_closing():
            self._later(self._other.ended)

    def _later(self, act: Callable[..., None], *arguments: Any) -> None:
        assert self._other is not None, "both ends were joined"
        self._last_s = max(self._loop.time() + self._way_s(), self._last_s + STEP_S)
        self._loop.call_at(self._last_s, act, *arguments, context=self._other.context)
