"""What waits to leave a box over its link: requests of people first, then everything else, each in its order.

A box that catches up has half a megabyte of batches here; on a slow line a payment must not wait behind them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

MAX_OUTGOING = (
    256  # more than all windows of the lanes together; beyond it the oldest is dropped and resent later
)
_REQUESTS = "/req"


class Leaving(NamedTuple):
    """One message on its way out."""

    topic: str
    payload: bytes
    retain: bool


class Outgoing:
    """The two queues of one link; messages are taken by one task."""

    def __init__(self) -> None:
        self._requests: deque[Leaving] = deque()
        self._others: deque[Leaving] = deque()
        self._filled = asyncio.Event()

    def put(self, message: Leaving) -> None:
        """Queue a message; at the bound the oldest is dropped, a request last of all."""
        (self._requests if message.topic.endswith(_REQUESTS) else self._others).append(message)
        if len(self._requests) + len(self._others) > MAX_OUTGOING:
            (self._others or self._requests).popleft()
        self._filled.set()

    async def take(self) -> Leaving:
        """Wait for the message that leaves next."""
        while not self._requests and not self._others:
            self._filled.clear()
            await self._filled.wait()
        return (self._requests or self._others).popleft()

    def clear(self) -> None:
        """Forget everything: the lanes above send again what matters."""
        self._requests.clear()
        self._others.clear()
