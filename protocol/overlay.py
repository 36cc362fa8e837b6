"""Urgent changes over a catalogue image: a price, a name, an item that must not be sold for now.

The document is canonical JSON, so its hash names exactly one set of changes. `catalogue.Prices` lays it
over an image.
"""

import binascii
import hashlib

from protocol.errors import PeerError
from protocol.facts import Facts
from protocol.item import Item
from protocol.item_facts import document_of, facts_of_document
from protocol.item_rules import check_item, is_gtin14
from protocol.limits import MAX_OVERLAY_BYTES, MAX_OVERLAY_CHANGES
from protocol.strict_json import dumps, loads

VERSION = 2
DEPARTMENTS_VERSION = 1  # overlays before item facts; sales that were priced by them are priced again
DEPARTMENTS_VERSION = 1  # overlays before item facts; sales that were priced by them are priced again
_PLAIN_FIELDS = ("age_min", "gtin", "kind", "name", "tax_class", "unit_price_minor")
_CHANGE_FIELDS = {
    VERSION: ["age_min", "facts", "gtin", "kind", "levels", "name", "tax_class", "unit_price_minor"],
    DEPARTMENTS_VERSION: ["age_min", "department", "gtin", "kind", "name", "tax_class", "unit_price_minor"],
}


class Overlay:
    """`changes` maps a GTIN to the Item that replaces or adds it, or to None when it must not be sold.

    `catalogue_hash` (32 bytes) is the image it was made for; `hash` names the changes in a sale's record.
    """

    __slots__ = ("catalogue_hash", "changes", "hash", "version")

    def __init__(
        self, changes: dict[str, Item | None], catalogue_hash: bytes, version: int = VERSION
    ) -> None:
        if len(changes) > MAX_OVERLAY_CHANGES:
            raise PeerError("overlay-too-large", f"{len(changes)} changes", "publish a new catalogue image")
        for gtin, item in changes.items():  # in any order: each is checked alone
            if not is_gtin14(gtin) or (item is not None and check_item(item).gtin != gtin):
                raise _wrong("a change does not stand under the 14 digits of its own item")
        self.changes = changes
        self.catalogue_hash = catalogue_hash
        self.version = version
        self.hash = hashlib.sha256(self.encode()).digest()

    def encode(self) -> bytes:
        """Return the document: canonical JSON, changes in order of GTIN."""
        changes = []
        for gtin in sorted(self.changes):
            item = self.changes[gtin]
            if item is None:
                changes.append({"gtin": gtin, "blocked": True})
            else:
                changes.append(self._change(item))
        catalogue = binascii.hexlify(self.catalogue_hash).decode()
        return dumps({"v": self.version, "catalogue": catalogue, "changes": changes})

    def _change(self, item: Item) -> dict[str, object]:
        change = {field: getattr(item, field) for field in _PLAIN_FIELDS}
        if self.version == DEPARTMENTS_VERSION:
            change["department"] = item.facts.category
        else:
            change["facts"] = document_of(item.facts)
            change["levels"] = {name: price for name, price in item.levels}  # noqa: C416 - as in `item_facts`
        return change


def read_overlay(document: bytes) -> Overlay:
    """Read the document that `Overlay.encode` writes; every departure from it is a PeerError.

    Codes: "overlay-wrong" for the form, "item-..." for a change that no image could hold, and those of
    strict_json.
    """
    read = loads(document, max_bytes=MAX_OVERLAY_BYTES)
    if not isinstance(read, dict) or sorted(read) != ["catalogue", "changes", "v"]:
        raise _wrong("it does not have exactly the fields v, catalogue and changes")
    version = read["v"]
    if type(version) is not int or version not in _CHANGE_FIELDS:
        raise _wrong("its version is not known here")
    changes: dict[str, Item | None] = {}
    if not isinstance(read["changes"], list):
        raise _wrong("the changes are not a list")
    for change in read["changes"]:
        gtin, item = _read_change(change, version)
        if gtin in changes:
            raise _wrong("a GTIN is changed twice")
        changes[gtin] = item
    return Overlay(changes, _read_hash(read["catalogue"]), version)


def _read_change(change: object, version: int) -> tuple[str, Item | None]:
    if not isinstance(change, dict) or not is_gtin14(change.get("gtin", "")):
        raise _wrong("a change has no 14-digit GTIN")
    gtin = change["gtin"]
    if sorted(change) == ["blocked", "gtin"] and change["blocked"] is True:
        return gtin, None
    if sorted(change) != _CHANGE_FIELDS[version]:
        raise _wrong("a change has other fields than an item")
    if not all(isinstance(change[field], str) for field in ("kind", "name", "tax_class")):
        raise _wrong("a change has a text field that is not text")
    facts, levels = _read_facts(change, version)
    item = Item(
        gtin,
        change["name"],
        change["unit_price_minor"],
        change["tax_class"],
        change["kind"],
        change["age_min"],
        facts,
        levels,
    )
    return gtin, check_item(item)


def _read_facts(change: dict[str, object], version: int) -> tuple[Facts, tuple[tuple[str, int], ...]]:
    if version == DEPARTMENTS_VERSION:
        return facts_of_document({"category": change["department"]}), ()
    levels = change["levels"]
    if not isinstance(levels, dict):
        raise _wrong("the price levels of a change are not an object")
    return facts_of_document(change["facts"]), tuple([(name, levels[name]) for name in sorted(levels)])


def _read_hash(text: object) -> bytes:
    if not isinstance(text, str) or len(text) != 64 or not all(c in "0123456789abcdef" for c in text):
        raise _wrong("the catalogue hash is not 64 small hex digits")
    return binascii.unhexlify(text)


def _wrong(what: str) -> PeerError:
    return PeerError("overlay-wrong", what, "publish the overlay again")
