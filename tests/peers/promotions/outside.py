"""What is not about what a shopper pays: sentences passed over, and those that leave a scenario unmapped."""

from __future__ import annotations

import re

PAGES = "pages, pictures and messages of a web shop"
ACCESS = "who may open whose cart: sessions of a web shop"
CHECKOUT = "the steps of a web shop's checkout"
PROPOSED = "which of several deliveries a web shop proposes by itself"
DISPLAY = "amounts shown in another currency than the sale's; a sale has one currency"
FLOOR = "a lowest price of an article, below which no promotion may go"
EARLIER = "purchases made before, which the cloud counts, not the price of this one"
LATER = "a shop's records being edited; only what a sale costs is compared"

# Where a scenario looks and what message it shows: nothing that changes a price, so the rest is still compared.
_PASSED_OVER = [
    r"I should be on (?:my cart summary page|the checkout addressing page)",
    r"I should be notified that the product has been successfully added",
    r"I should (?:not )?be notified that the coupon is (?:invalid|not valid for this order)",
    r"I proceed to the checkout",
]
_OUTSIDE = [
    (r".*\bimage\b.*", PAGES),
    (r"I should be on .*|I should be notified .*|I should be redirected .*", PAGES),
    (r"I've been gone for a long time|I try to proceed to the checkout", PAGES),
    (r".*(?:has|have) no access .*|.*should not have access .*", ACCESS),
    (r".*in the customer cart|.*customer's cart|there is the visitor", ACCESS),
    (r".*my previous cart", ACCESS),
    (r"the (?:visitor|customer) (?:has )?(?:specif|complete|proceed|confirm).*", CHECKOUT),
    (r"the (?:visitor|customer) should (?:see the thank|have checkout).*", CHECKOUT),
    (r".*shipping category.*|.*does not require shipping|.*at position \d+ with .*", PROPOSED),
    (r"I should not see shipping total.*", PROPOSED),
    (r"I switch to the .* currency|.*in base currency should be .*", DISPLAY),
    (r"I (?:placed an order|bought|used|cancelled|chose .* shipping method to) .*", EARLIER),
    (r"the customer .*(?:placed an order|bought|chose .* shipping method to) .*", EARLIER),
    (r".*non reusable after cancelling.*", EARLIER),
    (r".*(?:has|have) minimum price of .*", FLOOR),
    (r"I (?:want to )?(?:edit|delete|archive|restore|disable|enable|create|browse).*|.*administrator.*", LATER),
]  # fmt: skip


def is_passed_over(text: str) -> bool:
    """Tell whether a step is about a page or a message only."""
    return any(re.fullmatch(pattern, text) for pattern in _PASSED_OVER)


def reason_outside(text: str) -> str:
    """Say why a step is not about what a shopper pays; "" when it may be."""
    return next((reason for pattern, reason in _OUTSIDE if re.fullmatch(pattern, text)), "")
