"""What the cloud makes of a tenant's template before anybody signs it. Pure."""

from __future__ import annotations

import binascii
from typing import Any

from cloud.templates.pictures import logo_of, size_of
from protocol.errors import ConfigError
from protocol.limits import MAX_BASKET_LINES, MAX_RECEIPT_LINES
from protocol.screen import screen_fault
from protocol.template.names import ROOT, WORDS, is_list, kinds_of, part_of
from protocol.template.template import compile_template

MAX_SOURCE_BYTES = (
    65_536  # four bytes a character at most: what is longer is refused by its characters anyway
)


def compile_receipt(source: bytes, logo: bytes | None = None) -> dict[str, Any]:
    """The document of a template from the bytes of its file, and of the PNG of its logo.

    Errors, all ConfigError: "template-not-text", those of `compile_template` and of `logo_of`.
    """
    if len(source) > MAX_SOURCE_BYTES:
        raise ConfigError("template-too-long", f"the template has {len(source)} bytes", "shorten it")
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            "template-not-text", f"the template is no UTF-8 at byte {error.start}", "save it as UTF-8"
        ) from error
    return compile_template(text, None if logo is None else logo_of(logo))


def compile_screen(screen: dict[str, Any], logo: bytes | None = None) -> dict[str, Any]:
    """A screen document with the logo of a PNG put in; ConfigError "screen-wrong", "picture-wrong"."""
    whole = dict(screen)
    if logo is not None:
        size_of(logo)
        whole["logo"] = binascii.b2a_base64(logo, newline=False).decode()
    fault = screen_fault(whole)
    if fault:
        raise ConfigError("screen-wrong", fault, "Correct the screen; nothing was sent")
    if whole.get("logo"):
        size_of(binascii.a2b_base64(whole["logo"]))
    return whole


def check_values(values: object) -> dict[str, Any]:
    """The values of one sale from outside, as templates ask for them; ConfigError("receipt-values-wrong") names one."""
    fault = _fault_of(values, ROOT, "")
    if fault or not isinstance(values, dict):
        raise ConfigError(
            "receipt-values-wrong", fault, "See the names in the reference of receipt templates"
        )
    return {"currency": "EUR", "copy": 0, "is_refund": False, "lines_max": MAX_RECEIPT_LINES, **values}


def _fault_of(value: object, kind: str, place: str) -> str:
    if is_list(kind):
        if not isinstance(value, list) or len(value) > MAX_BASKET_LINES:
            return f"{place} is no list of at most {MAX_BASKET_LINES}"
        return next(filter(None, (_fault_of(part, part_of(kind), place) for part in value)), "")
    if kind in _TYPES:
        return "" if type(value) is _TYPES[kind] else f"{place} is no {kind}"
    if not isinstance(value, dict):
        return "" if value is None and place else f"{place or 'the file'} is no object"
    kinds = kinds_of(kind)
    for name, part in value.items():
        if name not in kinds or kinds[name] == WORDS:
            return f"{place}{'.' if place else ''}{name} is no value of a sale"
        fault = _fault_of(part, kinds[name], f"{place}{'.' if place else ''}{name}")
        if fault:
            return fault
    return ""


_TYPES = {"text": str, "fact": bool, "number": int, "money": int, "weight": int, "share": int}
