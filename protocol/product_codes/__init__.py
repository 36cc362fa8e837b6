"""Product codes: from what a scanner sends, or a person types, to one catalogue key.

`read_code` is the door; `gtin` has the numbers and check digits, `labels` the shop's own weight and price
labels, `gs1` the element strings. Prefixes, suffixes and split reads of the serial line are the scanner's
business, and whether an item exists is the catalogue's. No error repeats the code: it may be anything, even
a card number.
"""

from protocol.errors import PeerError
from protocol.limits import MAX_CODE_CHARS
from protocol.product_codes.code import (
    GS1,
    GTIN,
    LABEL_PRICE,
    LABEL_WEIGHT,
    PLU,
    ProductCode,
    require_digits,
)
from protocol.product_codes.gs1 import SEPARATOR, element_date, read_elements
from protocol.product_codes.gtin import check_digit, expand_upc_e, normalise, read_eight, read_plu
from protocol.product_codes.labels import DEFAULT, LabelRule, LabelRules, read_label, value_check_digit

__all__ = [
    "DEFAULT",
    "GS1",
    "GTIN",
    "LABEL_PRICE",
    "LABEL_WEIGHT",
    "PLU",
    "LabelRule",
    "LabelRules",
    "ProductCode",
    "check_digit",
    "element_date",
    "expand_upc_e",
    "normalise",
    "read_code",
    "value_check_digit",
]

# Symbology identifiers of AIM: GS1-128, GS1 DataBar, GS1 DataMatrix, GS1 QR; and the EAN / UPC family.
_GS1_SYMBOLOGIES = ("]C1", "]e0", "]d2", "]Q3")
_EAN_13 = "]E0"  # also UPC-A and UPC-E
_EAN_8 = "]E4"

_MIN_BARE_GS1_CHARS = 16  # AI 01 and a GTIN: longer than any code of digits alone


def read_code(text: str, label_rules: LabelRules = DEFAULT) -> ProductCode:
    """Read one product code, as scanned or typed, with or without its AIM symbology identifier.

    GTIN-8/12/13/14, UPC-E (6, 7, 8 digits), PLU (4, 5 digits), labels by `label_rules`, GS1 element strings.
    The lengths tell them apart: no other length is a product code. PeerError names every fault.

    >>> read_code("4006381333931").gtin
    '04006381333931'
    >>> read_code("2812345012505").weight_g
    1250
    """
    if not text:
        raise PeerError("code-empty", "A code is empty", "Scan again")
    if len(text) > MAX_CODE_CHARS:
        raise PeerError(
            "code-too-long",
            "A code is far longer than any product's",
            "Scan the bar code of the product itself",
        )
    if text[0] == "]":
        return _read_identified(text[:3], text[3:], label_rules)
    if SEPARATOR in text or (len(text) >= _MIN_BARE_GS1_CHARS and text[:2] == "01"):
        return _read_gs1(text, label_rules)
    require_digits(text)
    if len(text) in (4, 5):
        return ProductCode(PLU, read_plu(text))
    return _read_trade_item(text, label_rules)


def _read_identified(symbology: str, text: str, label_rules: LabelRules) -> ProductCode:
    if symbology in _GS1_SYMBOLOGIES:
        return _read_gs1(text, label_rules)
    if symbology not in (_EAN_13, _EAN_8):
        raise PeerError(
            "symbology-not-accepted",
            "A bar code is of a kind that carries no product number",
            "Scan the product's own bar code",
        )
    if not text:
        raise PeerError("code-empty", "A code is empty", "Scan again")
    require_digits(text)
    if symbology == _EAN_8:
        if len(text) != 8:
            raise _wrong_length()
        return ProductCode(GTIN, normalise(text))
    if len(text) == 8:  # A scanner that does not expand UPC-E by itself.
        return ProductCode(GTIN, normalise(expand_upc_e(text)))
    if len(text) not in (12, 13):
        raise _wrong_length()
    return _read_trade_item(text, label_rules)


def _read_gs1(text: str, label_rules: LabelRules) -> ProductCode:
    # Some scanners also send the FNC1 that opens the bar code.
    return read_elements(text[1:] if text[:1] == SEPARATOR else text, label_rules)


def _read_trade_item(digits: str, label_rules: LabelRules) -> ProductCode:
    if len(digits) in (6, 7):
        return ProductCode(GTIN, normalise(expand_upc_e(digits)))
    if len(digits) == 8:
        return ProductCode(GTIN, read_eight(digits))
    if len(digits) not in (12, 13, 14):
        raise _wrong_length()
    gtin = normalise(digits)
    rule = label_rules.find(gtin)
    return ProductCode(GTIN, gtin) if rule is None else read_label(gtin, rule)


def _wrong_length() -> PeerError:
    return PeerError(
        "code-length-wrong",
        "A code has a number of digits that no product code has",
        "Scan again, or type all digits under the bar code",
    )
