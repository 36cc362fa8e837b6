"""What an item must be to get into a catalogue image or an overlay. The item itself is in `item`."""

from protocol.errors import PeerError
from protocol.item import KINDS, Item, is_tax_class, is_whole
from protocol.item_facts import check_facts
from protocol.limits import (
    MAX_AGE_MIN,
    MAX_ITEM_NAME_BYTES,
    MAX_LEVEL_CHARS,
    MAX_LEVELS,
    MAX_UNIT_PRICE_MINOR,
)
from protocol.plain_text import is_plain

_LEVEL_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789-"


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
    try:
        check_facts(item.facts)
    except PeerError as wrong:
        raise refused(wrong.code, item, wrong.what) from wrong
    if item.levels:
        _check_levels(item)
    return item


def is_level_name(text: object) -> bool:
    """Tell whether `text` may name a price level: 1 to 16 small letters, digits and hyphens."""
    return type(text) is str and 1 <= len(text) <= MAX_LEVEL_CHARS and not text.strip(_LEVEL_CHARS)


def is_gtin14(text: str) -> bool:
    """Tell whether `text` is 14 ASCII digits, the form of a catalogue key."""
    # On CPython isdigit() takes foreign digits too; those have more than one byte.
    is_digits = isinstance(text, str) and text.isdigit()  # subset: the byte count follows
    return is_digits and len(text) == 14 and len(text.encode()) == 14


def refused(code: str, item: Item, what: str) -> PeerError:
    """Return the error for an item that cannot be held; it names the item by its GTIN only."""
    gtin = item.gtin if is_gtin14(item.gtin) else "without a GTIN"
    return PeerError(code, f"item {gtin}: {what}", "correct the item at its source and build again")


def _check_levels(item: Item) -> None:
    names = [name for name, _ in item.levels]
    if len(names) > MAX_LEVELS or len(set(names)) != len(names) or not all(is_level_name(n) for n in names):
        raise refused(
            "item-levels-wrong", item, f"price levels are at most {MAX_LEVELS} different small words"
        )
    if not all(is_whole(price, 0, MAX_UNIT_PRICE_MINOR) for _, price in item.levels):
        raise refused("item-levels-wrong", item, f"a price is 0 to {MAX_UNIT_PRICE_MINOR} minor units")
