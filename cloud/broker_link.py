"""The cloud's end of the broker: the consumer's Intake and the publisher's Outbound over one MQTT connection.

MQTT 3.1.1, QoS 0, clean sessions: receipts and answers carry the guarantee, not the broker. Messages wait here in two
bounded queues, the live lanes before the replica, so that a person who waits is served past any backlog. At a bound
the newest message is dropped and counted: the box asks or sends again. A box that sends more than any box does is held
to its own bound (`cloud/flood.py`). Nothing is opened or believed here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloud.flood import FloodGuard
from cloud.mqtt_client import connect
from cloud.ports import Message
from protocol.errors import ConfigError
from protocol.limits import MAX_SEALED_BYTES, SHARDS
from protocol.topics import cloud_subscription, shard_text

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from cloud.mqtt_client import Connection

FIRST_DELAY_S = 0.1  # a restarted broker is back within a second
LONGEST_DELAY_S = 5.0  # there are few clouds; all boxes wait for this one
REPLICA_BYTES_MAX = 67_108_864  # about a thousand full batches: some seconds of the consumer's work
LIVE_MESSAGES_MAX = 20_000  # one for every box of a large process

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
    dropped_flood: int = 0  # of boxes that sent more than a box may
    refused: int = 0  # too large, or retained where nothing may be retained


class BrokerLink:
    """Keeps one connection alive while `run` runs; `receive` and `publish` are the two ports."""

    def __init__(  # noqa: PLR0913 - the facts of one connection
        self,
        *,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        client_id: str,
        server_name: str,
        shards: range = range(SHARDS),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counts = LinkCounts()
        self.trouble = "not connected yet"
        self.flood = FloodGuard(lambda: asyncio.get_running_loop().time())
        self._host, self._port, self._tls, self._client_id = host, port, tls, client_id
        self._server_name = server_name
        self._filters = [cloud_subscription(shard_text(number)) for number in shards]
        self._sleep = sleep
        self._live: deque[Message] = deque()
        self._replica: deque[Message] = deque()
        self._replica_bytes = 0
        self._came = asyncio.Event()
        self._up = asyncio.Event()
        self._connection: Connection | None = None

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
        if self._connection is None or not self._connection.publish(topic, payload, retain=retain):
            self.counts.dropped_outgoing += 1
        else:
            self.counts.published += 1

    async def run(self) -> None:
        """Connect, work, break, wait, connect again; ConfigError when the broker refuses our subscriptions."""
        delay_s = FIRST_DELAY_S
        while True:
            was_up = False
            try:
                await self._live_once()
            except (OSError, TimeoutError) as broken:
                was_up, self.trouble = self.is_up, f"{type(broken).__name__}: {broken}"
            finally:
                self._up.clear()
                self._connection = None
            delay_s = FIRST_DELAY_S if was_up else min(delay_s * 2, LONGEST_DELAY_S)
            _log.warning("the broker is away (%s), next try in %.1f s", self.trouble, delay_s)
            await self._sleep(delay_s)

    async def _live_once(self) -> None:
        connection = await connect(
            host=self._host,
            port=self._port,
            tls=self._tls,
            server_name=self._server_name,
            client_id=self._client_id,
            on_message=self._take,
        )
        try:
            await self._subscribe(connection)
            self._connection, self.trouble = connection, ""
            self.counts.connections += 1
            self._up.set()
            await connection.keep_alive()
        finally:
            self.counts.refused += connection.oversized
            connection.close()

    async def _subscribe(self, connection: Connection) -> None:
        """Subscribe to all shards in one packet; some brokers refuse single filters and say so only here."""
        codes = await connection.subscribe(self._filters)
        if len(codes) != len(self._filters) or any(code >= _REFUSED for code in codes):
            raise ConfigError(
                "cloud-subscription-refused",
                "The broker does not let the cloud hear its boxes",
                "Give the cloud's certificate the access that docs/how-to/use-your-own-broker.md shows",
            )

    def _take(self, topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001 - the client hands it over
        """Queue one message."""
        lane = topic.rpartition("/")[2]
        if len(payload) > MAX_SEALED_BYTES or (is_retained and lane != "state"):
            self.counts.refused += 1
            return
        if not self.flood.admits(topic, len(payload)):
            self.counts.dropped_flood += 1
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
