"""The life of an order, from the first line to goods and receipt. Box and cloud follow the same table.

    open --tender_intended--> tendering --tender_approved--> paid --sale_completed--> completed
      ^------ tender_declined, tender_reversed ---'            |
      ^------------------- tender_reversed -------------------'      open, tendering --sale_voided--> voided

Events are the types of records, tender results with their outcome. A sale without anything to pay goes from
open to completed. What becomes of the money is in `payment`: a voided order may still have a reversal under
way, so answers about money change nothing there and are no error.
"""

from protocol.lifecycle import Lifecycle

OPEN = "open"
TENDERING = "tendering"
PAID = "paid"
COMPLETED = "completed"
VOIDED = "voided"

LIFECYCLE = Lifecycle(
    "order",
    OPEN,
    {
        (OPEN, "line_added"): OPEN,
        (OPEN, "line_voided"): OPEN,
        (OPEN, "tender_intended"): TENDERING,
        (OPEN, "sale_completed"): COMPLETED,  # nothing was to pay
        (OPEN, "sale_voided"): VOIDED,
        (TENDERING, "tender_approved"): PAID,
        (TENDERING, "tender_declined"): OPEN,
        (TENDERING, "tender_reversed"): OPEN,
        (TENDERING, "tender_unknown"): TENDERING,
        (TENDERING, "sale_voided"): VOIDED,  # given up with the outcome unknown: its reversal goes on
        (PAID, "tender_reversed"): OPEN,  # the goods could not be handed over
        (PAID, "sale_completed"): COMPLETED,
        (VOIDED, "tender_approved"): VOIDED,  # came too late: payments reverses it
        (VOIDED, "tender_declined"): VOIDED,
        (VOIDED, "tender_reversed"): VOIDED,
        (VOIDED, "tender_unknown"): VOIDED,
    },
)


def next_state(state: str, event: str) -> str:
    """Return the state after `event`; CallerError order-event-out-of-place when there is none.

    >>> next_state("tendering", "tender_approved")
    'paid'
    """
    return LIFECYCLE.next_state(state, event)
