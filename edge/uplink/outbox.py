"""Which part of the journal goes to the cloud next: a pure machine of spans, receipts and time.

It holds no frames and no clock. The shell feeds it events and carries out the effects it returns: say hello for a
generation, send a batch from a seq (and tell with `sent` how far the batch went), take a receipt into the journal.
Old generations are sent first. Only durable records are ever mentioned here. Live requests are in `live_lane`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW_BATCHES = 8  # 512 KiB on the way: keeps a consumer busy over a slow line, lost again at little cost
RESEND_MS_FIRST = 1_000  # ten times the receipt of a busy cloud
RESEND_MS_MAX = 30_000  # a dead cloud behind a living broker is asked twice a minute
AGE_MARKS_MAX = 256  # times remembered for "oldest unsent"; beyond, every other is forgotten


@dataclass(frozen=True, slots=True)
class SayHello:
    """Send a batch of no frames with the last seq and chain of the generation: the answer tells where to go on.

    `tells_gone` also says what is no longer held: a cloud that lacks it must go on behind it.
    """

    generation: str
    tells_gone: bool = False


@dataclass(frozen=True, slots=True)
class SendBatch:
    """Send frames from `from_seq` on, as many as one message takes, then call `sent`."""

    generation: str
    from_seq: int


@dataclass(frozen=True, slots=True)
class TakeReceipt:
    """Give Journal.prune a receipt whose chain was compared with ours and found the same."""

    generation: str
    through: int


@dataclass(frozen=True, slots=True)
class ForgetReceipts:
    """The cloud was restored: call Journal.forget_receipts, what was confirmed before may be gone there."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The cloud holds another history of this box: selling stops, sending goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """The cloud takes this box's history again: the quarantine is over."""


Effect = SayHello | SendBatch | TakeReceipt | ForgetReceipts | Quarantine | Release


@dataclass(frozen=True, slots=True)
class Receipt:
    """What down/receipt says; `is_chain_ours` is the shell's comparison with the journal's own chain at `through`.

    Where there is nothing to compare (`through` 0, or a record that is no longer held) it is True.
    """

    generation: str
    through: int
    epoch: int
    status: str
    resend_from: int
    is_chain_ours: bool


@dataclass(slots=True)
class Stretch:
    """One generation: what is held, what is confirmed, what is on the way."""

    generation: str
    oldest_seq: int
    last_seq: int
    confirmed: int
    next_seq: int = 0
    is_asked: bool = False  # the cloud has told, on this link, where to go on
    lacks: int = 0  # the cloud wants records from here on that are no longer held, and was not told so
    told_gone: int = 0  # what it lacked when it was told
    is_forked: bool = False
    forked_at: int = -1  # how far the cloud held its other history; agreement up to there proves nothing

    @property
    def unsent(self) -> int:
        """Records that the cloud has not confirmed."""
        return max(0, self.last_seq - max(self.confirmed, self.oldest_seq - 1))


class Outbox:
    """The replica lane of one box. Times are monotonic milliseconds of one clock."""

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch
        self.quarantine = ""
        self._stretches: list[Stretch] = []
        self._is_linked = False
        self._in_flight: deque[int] = (
            deque()
        )  # the last seq of each batch on the way, of the present generation
        self._rewound_to = 0
        self._resend_ms = RESEND_MS_FIRST
        self._due_ms: int | None = None
        self._ages: deque[tuple[str, int, int]] = deque()  # (generation, last seq, time it became durable)

    @property
    def unsent(self) -> int:
        """Records that the cloud has not confirmed."""
        return sum(stretch.unsent for stretch in self._stretches)

    def oldest_unsent_ms(self, now_ms: int) -> int:
        """Age of the oldest record that is not confirmed; 0 when all are."""
        return max(0, now_ms - self._ages[0][2]) if self._ages and self.unsent else 0

    @property
    def next_tick_ms(self) -> int | None:
        """When `tick` has something to do; None when nothing is awaited."""
        return self._due_ms

    def held(self, generation: str, oldest_seq: int, last_seq: int, confirmed: int, since_ms: int) -> None:
        """At start, or after the journal was reopened: a generation as Journal.spans tells it, oldest first."""
        self._stretches = [s for s in self._stretches if s.generation != generation]
        self._stretches.append(Stretch(generation, oldest_seq, last_seq, confirmed))
        if last_seq > confirmed:
            self._ages.append((generation, last_seq, since_ms))

    def pruned(self, generation: str, oldest_seq: int | None, now_ms: int) -> list[Effect]:
        """The journal let go of receipted records; `oldest_seq` is what it still holds, None for nothing.

        A restored cloud may ask for what is no more: then it gets what there is.
        """
        for stretch in self._stretches:
            if stretch.generation == generation:
                stretch.oldest_seq = stretch.last_seq + 1 if oldest_seq is None else oldest_seq
                self._go_on_from(stretch, stretch.next_seq)
        return self._advance(now_ms)

    def appended(self, through: int, now_ms: int) -> list[Effect]:
        """The newest generation is durable up to `through`."""
        newest = self._stretches[-1]
        if through > newest.last_seq:
            newest.last_seq = through
            self._note_age(newest.generation, through, now_ms)
        return self._advance(now_ms)

    def linked(self, now_ms: int) -> list[Effect]:
        """The link is up and subscribed: ask before sending."""
        self._is_linked = True
        self._resend_ms = RESEND_MS_FIRST
        return self._ask_again(now_ms)

    def unlinked(self) -> None:
        """The link is down; what was on the way may be lost."""
        self._is_linked = False
        self._due_ms = None
        self._in_flight.clear()

    def sent(self, generation: str, through: int, now_ms: int) -> list[Effect]:
        """A batch went out up to `through`."""
        present = self._present()
        if present is None or present.generation != generation or through < present.next_seq:
            return []
        present.next_seq = through + 1
        self._in_flight.append(through)
        if self._due_ms is None:
            self._due_ms = now_ms + self._resend_ms
        return self._advance(now_ms)

    def receipt(self, told: Receipt, now_ms: int) -> list[Effect]:
        """A receipt came. Receipts of older epochs and of unknown generations change nothing."""
        stretch = next((s for s in self._stretches if s.generation == told.generation), None)
        if told.epoch < self.epoch or stretch is None:
            return []
        effects: list[Effect] = []
        if told.epoch > self.epoch:
            effects += self._restored(told.epoch)
        is_beyond = told.through > stretch.last_seq
        # An ended generation may be longer in the cloud: a renewal ends it at its last receipt, damage before that.
        if told.status == "fork" or not told.is_chain_ours or (is_beyond and stretch is self._stretches[-1]):
            return effects + self._forked(stretch, told, now_ms)
        if told.through > stretch.confirmed:
            effects.append(TakeReceipt(told.generation, told.through))
        # A late receipt may be from before the fork. One beyond it says that the cloud follows our history.
        if told.through > stretch.forked_at and not is_beyond:
            stretch.is_forked = False
        if self.quarantine and not any(s.is_forked for s in self._stretches):
            self.quarantine = ""
            effects.append(Release())
        self._confirm(stretch, told, now_ms)
        return effects + self._advance(now_ms)

    def tick(self, now_ms: int) -> list[Effect]:
        """Time passes. An awaited receipt that did not come is asked for, at growing intervals."""
        if not self._is_linked or self._due_ms is None or now_ms < self._due_ms:
            return []
        self._resend_ms = min(2 * self._resend_ms, RESEND_MS_MAX)
        return self._ask_again(now_ms)

    def _present(self) -> Stretch | None:
        """The oldest generation with something to send; a forked one comes last, then the newest to ask about."""
        waiting = sorted((s for s in self._stretches if s.unsent), key=lambda stretch: stretch.is_forked)
        return next(iter(waiting), self._stretches[-1] if self._stretches else None)

    def _ask_again(self, now_ms: int) -> list[Effect]:
        self._in_flight.clear()
        self._rewound_to = 0
        for stretch in self._stretches:
            stretch.is_asked = False
            stretch.told_gone = 0
        return self._hello(now_ms)

    def _hello(self, now_ms: int) -> list[Effect]:
        present = self._present()
        if present is None:
            return []
        self._due_ms = now_ms + self._resend_ms
        return [SayHello(present.generation)]

    def _tell_gone(self, stretch: Stretch, now_ms: int) -> list[Effect]:
        stretch.told_gone, stretch.lacks = stretch.lacks, 0
        stretch.is_asked = False
        self._due_ms = now_ms + self._resend_ms
        return [SayHello(stretch.generation, tells_gone=True)]

    def _confirm(self, stretch: Stretch, told: Receipt, now_ms: int) -> None:
        has_moved = told.through > stretch.confirmed
        stretch.confirmed = max(stretch.confirmed, told.through)
        was_asked, stretch.is_asked = stretch.is_asked, True
        while self._in_flight and self._in_flight[0] <= told.through and stretch is self._present():
            self._in_flight.popleft()
        self._forget_ages()
        if has_moved:
            self._rewound_to = 0
        if not was_asked or has_moved:
            self._resend_ms = RESEND_MS_FIRST
            self._due_ms = now_ms + self._resend_ms if stretch.unsent else None
        if not stretch.unsent:
            self._in_flight.clear()
        wanted = told.resend_from or told.through + 1
        if not was_asked:
            self._rewind(stretch, wanted)
        elif told.status in ("gap", "resend") and wanted != self._rewound_to:
            self._rewind(stretch, wanted)
            self._rewound_to = wanted  # the other batches on the way bring the same answer again

    def _rewind(self, stretch: Stretch, wanted: int) -> None:
        """Go on from `wanted`, or from the oldest seq that is still held."""
        stretch.confirmed = min(stretch.confirmed, wanted - 1)
        self._in_flight.clear()
        self._go_on_from(stretch, wanted)

    @staticmethod
    def _go_on_from(stretch: Stretch, wanted: int) -> None:
        stretch.next_seq = max(wanted, stretch.oldest_seq)
        is_news = wanted != stretch.told_gone
        stretch.lacks = wanted if wanted < stretch.oldest_seq and is_news else 0

    def _advance(self, now_ms: int) -> list[Effect]:
        present = self._present()
        if not self._is_linked or present is None:
            return []
        if not present.is_asked:
            return self._hello(now_ms) if self._due_ms is None else []
        if present.lacks:
            return self._tell_gone(present, now_ms)
        if present.next_seq > present.last_seq or len(self._in_flight) >= WINDOW_BATCHES:
            return []
        return [SendBatch(present.generation, present.next_seq)]

    def _restored(self, epoch: int) -> list[Effect]:
        self.epoch = epoch
        for stretch in self._stretches:
            stretch.confirmed = 0
            stretch.is_asked = False
            stretch.forked_at = -1
        self._in_flight.clear()
        return [ForgetReceipts(epoch)]

    def _forked(self, stretch: Stretch, told: Receipt, now_ms: int) -> list[Effect]:
        reason = "journal-older-than-cloud" if told.through > stretch.last_seq else "journal-forked"
        is_news = not stretch.is_forked
        stretch.is_forked, stretch.is_asked = True, False
        stretch.forked_at = max(stretch.forked_at, told.through)
        self._in_flight.clear()
        self._resend_ms = RESEND_MS_MAX
        self._due_ms = now_ms + self._resend_ms
        if not is_news:
            return []
        self.quarantine = self.quarantine or reason
        after = self._present()
        others = self._hello(now_ms) if after is not None and not after.is_forked else []
        return [Quarantine(reason), *others]

    def _note_age(self, generation: str, through: int, now_ms: int) -> None:
        self._ages.append((generation, through, now_ms))
        if (
            len(self._ages) > AGE_MARKS_MAX
        ):  # a mark stands for all records up to its seq: keep the earlier time
            marks = list(self._ages)
            merged = [
                (later[0], later[1], earlier[2])
                for earlier, later in zip(marks[::2], marks[1::2], strict=False)
                if earlier[0] == later[0]
            ]
            self._ages = deque(merged or marks[-1:])

    def _forget_ages(self) -> None:
        confirmed = {s.generation: s.confirmed for s in self._stretches}
        while self._ages and confirmed.get(self._ages[0][0], self._ages[0][1]) >= self._ages[0][1]:
            self._ages.popleft()
