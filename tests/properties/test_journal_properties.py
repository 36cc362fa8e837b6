"""Whatever happens to a journal, in any order: what was told durable is held, in order, and the chain is whole."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.uplink.outbox import Effect, Outbox, Receipt, SendBatch, TakeReceipt
from protocol.errors import DeviceError
from protocol.frame import chain_next, decode_frame
from tests.edge.disk import MemoryDisk
from tests.edge.journal_builders import body, numbers, open_journal

STEPS = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 5)),
    st.tuples(st.just("sync"), st.integers(0, 2)),  # how many syncs of the disk fail
    st.tuples(st.just("power cut"), st.integers(0, 10**6)),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("receipt"), st.integers(0, 40)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_what_was_told_durable_is_held(steps: list[tuple[str, int]]) -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    told: list[int] = []
    pending: list[int] = []
    number = 0
    for kind, amount in steps:
        if kind == "append":
            for _ in range(amount):
                journal.append(body(number, 200))
                pending.append(number)
                number += 1
        elif kind == "sync":
            disk.sync_fails = amount
            try:
                journal.sync()
                told, pending = told + pending, []
            except DeviceError:
                pass
            disk.sync_fails = 0
        elif kind == "receipt":
            through = max(1, journal.synced_through - amount)
            chain = journal.chain_at(journal.generation, through)
            if chain:
                journal.prune(journal.generation, through, chain, number * 100)
        else:
            disk = disk.after_power_cut(amount) if kind == "power cut" else disk
            journal = open_journal(disk, "/j")
            told = told + [n for n in pending if n in set(numbers(journal))]
            pending = []

        held = numbers(journal)
        assert held == told[len(told) - len(held) :]
        assert journal.spans()[-1].receipted_through >= journal.spans()[-1].oldest_seq - 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=60), st.integers(100, 9000))
def test_reading_by_stretches_gives_every_frame_once_within_the_bound(
    sizes: list[int], max_bytes: int
) -> None:
    disk = MemoryDisk()
    first = open_journal(disk, "/j")
    for number, size in enumerate(sizes):
        first.append(body(number, size))
    first.sync()

    journal = open_journal(disk, "/j")  # nothing of it is in memory

    seq, chain = 1, journal.chain_at(journal.generation, 0)
    while seq <= journal.synced_through:
        stretch = journal.frames(journal.generation, seq, max_bytes)
        assert len(stretch) == 1 or sum(map(len, stretch)) <= max_bytes
        for encoded in stretch:
            frame, _ = decode_frame(encoded)
            assert chain is not None
            chain = chain_next(chain, frame.seq, frame.body)
            assert (frame.seq, frame.chain) == (seq, chain)
            seq += 1
    assert chain == journal.synced_chain


class Line:
    """A box, a cloud that stores what fits, and a line between them that loses and delays."""

    def __init__(self) -> None:
        self.box = Outbox()
        self.last = 30
        self.box.held("g1", 1, self.last, 0, since_ms=0)
        self.stored = 0
        self.now = 0
        self.late: list[Receipt] = []
        self.queue = self.box.linked(0)

    def step(self, fate: str) -> None:
        self.now += 100
        if fate == "append":
            self.last += 1
            self.queue += self.box.appended(self.last, self.now)
        elif fate == "relink":
            self.box.unlinked()
            self.queue = self.box.linked(self.now)
        if not self.queue:
            self.now = max(self.now, self.box.next_tick_ms or self.now)
        self.queue += self.box.tick(self.now)
        if self.queue:
            self.carry_out(self.queue.pop(0), fate)

    def carry_out(self, effect: Effect, fate: str) -> None:
        first, through = 1, 0
        if isinstance(effect, TakeReceipt):
            assert effect.through <= self.stored
            return
        if isinstance(effect, SendBatch):
            first, through = effect.from_seq, min(self.last, effect.from_seq + 6)
            self.queue += self.box.sent("g1", through, self.now)
        if fate == "lose":
            return
        self.late.append(self.answer(first, through))
        if fate != "late":
            for receipt in reversed(self.late):
                self.queue += self.box.receipt(receipt, self.now)
            self.late = []

    def answer(self, first: int, last: int) -> Receipt:
        if first > self.stored + 1:
            return Receipt("g1", self.stored, 0, "gap", self.stored + 1, is_chain_ours=True)
        self.stored = max(self.stored, last)
        return Receipt("g1", self.stored, 0, "ok", 0, is_chain_ours=True)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["deliver", "deliver", "lose", "append", "relink", "late"]), max_size=60))
def test_a_lossy_line_delays_but_never_stops_the_replica(fates: list[str]) -> None:
    line = Line()

    for fate in [*fates, *["deliver"] * 120]:
        line.step(fate)

    assert line.stored == line.last
    assert line.box.unsent == 0
