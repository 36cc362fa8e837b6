"""The stream of views to every open page, as server-sent events.

```
event: page     data: the digest of the page's files    once, at the start: a page of older files reloads itself
data: {view}                                            the newest view; once at the start, then at every change
: keep-alive    event: beat    data: beat               when nothing else was sent for KEEP_ALIVE_S
```

A view is encoded once for all pages, only when it changed and only when a page is there to read it. A page that
reads slowly gets the newest view next and misses those between; one that reads nothing at all is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

MAX_STREAMS = 8  # one page on the screen, one beside it for a diagnosis, and some that are just reloading
KEEP_ALIVE_S = 10  # a page that hears nothing for two of these tells the shopper to wait
SLOW_S_MAX = 5  # on loopback a reader that takes nothing for so long is stuck
RETRY_MS = 500  # a page that lost its stream asks again after this

HEAD = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
KEEP_ALIVE = b": keep-alive\nevent: beat\ndata: beat\n\n"


class Views:
    """The newest view and the pages that follow it."""

    def __init__(self, digest: str, slow_s: float = SLOW_S_MAX, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._opening = f"retry: {RETRY_MS}\nevent: page\ndata: {digest}\n\n".encode()
        self._slow_s = slow_s
        self._keep_alive_s = keep_alive_s
        self._view: dict[str, Any] | None = None
        self._look: Callable[[], dict[str, Any]] | None = None
        self._encoded: bytes | None = None
        self._version = 0
        self._pages: set[asyncio.Event] = set()
        self._is_closed = False
        self.pages_cut = 0

    def changed(self, look: Callable[[], dict[str, Any]]) -> None:
        """The view may be another now. A long basket takes a millisecond to draw, so nobody draws it unseen."""
        self._look = look
        self._wake_all()

    def show(self, view: dict[str, Any]) -> None:
        """Take the newest view; costs nothing more where no page is open or nothing changed."""
        self._look = None
        if view == self._view:
            return
        self._view, self._encoded = view, None
        self._version += 1
        self._wake_all()

    @property
    def page_count(self) -> int:
        """How many pages follow."""
        return len(self._pages)

    def close(self) -> None:
        """End every stream."""
        self._is_closed = True
        self._wake_all()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one page until it goes away."""
        if self._is_closed or len(self._pages) >= MAX_STREAMS:
            await JSONResponse({"error": "streams-full"}, 503)(scope, receive, send)
            return
        wake = asyncio.Event()
        self._pages.add(wake)
        leaving = asyncio.create_task(_left(receive, wake))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEAD})
            await self._send(send, self._opening)
            await self._follow(send, wake, leaving)
            await self._send(send, b"", more=False)
        except TimeoutError:
            self.pages_cut += 1
            scope["state"]["abort"]()
        finally:
            self._pages.discard(wake)
            leaving.cancel()

    async def _follow(self, send: Send, wake: asyncio.Event, leaving: asyncio.Task[None]) -> None:
        sent = 0
        while not leaving.done() and not self._is_closed:
            if self._look is not None:
                self.show(self._look())
            if sent != self._version:
                sent = self._version
                await self._send(send, self._event())
                continue
            wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._keep_alive_s):
                    await wake.wait()
                continue
            await self._send(send, KEEP_ALIVE)

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._slow_s):
            await send({"type": "http.response.body", "body": body, "more_body": more})

    def _event(self) -> bytes:
        if self._encoded is None:
            # ASCII only: no line end of another kind, no lone surrogate can break the stream.
            self._encoded = (
                b"data: " + json.dumps(self._view, separators=(",", ":")).encode("ascii") + b"\n\n"
            )
        return self._encoded

    def _wake_all(self) -> None:
        for wake in self._pages:
            wake.set()


async def _left(receive: Receive, wake: asyncio.Event) -> None:
    """Return when the page is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    wake.set()
