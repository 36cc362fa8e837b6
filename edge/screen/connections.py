"""The HTTP connections of the shopper's screen, bounded: how many, and how long one may take to ask.

uvicorn bounds the head's bytes and the idle time after an answer, not the time of a first request and not the number
of sockets. On a kiosk one browser holds a handful; anything beyond is a fault or an attack on the agent's memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

MAX_CONNECTIONS = 32  # a browser opens six to one host; room for a diagnosis beside it
MAX_HEAD_BYTES = 16_384  # a browser's head is below 2 KiB
HEAD_WAIT_S_MAX = 10  # on loopback a head takes a millisecond
IDLE_S_MAX = 5  # a browser simply opens another connection


class BoundedHttp(H11Protocol):
    """One connection; aborted when it is one too many or asks for nothing in time."""

    _head_wait: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; streams find the way to cut it in the request's state."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort": transport.abort}
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._head_wait = self.loop.call_later(HEAD_WAIT_S_MAX, self._cut_unless_asked)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Read what came; from the first whole head on, uvicorn's own idle time holds."""
        super().handle_events()
        scope: Any = self.scope
        if scope is not None:
            self._stop_waiting()

    def _cut_unless_asked(self) -> None:
        if self.cycle is None:
            self.transport.abort()

    def _stop_waiting(self) -> None:
        if self._head_wait is not None:
            self._head_wait.cancel()
            self._head_wait = None
