"""Live requests: what a person waits for, sent past any backlog, again and again under one id until the answer.

Pure: no link, no clock. Repeating is safe because the cloud gives one id one effect and one answer. No answer by the
deadline is unknown, never "declined": the flow decides what then happens. Times are monotonic milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.errors import CallerError

REQUESTS_MAX = 16  # one shopper has one or two; the rest are reversals and queries after a long time offline
REPEAT_MS_FIRST = 1_000  # a lost message is the likely reason; channels answer in this time mostly
REPEAT_MS_MAX = 5_000  # a slow channel is not slower for being asked, and the box is not a flood


@dataclass(frozen=True, slots=True)
class Key:
    """What makes two requests the same: kind (pay, query, reverse) and attempt."""

    kind: str
    attempt: int


@dataclass(frozen=True, slots=True)
class SendRequest:
    """Publish the request with this key; `remaining_ms` is what is left until its deadline."""

    key: Key
    remaining_ms: int


@dataclass(frozen=True, slots=True)
class RequestExpired:
    """The deadline passed without an answer: the outcome is unknown."""

    key: Key


Effect = SendRequest | RequestExpired


@dataclass(slots=True)
class _Waiting:
    deadline_ms: int
    next_ms: int
    repeat_ms: int = REPEAT_MS_FIRST


class LiveLane:
    """The requests of one box that wait for an answer."""

    def __init__(self) -> None:
        self._waiting: dict[Key, _Waiting] = {}
        self._is_linked = False

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    @property
    def next_tick_ms(self) -> int | None:
        """When `tick` has something to do; None when nothing waits."""
        times = [
            w.deadline_ms if not self._is_linked else min(w.deadline_ms, w.next_ms)
            for w in self._waiting.values()
        ]
        return min(times, default=None)

    def ask(self, key: Key, now_ms: int, budget_ms: int) -> list[Effect]:
        """Ask, within a budget. A key that waits already keeps its deadline and is not sent twice at once.

        CallerError("requests-too-many"): the flows ask for more at a time than a box has shoppers and unknowns.
        """
        if key in self._waiting:
            return []
        if len(self._waiting) >= REQUESTS_MAX:
            raise CallerError("requests-too-many", f"{REQUESTS_MAX} live requests wait already", "Ask later")
        self._waiting[key] = _Waiting(now_ms + budget_ms, now_ms)
        return self.tick(now_ms)

    def answered(self, key: Key) -> bool:
        """An answer came. False: nobody waits for it any more, or it came before; the flow need not see it twice."""
        return self._waiting.pop(key, None) is not None

    def linked(self, now_ms: int) -> list[Effect]:
        """The link is up: everything that waits goes out at once."""
        self._is_linked = True
        for waiting in self._waiting.values():
            waiting.next_ms, waiting.repeat_ms = now_ms, REPEAT_MS_FIRST
        return self.tick(now_ms)

    def unlinked(self) -> None:
        """The link is down; deadlines run on."""
        self._is_linked = False

    def tick(self, now_ms: int) -> list[Effect]:
        """Time passes: expire what is due, repeat what was not answered."""
        effects: list[Effect] = []
        for key, waiting in list(self._waiting.items()):
            if now_ms >= waiting.deadline_ms:
                del self._waiting[key]
                effects.append(RequestExpired(key))
            elif self._is_linked and now_ms >= waiting.next_ms:
                waiting.next_ms = now_ms + waiting.repeat_ms
                waiting.repeat_ms = min(2 * waiting.repeat_ms, REPEAT_MS_MAX)
                effects.append(SendRequest(key, waiting.deadline_ms - now_ms))
        return effects
