"""One thing that is sold, and the bounds that every item keeps, whether it lies in an image or over one.

Images of many items are in `catalogue`, urgent changes in `overlay`, what a shopper took of an item in
`basket`.
"""

from protocol.errors import PeerError
from protocol.limits import MAX_AGE_MIN, MAX_DEPARTMENT_BYTES, MAX_ITEM_NAME_BYTES, MAX_UNIT_PRICE_MINOR
from protocol.plain_text import is_plain

UNIT = "unit"
WEIGHT = "weight"
KINDS = (UNIT, WEIGHT)


class Item:
    """One thing that is sold: `unit_price_minor` is per piece, or per kilogram when `kind` is "weight"."""

    __slots__ = ("age_min", "department", "gtin", "kind", "name", "tax_class", "unit_price_minor")

    def __init__(  # noqa: PLR0913, PLR0917 - these are the fields of a record
        self,
        gtin: str,
        name: str,
        unit_price_minor: int,
        tax_class: str,
        kind: str = UNIT,
        age_min: int = 0,
        department: str = "",
    ) -> None:
        self.gtin = gtin
        self.name = name
        self.unit_price_minor = unit_price_minor
        self.tax_class = tax_class
        self.kind = kind
        self.age_min = age_min
        self.department = department

    def facts(self) -> tuple[str, str, int, str, str, int, str]:
        """Every field, in the order of the constructor."""
        return (
            self.gtin,
            self.name,
            self.unit_price_minor,
            self.tax_class,
            self.kind,
            self.age_min,
            self.department,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Item) and self.facts() == other.facts()

    def __hash__(self) -> int:
        return hash(self.facts())

    def __repr__(self) -> str:
        return "Item" + repr(self.facts())


def check_item(item: Item) -> Item:
    """Return `item` when an image can hold it; otherwise PeerError, whose code names the field."""
    gtin = item.gtin
    if not is_gtin14(gtin):
        raise refused("item-gtin-wrong", item, "the key of an item is 14 digits")
    if type(item.name) is not str or not item.name or not is_plain(item.name):
        raise refused("item-name-wrong", item, "a name has at least one character and no control character")
    if len(item.name.encode()) > MAX_ITEM_NAME_BYTES:
        raise refused("item-name-too-long", item, f"a name has at most {MAX_ITEM_NAME_BYTES} bytes")
    if not is_whole(item.unit_price_minor, 0, MAX_UNIT_PRICE_MINOR):
        raise refused("item-price-out-of-range", item, f"a price is 0 to {MAX_UNIT_PRICE_MINOR} minor units")
    if not is_tax_class(item.tax_class):
        raise refused("item-tax-class-wrong", item, "a tax class is one letter A to Z")
    if item.kind not in KINDS:
        raise refused("item-kind-wrong", item, 'a kind is "unit" or "weight"')
    if not is_whole(item.age_min, 0, MAX_AGE_MIN):
        raise refused("item-age-out-of-range", item, f"an age limit is 0 to {MAX_AGE_MIN} years")
    department = item.department
    if type(department) is not str or not is_plain(department):
        raise refused("item-department-wrong", item, "a department has no control character")
    if len(department.encode()) > MAX_DEPARTMENT_BYTES:
        raise refused("item-department-wrong", item, f"a department has at most {MAX_DEPARTMENT_BYTES} bytes")
    return item


def is_gtin14(text: str) -> bool:
    """Tell whether `text` is 14 ASCII digits, the form of a catalogue key."""
    # On CPython isdigit() takes foreign digits too; those have more than one byte.
    return isinstance(text, str) and len(text) == 14 and text.isdigit() and len(text.encode()) == 14


def is_tax_class(text: str) -> bool:
    """Tell whether `text` is one letter A to Z."""
    return isinstance(text, str) and len(text) == 1 and "A" <= text <= "Z"


def is_whole(number: object, lowest: int, highest: int) -> bool:
    """Tell whether `number` is an integer from `lowest` to `highest`; a bool is not an integer here."""
    return type(number) is int and lowest <= number <= highest


def refused(code: str, item: Item, what: str) -> PeerError:
    """Return the error for an item that cannot be held; it names the item by its GTIN only."""
    gtin = item.gtin if is_gtin14(item.gtin) else "without a GTIN"
    return PeerError(code, f"item {gtin}: {what}", "correct the item at its source and build again")
