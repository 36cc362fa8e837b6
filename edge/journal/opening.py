"""Taking the shelves into use: continue the newest generation, or open a new one that saves what damage left over.

The last file is always copied to a fresh one before it is continued. An earlier process may have died between a
failed sync and its repair; the system then shows bytes that never reached the disk, and only writing them anew makes
them durable. The copy also leaves an incomplete tail behind, so nothing is ever cut in place.
"""

from __future__ import annotations

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
    """The generations in use, oldest first; what is remembered of receipts; why the last one was opened just now.

    `reason` is "" when an older generation goes on. `saved` counts the records taken over from beyond damage.
    """

    generations: list[Generation]
    receipts: Receipts
    reason: str
    saved: int


def open_shelves(shelves: list[Shelf], birth: Birth) -> Opened:
    """Read the shelves, choose the one that knows most, make the others like it and start writing.

    DeviceError("journal-not-writable") when no shelf can be written; ConfigError("journal-of-another-box").
    """
    receipts, leader, generations, extra = _survey(_usable(shelves))
    _check_owner(generations, birth)
    damaged = [found for found in generations if found.is_damaged]
    saved = _in_order([(f.ordinal, frame) for f in damaged for frame in f.beyond] + extra)
    reason = ""
    if not generations or damaged or saved:
        reason = "salvaged" if generations else birth.reason_if_empty
        _open_new(shelves, generations, receipts, birth, reason, saved)
    else:
        _continue(shelves, leader, generations[-1])
    for follower in _usable(shelves):
        if follower is not leader:
            _attempt(follower, lambda shelf: _imitate(shelf, leader, generations))
    return Opened(generations, receipts, reason, len(saved))


def save_receipts(shelves: list[Shelf], receipts: Receipts) -> None:
    """Write the receipts file on every usable shelf; a shelf that cannot is given up."""
    data = encode_receipts(receipts)
    for shelf in _usable(shelves):
        _attempt(shelf, lambda shelf: shelf.save_receipts(data))


def _usable(shelves: list[Shelf]) -> list[Shelf]:
    found = [shelf for shelf in shelves if not shelf.failure]
    if not found:
        reasons = "; ".join(f"{shelf.directory}: {shelf.failure}" for shelf in shelves)
        raise DeviceError("journal-not-writable", f"No journal directory works ({reasons})", "Check the disk")
    return found


def _survey(shelves: list[Shelf]) -> tuple[Receipts, Shelf, list[Generation], list[tuple[int, Frame]]]:
    """Find the leading shelf and the frames that only another shelf has."""
    surveys = []
    for shelf in shelves:
        try:
            receipts = decode_receipts(shelf.load_receipts())
            surveys.append((shelf, receipts, read_generations(shelf, receipts)))
        except OSError as error:
            shelf.fail(error.strerror or "unreadable")
    _usable(shelves)
    leader, receipts, generations = max(surveys, key=lambda survey: _knowledge(survey[2]))
    extra: list[tuple[int, Frame]] = []
    for shelf, _, others in surveys:
        if shelf is not leader:
            extra += _only_there(leader, generations, shelf, others, receipts)
    return receipts, leader, generations, extra


def _knowledge(generations: list[Generation]) -> tuple[int, int, bool]:
    if not generations:
        return (0, 0, False)
    return (
        generations[-1].ordinal,
        generations[-1].end_seq,
        not any(found.is_damaged for found in generations),
    )


def _only_there(
    leader: Shelf, generations: list[Generation], other: Shelf, others: list[Generation], receipts: Receipts
) -> list[tuple[int, Frame]]:
    """Frames of another shelf that the leader cannot prove and the cloud has not confirmed."""
    mine = [(name, leader.size(name)) for name in leader.names()]
    if mine == [(name, other.size(name)) for name in other.names()] and not any(
        f.is_damaged for f in generations
    ):
        return []
    provable = {found.generation: found for found in generations}
    extra = []
    for theirs in others:
        through = receipts.through.get(theirs.generation, 0)
        known = _chains(leader, provable.get(theirs.generation))
        frames = [f for f in frames_of(other, theirs.generation) if f.seq > through]
        extra += [(theirs.ordinal, frame) for frame in frames if known.get(frame.seq) != frame.chain]
    return extra


def _chains(shelf: Shelf, found: Generation | None) -> dict[int, bytes]:
    if found is None:
        return {}
    return {
        frame.seq: frame.chain for frame in frames_of(shelf, found.generation) if frame.seq <= found.end_seq
    }


def _in_order(saved: list[tuple[int, Frame]]) -> list[Frame]:
    distinct = {(ordinal, frame.seq, frame.chain): frame for ordinal, frame in saved}
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
    record = birth.make_record(last.generation if last else "", last.end_seq if last else 0, reason)
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
        receipts.closed[found.generation] = found.end_seq
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


def _imitate(follower: Shelf, leader: Shelf, generations: list[Generation]) -> None:
    """Copy the leader's segments to the follower, then remove what the leader does not have."""
    names = leader.names()
    live = generations[-1].segments[-1].name
    for name in names:
        if name != live and follower.size(name) != leader.size(name):
            follower.put(name, leader.read(name))
    for name in follower.names():
        if name not in names:
            follower.remove(name)
