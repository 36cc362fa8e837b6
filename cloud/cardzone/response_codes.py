"""What an acquirer's two-character answer (field 39) means: approved, declined for a reason, or not known.

The reasons are ours and stay the same for all acquirers; the shopper's words for them belong to the screen.
"""

from __future__ import annotations

APPROVED_CODE = "00"
PARTIAL_CODE = "10"

# code -> reason. A code that is not here is a decline "declined-other": the host said anything but yes.
DECLINES: dict[str, str] = {
    "01": "call-issuer",
    "02": "call-issuer",
    "03": "merchant-invalid",
    "04": "card-withheld",
    "05": "declined-by-issuer",
    "06": "host-error",
    "07": "card-withheld",
    "12": "purchase-invalid",
    "13": "amount-invalid",
    "14": "card-invalid",
    "15": "issuer-unknown",
    "19": "try-again",
    "30": "message-invalid",
    "33": "card-expired",
    "34": "fraud-suspected",
    "36": "card-restricted",
    "38": "pin-tries-exceeded",
    "39": "no-credit-account",
    "41": "card-lost",
    "43": "card-stolen",
    "51": "funds-insufficient",
    "52": "no-current-account",
    "53": "no-savings-account",
    "54": "card-expired",
    "55": "pin-wrong",
    "57": "not-permitted-card",
    "58": "not-permitted-terminal",
    "59": "fraud-suspected",
    "61": "amount-above-limit",
    "62": "card-restricted",
    "63": "security-violation",
    "65": "count-above-limit",
    "75": "pin-tries-exceeded",
    "76": "reversal-unmatched",
    "78": "card-not-activated",
    "82": "card-data-wrong",
    "89": "terminal-unknown",
    "90": "cut-over",
    "91": "issuer-unavailable",
    "92": "route-unknown",
    "94": "duplicate",
    "96": "host-error",
}

# The host itself does not know what became of the purchase: money may have moved, so it is reversed.
DOUBTFUL_CODES = frozenset({"68", "94"})

# Answers to a reversal. Settled: undone, or nothing to undo. Passing: the host cannot now; it is repeated.
REVERSAL_SETTLED_CODES = frozenset({"00", "21", "25", "76"})
REVERSAL_PASSING_CODES = frozenset({"06", "09", "19", "68", "90", "91", "92", "96"})


def decline_reason(code: str) -> str:
    """Name why the acquirer said no."""
    return DECLINES.get(code, "declined-other")
