"""Judges a batch of frames against what the cloud already holds of that journal. Pure.

Here: duplicate, next, gap, fork, and the receipt's words. Not here: seals (`cloud/consumer`), storing
(`intake_store`), what a body means (`cloud/orders`, `cloud/payments`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from protocol.frame import chain_next, chain_start

if TYPE_CHECKING:
    from protocol.frame import Frame, Hello

ReceiptStatus = Literal["ok", "gap", "fork", "resend"]


class JournalName(NamedTuple):
    """The identity of a journal; with a sequence number, of a record."""

    tenant: str
    box: str
    generation: str


@dataclass(slots=True)
class Position:
    """How far the cloud holds one journal. `through` 0 and the chain's start: nothing yet."""

    through: int
    chain: bytes
    state: Literal["following", "forked"] = "following"
    opened_ms: int = 0


@dataclass(slots=True)
class Verdict:
    """What to do with one batch: frames to store, in order, and what the receipt says.

    `compare` names a sequence number at or before the position whose stored chain must equal `compare_chain`;
    if it does not, the journal has forked. `hole` is where the position goes on behind records that are no more.
    """

    fresh: list[Frame] = field(default_factory=list)
    status: ReceiptStatus = "ok"
    resend_from: int = 0
    compare: int = 0
    compare_chain: bytes = b""
    hole: tuple[int, bytes] | None = None


def first_position(name: JournalName, now_ms: int) -> Position:
    """Return the position of a journal of which nothing was heard."""
    return Position(0, chain_start(name.tenant, name.box, bytes.fromhex(name.generation)), opened_ms=now_ms)


def judge_frames(position: Position, frames: list[Frame]) -> Verdict:
    """Judge frames that arrived in one batch, in the order of their numbers.

    The good part before a gap or fork is fresh all the same: intake never stops. Duplicates cost one comparison
    of a chain value, which vouches for all that came before it.
    """
    verdict = Verdict()
    through, chain = position.through, position.chain
    for frame in frames:
        if frame.seq <= through:
            if frame.seq == through and frame.chain != chain:
                return _forked(verdict)
            verdict.compare, verdict.compare_chain = frame.seq, frame.chain
        elif frame.seq == through + 1:
            if chain_next(chain, frame.seq, frame.body) != frame.chain:
                return _forked(verdict)
            verdict.fresh.append(frame)
            through, chain = frame.seq, frame.chain
        else:
            verdict.status, verdict.resend_from = "gap", through + 1
            break
    if verdict.compare >= position.through:
        verdict.compare = 0  # Compared above, with the value at hand.
    return verdict


def judge_hello(position: Position, hello: Hello) -> Verdict:
    """Judge a box's greeting: the number and chain of the last record that it holds.

    A box that holds more is asked for the rest; what it no longer holds is a hole, and the rest begins behind it. One
    that holds less, on the same chain, gets the position: an old greeting that was delayed looks the same, and only
    the box can tell that its journal is an old copy.
    """
    through = position.through
    if hello.last_seq > through:
        if hello.gone_through <= through:
            return Verdict(status="resend", resend_from=through + 1)
        hole = (hello.gone_through, hello.gone_chain)
        if hello.gone_through == hello.last_seq:
            return Verdict(hole=hole)
        return Verdict(status="resend", resend_from=hello.gone_through + 1, hole=hole)
    if hello.last_seq == through:
        return Verdict() if hello.chain == position.chain else _forked(Verdict())
    return Verdict(compare=hello.last_seq, compare_chain=hello.chain)


def advance(position: Position, verdict: Verdict) -> None:
    """Move the position past the fresh frames, or past a hole."""
    if verdict.hole is not None:
        position.through, position.chain = verdict.hole
    if verdict.fresh:
        last = verdict.fresh[-1]
        position.through, position.chain = last.seq, last.chain
    if verdict.status == "fork":
        position.state = "forked"


def _forked(verdict: Verdict) -> Verdict:
    verdict.status = "fork"
    verdict.compare = 0
    return verdict
