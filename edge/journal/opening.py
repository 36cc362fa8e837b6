"""Taking the shelves into use: continue the newest generation, or open a new one that saves what damage left over.

The last file is always copied to a fresh one before it is continued. An earlier process may have died between a
failed sync and its repair; the system then shows bytes that never reached the disk, and only writing them anew makes
them durable. The copy also leaves an incomplete tail behind, so nothing is ever cut in place.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.journal.receipts import Receipts, decode_receipts, encode_receipts
from edge.journal.recovery import Generation, frames_of, read_generations
from edge.journal.segment import Segment, SegmentName, encode_head, read_segment
from protocol.errors import ConfigError, DeviceError
from protocol.faults import declare, fault
from protocol.frame import chain_next, chain_start, encode_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.journal.shelf import Shelf
    from protocol.frame import Frame

GENERATION_OPENED = declare(
    "journal.generation_opened", "a new generation is on disk, the old one is not closed"
)
GENERATION_CLOSED = declare("journal.generation_closed", "the ends of all older generations are on disk")
CONTINUED = declare("journal.continued", "the last segment is copied, its old file is still there")


@dataclass(frozen=True, slots=True)
class Birth:
    """What a new generation is made from.

    `make_generation` returns 8 random bytes; `make_record(previous, previous_seq, reason)` returns the body of its
    first record, generation_opened.
    """

    tenant: str
    box: str
    make_generation: Callable[[], bytes]
    make_record: Callable[[str, int, str], bytes]
    reason_if_empty: str = "new"


@dataclass(frozen=True, slots=True)
class Opened:
    """The shelf that knows most, the generations in use (oldest first), what is remembered of receipts.

    `reason` is "" when an older generation goes on. `saved` counts the records taken over from beyond damage.
    """

    leader: Shelf
    generations: list[Generation]
    receipts: Receipts
    reason: str
    saved: int


def open_shelves(shelves: list[Shelf], birth: Birth, *, is_renewal: bool = False) -> Opened:
    """Read the shelves, choose the one that knows most, make the others like it and start writing.

    A renewal opens a new generation in any case and takes over what the cloud has not confirmed of the newest.
    DeviceError("journal-not-writable") when no shelf can be written; ConfigError("journal-of-another-box").
    """
    receipts, leader, generations, extra, is_suspect = _survey(_usable(shelves))
    _check_owner(generations, birth)
    damaged = [found for found in generations if found.is_damaged]
    if is_renewal and generations:
        newest, through = generations[-1], receipts.through.get(generations[-1].generation, 0)
        newest.renewed_at = through
        held = [
            frame for frame in frames_of(leader, newest.generation) if through < frame.seq <= newest.end_seq
        ]
        extra += [(newest.ordinal, frame) for frame in held]
    saved = _in_order([(f.ordinal, frame) for f in damaged for frame in f.beyond] + extra)
    reason = ""
    if not generations or damaged or saved or is_renewal:
        reason = birth.reason_if_empty if not generations else "recovered" if is_renewal else "salvaged"
        _open_new(shelves, generations, receipts, birth, reason, saved)
    else:
        _continue(shelves, leader, generations[-1])
    for follower in _usable(shelves):
        if follower is not leader:
            _attempt(follower, lambda shelf: _imitate(shelf, leader, generations, is_trusted=not is_suspect))
    return Opened(leader, generations, receipts, reason, len(saved))


def save_receipts(shelves: list[Shelf], receipts: Receipts) -> None:
    """Write the receipts file on every usable shelf; a shelf that cannot is given up."""
    data = encode_receipts(receipts)
    for shelf in _usable(shelves):
        _attempt(shelf, lambda shelf: shelf.save_receipts(data))


def note_receipts(shelves: list[Shelf], receipts: Receipts) -> None:
    """Write the receipts file where that is possible: an old copy costs a resend, and no shelf is given up for that."""
    data = encode_receipts(receipts)
    for shelf in shelves:
        if not shelf.failure:
            with contextlib.suppress(OSError):
                shelf.save_receipts(data)


def _usable(shelves: list[Shelf]) -> list[Shelf]:
    found = [shelf for shelf in shelves if not shelf.failure]
    if not found:
        reasons = "; ".join(f"{shelf.directory}: {shelf.failure}" for shelf in shelves)
        raise DeviceError("journal-not-writable", f"No journal directory works ({reasons})", "Check the disk")
    return found


def _survey(shelves: list[Shelf]) -> tuple[Receipts, Shelf, list[Generation], list[tuple[int, Frame]], bool]:
    """Find the leading shelf, the frames that only another shelf has, and whether anything is wrong anywhere."""
    surveys = []
    for shelf in shelves:
        try:
            receipts = decode_receipts(shelf.load_receipts())
            surveys.append((shelf, receipts, read_generations(shelf, receipts)))
        except OSError as error:
            shelf.fail(error.strerror or "unreadable")
    _usable(shelves)
    leader, receipts, generations = max(surveys, key=lambda survey: _knowledge(survey[1], survey[2]))
    extra: list[tuple[int, Frame]] = []
    for shelf, _, others in surveys:
        if shelf is not leader:
            extra += _only_there(leader, generations, shelf, others, receipts)
    is_suspect = bool(extra) or any(found.is_damaged for _, _, others in surveys for found in others)
    return receipts, leader, generations, extra, is_suspect


def _knowledge(
    receipts: Receipts, generations: list[Generation]
) -> tuple[int, int, int, list[tuple[int, int]], bool]:
    """What is compared to find the leader: first the newest generation, then where the older ones end.

    A new generation names the end of the one before it, so the shelf that proves most of that must lead also when it
    is damaged behind it; unless another shelf has noted already where the older ones were closed.
    """
    if not generations:
        return (0, 0, 0, [], False)
    *older, newest = generations
    return (
        newest.ordinal,
        newest.end_seq,
        len(receipts.closed),
        [(found.ordinal, found.end_seq) for found in reversed(older)],
        not any(found.is_damaged for found in generations),
    )


def _only_there(
    leader: Shelf, generations: list[Generation], other: Shelf, others: list[Generation], receipts: Receipts
) -> list[tuple[int, Frame]]:
    """Frames of another shelf that the leader cannot prove and the cloud has not confirmed."""
    if _ends(generations) == _ends(others) and not any(found.is_damaged for found in generations):
        return []  # equal chains at the end are equal histories
    provable = {found.generation: found for found in generations}
    extra = []
    for theirs in others:
        through = receipts.through.get(theirs.generation, 0)
        known = _chains(leader, provable.get(theirs.generation))
        frames = [f for f in frames_of(other, theirs.generation) if f.seq > through]
        extra += [(theirs.ordinal, frame) for frame in frames if known.get(frame.seq) != frame.chain]
    return extra


def _ends(generations: list[Generation]) -> list[tuple[str, bytes]]:
    return [(found.generation, last.end_chain) for found in generations for last in found.segments[-1:]]


def _chains(shelf: Shelf, found: Generation | None) -> dict[int, bytes]:
    if found is None:
        return {}
    return {
        frame.seq: frame.chain for frame in frames_of(shelf, found.generation) if frame.seq <= found.end_seq
    }


def _in_order(saved: list[tuple[int, Frame]]) -> list[Frame]:
    """Sort, without repeats and without first records: those only tell that their generation was opened."""
    distinct = {(ordinal, frame.seq, frame.chain): frame for ordinal, frame in saved if frame.seq > 1}
    return [distinct[key] for key in sorted(distinct)]


def _check_owner(generations: list[Generation], birth: Birth) -> None:
    for found in generations:
        first = found.segments[0] if found.segments else None
        start = chain_start(birth.tenant, birth.box, bytes.fromhex(found.generation))
        if first is not None and first.name.first_seq == 1 and first.chain_before != start:
            raise ConfigError(
                "journal-of-another-box",
                f"The journal belongs to another box than {birth.tenant}/{birth.box}",
                "Set the right journal directory, or enrol this box again",
            )


def _open_new(
    shelves: list[Shelf],
    generations: list[Generation],
    receipts: Receipts,
    birth: Birth,
    reason: str,
    saved: list[Frame],
) -> None:
    """Write the new generation with everything that is saved as one file: it is there whole, or not at all."""
    last = generations[-1] if generations else None
    record = birth.make_record(last.generation if last else "", last.closing_seq if last else 0, reason)
    generation = birth.make_generation()
    name = SegmentName(last.ordinal + 1 if last else 1, generation.hex(), 1, 0)
    chain = start = chain_start(birth.tenant, birth.box, generation)
    pieces = [encode_head(name, start)]
    for seq, body in enumerate([record, *(frame.body for frame in saved)], start=1):
        chain = chain_next(chain, seq, body)
        pieces.append(encode_frame(seq, chain, body))
    segment = start_everywhere(shelves, name, b"".join(pieces))
    fault(GENERATION_OPENED)
    for found in generations:
        receipts.closed[found.generation] = found.closing_seq
    save_receipts(shelves, receipts)
    fault(GENERATION_CLOSED)
    generations.append(Generation(name.ordinal, name.generation, [segment]))


def _continue(shelves: list[Shelf], leader: Shelf, newest: Generation) -> None:
    last = newest.segments[-1]
    data = leader.read(last.name)[: last.length]
    newest.segments[-1] = start_everywhere(shelves, replace(last.name, attempt=last.name.attempt + 1), data)
    fault(CONTINUED)
    for shelf in _usable(shelves):
        _attempt(shelf, lambda shelf: shelf.remove(last.name))


def start_everywhere(shelves: list[Shelf], name: SegmentName, data: bytes) -> Segment:
    """Store a segment on every usable shelf and go on writing there; DeviceError when no shelf takes it."""
    for shelf in _usable(shelves):
        _attempt(shelf, lambda shelf: shelf.start(name, data))
    _usable(shelves)
    read = read_segment(name, data)
    if read is None or read[0].length != len(data):
        raise DeviceError("journal-damaged", "The last segment changed while it was read", "Check the disk")
    return read[0]


def _attempt(shelf: Shelf, act: Callable[[Shelf], None]) -> None:
    try:
        act(shelf)
    except OSError as error:
        shelf.fail(error.strerror or type(error).__name__)


def _imitate(follower: Shelf, leader: Shelf, generations: list[Generation], *, is_trusted: bool) -> None:
    """Copy the leader's segments to the follower, then remove what the leader does not have.

    Files of equal length are compared byte by byte unless nothing was found wrong anywhere.
    """
    names = leader.names()
    live = generations[-1].segments[-1].name
    for name in names:
        if name == live or (is_trusted and follower.size(name) == leader.size(name)):
            continue
        data = leader.read(name)
        if follower.size(name) != len(data) or follower.read(name) != data:
            follower.put(name, data)
    for name in follower.names():
        if name not in names and name != live:
            follower.remove(name)
