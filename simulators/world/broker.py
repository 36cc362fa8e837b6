"""A broker without sockets: sessions by client id, filters, retained messages, last wills, takeover, at most once.

QoS 0 and clean sessions, as the product uses it. What a session does not take in time is dropped at a bound; a
restart forgets everything. The client's end is `Session`, used by `links`.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from functools import partial
from typing import TYPE_CHECKING

from simulators.world.process import PRESENT, PowerCut
from simulators.world.wire import DOWN, UP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.world.trace import Trace
    from simulators.world.wire import Wire

INBOX_MESSAGES = 1_024  # of one session; a real broker's buffer of a slow client is of this order
CONNECT_S = 10.0  # as long as the product waits for a broker that does not answer
HEARD_MESSAGES = 300  # remembered for replays: some minutes
HANG_UP_S = 0.05  # beyond the way of a message in fine weather
SILENCE_S = 30.0  # one and a half keep-alives of the product: a cut connection is noticed then

Arrived = tuple[str, bytes, bool]  # topic, payload, whether it was retained


class Broker:
    """All sessions and everything retained."""

    def __init__(self, loop: asyncio.AbstractEventLoop, trace: Trace) -> None:
        self.is_up = True
        self.heard: deque[tuple[str, bytes]] = deque(maxlen=HEARD_MESSAGES)  # for those who replay
        self.counts: Counter[str] = Counter()
        self._loop, self._trace = loop, trace
        self._sessions: dict[str, Session] = {}
        self._retained: dict[str, bytes] = {}
        self._routes: dict[str, list[Session]] = {}

    async def connect(self, client_id: str, will: tuple[str, bytes] | None, wire: Wire) -> Session:
        """Open a session; an older one of the same client id ends. OSError or TimeoutError when it cannot be."""
        await asyncio.sleep(wire.weather.delay_s[0] * 4)
        if wire.cut:
            await asyncio.sleep(CONNECT_S)
            raise TimeoutError
        if not self.is_up:
            raise ConnectionRefusedError(111, "Connection refused")
        process = PRESENT.get()
        if process is not None and process.is_dead:
            raise PowerCut
        self.take_over(client_id)
        session = Session(self, client_id, will, wire)
        self._sessions[client_id] = session
        if process is not None:
            process.cut_with(session.close)
        return session

    def take_over(self, client_id: str) -> bool:
        """End the session of this client id, as if another client came with it; False when there is none."""
        old = self._sessions.get(client_id)
        if old is not None:
            self.drop(old)
        return old is not None

    def drop(self, session: Session) -> None:
        """End a session without the client's good-bye: its last will is published."""
        if self._sessions.get(session.client_id) is not session:
            return
        del self._sessions[session.client_id]
        self._routes.clear()
        session.end()
        if session.will is not None:
            # A broker hears of an end behind all that was sent before it.
            after_s = HANG_UP_S if session.has_hung_up else 0.0
            self._loop.call_later(after_s, partial(self.publish, *session.will, retain=True))

    def restart(self) -> None:
        """Go away, and forget what was promised."""
        self.is_up = False
        for session in self._sessions.values():
            session.end()
        self._sessions.clear()
        self._retained.clear()
        self._routes.clear()

    def come_back(self) -> None:
        """Be there again."""
        self.is_up = True

    def subscribe(self, session: Session) -> None:
        """Take the session's filters into use, and give it what is retained for them."""
        self._routes.clear()
        for topic, payload in self._retained.items():
            if session.wants(topic):
                session.deliver(topic, payload, is_retained=True)

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Take a message that arrived, and send it on to whoever wants it."""
        if not self.is_up:
            return
        self._trace.note("broker.took", topic, len(payload))
        self.heard.append((topic, payload))
        if retain:
            self._retained[topic] = payload
        route = self._routes.get(topic)
        if route is None:
            route = [session for session in self._sessions.values() if session.wants(topic)]
            self._routes[topic] = route
        for session in route:
            session.deliver(topic, payload, is_retained=False)

    def cut(self, wire: Wire) -> None:
        """A wire was cut: its session breaks after the silence, unless the wire came back."""
        for session in list(self._sessions.values()):
            if session.wire is wire:
                self._loop.call_later(SILENCE_S, self._break_if_cut, session, wire.cut)

    def note_dropped(self) -> None:
        """A slow client lost a message."""
        self.counts["message-dropped"] += 1

    def _break_if_cut(self, session: Session, was: frozenset[str]) -> None:
        if session.wire.cut and session.wire.cut == was:
            self.drop(session)


class Session:
    """One connection of one client. `read` raises ConnectionResetError when it is over."""

    def __init__(self, broker: Broker, client_id: str, will: tuple[str, bytes] | None, wire: Wire) -> None:
        self.client_id, self.will, self.wire = client_id, will, wire
        self.is_over = self.has_hung_up = False
        self.bound = INBOX_MESSAGES
        self._broker = broker
        self._filters: list[list[str]] = []
        self._inbox: deque[Arrived] = deque()
        self._came = asyncio.Event()

    async def subscribe(self, filters: Sequence[str]) -> list[int]:
        """Subscribe; the granted QoS of each."""
        await asyncio.sleep(self.wire.weather.delay_s[0] * 2)
        if self.is_over:
            raise ConnectionResetError(104, "Connection reset by peer")
        self._filters = [one.split("/") for one in filters]
        self._broker.subscribe(self)
        return [0] * len(filters)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Send a message; False when the connection is over."""
        if self.is_over:
            return False
        self.wire.carry(UP, partial(self._arrive, topic, payload, retain))
        return True

    async def read(self) -> list[Arrived]:
        """Wait for messages and give all that are here."""
        while not self._inbox:
            if self.is_over:
                raise ConnectionResetError(104, "Connection reset by peer")
            self._came.clear()
            await self._came.wait()
        taken = list(self._inbox)
        self._inbox.clear()
        return taken

    def close(self) -> None:
        """Break off, as a client does that dies: what it sent before arrives all the same."""
        self.has_hung_up = self.has_hung_up or not self.is_over
        self._broker.drop(self)

    def deliver(self, topic: str, payload: bytes, *, is_retained: bool) -> None:
        """Send a message down to the client."""
        self.wire.carry(DOWN, partial(self._take, topic, payload, is_retained))

    def wants(self, topic: str) -> bool:
        """Whether a filter of this session matches."""
        parts = topic.split("/")
        return any(_matches(one, parts) for one in self._filters)

    def end(self) -> None:
        """The connection is over; the client hears of it when it reads."""
        self.is_over = True
        self._came.set()

    def _arrive(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001 - bound by partial
        if not self.is_over or self.has_hung_up:
            self._broker.publish(topic, payload, retain=retain)

    def _take(self, topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001 - bound by partial
        if self.is_over:
            return
        if len(self._inbox) >= self.bound:
            self._broker.note_dropped()
            return
        self._inbox.append((topic, payload, is_retained))
        self._came.set()


def _matches(wanted: list[str], parts: list[str]) -> bool:
    if wanted[-1] == "#":
        wanted, parts = wanted[:-1], parts[: len(wanted) - 1]
    return len(wanted) == len(parts) and all(
        one in ("+", part) for one, part in zip(wanted, parts, strict=True)
    )
