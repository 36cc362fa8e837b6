"""Takes the place of a box at the broker: the same client id, proved by the box's own certificate, read from its disk.

The broker must cut the first of two with one id. A box comes back by itself, and nothing that it had sent and not seen
confirmed counts as sent.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CONNACK_BYTES = 4
KEEPALIVE_S = 20  # as a box says
ANSWER_S = 10.0  # TLS and CONNACK of a broker that has just been continued or started
_CONNECT, _CLEAN_SESSION, _LEVEL = 0x10, 0x02, 4


async def hold_client_id(directory: Path, port: int, lasts_s: float) -> bool:
    """Be the box of this provisioning directory for a while; False when the broker did not let us in."""
    told = json.loads((directory / "box.json").read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cafile=str(directory / "ca.pem"))
    context.load_cert_chain(str(directory / "box.cert.pem"), str(directory / "box.key.pem"))
    writer = None
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname=told["broker"]["server_name"]
            )
            writer.write(_connect(told["client_id"]))
            answer = await reader.readexactly(CONNACK_BYTES)
        if answer[3] != 0:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(lasts_s):
                await reader.read()  # it ends sooner when the box comes back and we are cut
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()
    return True


def _connect(client_id: str) -> bytes:
    """CONNECT of MQTT 3.1.1 with a clean session and no will; its length fits one byte."""
    name = client_id.encode()
    head = struct.pack(">H4sBBH", 4, b"MQTT", _LEVEL, _CLEAN_SESSION, KEEPALIVE_S)
    body = head + struct.pack(">H", len(name)) + name
    return bytes([_CONNECT, len(body)]) + body
