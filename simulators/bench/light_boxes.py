"""Many boxes on one event loop, as the broker and the cloud see them: certificate, seals, last will, hello, state.

Run as `python -m simulators.bench.light_boxes DIRECTORY FIRST COUNT`: so many of the boxes under DIRECTORY, from that
one on. Says "connected" on standard output, then once a second what it heard; ends when standard input does. No
journal and no screen: only what a connection carries is real here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.mqtt_client import Connection
from cloud.mqtt_packets import CONNACK, CONNECT
from edge.config import read_box
from edge.main import SOFTWARE
from edge.uplink.identity import identity_of
from edge.uplink.link import KEEPALIVE_S
from edge.uplink.tls import client_context
from edge.uplink.uplink import HEARTBEAT_MS, STATE_MS
from protocol import messages
from protocol.errors import OutcomeUnknown, PeerError
from protocol.frame import Hello, chain_start, encode_hello

if TYPE_CHECKING:
    from edge.config import BoxConfig

MS = 1000
TELL_S = 1.0
CONNECTING_AT_ONCE = 32  # handshakes under way: two cores have work, and none runs out of time
_CLEAN_SESSION, _WILL, _WILL_RETAIN, _LEVEL = 0x02, 0x04, 0x20, 4


class LightBox:
    """One box that only lives on the wire; `waits_ms` is how long each receipt took."""

    def __init__(self, config: BoxConfig, number: int) -> None:
        self.waits_ms: list[float] = []
        self.refused = 0
        self.is_answered = False
        self._config = config
        self._identity = identity_of(config)
        self._generation = number.to_bytes(8, "big")
        self._said_s = 0.0
        self._connection: Connection

    async def connect(self) -> None:
        """Connect as a box does, with its last will, and subscribe."""
        loop = asyncio.get_running_loop()
        config = self._config
        _, self._connection = await loop.create_connection(
            lambda: Connection(self._take),
            config.broker.host,
            config.broker.port,
            ssl=client_context(*config.certificate, config.broker.server_name),
            server_hostname=config.broker.server_name,
        )
        will = self._identity.seal("state", messages.offline_state())
        answer = await self._connection.ask(_connect(config.client_id, *will), CONNACK)
        granted = await self._connection.subscribe([self._identity.subscription])
        if answer[1:2] != b"\x00" or granted != [0]:
            raise OutcomeUnknown("bench-box-refused", f"The broker refuses {config.box}", "See its log.")

    async def live(self, offset_s: float) -> None:
        """Say hello and tell the state at a box's intervals, and ping as its keep-alive asks, until cancelled."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(offset_s)
        states = STATE_MS // HEARTBEAT_MS
        beat = 0
        keeping = loop.create_task(self._connection.keep_alive())
        try:
            while not keeping.done():
                if beat % states == 0:
                    self._say("state", messages.encode_state(self._state()), retain=True)
                self._said_s = loop.time()
                chain = chain_start(self._config.tenant, self._config.box, self._generation)
                self._say("evt", encode_hello(Hello(self._generation, 0, chain)))
                beat += 1
                await asyncio.sleep(HEARTBEAT_MS / MS)
            keeping.result()
        finally:
            keeping.cancel()

    def _say(self, lane: str, payload: bytes, *, retain: bool = False) -> None:
        self._connection.publish(*self._identity.seal(lane, payload), retain=retain)

    def _take(self, topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001 - the client hands it over
        try:
            lane = topic.rpartition("/")[2]
            messages.decode_receipt(self._identity.open(lane, payload))
        except PeerError:
            self.refused += 1
        else:
            self.is_answered = True
            self.refused += is_retained
            self.waits_ms.append((asyncio.get_running_loop().time() - self._said_s) * MS)

    def _state(self) -> dict[str, object]:
        return {
            "v": 1,
            "online": True,
            "generation": self._generation.hex(),
            "last_seq": 0,
            "synced_through": 0,
            "oldest_unsent_ms": 0,
            "devices": dict.fromkeys(("scanner", "scale", "printer", "reader"), "ready"),
            "config_version": 0,
            "software": SOFTWARE,
            "clock_ms": 1_795_348_800_000,
            "unknown_open": 0,
        }


async def _run(paths: list[Path], first: int) -> None:
    boxes = [LightBox(read_box(path), first + number) for number, path in enumerate(paths, 1)]
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def connect(box: LightBox) -> None:
        async with gate:
            await box.connect()

    await asyncio.gather(*(connect(box) for box in boxes))
    _tell(kind="connected", boxes=len(boxes))
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    spread_s = HEARTBEAT_MS / MS / max(1, len(boxes))
    living = [asyncio.create_task(box.live(place * spread_s)) for place, box in enumerate(boxes)]
    while not ended.done():
        await asyncio.wait({ended}, timeout=TELL_S)
        for task in living:
            if task.done():
                task.result()
        heard = [wait for box in boxes for wait in box.waits_ms]
        answered = sum(box.is_answered for box in boxes)
        for box in boxes:
            box.waits_ms.clear()
        _tell(kind="heard", waits_ms=heard, answered=answered, refused=sum(box.refused for box in boxes))
    for task in living:
        task.cancel()
    await asyncio.gather(*living, return_exceptions=True)


def _connect(client_id: str, topic: str, will: bytes) -> bytes:
    """CONNECT of MQTT 3.1.1 with a clean session and a retained last will."""
    flags = _CLEAN_SESSION | _WILL | _WILL_RETAIN
    body = struct.pack(">H4sBBH", 4, b"MQTT", _LEVEL, flags, KEEPALIVE_S)
    for text in (client_id.encode(), topic.encode(), will):
        body += struct.pack(">H", len(text)) + text
    size, length = len(body), b""
    while not length or size:
        size, digit = divmod(size, 128)
        length += bytes([digit | (0x80 if size else 0)])
    return bytes([CONNECT << 4]) + length + body


def _tell(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    FIRST, COUNT = int(sys.argv[2]), int(sys.argv[3])
    asyncio.run(_run(sorted(Path(sys.argv[1]).iterdir())[FIRST : FIRST + COUNT], FIRST))
