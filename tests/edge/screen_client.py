"""A bare HTTP client for the screen: it can be as wrong, slow and rude as a test needs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WAIT_S_MAX = 10


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        return str(json.loads(self.body)["error"])


async def exchange(host: tuple[str, int], raw: bytes) -> bytes:
    """Send raw bytes and read until the server closes; b"" when it was cut off."""
    reader, writer = await asyncio.open_connection(*host)
    try:
        writer.write(raw)
        return await asyncio.wait_for(reader.read(), WAIT_S_MAX)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def request(host: tuple[str, int], method: str, path: str, body: bytes = b"", **headers: str | None) -> bytes:
    """A request as the page sends it; a header given as None is left out."""
    name = f"{host[0]}:{host[1]}"
    sent: dict[str, str | None] = {"Host": name, "Connection": "close"}
    if method != "GET":
        sent |= {
            "Origin": f"http://{name}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
    sent |= {key.replace("_", "-"): value for key, value in headers.items()}
    lines = [
        f"{method} {path} HTTP/1.1",
        *(f"{key}: {value}" for key, value in sent.items() if value is not None),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def ask(
    host: tuple[str, int], method: str, path: str, body: bytes = b"", **headers: str | None
) -> Answer:
    """One request and its answer."""
    return read_answer(await exchange(host, request(host, method, path, body, **headers)))


async def post(host: tuple[str, int], path: str, fields: dict[str, Any], **headers: str | None) -> Answer:
    """A post of JSON as the page makes it."""
    return await ask(host, "POST", path, json.dumps(fields).encode(), **headers)


def read_answer(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return Answer(int(lines[0].split()[1]), {key.lower(): value for key, value in headers.items()}, body)


class Stream:
    """An open event stream of the screen."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def event(self) -> dict[str, str]:
        """The next event as its fields; comments are kept under ""."""
        fields: dict[str, str] = {}
        while True:
            line = await self._line()
            if line == "" and fields:
                return fields
            name, _, value = line.partition(":")
            fields[name] = value.strip()

    async def view(self) -> dict[str, Any]:
        """The next view."""
        while True:
            event = await self.event()
            if "data" in event and "event" not in event:
                return dict(json.loads(event["data"]))

    async def ended(self) -> None:
        """Return when the server has ended the stream."""
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(self._reader.read(), WAIT_S_MAX)

    async def _line(self) -> str:
        while True:
            line = await asyncio.wait_for(self._reader.readline(), WAIT_S_MAX)
            if not line:
                raise EOFError("the stream ended")
            # Sizes of chunks stand on lines of their own between the lines of the stream.
            text = line.decode().rstrip("\r\n")
            if line.endswith(b"\r\n"):
                continue
            return text


@contextlib.asynccontextmanager
async def stream(host: tuple[str, int]) -> AsyncIterator[Stream]:
    """Open the event stream; closed at the end."""
    reader, writer = await asyncio.open_connection(*host, limit=2**20)
    writer.write(request(host, "GET", "/events", Connection=None))
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S_MAX)
        assert b" 200 " in head.splitlines()[0], head
        yield Stream(reader, writer)
    finally:
        writer.close()
