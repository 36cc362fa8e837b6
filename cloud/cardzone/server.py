"""The card zone's door: a Unix socket (mode 0600) with packets, many requests at once on each connection.

Request {do, id, ...} -> answer {id, ...} or {id, error: {kind, code, what, action}}. Notices are pushed to
every connection, and again to each new one, until somebody says {do: "heard", notice}.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cloud.cardzone.requests import read_asked, read_authorization
from protocol.errors import CallerError, PeerError, TillboxError
from protocol.packets import PacketReader, encode_packet
from protocol.strict_json import loads

if TYPE_CHECKING:
    from pathlib import Path

    from cloud.cardzone.keys import Keys
    from cloud.cardzone.links import Links
    from cloud.cardzone.store import Store
    from cloud.cardzone.zone import Zone

LOG = logging.getLogger(__name__)
REQUESTS_MAX = 2_000  # at once on one connection: above the busiest minute of 1,000 boxes; more are refused
READ_BYTES = 65_536  # of one read; what comes in more pieces is put together


class Server:
    """Serves one socket path."""

    def __init__(self, zone: Zone, store: Store, keys: Keys, links: Links) -> None:
        self._zone, self._store, self._keys, self._links = zone, store, keys, links
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        zone.on_notice = self._push

    async def listen(self, path: Path) -> asyncio.Server:
        """Open the socket; an old one at the same path is replaced."""
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, before anything is served
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._serve, str(path))
        finally:
            os.umask(before)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        packets = PacketReader()
        try:
            for number, body in self._store.notices():
                self._write(writer, _notice(number, body))
            with suppress(OSError):
                while data := await reader.read(READ_BYTES):
                    for said in packets.feed(data):
                        self._begin(writer, said)
                    await writer.drain()
        except PeerError as error:
            LOG.warning("a connection was closed: %s", error)
        finally:
            self._writers.discard(writer)
            writer.close()

    def _begin(self, writer: asyncio.StreamWriter, said: object) -> None:
        if not isinstance(said, dict) or not isinstance(said.get("id", ""), str):
            raise PeerError("request-malformed", "A request is no object with a text id", "Check the caller")
        if len(self._tasks) >= REQUESTS_MAX:
            error = PeerError("zone-busy", "Too many requests are under way", "Ask again later")
            self._write(writer, _failed(said, error))
            return
        task = asyncio.create_task(self._answer(writer, said))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, writer: asyncio.StreamWriter, said: dict[str, Any]) -> None:
        try:
            answer = await self._do(said)
        except TillboxError as error:
            self._write(writer, _failed(said, error))
            return
        self._write(writer, {**answer, "id": said.get("id", "")})

    async def _do(self, said: dict[str, Any]) -> dict[str, Any]:
        match said.get("do"):
            case "authorize":
                return await self._zone.authorize(read_authorization(said))
            case "reverse":
                return await self._zone.reverse(read_asked(said))
            case "query":
                return self._zone.query(read_asked(said))
            case "public_key":
                return {"public_key": self._keys.public_key()}
            case "health":
                return {"is_up": self._links.is_up, "counts": dict(self._links.counts)}
            case "heard":
                number = said.get("notice")
                await self._store.forget_notice(number if type(number) is int else 0)
                return {}
        raise CallerError("request-unknown", "The card zone does not do this", "Check the caller")

    def _push(self, number: int, body: bytes) -> None:
        for writer in self._writers:
            self._write(writer, _notice(number, body))

    @staticmethod
    def _write(writer: asyncio.StreamWriter, packet: dict[str, Any]) -> None:
        if not writer.is_closing():
            writer.write(encode_packet(packet))


def _notice(number: int, body: bytes) -> dict[str, Any]:
    said = loads(body)
    return {**(said if isinstance(said, dict) else {}), "notice": number}


def _failed(said: dict[str, Any], error: TillboxError) -> dict[str, Any]:
    kind = type(error).__name__
    return {
        "id": said.get("id", ""),
        "error": {"kind": kind, "code": error.code, "what": error.what, "action": error.action},
    }
