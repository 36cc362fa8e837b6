"""The acquirer as a TCP server: any number of links, duplicates found by STAN + terminal + field 7.

Every request is handled in a task of its own, so that a late answer holds up nobody. What happens is chosen
by
`magic.case_of`, or by `use_next` for the next few purchases, whatever they are.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from protocol.errors import CallerError, PeerError
from simulators.acquirer import wire
from simulators.acquirer.magic import CASES, Case, case_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.acquirer.books import Books
    from simulators.acquirer.wire import Fields, Trace

REQUEST_BYTES_MAX = 4096  # requests are below 1,000 bytes; more means that framing is lost
LINK_LOOK_S = 0.5  # a zone that was killed is back within seconds
TIMES_KEPT = 10_000  # more than any bench makes
GARBAGE = bytes.fromhex("0014 deadbeef 00ff00ff 3032 3130 ffffffff 00000000".replace(" ", ""))


@dataclass(frozen=True, slots=True)
class HostTimes:
    """How slow the host is."""

    answer_ms: int = 0  # every answer
    late_ms: int = 20_000  # answers of the late cases: after everybody's patience
    drip_ms: int = 2  # between two bytes


@dataclass(slots=True)
class _Memory:
    answers: dict[Trace, bytes] = field(default_factory=dict)
    reversal_tries: Counter[Trace] = field(default_factory=Counter)
    cases: dict[Trace, Case] = field(default_factory=dict)


class Acquirer:
    """One host. `start` gives its port; `books` is what it believes about money."""

    def __init__(self, books: Books, times: HostTimes, card_cases: Mapping[str, int]) -> None:
        self.books = books
        self.counts: Counter[str] = Counter()
        self.is_paused = False  # reads requests and does nothing
        self.refuses_sign_on = False
        self.has_magic_amounts = True  # off for real sales, whose totals may be any amount
        self.purchase_s: deque[float] = deque(
            maxlen=TIMES_KEPT
        )  # its own time for each of the last purchases
        self._times = times
        self._card_cases = dict(card_cases)
        self._memory = _Memory()
        self._next: deque[Case] = deque()
        self._links: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; give the port."""
        self._server = await asyncio.start_server(self._serve, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, cut all links, forget late answers."""
        if self._server is not None:
            self._server.close()
        self.drop_links()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def use_next(self, case: int, count: int = 1) -> None:
        """Treat the next purchases as this case, whatever their amount or card."""
        if case not in CASES:
            raise CallerError("case-unknown", f"There is no case {case}", "See the table of magic amounts")
        self._next.extend([CASES[case]] * count)

    @property
    def cases_left(self) -> int:
        """How many of those purchases did not come yet."""
        return len(self._next)

    def drop_links(self) -> int:
        """Cut every link; give how many there were."""
        dropped = len(self._links)
        for writer in list(self._links):
            writer.transport.abort()
        return dropped

    def links(self) -> int:
        """Give how many links are open."""
        return len(self._links)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    if length > REQUEST_BYTES_MAX:
                        break
                    self._begin(writer, await reader.readexactly(length))
        finally:
            self._links.discard(writer)
            writer.close()

    def _begin(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if not data or self.is_paused:
            return
        try:
            request = wire.read(data)
        except PeerError:
            self.counts["malformed"] += 1
            return
        self.counts[request["t"]] += 1
        task = asyncio.create_task(self._answer(writer, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, writer: asyncio.StreamWriter, request: Fields) -> None:
        began = asyncio.get_running_loop().time()
        if self._times.answer_ms:
            await asyncio.sleep(self._times.answer_ms / 1000)
        kind = request["t"]
        if kind == "0800":
            code = "91" if self.refuses_sign_on and request.get("70") == "001" else "00"
            _send(writer, wire.write(wire.answer(request, code)))
        elif kind == "0200":
            await self._purchase(writer, request)
            self.purchase_s.append(asyncio.get_running_loop().time() - began)
        elif kind in ("0400", "0401"):
            self._reverse(writer, request)

    async def _purchase(self, writer: asyncio.StreamWriter, request: Fields) -> None:
        mine = wire.trace(request)
        if mine in self._memory.cases:
            self.counts["duplicate"] += 1
            _send(writer, self._memory.answers.get(mine, b""))
            return
        case = self._choose(request)
        self._memory.cases[mine] = case
        if self.books.is_reversed(request):
            self.counts["reversed-before"] += 1
            _send(writer, wire.write(wire.answer(request, "12")))
            return
        rrn, approval_code = self.books.next_rrn(), f"{int(mine[1]) % 999_999:06d}"
        if case.captures == "now":
            self.books.capture(request, rrn, approval_code, _captured(case, request))
        codes = {"f37": rrn, "f38": approval_code} if case.code in ("00", "10") else {"f37": rrn}
        plain = wire.answer(request, case.code, **codes)
        self._memory.answers[mine] = wire.write(plain)
        for step in case.steps:
            if step == "late":
                await asyncio.sleep(self._times.late_ms / 1000)
                if case.captures == "late":
                    self.books.capture(request, rrn, approval_code, int(request["4"]))
                writer = await self._living(writer)
            await self._step(writer, step, plain)

    async def _step(self, writer: asyncio.StreamWriter, step: str, plain: Fields) -> None:
        if step == "garbage":
            _send(writer, GARBAGE)
        elif step == "oversize":
            _send(writer, b"\xff\xff" + b"\0" * 64)
        elif step == "half":
            data = wire.write(plain)
            _send(writer, data[: len(data) // 2])
            with suppress(OSError):
                await writer.drain()
            writer.close()
        elif step == "drip":
            for byte in wire.write(plain):
                _send(writer, bytes([byte]))
                await asyncio.sleep(self._times.drip_ms / 1000)
        else:
            _send(writer, wire.write(_bent(step, plain)))

    async def _living(self, writer: asyncio.StreamWriter) -> asyncio.StreamWriter:
        """The link itself, or another one that is open: a host keeps a late answer until somebody can take it."""
        while writer.is_closing():
            await asyncio.sleep(LINK_LOOK_S)
            writer = next(iter(self._links), writer)
        return writer

    def _reverse(self, writer: asyncio.StreamWriter, request: Fields) -> None:
        mine, original = wire.trace(request), wire.original_trace(request)
        if mine in self._memory.answers:
            self.counts["duplicate"] += 1
            _send(writer, self._memory.answers[mine])
            return
        case = self._memory.cases.get(original, CASES[0])
        tries = self._memory.reversal_tries[original]
        self._memory.reversal_tries[original] += 1
        if tries < len(case.reversal):
            if case.reversal[tries] != "silent":
                _send(writer, wire.write(wire.answer(request, case.reversal[tries])))
            return
        self.books.undo(request)
        self._memory.answers[mine] = wire.write(wire.answer(request, "00", f37=self.books.next_rrn()))
        _send(writer, self._memory.answers[mine])

    def _choose(self, request: Fields) -> Case:
        if self._next:
            return self._next.popleft()
        card_case = self._card_cases.get(request.get("2", ""), -1)
        if not self.has_magic_amounts and card_case < 0:
            return CASES[0]
        return case_of(int(request["4"]), card_case)


def _captured(case: Case, request: Fields) -> int:
    amount = int(request["4"])
    return amount // 2 if case.name == "partial" else amount


def _bent(step: str, plain: Fields) -> Fields:
    """Change the plain answer as the step says; "answer" and "late" leave it."""
    amount = int(plain["4"])
    changes: dict[str, Fields] = {
        "other-amount": {"4": f"{amount + 100:012d}"},
        "partial": {"4": f"{amount // 2:012d}"},
        "other-currency": {"49": "392" if plain["49"] != "392" else "840"},
        "other-terminal": {"41": "NOTYOURS"},
        "other-type": {"t": "0230"},
        "no-codes": {"37": "", "38": ""},
        "decline": {"39": "05", "38": ""},
    }
    bent = {**plain, **changes.get(step, {})}
    return {name: value for name, value in bent.items() if value}


def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    if data and not writer.is_closing():
        writer.write(data)
