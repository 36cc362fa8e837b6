"""The life of one attempt to take money. Box and cloud follow the same table.

    intended --requested--> requested --approved | declined | refused | expired--> the same word
                                |                                 (a refused attempt is declined)
                           timed_out, unknown --> unknown --> ... as from requested
    approved, requested, unknown, intended --reversal_requested--> reversing --reversed--> reversed

"unknown" is never "declined": it is asked again or reversed. Out of reversing there is one way only, to
reversed. An approval that comes after a "no" is money to give back, so it leads to reversing, never to
approved: whoever sees that must ask for the reversal. Answers may come twice; the same answer again changes
nothing.
"""

from protocol.lifecycle import Lifecycle

INTENDED = "intended"
REQUESTED = "requested"
APPROVED = "approved"
DECLINED = "declined"
UNKNOWN = "unknown"
REVERSING = "reversing"
REVERSED = "reversed"
EXPIRED = "expired"

# No money is under way in these; in all others somebody has to ask again.
SETTLED = (APPROVED, DECLINED, EXPIRED, REVERSED)

LIFECYCLE = Lifecycle(
    "payment",
    INTENDED,
    {
        (INTENDED, "requested"): REQUESTED,
        (INTENDED, "approved"): APPROVED,  # cash: nobody is asked
        (INTENDED, "declined"): DECLINED,
        (INTENDED, "refused"): DECLINED,
        (INTENDED, "expired"): EXPIRED,
        (INTENDED, "unknown"): UNKNOWN,  # power came back: the request may have left
        (INTENDED, "timed_out"): UNKNOWN,
        (INTENDED, "reversal_requested"): REVERSING,
        (REQUESTED, "requested"): REQUESTED,
        (REQUESTED, "approved"): APPROVED,
        (REQUESTED, "declined"): DECLINED,
        (REQUESTED, "refused"): DECLINED,
        (REQUESTED, "expired"): EXPIRED,
        (REQUESTED, "unknown"): UNKNOWN,
        (REQUESTED, "timed_out"): UNKNOWN,
        (REQUESTED, "reversed"): REVERSED,  # the cloud gave it up before the box did
        (REQUESTED, "reversal_requested"): REVERSING,
        (UNKNOWN, "requested"): UNKNOWN,  # asked again under the same id
        (UNKNOWN, "approved"): APPROVED,
        (UNKNOWN, "declined"): DECLINED,
        (UNKNOWN, "refused"): DECLINED,
        (UNKNOWN, "expired"): EXPIRED,
        (UNKNOWN, "unknown"): UNKNOWN,
        (UNKNOWN, "timed_out"): UNKNOWN,
        (UNKNOWN, "reversed"): REVERSED,
        (UNKNOWN, "reversal_requested"): REVERSING,
        (APPROVED, "approved"): APPROVED,
        (APPROVED, "reversed"): REVERSED,
        (APPROVED, "reversal_requested"): REVERSING,
        (DECLINED, "declined"): DECLINED,
        (DECLINED, "refused"): DECLINED,
        (DECLINED, "approved"): REVERSING,
        (EXPIRED, "expired"): EXPIRED,
        (EXPIRED, "approved"): REVERSING,
        (REVERSING, "reversal_requested"): REVERSING,
        (REVERSING, "reversal_unknown"): REVERSING,
        (REVERSING, "reversal_refused"): REVERSING,  # stays open until a person has settled it
        (REVERSING, "approved"): REVERSING,
        (REVERSING, "declined"): REVERSING,
        (REVERSING, "refused"): REVERSING,
        (REVERSING, "expired"): REVERSING,
        (REVERSING, "unknown"): REVERSING,
        (REVERSING, "timed_out"): REVERSING,
        (REVERSING, "reversed"): REVERSED,
        (REVERSED, "reversed"): REVERSED,
        (REVERSED, "reversal_requested"): REVERSED,
        (REVERSED, "refused"): REVERSED,  # a pay that found the tombstone
        (REVERSED, "approved"): REVERSING,
    },
)


def next_state(state: str, event: str) -> str:
    """Return the state after `event`; CallerError payment-event-out-of-place when there is none.

    >>> next_state("requested", "timed_out")
    'unknown'
    """
    return LIFECYCLE.next_state(state, event)
