"""The screen's event stream as a bench reads it: each view with the instant at which it came."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from protocol.errors import OutcomeUnknown, PeerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

VIEW_BYTES_MAX = 4_194_304  # the view of a thousand lines is a tenth of it
WAIT_S = 20.0  # nothing that a bench waits for takes a second
TOUCH_GAP_S = 0.055  # a screen takes twenty touches a second and refuses more: no finger is faster


class ViewStream:
    """Views of one open page, in the order in which they came, and a finger that touches it."""

    def __init__(self, reader: asyncio.StreamReader, client: httpx.AsyncClient) -> None:
        self._reader = reader
        self._client = client
        self._next_touch_s = 0.0

    async def touch(self, action: str, **more: Any) -> None:
        """Touch one button, TOUCH_GAP_S after the last at the earliest; PeerError when the box refuses the touch."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._next_touch_s - loop.time())
        self._next_touch_s = loop.time() + TOUCH_GAP_S
        answer = await self._client.post("/act", json={"action": action, **more})
        if answer.status_code >= 400:
            raise PeerError(
                "touch-refused", f"The box answered {answer.status_code}", "Look at the box's log."
            )

    async def until(
        self, seen: Callable[[dict[str, Any]], Any], wait_s: float = WAIT_S
    ) -> tuple[float, dict[str, Any]]:
        """(Loop time, view) of the next view for which `seen` is true; OutcomeUnknown when none comes."""
        last = "nothing"
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    line = await self._reader.readline()
                    came = asyncio.get_running_loop().time()
                    if not line:
                        raise OutcomeUnknown("screen-closed", "The box closed its screen", "See its log.")
                    if line.startswith(b"data: {"):
                        view: dict[str, Any] = json.loads(line[6:])
                        last = f"{view['page']} {view['notice']}".strip()
                        if seen(view):
                            return came, view
        except TimeoutError as missing:
            raise OutcomeUnknown("view-missing", f"The box shows {last} and nothing else", "") from missing


@asynccontextmanager
async def open_stream(address: str) -> AsyncIterator[ViewStream]:
    """Follow the screen at an address like http://127.0.0.1:8080/."""
    place = urlsplit(address)
    origin = f"{place.scheme}://{place.netloc}"
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=VIEW_BYTES_MAX)
    try:
        writer.write(f"GET /events HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        async with httpx.AsyncClient(base_url=origin, headers={"origin": origin}) as client:
            yield ViewStream(reader, client)
    finally:
        writer.close()
