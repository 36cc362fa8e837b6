"""The product's two links over the world's broker: everything of them but the socket is the product's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud.broker_link import BrokerLink
from edge.uplink.link import Link, is_kept

if TYPE_CHECKING:
    from simulators.world.broker import Broker, Session
    from simulators.world.wire import Wire


class BoxLink(Link):
    """A box's link."""

    def __init__(self, broker: Broker, wire: Wire, **facts: Any) -> None:
        super().__init__(host="broker", port=0, tls=None, **facts)
        self._broker, self._wire = broker, wire
        self.session: Session | None = None

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand one message to the link; lost without a word when it is down."""
        if self.is_up and self.session is not None:
            self.session.publish(topic, payload, retain=retain)

    async def _live(self) -> None:
        session = await self._broker.connect(self._client_id, self._last_will, self._wire)
        try:
            await session.subscribe([self._subscription])
            self.session, self.trouble = session, ""
            self._changed(is_up=True)
            while True:
                for topic, payload, is_retained in await session.read():
                    if is_retained and not is_kept(topic):
                        self.messages_refused += 1
                    else:
                        self._take(topic, payload)
        finally:
            session.close()


class CloudLink(BrokerLink):
    """The cloud's link."""

    def __init__(self, broker: Broker, wire: Wire, client_id: str) -> None:
        super().__init__(host="broker", port=0, tls=None, client_id=client_id, server_name="broker")
        self._broker, self._wire = broker, wire
        self.session: Session | None = None

    async def _live_once(self) -> None:
        session = await self._broker.connect(self._client_id, None, self._wire)
        try:
            codes = await session.subscribe(self._filters)
            assert len(codes) == len(self._filters), "this broker grants everything"
            self._connection, self.session, self.trouble = session, session, ""  # type: ignore[assignment]
            self.counts.connections += 1
            self._up.set()
            while True:
                for message in await session.read():
                    self._take(*message)
        finally:
            session.close()
