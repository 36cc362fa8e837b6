"""Whether box and cloud tell one history, and whether a box that runs may sell: quarantine, and the way back from it.

A stopped box asks the cloud how far it follows the journal, with a greeting that claims nothing and so changes nothing.
A running one says on its own screen why it does not sell; nobody else may speak under its name.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiomqtt

from edge.diagnosis.finding import broken, good, unknown, warning
from edge.diagnosis.visit import as_this_box
from edge.flows.attendant import ATTENDANT_BLOCK
from edge.journal.files import OsFiles
from edge.journal.segment import HEAD_BYTES
from edge.journal.shelf import Shelf
from edge.uplink.identity import identity_of
from protocol import messages
from protocol.errors import ConfigError, PeerError
from protocol.frame import Hello, chain_start, encode_hello, scan
from protocol.topics import parse

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import BoxConfig
    from edge.diagnosis.finding import Finding
    from edge.diagnosis.history import History
    from edge.journal.recovery import Generation

ANSWER_S = 5.0  # as long as for the cloud's other answer
VIEW_BYTES_MAX = 4_194_304  # the view of a thousand lines is a tenth of it

QUARANTINED = "box-quarantined"
_BACK = (
    "Was an old disk image restored, or does a second machine use this directory? Then, with the box stopped: "
    "tillbox box renew here, tillbox fleet release in the cloud (docs/how-to/recover-a-box.md)."
)
_MENDS = {
    QUARANTINED: _BACK,
    "journal-full": "Bring the box online: confirmed records make room by themselves.",
    "disk-full": "Remove what else fills the disk; never remove files of journal/.",
}
_ANY_MEND = "See docs/how-to/recover-a-box.md."


async def check_agreement(config: BoxConfig, journal: Path, history: History) -> Finding:
    """Ask the cloud how far it follows the newest generation, and compare the chain there with the journal's."""
    if not history.generations:
        return unknown("agreement", "not asked: the box has not sold yet")
    newest = history.generations[-1]
    try:
        async with asyncio.timeout(ANSWER_S):
            told = await _ask_position(config, newest)
    except (TimeoutError, aiomqtt.MqttError, ConfigError, OSError, PeerError) as error:
        return unknown("agreement", f"the cloud did not tell how far it follows ({type(error).__name__})")
    through, chain = told["through"], bytes.fromhex(told["chain"])
    if through > newest.end_seq:
        what = f"older than what the cloud has: {newest.end_seq} of {through} records of {newest.generation}"
        return broken("agreement", "journal-older-than-cloud", what, _BACK)
    ours = chain_at(journal, newest, through) if through else chain
    if ours is not None and ours != chain:
        what = f"record {through} of generation {newest.generation} is another one in the cloud"
        return broken("agreement", "journal-forked", what, _BACK)
    return good("agreement", f"the cloud follows this journal up to record {through} of {newest.end_seq}")


def chain_at(journal: Path, generation: Generation, seq: int) -> bytes | None:
    """The chain value of a record; None when it is no longer held."""
    shelf = Shelf(OsFiles(), str(journal))
    for segment in generation.segments:
        if segment.end_seq == seq:
            return segment.end_chain
        if segment.name.first_seq <= seq < segment.end_seq:
            data = shelf.read(segment.name)[HEAD_BYTES : segment.length]
            return next((bytes(frame.chain) for frame in scan(data).frames if frame.seq == seq), None)
    return None


async def check_selling(port: int) -> Finding:
    """What keeps a running box from selling, by its own screen."""
    try:
        async with asyncio.timeout(ANSWER_S):
            view = await _first_view(port)
    except (TimeoutError, OSError, ValueError):
        return unknown("selling", f"the box's screen did not say (port {port})")
    reasons = sorted(view.get("blocked", []))
    if not reasons:
        return good("selling", "the box takes new sales")
    if reasons == [ATTENDANT_BLOCK]:
        return warning("selling", ATTENDANT_BLOCK, "staff took the box out of service", "Staff put it back.")
    reason = next((known for known in _MENDS if known in reasons), reasons[0])
    return broken("selling", reason, f"no new sale: {', '.join(reasons)}", _MENDS.get(reason, _ANY_MEND))


async def _ask_position(config: BoxConfig, generation: Generation) -> dict[str, Any]:
    identity = identity_of(config)
    started = bytes.fromhex(generation.generation)
    async with as_this_box(config, ANSWER_S) as client:
        claim = encode_hello(Hello(started, 0, chain_start(config.tenant, config.box, started)))
        topic, sealed = identity.seal("evt", claim)
        await client.publish(topic, sealed, qos=0)
        async for message in client.messages:
            if parse(message.topic.value).lane != "receipt" or not isinstance(message.payload, bytes):
                continue
            receipt: dict[str, Any] = messages.decode_receipt(identity.open("receipt", message.payload))
            if receipt["generation"] == generation.generation:
                return receipt
    raise TimeoutError


async def _first_view(port: int) -> dict[str, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=VIEW_BYTES_MAX)
    try:
        writer.write(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        while line := await reader.readline():
            if line.startswith(b"data: {"):
                view: dict[str, Any] = json.loads(line[6:])
                if "blocked" in view:
                    return view
    finally:
        writer.transport.abort()
    raise ValueError("the stream ended without a view")
