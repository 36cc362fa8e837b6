"""One acquirer link as a state machine: events in, effects out. The sockets are in `links`.

waiting -> connecting -> signing_on -> up <-> echoing, and from everywhere back to waiting. After a loss the
wait grows from `back_off_first_ms` to `back_off_max_ms`; a sign-on that is answered resets it.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.errors import CallerError


@dataclass(frozen=True, slots=True)
class LinkTimes:
    """How patient a link is, in milliseconds."""

    connect_ms: int = 5_000
    sign_on_ms: int = 5_000
    echo_every_ms: int = 60_000  # silence after which the link is asked whether it lives
    echo_answer_ms: int = 5_000
    back_off_first_ms: int = 200
    back_off_max_ms: int = 30_000


# (state, event) -> (next state, effects). "wait:NAME" starts the one timer; "connect" includes the time-out.
TABLE: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("waiting", "timer"): ("connecting", ("connect",)),
    ("waiting", "lost"): ("waiting", ()),
    ("waiting", "heard"): ("waiting", ()),
    ("connecting", "connected"): ("signing_on", ("send_sign_on", "wait:sign_on")),
    ("connecting", "lost"): ("waiting", ("wait:back_off",)),
    ("signing_on", "signed_on"): ("up", ("tell_up", "wait:echo_every")),
    ("signing_on", "refused"): ("waiting", ("close", "wait:back_off")),
    ("signing_on", "timer"): ("waiting", ("close", "wait:back_off")),
    ("signing_on", "lost"): ("waiting", ("close", "wait:back_off")),
    ("signing_on", "heard"): ("signing_on", ()),
    ("up", "heard"): ("up", ("wait:echo_every",)),
    ("up", "signed_on"): ("up", ()),
    ("up", "timer"): ("echoing", ("send_echo", "wait:echo_answer")),
    ("up", "lost"): ("waiting", ("tell_down", "close", "wait:back_off")),
    ("up", "refused"): ("waiting", ("tell_down", "close", "wait:back_off")),
    ("echoing", "heard"): ("up", ("wait:echo_every",)),
    ("echoing", "signed_on"): ("up", ("wait:echo_every",)),
    ("echoing", "timer"): ("waiting", ("tell_down", "close", "wait:back_off")),
    ("echoing", "lost"): ("waiting", ("tell_down", "close", "wait:back_off")),
    ("echoing", "refused"): ("waiting", ("tell_down", "close", "wait:back_off")),
}


class LinkMachine:
    """Where one link stands. `take` gives the effects; ("wait", milliseconds) replaces the running timer."""

    __slots__ = ("_failures", "_times", "state")

    def __init__(self, times: LinkTimes) -> None:
        self._times = times
        self._failures = 0
        self.state = "waiting"

    def take(self, event: str) -> list[tuple[str, int]]:
        """Follow the table; a pair that is not in it is a CallerError ("link-event-absent")."""
        found = TABLE.get((self.state, event))
        if found is None:
            raise CallerError("link-event-absent", f"{event} cannot follow {self.state}", "Check the caller")
        self.state, effects = found
        if "tell_up" in effects:
            self._failures = 0
        return [self._timed(effect) for effect in effects]

    def _timed(self, effect: str) -> tuple[str, int]:
        name, _, timer = effect.partition(":")
        if not timer:
            return name, 0
        if timer == "back_off":
            self._failures += 1
            grown = self._times.back_off_first_ms << min(self._failures - 1, 20)
            return "wait", min(grown, self._times.back_off_max_ms)
        waits = {
            "sign_on": self._times.sign_on_ms,
            "echo_every": self._times.echo_every_ms,
            "echo_answer": self._times.echo_answer_ms,
        }
        return "wait", waits[timer]
