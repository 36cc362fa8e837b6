"""The cloud's end of the broker: the consumer's Intake and the publisher's Outbound over one MQTT connection.

MQTT 3.1.1, QoS 0, clean sessions: receipts and answers carry the guarantee, not the broker. Messages wait here in two
bounded queues, the live lanes before the replica, so that a person who waits is served past any backlog. At a bound
the newest message is dropped and counted: the box asks or sends again. Nothing is opened or believed here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiomqtt

from cloud.ports import Message
from protocol.errors import ConfigError
from protocol.limits import MAX_SEALED_BYTES, SHARDS
from protocol.topics import cloud_subscription, shard_text

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

KEEPALIVE_S = 20  # a dead path is seen within half a minute
CONNECT_TIMEOUT_S = 10.0  # for each step of connecting
FIRST_DELAY_S = 0.1  # a restarted broker is back within a second
LONGEST_DELAY_S = 5.0  # there are few clouds; all boxes wait for this one
REPLICA_BYTES_MAX = 67_108_864  # about a thousand full batches: some seconds of the consumer's work
LIVE_MESSAGES_MAX = 20_000  # one for every box of a large process
OUTGOING_MAX = 20_000  # receipts are asked for again, and answers too

# Without it a small answer waits for the acknowledgement of the one before: 44 ms instead of 0.7 (measured).
_NO_DELAY = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
_REFUSED = 0x80

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class LinkCounts:
    """What came and went since the start."""

    received: int = 0
    published: int = 0
    connections: int = 0
    dropped_replica: int = 0
    dropped_live: int = 0
    dropped_outgoing: int = 0
    refused: int = 0  # too large, or retained where nothing may be retained


class BrokerLink:
    """Keeps one connection alive while `run` runs; `receive` and `publish` are the two ports."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        client_id: str,
        shards: range = range(SHARDS),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counts = LinkCounts()
        self.trouble = "not connected yet"
        self._host, self._port, self._tls, self._client_id = host, port, tls, client_id
        self._filters = [cloud_subscription(shard_text(number)) for number in shards]
        self._sleep = sleep
        self._live: deque[Message] = deque()
        self._replica: deque[Message] = deque()
        self._replica_bytes = 0
        self._came = asyncio.Event()
        self._up = asyncio.Event()
        self._outgoing: deque[tuple[str, bytes, bool]] = deque()
        self._to_send = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether every subscription stands."""
        return self._up.is_set()

    async def wait_until_up(self) -> None:
        """Wait until every subscription stands."""
        await self._up.wait()

    async def receive(self, limit: int = 64) -> list[Message]:
        """Wait for one message, then give what is queued, at most `limit`; live lanes first.

        The replica gets at least a quarter of a full batch, so a flood of requests cannot stop it.
        """
        while not self._live and not self._replica:
            self._came.clear()
            await self._came.wait()
        reserved = min(len(self._replica), limit // 4)
        taken = [self._live.popleft() for _ in range(min(len(self._live), limit - reserved))]
        while self._replica and len(taken) < limit:
            message = self._replica.popleft()
            self._replica_bytes -= len(message.payload)
            taken.append(message)
        return taken

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand one message over; lost without an exception when the broker is away, or at the bound."""
        if not self.is_up or len(self._outgoing) >= OUTGOING_MAX:
            self.counts.dropped_outgoing += 1
            return
        self._outgoing.append((topic, payload, retain))
        self._to_send.set()

    async def run(self) -> None:
        """Connect, work, break, wait, connect again; ConfigError when the broker refuses our subscriptions."""
        delay_s = FIRST_DELAY_S
        while True:
            was_up = False
            try:
                await self._connection()
            except (aiomqtt.MqttError, OSError, TimeoutError) as broken:
                was_up, self.trouble = self.is_up, f"{type(broken).__name__}: {broken}"
            finally:
                self._up.clear()
                self._outgoing.clear()
            delay_s = FIRST_DELAY_S if was_up else min(delay_s * 2, LONGEST_DELAY_S)
            _log.warning("the broker is away (%s), next try in %.1f s", self.trouble, delay_s)
            await self._sleep(delay_s)

    async def _connection(self) -> None:
        client = aiomqtt.Client(
            self._host,
            self._port,
            identifier=self._client_id,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=KEEPALIVE_S,
            timeout=CONNECT_TIMEOUT_S,
            tls_context=self._tls,
            socket_options=_NO_DELAY,
            queue_type=_straight_to(self._take),
        )
        async with client:
            await self._subscribe(client)
            self.trouble = ""
            self.counts.connections += 1
            self._up.set()
            sending = asyncio.get_running_loop().create_task(self._send(client))
            try:
                await _until_disconnected(client, sending)
            finally:
                sending.cancel()
                with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                    await sending

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        """One packet for all shards; some brokers refuse single filters and say so only here."""
        granted = await client.subscribe([(text, 0) for text in self._filters])
        codes = [code if isinstance(code, int) else code.value for code in granted]
        if len(codes) != len(self._filters) or any(code >= _REFUSED for code in codes):
            raise ConfigError(
                "cloud-subscription-refused",
                "The broker does not let the cloud hear its boxes",
                "Give the cloud's certificate the access that docs/how-to/use-your-own-broker.md shows",
            )

    def _take(self, message: aiomqtt.Message) -> None:
        """Queue one message, straight from the socket: a task hop for each would halve the speed (measured)."""
        payload, topic = message.payload, message.topic.value
        lane = topic.rpartition("/")[2]
        if (
            not isinstance(payload, bytes)
            or len(payload) > MAX_SEALED_BYTES
            or (message.retain and lane != "state")
        ):
            self.counts.refused += 1
            return
        self.counts.received += 1
        if lane == "evt":
            if self._replica_bytes + len(payload) > REPLICA_BYTES_MAX:
                self.counts.dropped_replica += 1
                return
            self._replica_bytes += len(payload)
            self._replica.append(Message(topic, payload))
        elif len(self._live) >= LIVE_MESSAGES_MAX:
            self.counts.dropped_live += 1
            return
        else:
            self._live.append(Message(topic, payload))
        self._came.set()

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            while not self._outgoing:
                self._to_send.clear()
                await self._to_send.wait()
            topic, payload, retain = self._outgoing.popleft()
            await client.publish(topic, payload, qos=0, retain=retain)
            self.counts.published += 1


def _straight_to(take: Callable[[aiomqtt.Message], None]) -> type[asyncio.Queue[aiomqtt.Message]]:
    """Make a queue type that keeps nothing: aiomqtt puts into it, `take` gets it at once."""

    class Straight(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            take(item)

    return Straight


async def _until_disconnected(client: aiomqtt.Client, sending: asyncio.Task[None]) -> None:
    """Return never: raises what broke the connection. The iterator only waits, since its queue stays empty."""
    reading = asyncio.get_running_loop().create_task(anext(client.messages))
    try:
        await asyncio.wait({reading, sending}, return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, reading):
            if task.done():
                task.result()
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
            await reading
