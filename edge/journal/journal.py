"""The box's append-only journal: append, sync, read back, prune by receipt.

A record counts only when it is synced: nothing unsynced is ever given to the uplink. Group commit, on the loop or off
it, is in `commit`; recovery in `opening`; what happens at each bound in docs/explanation/journal.md. No clock and no
random source is read here: times and new generations come from the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.journal.bounds import REPAIRS_MAX, SALE_BYTES_MAX, Bounds
from edge.journal.held import Held, Stored
from edge.journal.opening import open_shelves, save_receipts
from edge.journal.segment import HEAD_BYTES, Segment, SegmentName
from edge.journal.shelf import Shelf
from edge.journal.space import Space
from edge.journal.sync import SyncJob, mend
from protocol.errors import CallerError, DeviceError, PeerError
from protocol.faults import declare, fault
from protocol.frame import chain_next, encode_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.journal.files import Files
    from edge.journal.opening import Birth
    from edge.ports import Span

BATCH_BYTES = 64 * 1024  # what one message of the replica lane carries, or one frame more

APPENDED = declare("journal.appended", "a record is in memory, not on disk")
SYNCED = declare("journal.synced", "records are on disk, nobody was told")
MENDED = declare("journal.mended", "after a failed write the pending records are in a fresh segment")


class Journal:
    """One box's journal in `directory`, with a copy in `second_directory` when that is given.

    Opening recovers; `opened_because` tells why a new generation was opened just now ("" when none was) and `saved`
    how many records it took over from beyond damage. DeviceError: "journal-in-use", "journal-not-writable".
    """

    def __init__(
        self,
        files: Files,
        directory: str,
        birth: Birth,
        *,
        bounds: Bounds | None = None,
        second_directory: str = "",
    ) -> None:
        self.bounds = bounds or Bounds()
        self._files = files
        self._birth = birth
        self._directories = [directory, *([second_directory] if second_directory else [])]
        self._open()

    def _open(self, *, is_renewal: bool = False) -> None:
        self._shelves = [Shelf(self._files, directory) for directory in self._directories]
        try:
            for shelf in self._shelves:
                shelf.take()
            opened = open_shelves(self._shelves, self._birth, is_renewal=is_renewal)
        except BaseException:
            self._release()
            raise
        self._shelves.sort(key=lambda shelf: shelf is not opened.leader)  # what knows most is read first
        self.opened_because, self.saved = opened.reason, opened.saved
        self._receipts = opened.receipts
        self._held = Held(self._shelves, opened.generations, opened.receipts, self.bounds.recent_bytes_max)
        self._space = Space(self._shelves, opened.generations, opened.receipts, self.bounds)
        self._space.prepare()
        self.last_seq, self._last_chain = self.synced_through, self.synced_chain
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._job: SyncJob | None = None
        self._dead: list[Shelf] = []  # what a sync that no shelf survived was written to
        self.failure = ""

    @property
    def generation(self) -> str:
        """The generation that is written, 16 hex digits."""
        return self._held.newest.generation

    @property
    def synced_through(self) -> int:
        """The last durable seq of the written generation."""
        return self._held.live.end_seq

    @property
    def synced_chain(self) -> bytes:
        """The chain at `synced_through`."""
        return self._held.live.end_chain

    @property
    def degraded(self) -> str:
        """Why a configured directory is out of use; "" when all are in use."""
        return "; ".join(f"{shelf.directory}: {shelf.failure}" for shelf in self._shelves if shelf.failure)

    @property
    def used_bytes(self) -> int:
        """Bytes of all segments held."""
        return self._space.used_bytes

    def append(self, body: bytes) -> int:
        """Put a record behind the others and return its seq. It is durable only after the next sync.

        DeviceError: "journal-full" (beyond the quota, which `refusal` foretold), "journal-failed" (unsynced records
        pile up behind a dead disk).
        """
        if self._pending_bytes + len(body) > self.bounds.pending_bytes_max:
            raise DeviceError(
                "journal-failed", "Unsynced records pile up", "Check the disk, then restart the box"
            )
        if self._space.used_bytes + self._pending_bytes + len(body) > self.bounds.quota_bytes:
            raise DeviceError("journal-full", "The journal holds as much as it may", "Bring the box online")
        seq = self.last_seq + 1
        chain = chain_next(self._last_chain, seq, body)
        frame = encode_frame(seq, chain, body)
        self.last_seq, self._last_chain = seq, chain
        self._pending.append(frame)
        self._pending_bytes += len(frame)
        fault(APPENDED)
        return seq

    def begin_sync(self) -> SyncJob | None:
        """Take everything pending as one job: `run()` it, here or in a thread, then call `end_sync` here.

        None when nothing is pending or a job is under way.
        """
        if self._job is not None or not self._pending:
            return None
        fresh = self._fresh_name() if self._held.live.length >= self.bounds.segment_bytes else None
        shelves = [shelf for shelf in self._shelves if not shelf.failure]
        self._job = SyncJob(shelves, self._pending, fresh, self.synced_chain)
        self._pending, self._pending_bytes = [], 0
        return self._job

    def end_sync(self, job: SyncJob) -> None:
        """Account for a job that has run. DeviceError when its records are on no disk.

        "journal-not-durable": they stay pending, in order, and each later sync tries them again in a fresh segment
        file. "journal-damaged": synced records do not read back either; `reopen` salvages. The caller must not go
        on as if they were written.
        """
        self._job = None
        failed = job.give_up_failed_shelves()
        if job.is_durable:
            self._account(job.frames, job.fresh)
            return
        self._pending = job.frames + self._pending
        self._pending_bytes = sum(map(len, self._pending))
        self._dead = failed or self._dead or self._shelves  # none was in use: each may have come back
        self._mend(is_full=job.found_no_space)

    def sync(self) -> None:
        """Make everything appended so far durable, in this thread. DeviceError as in `end_sync`."""
        job = self.begin_sync()
        if job is not None:
            job.run()
            self.end_sync(job)

    def reopen(self) -> None:
        """Close and recover from the disk as at a start; records that were never synced may be gone."""
        self._release()
        self._open()

    def renew(self) -> None:
        """Open a new generation with everything the cloud has not confirmed: the way back from a quarantine.

        The records keep their ids, so what the cloud has after all is booked once.
        """
        self.close()
        self._open(is_renewal=True)
        self.reopen()  # the old generation is read again with its new end

    def close(self) -> None:
        """Sync, remember the receipts, let go of the files."""
        if self._job is not None:
            raise CallerError("journal-busy", "A sync is under way", "End it first")
        try:
            self.sync()
            save_receipts(self._shelves, self._receipts)
        finally:
            self._release()

    def frames(self, generation: str, from_seq: int, max_bytes: int = BATCH_BYTES) -> list[bytes]:
        """Encoded, synced frames from `from_seq` on: at least one, in all at most `max_bytes` or one frame.

        Empty when `from_seq` is not held (below the oldest, beyond the synced end, unknown generation).
        DeviceError("journal-damaged") when bytes that were good are so no more: `reopen` salvages.
        """
        return self._held.frames(generation, from_seq, max_bytes)

    def frame(self, seq: int) -> bytes:
        """The encoded frame of one synced record of the written generation; b"" when it is not held."""
        return b"".join(self._held.frames(self.generation, seq, 1)[:1])

    def chain_at(self, generation: str, seq: int) -> bytes | None:
        """The chain after a synced record, None when it is not held."""
        return self._held.chain_at(generation, seq)

    def records(self, starts: Mapping[str, int] | None = None) -> Iterator[Stored]:
        """Every synced record held, oldest generation first; of a generation that `starts` names, from that seq on.

        Records saved from beyond damage may come twice, with other numbers: their ids tell.
        """
        return self._held.records(starts or {})

    def spans(self) -> list[Span]:
        """What is held and how far it is receipted, oldest generation first."""
        return self._held.spans()

    def prune(self, generation: str, through: int, chain: bytes, now_ms: int) -> None:
        """Take a receipt: the cloud holds everything up to `through`, where the chain is `chain`.

        Receipted segments stay for the keeping time, or until space is needed. An old receipt changes nothing.
        PeerError: "receipt-generation-unknown", "receipt-beyond-end", "receipt-chain-wrong"; then nothing of it is
        believed. `now_ms` is UTC.
        """
        found = self._held.find(generation)
        if found is None:
            raise PeerError("receipt-generation-unknown", f"Generation {generation} is not held")
        if through > found.end_seq and found is not self._held.newest:
            # Damage has shortened an ended generation: all that is left of it lies before what the cloud holds.
            through = found.end_seq
            chain = self._held.chain_at(generation, through) or chain
        if through > found.end_seq:
            raise PeerError(
                "receipt-beyond-end", f"Seq {through} is not written, the last is {found.end_seq}"
            )
        if not self._receipts.is_covered(generation, through):
            if self._held.chain_at(generation, through) != chain:
                raise PeerError(
                    "receipt-chain-wrong", f"The cloud has another record {through} than this box"
                )
            self._receipts.through[generation] = through
            self._space.note_receipt(found, through, now_ms)
        self._space.reclaim(now_ms)

    def forget_receipts(self) -> None:
        """The cloud was restored and may hold less than it confirmed: nothing counts as receipted, durably."""
        self._space.forget_receipts()

    def refusal(self, needed_bytes: int = SALE_BYTES_MAX) -> str:
        """Why no new sale may start: "" (it may), "journal-failed", "journal-full" or "disk-full".

        The reserve is kept out of this sum, so a sale that was let in can always end.
        """
        return "journal-failed" if self.failure else self._space.refusal(needed_bytes + self._pending_bytes)

    def has_room(self, needed_bytes: int = SALE_BYTES_MAX) -> bool:
        """Whether a new sale of that size may start."""
        return not self.refusal(needed_bytes)

    def _account(self, frames: list[bytes], fresh: SegmentName | None) -> None:
        if fresh is not None:
            live = Segment(fresh, self.synced_chain, self.synced_through, self.synced_chain, is_indexed=True)
            self._held.newest.segments.append(live)
            self._space.used_bytes += HEAD_BYTES
        self._held.add(frames)
        self._space.used_bytes += sum(map(len, frames))
        if fresh is not None:
            self._space.reclaim()
        self.failure = ""
        fault(SYNCED)

    def _mend(self, *, is_full: bool) -> None:
        """The handles are dead: everything pending goes into a fresh segment, or the caller is told."""
        self.failure = "journal-not-durable"
        frames, fresh = self._pending, self._fresh_name()
        for attempt in range(1, REPAIRS_MAX + 1):
            if is_full:  # and only then: what was confirmed stays for a cloud that is restored from a backup
                self._space.make_room()
            try:
                mend(self._dead, self._held.live, fresh, b"".join(frames))
                break
            except DeviceError:
                is_full = any(shelf.is_full for shelf in self._dead)
                if attempt == REPAIRS_MAX:
                    raise
        fault(MENDED)
        self._pending, self._pending_bytes = [], 0
        self._account(frames, fresh)

    def _fresh_name(self) -> SegmentName:
        newest, first = self._held.newest, self.synced_through + 1
        attempts = [s.name.attempt for s in newest.segments if s.name.first_seq == first]
        return SegmentName(newest.ordinal, newest.generation, first, max(attempts, default=-1) + 1)

    def _release(self) -> None:
        for shelf in self._shelves:
            shelf.close()
