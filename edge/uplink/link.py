"""The box's MQTT link: one client certificate, one subscription, messages both ways. No meaning of any message here.

MQTT 3.1.1, QoS 0 and clean sessions: delivery is proved by receipts and answers, never by a PUBACK. An aiomqtt client
is single-use, so every life opens a new one; what was on its way is asked for again by the lanes above.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

import aiomqtt

from edge.uplink.outgoing import Leaving, Outgoing
from protocol.errors import ConfigError, DeviceError, PeerError
from protocol.limits import MAX_SEALED_BYTES
from protocol.topics import parse

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

KEEPALIVE_S = 20  # a dead path is seen within half a minute; 40 bytes a beat
CONNECT_TIMEOUT_S = 10.0  # a TLS handshake over a slow mobile line takes three
FIRST_DELAY_S = 0.2  # a restarted broker is back within a second
LONGEST_DELAY_S = 15.0  # a whole estate must not hammer a broker that is coming up
CANCEL_AGAIN_S = 0.1  # a task that swallowed its cancellation waits for the next message by then

# Without it a small request waits for the acknowledgement of the one before: 44 ms instead of 0.7 (measured).
_NODELAY_OPTION = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
_REFUSED = 0x80
KEPT = ("/down/cfg", "/down/ver")  # the lanes on which the broker keeps the last word for a box

_log = logging.getLogger(__name__)


class Link:
    """Keeps one connection alive until cancelled; `on_message(lane, payload)` gets what comes down.

    `tls` makes the context anew for each connection, so that a mended certificate needs no restart. While it raises
    ConfigError the link stays down, and `on_unusable` hears its code; "" when that is over.
    """

    def __init__(  # noqa: PLR0913 - the facts of one connection
        self,
        *,
        host: str,
        port: int,
        tls: Callable[[], ssl.SSLContext] | None,
        client_id: str,
        subscription: str,
        last_will: tuple[str, bytes],
        on_message: Callable[[str, bytes], None],
        on_change: Callable[[bool], None],
        on_unusable: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._client_id = client_id
        self._subscription = subscription
        self._last_will = last_will
        self._on_message = on_message
        self._on_change = on_change
        self._on_unusable = on_unusable
        self._unusable = ""
        self._sleep = sleep
        self._outgoing = Outgoing()
        self.is_up = False
        self.trouble = "not connected yet"
        self.messages_refused = 0

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand one message to the link; lost without a word when it is down, or when the bound is reached."""
        if self.is_up:
            self._outgoing.put(Leaving(topic, payload, retain))

    async def run(self) -> None:
        """Connect, work, break, wait, connect again; never gives up."""
        delay_s = FIRST_DELAY_S
        while True:
            was_up = False
            try:
                await self._live()
            except ConfigError as unusable:
                self.trouble = str(unusable)
                self._note_unusable(unusable.code)
            except (aiomqtt.MqttError, DeviceError, OSError, TimeoutError) as broken:
                was_up, self.trouble = self.is_up, f"{type(broken).__name__}: {broken}"
            finally:
                self._changed(is_up=False)
            delay_s = FIRST_DELAY_S if was_up else min(delay_s * 2, LONGEST_DELAY_S)
            _log.info("link down (%s), next try in %.1f s", self.trouble, delay_s)
            await self._sleep(delay_s)

    async def _live(self) -> None:
        topic, payload = self._last_will
        context = self._tls() if self._tls is not None else None
        self._note_unusable("")
        client = aiomqtt.Client(
            self._host,
            self._port,
            identifier=self._client_id,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            will=aiomqtt.Will(topic, payload, qos=0, retain=True),
            keepalive=KEEPALIVE_S,
            timeout=CONNECT_TIMEOUT_S,
            tls_context=context,
            socket_options=_NODELAY_OPTION,
        )
        async with client:
            granted = await client.subscribe(self._subscription, qos=0)
            if any(_is_refused(code) for code in granted):
                raise DeviceError(
                    "subscription-refused",
                    "The broker does not let this box read its own topics",
                    "Check the broker's access list for this certificate.",
                )
            self._outgoing.clear()
            sender = asyncio.get_running_loop().create_task(self._send(client))
            self.trouble = ""
            self._changed(is_up=True)
            try:
                await self._receive(client, sender)
            finally:
                await _end(sender)

    async def _receive(self, client: aiomqtt.Client, sender: asyncio.Task[None]) -> None:
        async for message in client.messages:
            if sender.done():
                sender.result()
            payload = message.payload
            if message.retain and not is_kept(message.topic.value):
                self.messages_refused += 1  # a retained command or answer is never meant for now
            elif not isinstance(payload, bytes) or len(payload) > MAX_SEALED_BYTES:
                self.messages_refused += 1
            else:
                self._take(message.topic.value, payload)

    def _take(self, topic: str, payload: bytes) -> None:
        try:
            lane = parse(topic).lane
            self._on_message(lane, payload)
        except PeerError as refused:
            self.messages_refused += 1
            _log.warning("message refused: %s", refused.code)

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            topic, payload, retain = await self._outgoing.take()
            await client.publish(topic, payload, qos=0, retain=retain)

    def _note_unusable(self, code: str) -> None:
        if code != self._unusable:
            self._unusable = code
            self._on_unusable(code)
            if code:
                _log.error("no link to the cloud: %s", self.trouble)

    def _changed(self, *, is_up: bool) -> None:
        if is_up != self.is_up:
            self.is_up = is_up
            self._on_change(is_up)


def is_kept(topic: str) -> bool:
    """Whether a retained message of this topic is for a box: its configuration, and what its store sells by."""
    return topic.endswith(KEPT)


async def _end(task: asyncio.Task[None]) -> None:
    """End a task, also where its library swallows the cancellation.

    `asyncio.wait_for`, which aiomqtt waits with, does so before Python 3.12 when its result comes at that instant.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
    if not task.cancelled():
        task.exception()


def _is_refused(code: object) -> bool:
    """SUBACK codes come as plain integers in MQTT 3.1.1 and as ReasonCode objects in some versions of paho."""
    return int(getattr(code, "value", code)) >= _REFUSED  # type: ignore[call-overload, no-any-return]
