"""What a template may ask for: every name, and what kind of value stands behind it. Only data and its look-up.

Kinds: text, number, fact (true or false), money (minor units), weight (grams), share (parts per million), an object by
its name, a list as [kind]. Amounts and weights are not text: a filter says how they are shown.
"""

ROOT = ""
WORDS = "words"
NUMBERS = ("number", "money", "weight", "share")
PRINTED = ("text", "number")

# Each object: its names with their kinds. An object that a sale does not have (a member, a refund) is empty: its names
# give nothing, and `if` takes it for false.
_OBJECTS = {
    ROOT: "store:store sale:sale member:member coupons:[coupon] refund:refund kind:text reason:text copy:number "
    "is_refund:fact language:text currency:text lines_max:number has_barcode:fact words:words en:words zh:words",
    "store": "name:text lines:[text] footer:[text] place:text",
    "sale": "order:text ean:text sold_at:text items:number lines:[line] discounts:[discount] list_minor:money "
    "subtotal_minor:money discount_minor:money total_minor:money net_minor:money tax_minor:money rounding_minor:money "
    "change_minor:money tax_rows:[tax] tenders:[tender]",
    "line": "name:text gtin:text quantity:number is_weighed:fact weight_g:weight unit_price_minor:money "
    "list_minor:money amount_minor:money tax_class:text discounts:[discount]",
    "discount": "name:text amount_minor:money",
    "tax": "tax_class:text ppm:share net_minor:money tax_minor:money",
    "tender": "method:text brand:text masked:text approval_code:text rrn:text amount_minor:money "
    "tendered_minor:money change_minor:money",
    "member": "number:text tier:text points_earned:number points_spent:number points_left:number",
    "coupon": "name:text code:text valid_until:text",
    "refund": "order:text reason:text",
}


def kinds_of(name: str) -> dict[str, str]:
    """The names of an object with their kinds."""
    kinds = {}
    for part in _OBJECTS[name].split():
        field, kind = part.split(":")
        kinds[field] = kind
    return kinds


def is_object(kind: str) -> bool:
    """Tell whether a kind is an object with names of its own."""
    return kind in _OBJECTS and kind != ROOT


def is_list(kind: str) -> bool:
    """Tell whether a kind is a list."""
    return kind[:1] == "["


def part_of(kind: str) -> str:
    """The kind of one member of a list."""
    return kind[1:-1]


def objects() -> list[str]:
    """Every object by name, the root first."""
    return sorted(_OBJECTS)


def nearest(word: str, known: list[str]) -> str:
    """The known word that somebody may have meant, or ""."""
    best, best_shared = "", 1
    for candidate in known:
        shared = 0
        for mine, its in zip(word, candidate):  # noqa: B905 - MicroPython's zip has no strict
            if mine != its:
                break
            shared += 1
        if shared > best_shared or (shared and word in candidate):
            best, best_shared = candidate, max(shared, best_shared)
    return best
