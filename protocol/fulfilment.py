"""The life of handing over the goods of one paid order, for all kinds of unattended checkout.

    waiting --handed_over--> delivered                     self-checkout: the shopper holds them already
    waiting --dispense_intended--> dispensing --dispensed | dispensed_partly | dispense_failed-->
                                                           delivered | partly | failed
    dispensing --interrupted--> unknown --(the same three, by a sensor or a person)-->

What was not delivered is not captured, or is given back: that is decided by the flows, with `payment`.
Nothing is dispensed again for an order whose first try is unknown.
"""

from protocol.lifecycle import Lifecycle

WAITING = "waiting"
DISPENSING = "dispensing"
UNKNOWN = "unknown"
DELIVERED = "delivered"
PARTLY = "partly"
FAILED = "failed"

LIFECYCLE = Lifecycle(
    "fulfilment",
    WAITING,
    {
        (WAITING, "handed_over"): DELIVERED,
        (WAITING, "dispense_intended"): DISPENSING,
        (WAITING, "dispense_failed"): FAILED,  # the machine was found broken before it moved
        (DISPENSING, "dispensed"): DELIVERED,
        (DISPENSING, "dispensed_partly"): PARTLY,
        (DISPENSING, "dispense_failed"): FAILED,
        (DISPENSING, "interrupted"): UNKNOWN,
        (UNKNOWN, "dispensed"): DELIVERED,
        (UNKNOWN, "dispensed_partly"): PARTLY,
        (UNKNOWN, "dispense_failed"): FAILED,
    },
)


def next_state(state: str, event: str) -> str:
    """Return the state after `event`; CallerError fulfilment-event-out-of-place when there is none.

    >>> next_state("dispensing", "interrupted")
    'unknown'
    """
    return LIFECYCLE.next_state(state, event)
