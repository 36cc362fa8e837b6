"""Fetching a version from the cloud: one GET over TLS with the box's own certificate, from where the last one ended.

The address comes with the signed publication. What comes is believed by its hash alone, which `keeper` checks. The
answer is read by hand: one status line, a few headers, a body of known length; whatever else comes is an error.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from protocol.errors import DeviceError, PeerError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable

DEFAULT_PORT = 443
CONNECT_S = 15.0  # TCP and TLS over a slow mobile line, as with the broker
SILENCE_S = 30.0  # between two pieces of a body: a line that is slower is taken for dead and tried again
HEAD_BYTES = 8_192  # of an answer; ours are a few hundred
CHUNK_BYTES = 65_536  # taken at once: written to the disk in a fraction of a millisecond
ABSENT, RANGE_WRONG = 404, 416


class HttpsFetch:
    """Fetches by hash; `tls` makes a context with this box's certificate."""

    def __init__(self, tls: Callable[[], ssl.SSLContext]) -> None:
        self._tls = tls

    def __call__(self, source: str, digest: str, offset: int) -> AsyncGenerator[bytes, None]:
        """Give the bytes of a version from `offset` on.

        DeviceError "versions-unreachable"; PeerError "versions-source-wrong", "versions-absent" and, when another part
        comes than was asked for, "versions-range-wrong".
        """
        return _body(self._tls(), source, digest, offset)


async def _body(tls: ssl.SSLContext, source: str, digest: str, offset: int) -> AsyncGenerator[bytes, None]:
    try:
        address = urlsplit(source)
        host, port = address.hostname or "", address.port or DEFAULT_PORT
    except ValueError as wrong:
        raise PeerError(
            "versions-source-wrong", "The publication names no address", "Publish again"
        ) from wrong
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=HEAD_BYTES)
    except (OSError, TimeoutError) as broken:
        raise _unreachable(broken) from broken
    try:
        asked = (
            f"GET /versions/{digest} HTTP/1.1",
            f"Host: {host}",
            f"Range: bytes={offset}-",
            "Connection: close",
        )
        writer.write("\r\n".join([*asked, "", ""]).encode())
        left = await _head(reader, offset)
        while left:
            async with asyncio.timeout(SILENCE_S):
                chunk = await reader.read(min(left, CHUNK_BYTES))
            if not chunk:
                raise DeviceError("versions-unreachable", "The connection ended early", "It is tried again")
            left -= len(chunk)
            yield chunk
    except (OSError, TimeoutError) as broken:
        raise _unreachable(broken) from broken
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


async def _head(reader: asyncio.StreamReader, offset: int) -> int:
    """Read status and headers; how many bytes follow."""
    try:
        async with asyncio.timeout(SILENCE_S):
            head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as wrong:
        raise DeviceError("versions-unreachable", "No answer was read", "It is tried again") from wrong
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
    }
    status = words[1] if len(words) > 1 and words[0] == "HTTP/1.1" else ""
    length = headers.get("content-length", "")
    if status == str(RANGE_WRONG):
        return 0  # all of it is here already
    if status == str(ABSENT):
        raise PeerError("versions-absent", "The cloud does not have this version", "Publish again")
    if status != "206" or not length.isascii() or not length.isdecimal() or len(length) > len(str(1 << 40)):
        raise DeviceError(
            "versions-unreachable", f"The answer was {status or 'not understood'}", "It is tried again"
        )
    if not headers.get("content-range", "").startswith(f"bytes {offset}-"):
        raise PeerError("versions-range-wrong", "Another part came than was asked for", "It is tried again")
    return int(length)


def _unreachable(broken: Exception) -> DeviceError:
    return DeviceError(
        "versions-unreachable",
        f"The versions cannot be fetched ({type(broken).__name__})",
        "It is tried again",
    )
