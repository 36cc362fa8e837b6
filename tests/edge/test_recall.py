"""What a starting box takes from its journal for the requests that it has to repeat."""

from __future__ import annotations

import asyncio

from edge.acts import Acts
from edge.effects import AskCloud
from edge.recall import reversal_frames
from protocol.frame import decode_frame
from protocol.records import decode_record, encode_record
from tests.builders import idle_box
from tests.edge.disk import MemoryDisk
from tests.edge.journal_builders import open_journal

ORDER, PAYMENT, ATTEMPT = 11, 12, 13


class Asked:
    """An uplink that notes what it is asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, int, bytes]] = []

    def ask(self, kind: str, payment: int, attempt: int, frame: bytes, blob: str, budget_ms: int) -> None:
        assert (payment, blob, budget_ms) == (PAYMENT, "", 4_000)
        self.requests.append((kind, attempt, frame))

    def publish_state(self) -> None:
        raise AssertionError("nobody asked for it")

    def synced(self) -> None:
        raise AssertionError("nothing was written")


def reversal(attempt: int) -> bytes:
    fields = {
        "order": str(ORDER),
        "payment": str(PAYMENT),
        "attempt": str(attempt),
        "reason": "outcome-unknown",
    }
    return encode_record(
        {"v": 1, "t": "reversal_intended", "at": 1_790_000_000_000, "boot": "00000001", **fields}
    )


async def ask_to_reverse(acts: Acts) -> None:
    acts.perform(AskCloud("reverse", PAYMENT, ATTEMPT, 4_000), lambda _event: None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_reversal_asked_again_after_a_restart_carries_the_bytes_of_the_journal():
    disk = MemoryDisk()
    journal = open_journal(disk, "journal")
    for attempt in (ATTEMPT, ATTEMPT + 1):
        journal.append(reversal(attempt))
    journal.sync()
    journal.close()
    box, uplink = idle_box(), Asked()
    box = type(box)(box.settings, box.shop, reversing=((ORDER, PAYMENT, ATTEMPT),))

    frames = reversal_frames(open_journal(disk, "journal"), box)
    acts = Acts(uplink=uplink)
    for attempt, frame in frames.items():
        acts.remember("reverse", attempt, frame)
    await ask_to_reverse(acts)

    assert list(frames) == [ATTEMPT]
    kind, attempt, frame = uplink.requests[0]
    assert (kind, attempt) == ("reverse", ATTEMPT)
    assert decode_record(decode_frame(frame)[0].body)["attempt"] == str(ATTEMPT)


async def test_a_reversal_without_its_bytes_is_asked_about_and_never_sent_malformed():
    uplink = Asked()

    await ask_to_reverse(Acts(uplink=uplink))

    assert uplink.requests == [("query", ATTEMPT, b"")]
