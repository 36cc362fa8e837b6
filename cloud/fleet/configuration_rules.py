"""What a box's answer makes of a configuration, when one is published again, and when a box is overdue. Pure."""

from __future__ import annotations

from protocol.errors import CallerError

FIRST_DELAY_MS = 30_000  # twice the box's trial: an answer that comes by itself is not asked for
LONGEST_DELAY_MS = 3_600_000  # a box away for days costs one message an hour; the retained one waits anyway
OVERDUE_MS = (
    900_000  # a box that is heard and has not taken its version by then is kept from it: trials last 10 min
)

OPEN = "sent"

# state x what came -> state. An answer may come again, and late; the first end of a trial is what stays.
_NEXT = {
    ("sent", "applied"): "applied",
    ("sent", "refused"): "refused",
    ("sent", "reverted"): "reverted",
    ("sent", "lapsed"): "expired",
    ("sent", "overtaken"): "superseded",
    ("applied", "applied"): "applied",
    ("applied", "refused"): "applied",  # "not-newer" of a box whose slot was damaged and healed
    ("applied", "reverted"): "reverted",
    ("refused", "applied"): "applied",  # a full disk was emptied, the retained document came again
    ("refused", "refused"): "refused",
    ("refused", "reverted"): "reverted",
    ("reverted", "applied"): "reverted",
    ("reverted", "refused"): "reverted",  # "refused-before": the reason of the revert stays
    ("reverted", "reverted"): "reverted",
    ("superseded", "applied"): "applied",
    ("superseded", "refused"): "refused",
    ("superseded", "reverted"): "reverted",
    ("expired", "applied"): "applied",  # taken in time, told late
    ("expired", "refused"): "refused",
    ("expired", "reverted"): "reverted",
}


def next_state(state: str, came: str) -> str:
    """The state of a document after an answer, a lapse or a newer one; CallerError("configuration-state-wrong")."""
    if (state, came) not in _NEXT:
        raise CallerError("configuration-state-wrong", f"{came} cannot come to {state}", "Mend the table")
    return _NEXT[state, came]


def next_delay_ms(tries: int) -> int:
    """How long to wait for an answer before a document is published again; `tries` were made already."""
    return int(min(FIRST_DELAY_MS << min(tries, 16), LONGEST_DELAY_MS))


def next_version(last: int, reported: int, above: int) -> int:
    """The number of a box's next document: above all that were given, that the box tells, and that a person says."""
    return max(last, reported, above) + 1
