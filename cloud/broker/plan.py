"""What a broker of our own is run with: its place, its files and its limits. The programs: `nats`, `mosquitto`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.limits import MAX_SEALED_BYTES

if TYPE_CHECKING:
    from pathlib import Path

MAX_CONNECTIONS = 20_000  # boxes of one machine; a flood beyond it is turned away
MAX_PAYLOAD_BYTES = MAX_SEALED_BYTES  # what our readers take off a lane
MAX_PACKET_BYTES = MAX_PAYLOAD_BYTES + 1024  # with topic and header
MAX_KEEPALIVE_S = 120  # ours is 20; a dead client's place is free after three minutes
MAX_WAITING_BYTES = 268_435_456  # for one reader: windows of 500 boxes that all come back at once
MAX_MEMORY_BYTES = 1_073_741_824  # of mosquitto's heap: 20,000 boxes with full windows stay below it
HANDSHAKE_TIMEOUT_S = 5  # a TLS handshake over a slow mobile line takes three


@dataclass(frozen=True, slots=True)
class Plan:
    """One broker: `directory` holds server.cert.pem, server.key.pem and everything generated."""

    program: str
    host: str
    port: int
    directory: Path
    root: Path  # certificate that clients must descend from
    max_waiting_bytes: int = MAX_WAITING_BYTES
