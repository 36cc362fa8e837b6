"""What becomes of an attempt and of its reversals: pure decisions, no clock, no wire, no store.

`LIFECYCLE` is the only place that knows which event may follow which state. The rest judges answers and says
when a reversal is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloud.cardzone.currencies import currency_number
from cloud.cardzone.response_codes import (
    APPROVED_CODE,
    DOUBTFUL_CODES,
    PARTIAL_CODE,
    REVERSAL_PASSING_CODES,
    REVERSAL_SETTLED_CODES,
    decline_reason,
)
from protocol.errors import CallerError

if TYPE_CHECKING:
    from cloud.cardzone.iso8583 import Fields, Purchase

STAN_MAX = 999_999  # six digits; 000000 is never used

# attempt: sent -> approved | declined | reversing; reversing -> reversed | refused (the host will not undo).
# An approval that comes while a reversal is under way may be younger than the reversal: a host that undid nothing, then
# captured, answers repeats from memory. So that reversal proves nothing ("early"), and another one follows it.
# "doubtful" is an answer that is neither a clean yes nor a clean no; late answers are events in later states.
LIFECYCLE: dict[tuple[str, str], str] = {
    ("sent", "approved"): "approved",
    ("sent", "declined"): "declined",
    ("sent", "doubtful"): "reversing",
    ("sent", "timed_out"): "reversing",
    ("approved", "approved"): "approved",
    (
        "approved",
        "declined",
    ): "approved",  # the first answer was told and stands; the second is a host's mistake
    ("approved", "doubtful"): "approved",
    ("approved", "reverse_asked"): "reversing",
    (
        "declined",
        "approved",
    ): "reversing",  # the shopper was told no: what the host captured after all goes back
    ("declined", "declined"): "declined",
    ("declined", "doubtful"): "reversing",
    ("declined", "reverse_asked"): "declined",
    ("reversing", "approved"): "reversing_early",
    ("reversing", "declined"): "reversing",
    ("reversing", "doubtful"): "reversing_early",
    ("reversing", "reverse_asked"): "reversing",
    ("reversing", "reversal_settled"): "reversed",
    ("reversing", "reversal_refused"): "refused",
    ("reversing_early", "approved"): "reversing_early",
    ("reversing_early", "declined"): "reversing_early",
    ("reversing_early", "doubtful"): "reversing_early",
    ("reversing_early", "reverse_asked"): "reversing_early",
    ("reversing_early", "reversal_settled"): "reversed_early",
    ("reversing_early", "reversal_refused"): "refused",
    ("reversed_early", "approved"): "reversed_early",
    ("reversed_early", "declined"): "reversed_early",
    ("reversed_early", "doubtful"): "reversed_early",
    ("reversed_early", "reverse_asked"): "reversed_early",
    ("reversed_early", "timed_out"): "reversing",
    ("reversed", "approved"): "reversing",  # captured after the reversal was answered: it needs another one
    ("reversed", "declined"): "reversed",
    ("reversed", "doubtful"): "reversing",
    ("reversed", "reverse_asked"): "reversed",
    ("refused", "approved"): "refused",
    ("refused", "declined"): "refused",
    ("refused", "doubtful"): "refused",
    ("refused", "reverse_asked"): "reversing",  # a person asks again
}

# States of an attempt whose reversal is on its way or follows at once.
UNDOING = ("reversing", "reversing_early", "reversed_early")

# What the payments service is told; "reversing" is unknown to it until the reversal is answered.
OUTCOMES = {
    "sent": "unknown",
    "approved": "approved",
    "declined": "declined",
    **dict.fromkeys(UNDOING, "unknown"),
    "reversed": "reversed",
    "refused": "refused",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer of the acquirer means for its attempt."""

    event: str  # approved | declined | doubtful
    reason: str = ""
    response_code: str = ""
    approval_code: str = ""
    rrn: str = ""


def next_state(state: str, event: str) -> str:
    """Follow the table; a pair that is not in it is a CallerError ("attempt-event-absent")."""
    found = LIFECYCLE.get((state, event))
    if found is None:
        raise CallerError("attempt-event-absent", f"{event} cannot follow {state}", "Check the caller")
    return found


def judge(asked: Purchase, answer: Fields) -> Verdict:
    """Judge a 0210 that carries the attempt's own STAN, terminal and field 7.

    Only a plain yes over the very amount and currency, with an approval code and RRN, is an approval. A yes
    over anything else is doubtful, and what is doubtful is reversed.
    """
    code = answer.get("39", "")
    said = {
        "response_code": code,
        "approval_code": answer.get("38", "").strip(),
        "rrn": answer.get("37", "").strip(),
    }
    if code in {APPROVED_CODE, PARTIAL_CODE}:
        doubt = _doubt(asked, answer, is_whole=code == APPROVED_CODE)
        return Verdict("doubtful" if doubt else "approved", doubt, **said)
    if code in DOUBTFUL_CODES or not code:
        return Verdict("doubtful", "host-undecided", **said)
    return Verdict("declined", decline_reason(code), **said)


def _doubt(asked: Purchase, answer: Fields, *, is_whole: bool) -> str:
    if not is_whole:
        return "partly-approved"
    if answer.get("4", "") != f"{asked.amount_minor:012d}":
        return "amount-differs"
    if answer.get("49", "") != currency_number(asked.currency):
        return "currency-differs"
    if not answer.get("37", "").strip() or not answer.get("38", "").strip():
        return "approval-incomplete"
    return ""


def judge_reversal(answer: Fields) -> str:
    """Judge a 0410: "reversal_settled", "reversal_refused", or "" when it must be repeated."""
    code = answer.get("39", "")
    if code in REVERSAL_SETTLED_CODES:
        return "reversal_settled"
    if code in REVERSAL_PASSING_CODES or not code:
        return ""
    return "reversal_refused"


def reversal_delay_ms(tries: int, first_ms: int, max_ms: int) -> int:
    """Say how long to wait for the answer after so many tries: doubling, then steady, without an end."""
    return min(max_ms, first_ms << min(max(tries, 1) - 1, 30))


def stan_after(stan: int) -> int:
    """Count 1 to 999,999 and begin again at 1."""
    return stan % STAN_MAX + 1
