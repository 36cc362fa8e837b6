"""What stands behind the records of a catalogue image: classes of item facts, and price levels behind names.

`catalogue` holds the image; the byte layout is drawn in docs/reference/catalogue-image.md.
"""

import struct

from protocol.errors import PeerError
from protocol.facts import NO_FACTS, Facts
from protocol.item import Item
from protocol.item_facts import check_facts, read_facts, text_of

MAX_CLASSES_KEPT = 4096  # classes of facts kept in memory, 1 MB; beyond it they are read again from the map
MAX_CLASS_BYTES = 4096  # stored facts of one class: all parts at their longest stay below
SIZE_BYTES = 2
LEVELS_BYTES_MAX = 256  # one byte of size and what it can count


def classes_of(sorted_items: list[tuple[int, Item]]) -> tuple[dict[Facts, int], bytes]:
    """Return where each class of facts begins in the pool, and the pool: size, then text, in rising order of text."""
    texts = {}
    for _, item in sorted_items:
        if item.facts not in texts:
            texts[item.facts] = text_of(item.facts).encode()
    pool = []
    places = {}
    at = 0
    for text, facts in sorted([(texts[facts], facts) for facts in texts], key=lambda pair: pair[0]):
        places[facts] = at
        pool.append(struct.pack(">H", len(text)) + text)
        at += SIZE_BYTES + len(text)
    return places, b"".join(pool)


def levels_text(item: Item) -> bytes:
    """Return what follows the name of an item: nothing, or one byte of size and its price levels."""
    if not item.levels:
        return b""
    text = "\t".join([f"{name}={price}" for name, price in item.levels]).encode()
    return bytes([len(text)]) + text


def read_levels(after_name: bytes | memoryview) -> tuple[tuple[str, int], ...]:
    """Read the price levels that follow a name; PeerError "catalogue-record-wrong"."""
    size = after_name[0] if len(after_name) else 0
    text = bytes(after_name[1 : 1 + size])
    if not size or len(text) != size:
        raise _damaged("catalogue-record-wrong", "the price levels of an item have no end")
    levels = []
    try:
        for pair in text.decode().split("\t"):
            name, price = pair.split("=")
            levels.append((name, int(price)))
    except ValueError as wrong:
        raise _damaged("catalogue-record-wrong", "an item has price levels of another form") from wrong
    return tuple(levels)


def read_class(pool: bytes | memoryview, class_at: int) -> Facts:
    """Read the facts that stand at a place of the pool; PeerError "catalogue-record-wrong"."""
    at = class_at + SIZE_BYTES
    if at > len(pool):
        raise _damaged("catalogue-record-wrong", "a record points outside the image")
    size = struct.unpack(">H", bytes(pool[class_at:at]))[0]
    if size > MAX_CLASS_BYTES or at + size > len(pool):
        raise _damaged("catalogue-record-wrong", "the facts of an item have no end")
    return _decode_facts(bytes(pool[at : at + size]))


def audit_classes(pool: bytes) -> None:
    """Check every class and their order; PeerError "catalogue-classes-wrong" and those of `check_facts`."""
    previous, at = b"", 0
    while at < len(pool):
        end = at + SIZE_BYTES
        size = struct.unpack(">H", pool[at:end])[0] if end <= len(pool) else MAX_CLASS_BYTES + 1
        entry = pool[end : end + size]
        if size > MAX_CLASS_BYTES or len(entry) != size or entry <= previous:
            raise _damaged(
                "catalogue-classes-wrong", "the classes are not in order, or do not fill their place"
            )
        check_facts(_decode_facts(entry))
        previous, at = entry, end + size


def _decode_facts(entry: bytes) -> Facts:
    try:
        text = entry.decode()
    except ValueError as wrong:
        raise _damaged("catalogue-record-wrong", "the facts of an item are not UTF-8") from wrong
    try:
        return read_facts(text) if len(text) > len(text_of(NO_FACTS)) else NO_FACTS
    except PeerError as wrong:
        raise _damaged("catalogue-record-wrong", wrong.what) from wrong


def read_departments(pool: bytes) -> list[str]:
    """Read the department names of an image of version 1; PeerError "catalogue-departments-wrong"."""
    departments = []
    at = 0
    while at < len(pool):
        end = at + 1 + pool[at]
        try:
            departments.append(pool[at + 1 : end].decode())
        except ValueError as wrong:
            raise _damaged("catalogue-departments-wrong", "a department name is not UTF-8") from wrong
        at = end
    if at != len(pool):
        raise _damaged("catalogue-departments-wrong", "the department names do not fill their place")
    return departments


def _damaged(code: str, what: str) -> PeerError:
    return PeerError(code, what, "fetch the catalogue image again")
