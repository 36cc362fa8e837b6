"""Names a card's brand by its first digits (issuer ranges as the schemes publish them)."""

from __future__ import annotations

# (first, last, brand): compared over as many digits as `first` has; the first row that fits wins.
_RANGES: tuple[tuple[str, str, str], ...] = (
    ("34", "34", "amex"),
    ("37", "37", "amex"),
    ("2221", "2720", "mastercard"),
    ("51", "55", "mastercard"),
    ("3528", "3589", "jcb"),
    ("300", "305", "diners"),
    ("36", "36", "diners"),
    ("38", "39", "diners"),
    ("6011", "6011", "discover"),
    ("644", "649", "discover"),
    ("65", "65", "discover"),
    ("62", "62", "unionpay"),
    ("81", "81", "unionpay"),
    ("50", "50", "maestro"),
    ("56", "58", "maestro"),
    ("6304", "6304", "maestro"),
    ("67", "67", "maestro"),
    ("4", "4", "visa"),
)


def brand_of(pan: str) -> str:
    """Give the brand of a card number, or "other"."""
    for first, last, brand in _RANGES:
        if first <= pan[: len(first)] <= last:
            return brand
    return "other"
