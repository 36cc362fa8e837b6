"""The catalogue image: every item of a shop in one immutable file that opens at once.

Here: building an image, opening one, finding an item, checking the whole. An item by itself is in `item`, what is
known about it in `item_facts`, urgent changes are in `overlay`; the byte layout is drawn in
docs/reference/catalogue-image.md.
"""

import hashlib
import struct

from protocol.catalogue_pool import (
    LEVELS_BYTES_MAX,
    MAX_CLASSES_KEPT,
    audit_classes,
    classes_of,
    levels_text,
    read_class,
    read_departments,
    read_levels,
)
from protocol.errors import CallerError, PeerError
from protocol.facts import Facts
from protocol.item import KINDS, Item
from protocol.item_rules import check_item, is_gtin14, refused
from protocol.limits import MAX_CATALOGUE_ITEMS
from protocol.money import exponent
from protocol.overlay import Overlay

__all__ = ["Catalogue", "Item", "Overlay", "Prices", "build"]

MAGIC = b"TBC1"
VERSION = 2
DEPARTMENTS_VERSION = 1  # images before item facts; sales that were priced by them are priced again
# A block is what the search in the index leaves to search: 128 records are 3 KiB, one or two pages of the map.
# The index, the first key of each block, is read at open: 19 KB for 300,000 items.
BLOCK_RECORDS = 128

# magic | version | header size | record size | exponent | currency | count | classes at, size | names at, size
HEADER_FIELDS = ">4sHHHB3sIIIII"
HASHED_HEADER_BYTES = 34
HEADER_BYTES = HASHED_HEADER_BYTES + 32
# gtin | unit price | name at | name size | tax class | kind | age | class at
RECORD_FIELDS = ">QIIBBBBI"
RECORD_BYTES = 24
KEY_BYTES = 8
HAS_LEVELS = 2  # added to the kind of a record whose name is followed by its price levels


def build(items: object, currency: str) -> bytes:
    """Build the image of `items` (any iterable of Item), all priced in `currency`.

    The same items in any order give the same bytes. Errors: PeerError for an item that cannot be held, for
    a GTIN that occurs twice ("item-twice") and for too many items.

    >>> Catalogue(build([Item("05000112637922", "Cola", 120, "A")], "GBP")).find("05000112637922").name
    'Cola'
    """
    sorted_items = _sorted_items(items)
    class_places, classes = classes_of(sorted_items)
    names = []
    names_size = 0
    records = []
    for key, item in sorted_items:
        name = item.name.encode()
        levels = levels_text(item)
        records.append(
            struct.pack(
                RECORD_FIELDS,
                key,
                item.unit_price_minor,
                names_size,
                len(name),
                ord(item.tax_class),
                KINDS.index(item.kind) + (HAS_LEVELS if levels else 0),
                item.age_min,
                class_places[item.facts],
            )
        )
        names.append(name + levels)
        names_size += len(name) + len(levels)
    index = b"".join([records[at][:KEY_BYTES] for at in range(0, len(records), BLOCK_RECORDS)])
    classes_at = HEADER_BYTES + len(index) + len(records) * RECORD_BYTES
    header = struct.pack(
        HEADER_FIELDS,
        MAGIC,
        VERSION,
        HEADER_BYTES,
        RECORD_BYTES,
        exponent(currency),
        currency.encode(),
        len(records),
        classes_at,
        len(classes),
        classes_at + len(classes),
        names_size,
    )
    body = b"".join([index, b"".join(records), classes, b"".join(names)])
    return header + _hash([header, body]) + body


class Catalogue:
    """An open image over bytes or a memoryview of a map; opening reads header and index.

    Errors: PeerError with a code that begins "catalogue-" for bytes that are not a whole image. Damage
    inside the records is what `verify` and `audit` are for; `find` then gives a named error or another
    answer, never a crash.
    """

    __slots__ = (
        "_buffer",
        "_classes",
        "_classes_at",
        "_classes_size",
        "_departments",
        "_index",
        "_names_at",
        "_names_size",
        "_records_at",
        "count",
        "currency",
        "hash",
        "size",
    )

    def __init__(self, buffer: bytes | memoryview) -> None:
        version = self._read_header(buffer)
        self._buffer = buffer
        self.hash = bytes(buffer[HASHED_HEADER_BYTES:HEADER_BYTES])
        self._index = struct.unpack(
            f">{(self._records_at - HEADER_BYTES) // KEY_BYTES}Q",
            bytes(buffer[HEADER_BYTES : self._records_at]),
        )
        self._classes: dict[int, Facts] = {}
        self._departments: list[str] | None = None
        if version == DEPARTMENTS_VERSION:
            pool = bytes(buffer[self._classes_at : self._classes_at + self._classes_size])
            self._departments = read_departments(pool)

    def _read_header(self, buffer: bytes | memoryview) -> int:
        self.size = len(buffer)
        if self.size < HEADER_BYTES:
            raise _damaged("catalogue-truncated", f"{self.size} bytes are less than a header")
        head = struct.unpack(HEADER_FIELDS, bytes(buffer[:HASHED_HEADER_BYTES]))
        magic, version, header_size, record_size, digits, currency, count = head[:7]
        self._classes_at, self._classes_size, self._names_at, self._names_size = head[7:]
        if magic != MAGIC:
            raise _damaged("catalogue-magic-wrong", "the bytes do not begin with TBC1")
        is_known = version in (VERSION, DEPARTMENTS_VERSION)
        if not is_known or header_size != HEADER_BYTES or record_size != RECORD_BYTES:
            raise _damaged("catalogue-version-unknown", f"version {version} of the image is not known here")
        self.currency = _read_currency(currency, digits)
        if count > MAX_CATALOGUE_ITEMS:
            raise _damaged("catalogue-too-large", f"{count} items are more than {MAX_CATALOGUE_ITEMS}")
        self.count = count
        block_count = (count + BLOCK_RECORDS - 1) // BLOCK_RECORDS
        self._records_at = HEADER_BYTES + block_count * KEY_BYTES
        if self._classes_at != self._records_at + count * RECORD_BYTES:
            raise _damaged("catalogue-layout-wrong", "the classes do not follow the records")
        if self._names_at != self._classes_at + self._classes_size:
            raise _damaged("catalogue-layout-wrong", "the names do not follow the classes")
        if self._names_at + self._names_size != self.size:
            raise _damaged("catalogue-truncated", f"{self.size} bytes are not the size that the header tells")
        return version  # type: ignore[no-any-return]  # a number of the header

    def find(self, gtin: str) -> Item | None:
        """Return the item with this 14-digit key, or None. Errors: CallerError "gtin-wrong"."""
        if not is_gtin14(gtin):
            raise CallerError("gtin-wrong", "a catalogue is asked with 14 digits", "read the code first")
        key = int(gtin)
        low, high = 0, len(self._index)
        while low < high:
            middle = (low + high) >> 1
            if self._index[middle] <= key:
                low = middle + 1
            else:
                high = middle
        return None if low == 0 else self._find_in_block(low - 1, key.to_bytes(KEY_BYTES, "big"))

    def item_at(self, number: int) -> Item:
        """Return the item that stands at `number`, 0 to count - 1, in order of GTIN."""
        if not 0 <= number < self.count:
            raise CallerError("catalogue-number-out-of-range", f"{number} is not a place in the catalogue")
        at = self._records_at + number * RECORD_BYTES
        record = bytes(self._buffer[at : at + RECORD_BYTES])
        key, price, name_at, name_size, tax_class, kind, age_min, class_at = struct.unpack(
            RECORD_FIELDS, record
        )
        name_end = name_at + name_size
        if name_end > self._names_size:
            raise _damaged("catalogue-record-wrong", f"record {number} points outside the image")
        if kind >= 2 * HAS_LEVELS or key > 99999999999999 or not 65 <= tax_class <= 90:
            raise _damaged("catalogue-record-wrong", f"record {number} has a value that does not exist")
        try:
            name = bytes(self._buffer[self._names_at + name_at : self._names_at + name_end]).decode()
        except ValueError as wrong:
            raise _damaged("catalogue-record-wrong", f"the name of record {number} is not UTF-8") from wrong
        facts = self._classes.get(class_at)
        if facts is None:
            facts = self._read_class(number, class_at)
        levels = (
            read_levels(
                self._buffer[self._names_at + name_end : self._names_at + name_end + LEVELS_BYTES_MAX]
            )
            if kind >= HAS_LEVELS
            else ()
        )
        return Item(f"{key:014d}", name, price, chr(tax_class), KINDS[kind & 1], age_min, facts, levels)

    def _read_class(self, number: int, class_at: int) -> Facts:
        """Read the facts that a record points to, and keep them: the items of a class share one object."""
        if self._departments is not None:
            department, zero = divmod(class_at, 65536)
            if zero or department >= len(self._departments):
                raise _damaged("catalogue-record-wrong", f"record {number} points outside the image")
            facts = Facts(self._departments[department])
        else:
            facts = read_class(self._buffer[self._classes_at : self._names_at], class_at)
        if len(self._classes) >= MAX_CLASSES_KEPT:
            self._classes.clear()
        self._classes[class_at] = facts
        return facts

    def unit_prices(self) -> object:
        """Yield (key as an integer, unit price) of every item in order: all that a comparison of prices needs."""
        at = self._records_at
        for _ in range(self.count):
            yield struct.unpack(">QI", bytes(self._buffer[at : at + 12]))
            at += RECORD_BYTES

    def verify(self, chunks: object) -> None:
        """Check the image by its hash; `chunks` are the bytes of the whole file in order, of any sizes.

        Read the file for this, not the map: hashing through a map would make the whole image resident.
        Errors: PeerError "catalogue-hash-wrong".
        """
        if _hash(_without_hash(chunks)) != self.hash:
            raise _damaged("catalogue-hash-wrong", "the bytes do not have the hash that the header tells")

    def audit(self) -> None:
        """Check every record and class and their order, which takes seconds for a large image. Errors as for `find`."""
        if self._departments is None:
            audit_classes(bytes(self._buffer[self._classes_at : self._names_at]))
        previous = -1
        for number in range(self.count):
            item = check_item(self.item_at(number))
            key = int(item.gtin)
            if key <= previous:
                raise _damaged("catalogue-unsorted", f"record {number} is not above the one before it")
            block, offset = divmod(number, BLOCK_RECORDS)
            if offset == 0 and self._index[block] != key:
                raise _damaged("catalogue-index-wrong", f"block {block} has another first key")
            previous = key

    def _find_in_block(self, block: int, key: bytes) -> Item | None:
        """Search the bytes of one block for a key that begins a record: one call into C instead of a loop."""
        first = block * BLOCK_RECORDS
        last = min(first + BLOCK_RECORDS, self.count)
        at = self._records_at
        records = bytes(self._buffer[at + first * RECORD_BYTES : at + last * RECORD_BYTES])
        place = records.find(key)
        while place % RECORD_BYTES and place >= 0:
            place = records.find(key, place + 1)
        return None if place < 0 else self.item_at(first + place // RECORD_BYTES)


class Prices:
    """What an item costs now: the catalogue with its overlay of urgent changes on top.

    Errors: PeerError "overlay-of-another-catalogue" when the overlay was made for another image.
    """

    __slots__ = ("catalogue", "overlay")

    def __init__(self, catalogue: Catalogue, overlay: Overlay | None = None) -> None:
        if overlay is not None and overlay.catalogue_hash != catalogue.hash:
            raise PeerError(
                "overlay-of-another-catalogue",
                "the urgent changes were made for another catalogue",
                "publish the overlay again for the catalogue in use",
            )
        self.catalogue = catalogue
        self.overlay = overlay

    def find(self, gtin: str) -> Item | None:
        """Return the item as it is sold now; None when unknown or blocked. Errors as for Catalogue.find."""
        overlay = self.overlay
        if overlay is not None and gtin in overlay.changes:
            return overlay.changes[gtin]
        return self.catalogue.find(gtin)


def _sorted_items(items: object) -> list[tuple[int, Item]]:
    pairs = []
    for item in items:  # type: ignore[attr-defined]  # any iterable; the subset has no word for it
        pairs.append((int(check_item(item).gtin), item))
        if len(pairs) > MAX_CATALOGUE_ITEMS:
            raise PeerError(
                "catalogue-too-large", f"more than {MAX_CATALOGUE_ITEMS} items", "split the catalogue"
            )
    pairs.sort(key=lambda pair: pair[0])
    for at in range(1, len(pairs)):
        if pairs[at - 1][0] == pairs[at][0]:
            raise refused("item-twice", pairs[at][1], "each GTIN stands once in a catalogue")
    return pairs


def _read_currency(code: bytes, digits: int) -> str:
    if not all(65 <= c <= 90 for c in code):
        raise _damaged("catalogue-currency-wrong", "the currency is not three letters")
    currency = code.decode()
    if exponent(currency) != digits:
        raise _damaged("catalogue-currency-wrong", f"the image counts {digits} decimals in {currency}")
    return currency


def _hash(chunks: object) -> bytes:
    digest = hashlib.sha256()
    for chunk in chunks:  # type: ignore[attr-defined]  # any iterable; the subset has no word for it
        digest.update(chunk)
    return digest.digest()


def _without_hash(chunks: object) -> object:
    """Return the same bytes without the 32 of the hash itself, wherever the chunks are cut."""
    at = 0
    for chunk in chunks:  # type: ignore[attr-defined]  # any iterable; the subset has no word for it
        end = at + len(chunk)
        if at < HASHED_HEADER_BYTES:
            yield chunk[: HASHED_HEADER_BYTES - at]
        if end > HEADER_BYTES:
            yield chunk[max(0, HEADER_BYTES - at) :]
        at = end


def _damaged(code: str, what: str) -> PeerError:
    return PeerError(code, what, "fetch the catalogue image again")
