"""How the rest of the cloud talks to the card zone: calls over its Unix socket, and notices as they come.

A connection that breaks under a call leaves that call's outcome unknown (OutcomeUnknown): ask with `query`.
The next call connects again. Notices are acknowledged after `on_notice` returned, so it may see one twice; one that it
answers with OutcomeUnknown is not, and comes again with the next connection.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from protocol.errors import CallerError, DeviceError, OutcomeUnknown, PeerError, TillboxError
from protocol.packets import PacketReader, encode_packet

if TYPE_CHECKING:
    from pathlib import Path

GRACE_MS = 2_000  # the zone keeps deadlines itself; this much later it is taken for dead
CALL_MS = 5_000  # calls that ask nothing of an acquirer
START_MS = (
    2_000  # a killed card zone listens again within one second; a shopper's budget has no room for more
)
RETRY_S = 0.2  # between two tries to connect
READ_BYTES = 65_536  # of one read; what comes in more pieces is put together

OnNotice = Callable[[dict[str, Any]], Awaitable[None]]
_KINDS: dict[str, type[TillboxError]] = {
    kind.__name__: kind for kind in (CallerError, PeerError, DeviceError, OutcomeUnknown)
}


class CardZoneClient:
    """One connection to one card zone, made when it is needed."""

    def __init__(self, path: Path, on_notice: OnNotice | None = None) -> None:
        self._path = path
        self._on_notice = on_notice
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._calls: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._connecting = asyncio.Lock()
        self._last_id = 0
        self._notices: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def authorize(self, asked: dict[str, Any], blob: bytes, deadline_ms: int) -> dict[str, Any]:
        """Ask for money.

        `asked` has tenant, merchant, terminal, payment, attempt, amount_minor, currency and box.
        Answers outcome (approved, declined, unknown, reversed), amount_minor, approval_code, rrn, stan,
        response_code, reason, masked, brand, token. A zone that starts is waited for, at most START_MS and half
        the deadline; then DeviceError "card-zone-unreachable": nothing was asked.
        """
        rest_ms = deadline_ms - await self._wait_until_connected(min(START_MS, deadline_ms // 2))
        packet = {**asked, "do": "authorize", "blob": b64encode(blob).decode(), "deadline_ms": rest_ms}
        return await self._call(packet, rest_ms + GRACE_MS)

    async def reverse(self, tenant: str, attempt: str, reason: str, deadline_ms: int) -> dict[str, Any]:
        """Undo an attempt: outcome reversed, unknown (still being repeated) or refused."""
        packet = {
            "do": "reverse",
            "tenant": tenant,
            "attempt": attempt,
            "reason": reason,
            "deadline_ms": deadline_ms,
        }
        return await self._call(packet, deadline_ms + GRACE_MS)

    async def query(self, tenant: str, attempt: str) -> dict[str, Any]:
        """Tell how an attempt stands; outcome unknown with reason "never-seen" when nobody asked for it."""
        return await self._call({"do": "query", "tenant": tenant, "attempt": attempt}, CALL_MS)

    async def public_key(self) -> str:
        """Give the point that boxes seal cards to, in hexadecimal."""
        return str((await self._call({"do": "public_key"}, CALL_MS))["public_key"])

    async def health(self) -> dict[str, Any]:
        """Tell whether an acquirer link is up, and what was counted."""
        return await self._call({"do": "health"}, CALL_MS)

    async def listen(self) -> None:
        """Stay connected and hand notices to `on_notice`, for ever."""
        while True:
            try:
                await self._connect()
            except DeviceError:
                await asyncio.sleep(RETRY_S)
                continue
            waiting = asyncio.create_task(self._notices.get())
            reading = self._reading
            tasks = {waiting, reading} if reading is not None else {waiting}
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not waiting.done():
                    waiting.cancel()
            if waiting.done() and not waiting.cancelled():
                await self._hear(waiting.result())

    async def close(self) -> None:
        """Close the connection; calls under way become unknown."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        self._lost()

    async def _hear(self, notice: dict[str, Any]) -> None:
        with suppress(DeviceError, OutcomeUnknown):  # it comes again on the next connection
            if self._on_notice is not None:
                await self._on_notice(notice)
            await self._call({"do": "heard", "notice": notice["notice"]}, CALL_MS)

    async def _call(self, packet: dict[str, Any], patience_ms: int) -> dict[str, Any]:
        writer = await self._connect()
        self._last_id += 1
        call_id = str(self._last_id)
        done: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._calls[call_id] = done
        try:
            writer.write(encode_packet({**packet, "id": call_id}))
            async with asyncio.timeout(patience_ms / 1000):
                return _checked(await done)
        except TimeoutError:
            raise OutcomeUnknown(
                "card-zone-silent", "The card zone did not answer", "Query the attempt"
            ) from None
        finally:
            self._calls.pop(call_id, None)

    async def _wait_until_connected(self, patience_ms: int) -> int:
        """Connect, again and again until the patience ends (DeviceError); the milliseconds that it took."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while True:
            try:
                await self._connect()
            except DeviceError:
                if (loop.time() - began_s + RETRY_S) * 1000 > patience_ms:
                    raise
                await asyncio.sleep(RETRY_S)
            else:
                return int((loop.time() - began_s) * 1000)

    async def _connect(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is not None and not self._writer.is_closing():
                return self._writer
            if self._reading is not None:  # the old connection ends before the new one begins
                await asyncio.wait([self._reading])
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError:
                raise DeviceError(
                    "card-zone-unreachable", "The card zone does not listen", "Start it"
                ) from None
            self._writer = writer
            self._reading = asyncio.create_task(self._read(reader, writer))
            return writer

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packets = PacketReader()
        try:
            with suppress(OSError, PeerError):
                while data := await reader.read(READ_BYTES):
                    for said in packets.feed(data):
                        self._take(said)
        finally:
            writer.close()
            self._lost()

    def _take(self, said: object) -> None:
        if not isinstance(said, dict):
            return
        if "notice" in said:
            if self._on_notice is not None:
                self._notices.put_nowait(said)
            return
        waiting = self._calls.get(str(said.get("id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(said)

    def _lost(self) -> None:
        self._writer = None
        while not self._notices.empty():  # they come again with the next connection
            self._notices.get_nowait()
        for waiting in self._calls.values():
            if not waiting.done():
                waiting.set_exception(
                    OutcomeUnknown("card-zone-lost", "The card zone went away", "Query the attempt")
                )


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    error = said.pop("error", None)
    said.pop("id", None)
    if isinstance(error, dict):
        kind = _KINDS.get(str(error.get("kind")), PeerError)
        raise kind(str(error.get("code")), str(error.get("what")), str(error.get("action")))
    return said
