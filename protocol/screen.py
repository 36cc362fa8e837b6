"""How the screens of a store look: colours, logo, buttons, quick keys, tiles of goods, what staff are offered.

A document of the settings, checked in the cloud before it is signed and on the box before it is used. What is shown
when is decided by the page; which goods may be picked without a barcode is decided by this document alone.
"""

import binascii
import hashlib

from protocol.plain_text import is_plain
from protocol.receipt_labels import LANGUAGES
from protocol.screen_colours import DEFAULT_COLOURS, colour_fault, is_colour, shades_of
from protocol.strict_json import dumps

BUTTONS = ("help", "reach", "text_size")
STAFF_ACTS = (
    "help_given",
    "age_approved",
    "cash_counted",
    "line_voided",
    "sale_voided",
    "unknown_released",
    "receipt_reprinted",
    "drawer_opened",
    "in_service",
    "out_of_service",
)
# Without these a box that stands still cannot be helped, or a shopper cannot get out.
ALWAYS_ACTS = ("help_given", "age_approved", "cash_counted", "sale_voided", "unknown_released", "in_service")
MAX_QUICK_KEYS = 12  # more are found faster in tiles
MAX_TILES = 12  # four by three on a small panel
MAX_TILE_KEYS = 24  # two screens of them; a shop's loose goods of one kind are fewer
MAX_KEY_LABEL_CHARS = 24  # two short lines on a key
MAX_SCREEN_LOGO_BYTES = 12288  # a logo of 400 x 100 dots; with receipt and tiles a configuration holds it
MAX_SCREEN_WORD_CHARS = 80  # one line of the start page
WORDS = ("attract", "attract-text", "start", "paid", "help")

_PNG = b"\x89PNG\r\n\x1a\n"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


class Screen:
    """A checked screen document. `digest` names it, `look` is what the page gets, `logo` is a PNG or empty."""

    __slots__ = ("digest", "gtins", "logo", "look", "staff_acts")

    def __init__(self, document: dict[str, object]) -> None:
        self.digest = _hex(hashlib.sha256(dumps(document)).digest()[:8])
        logo = document.get("logo", "")
        self.logo = _decoded(logo) if type(logo) is str else b""
        quick, tiles = _list(document.get("quick_keys")), _list(document.get("tiles"))
        keys = quick + [key for tile in tiles for key in _list(tile["keys"])]
        self.gtins = {str(key["gtin"]) for key in keys}
        colours = document.get("colours")
        self.look = {
            "colours": shades_of(colours) if type(colours) is dict else {},
            "logo": bool(self.logo),
            "buttons": document.get("buttons", list(BUTTONS)),
            "quick_keys": quick,
            "tiles": tiles,
            "staff_acts": document.get("staff_acts", list(STAFF_ACTS)),
            "words": document.get("words", {}),
        }
        self.staff_acts = self.look["staff_acts"]


def read_screen(document: dict[str, object]) -> Screen:
    """The screen of a document in which `screen_fault` found nothing."""
    return Screen(document)


def screen_fault(document: object) -> str:
    """What is wrong with a screen document, in words; "" when a box takes it.

    >>> screen_fault({"colours": {"brand": "#ffff00"}})
    'colours: on_brand on brand has a contrast of 1.07, and text needs 4.50: make one of them lighter or darker'
    """
    if type(document) is not dict:
        return "must be an object"
    for name in sorted(document):
        if name not in _CHECKS:
            return f"{name}: unknown; there are " + ", ".join(sorted(_CHECKS))
        fault = str(_CHECKS[name](document[name]))
        if fault:
            return f"{name}: {fault}"
    return ""


def _colours(value: object) -> str:
    if type(value) is not dict or any(name not in DEFAULT_COLOURS for name in sorted(value)):
        return "must have only " + ", ".join(sorted(DEFAULT_COLOURS))
    for name in sorted(value):
        if not is_colour(value[name]):
            return f"{name} must be a colour such as #0a5b4c, in lower case"
    return colour_fault(value)


def _logo(value: object) -> str:
    if value == "":
        return ""
    most = (MAX_SCREEN_LOGO_BYTES + 2) // 3 * 4
    if (
        type(value) is not str
        or len(value) > most
        or len(value) % 4
        or value.strip(_BASE64)
        or "=" in value.rstrip("=")
    ):
        return f"must be a PNG of at most {MAX_SCREEN_LOGO_BYTES} bytes, in base64"
    return "" if _decoded(value)[:8] == _PNG else "is no PNG"


def _decoded(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text.encode())
    except ValueError:
        return b""


def _names(value: object, known: tuple[str, ...]) -> str:
    if type(value) is not list or any(type(name) is not str or name not in known for name in value):
        return "must be a list of " + ", ".join(known)
    return "" if len(set(value)) == len(value) else "names one twice"


def _acts(value: object) -> str:
    fault = _names(value, STAFF_ACTS)
    missing = [name for name in ALWAYS_ACTS if not fault and type(value) is list and name not in value]
    return fault or ("must have " + ", ".join(missing) if missing else "")


def _keys(value: object, most: int = MAX_QUICK_KEYS) -> str:
    if type(value) is not list or len(value) > most:
        return f"must be a list of at most {most} keys"
    for number, key in enumerate(value, 1):
        if type(key) is not dict or sorted(key) != ["gtin", "label"]:
            return f"key {number} must have exactly gtin and label"
        gtin = key["gtin"]
        if type(gtin) is not str or len(gtin) != 14 or gtin.strip("0123456789"):
            return f"key {number}: gtin must have 14 digits, as in the catalogue"
        fault = _label(key["label"])
        if fault:
            return f"key {number}: {fault}"
    return ""


def _tiles(value: object) -> str:
    if type(value) is not list or len(value) > MAX_TILES:
        return f"must be a list of at most {MAX_TILES} tiles"
    for number, tile in enumerate(value, 1):
        if type(tile) is not dict or sorted(tile) != ["keys", "label"]:
            return f"tile {number} must have exactly label and keys"
        fault = _label(tile["label"]) or _keys(tile["keys"], MAX_TILE_KEYS)
        if fault:
            return f"tile {number}: {fault}"
    return ""


def _label(value: object, most: int = MAX_KEY_LABEL_CHARS) -> str:
    if type(value) is not dict or not value or any(name not in LANGUAGES for name in sorted(value)):
        return "label must have a text for en, zh or both"
    for name in sorted(value):
        text = value[name]
        if type(text) is not str or not 0 < len(text) <= most or not is_plain(text):
            return f"label {name} must be a printable text of 1 to {most} characters"
    return ""


def _words(value: object) -> str:
    if type(value) is not dict or any(name not in WORDS for name in sorted(value)):
        return "must have only " + ", ".join(WORDS)
    for name in sorted(value):
        fault = _label(value[name], MAX_SCREEN_WORD_CHARS)
        if fault:
            return f"{name}: {fault}"
    return ""


def _list(value: object) -> list[dict[str, object]]:
    return value if type(value) is list else []


def _hex(data: bytes) -> str:
    return "".join([f"{byte:02x}" for byte in data])


_CHECKS = {
    "colours": _colours,
    "logo": _logo,
    "buttons": lambda value: _names(value, BUTTONS),
    "staff_acts": _acts,
    "quick_keys": _keys,
    "tiles": _tiles,
    "words": _words,
}
