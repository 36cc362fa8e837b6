"""GS1 element strings: several values in one bar code, each behind its application identifier (AI).

```
01 09501101530003 | 17 260331 | 3103 001250 | 10 LOT7 <FNC1> | 3922 1999
```
An AI of predefined length ends by itself; every other runs to the separator FNC1 (sent as 0x1D) or to the
end. AIs that a till needs are checked in full; any other is carried as it is, so that a new one stops no
sale. Without its separator a value would swallow the next AI: what is too long, short or twice is refused.
"""

from protocol.errors import PeerError
from protocol.limits import MAX_AMOUNT_MINOR, MAX_GS1_ELEMENTS, MAX_GS1_VALUE_CHARS
from protocol.money import divide_round
from protocol.product_codes.code import GS1, ProductCode, is_digits
from protocol.product_codes.gtin import normalise
from protocol.product_codes.labels import LabelRules

SEPARATOR = "\x1d"

# Digits of the AI itself by its first two; all others have two.
_THREE_DIGITS = ("23", "24", "25", "40", "41", "42", "71")
_FOUR_DIGITS = ("31", "32", "33", "34", "35", "36", "39", "43", "70", "72", "80", "81", "82")

# The predefined lengths of values by the first two digits of the AI, fixed for ever by GS1.
_FIXED = {"00": 18, "01": 14, "02": 14, "03": 14, "04": 16, "20": 2, "41": 13}
_FIXED.update({str(ai): 6 for ai in (11, 12, 13, 14, 15, 16, 17, 18, 19, 31, 32, 33, 34, 35, 36)})

# What a till checks: AI (without its decimals digit), shortest, longest, only digits.
_CHECKED = {
    "10": (1, 20, False),
    "21": (1, 20, False),
    "30": (1, 8, True),
    "37": (1, 8, True),
    "390": (1, 15, True),
    "391": (4, 18, True),
    "392": (1, 15, True),
    "393": (4, 18, True),
}
_DATES = ("11", "12", "13", "15", "16", "17")
_CHARACTERS = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_POUND_NUMERATOR = 45359237  # one pound is 453.59237 g exactly
_POUND_DENOMINATOR = 100000


def read_elements(text: str, rules: LabelRules) -> ProductCode:
    """Read element strings into a product code; the leading FNC1 of the bar code is already off.

    Weight (AI 310n, 320n) and price of the package (392n, or 393n in the shop's currency) come along.
    """
    elements = split_elements(text)
    code = ProductCode(GS1, "", elements=tuple(elements))
    for identifier, value in elements:
        kind = identifier[:3]
        if identifier == "01":
            code.gtin = normalise(value)
        elif kind in ("310", "320"):
            code.weight_g = _only_one(code.weight_g, _weight_g(kind, _decimals(identifier, 5), int(value)))
        elif kind in ("392", "393"):
            amount = _price_minor(identifier, value, rules)
            code.price_minor = _only_one(code.price_minor, amount)
    if not code.gtin:
        raise PeerError(
            "gs1-gtin-missing",
            "A GS1 code names no product (AI 01)",
            "Scan the product's code, not that of its box",
        )
    return code


def split_elements(text: str) -> list[tuple[str, str]]:
    r"""Cut element strings apart and check each value; PeerErrors "gs1-..." name what is wrong.

    >>> split_elements("010950110153000310LOT7\x1d17260331")
    [('01', '09501101530003'), ('10', 'LOT7'), ('17', '260331')]
    """
    elements: list[tuple[str, str]] = []
    seen: set[str] = set()
    position = 0
    while position < len(text):
        identifier = _identifier_at(text, position)
        position += len(identifier)
        length = _FIXED.get(identifier[:2])
        end = _end_of_value(text, position) if length is None else position + length
        value = text[position:end]
        _check_value(identifier, value)
        family = identifier[:3] if identifier[0] == "3" else identifier
        if family in seen:
            raise PeerError(
                "gs1-ai-repeated",
                "A GS1 code says the same thing twice",
                "Scan again; if it stays, the label is wrong: use the number under the bars",
            )
        seen.add(family)
        elements.append((identifier, value))
        if len(elements) > MAX_GS1_ELEMENTS:
            raise PeerError(
                "gs1-too-many-elements", "A GS1 code has too many parts", "Use the number under the bars"
            )
        position = end + 1 if text[end : end + 1] == SEPARATOR else end
    return elements


def element_date(value: str, year_now: int) -> tuple[int, int, int]:
    """Return (year, month, day) of a GS1 date YYMMDD, the century chosen by the rule of GS1.

    The year is the one from 49 years before to 50 years after `year_now`. Day 00 is the last of the month.

    >>> element_date("280200", 2026), element_date("990101", 2026)
    ((2028, 2, 29), (1999, 1, 1))
    """
    year = year_now // 100 * 100 + int(value[:2])
    if year - year_now >= 51:
        year -= 100
    elif year - year_now <= -50:
        year += 100
    month = int(value[2:4])
    is_short = month == 2 and (year % 4 != 0 or (year % 100 == 0 and year % 400 != 0))
    return (year, month, int(value[4:6]) or (28 if is_short else _DAYS[month - 1]))


def _identifier_at(text: str, position: int) -> str:
    first_two = text[position : position + 2]
    length = 3 if first_two in _THREE_DIGITS else 4 if first_two in _FOUR_DIGITS else 2
    identifier = text[position : position + length]
    if len(identifier) < length or not is_digits(identifier):
        raise PeerError(
            "gs1-ai-wrong",
            "A GS1 code has no application identifier where one must stand",
            "Scan again; let the scanner send FNC1 as GS (0x1D)",
        )
    return identifier


def _end_of_value(text: str, position: int) -> int:
    end = text.find(SEPARATOR, position)
    return len(text) if end < 0 else end


def _check_value(identifier: str, value: str) -> None:
    kind = identifier[:3] if identifier[:2] == "39" else identifier
    fixed = _FIXED.get(identifier[:2])
    low, high, is_number = _CHECKED.get(kind, (1, MAX_GS1_VALUE_CHARS, False))
    if fixed is not None:
        low, high, is_number = fixed, fixed, True
    if len(value) < low or SEPARATOR in value:
        raise PeerError(
            "gs1-element-short", "A part of a GS1 code ends too early", "Scan the whole code again"
        )
    if len(value) > high:
        raise PeerError(
            "gs1-element-overlong",
            "A part of a GS1 code is too long: the separator after it may be missing",
            "Let the scanner send FNC1 as GS (0x1D); else the label is wrong",
        )
    if not (is_digits(value) if is_number else all(c in _CHARACTERS for c in value)):
        raise PeerError(
            "gs1-character-wrong",
            "A part of a GS1 code holds a character that it must not",
            "Scan again; let the scanner send FNC1 as GS (0x1D)",
        )
    if identifier in _DATES:
        _check_date(value)


def _check_date(value: str) -> None:
    """Check YYMMDD; day 00 stands for the end of the month. Every fourth year is a leap one up to 2099."""
    month = int(value[2:4])
    day = int(value[4:6])
    if not 1 <= month <= 12 or day > _DAYS[month - 1] or (month == 2 and day == 29 and int(value[:2]) % 4):
        raise PeerError(
            "gs1-date-wrong", "A date in a GS1 code does not exist", "Check the date on the package"
        )


def _weight_g(kind: str, decimals: int, value: int) -> int:
    denominator = int("1" + "0" * decimals)
    if kind == "310":
        weight_g = divide_round(value * 1000, denominator)
    else:
        weight_g = divide_round(value * _POUND_NUMERATOR, denominator * _POUND_DENOMINATOR)
    if weight_g == 0:
        raise PeerError("gs1-weight-zero", "A GS1 code says a weight of zero", "Weigh the item again")
    return weight_g


def _price_minor(identifier: str, value: str, rules: LabelRules) -> int:
    """Turn a price into minor units of the shop's currency; what does not come out even is refused."""
    if identifier[:3] == "393":
        if value[:3] != rules.currency_number:
            raise PeerError(
                "gs1-currency-wrong",
                "A GS1 code has a price in another currency",
                "Print a label for this shop",
            )
        value = value[3:]
    decimals = _decimals(identifier, 9)
    scaled = int(value) * int("1" + "0" * rules.exponent)
    divisor = int("1" + "0" * decimals)
    if scaled % divisor:
        raise PeerError(
            "gs1-price-uneven",
            "A price in a GS1 code has decimals that the currency has not",
            "Print a new label",
        )
    price_minor = scaled // divisor
    if not 1 <= price_minor <= MAX_AMOUNT_MINOR:
        raise PeerError(
            "gs1-price-out-of-range", "A price in a GS1 code is zero or too large", "Print a new label"
        )
    return price_minor


def _decimals(identifier: str, most: int) -> int:
    decimals = int(identifier[3])
    if decimals > most:
        raise PeerError(
            "gs1-ai-wrong", "An application identifier does not exist", "Use the number under the bars"
        )
    return decimals


def _only_one(before: int | None, value: int) -> int:
    if before is not None:
        raise PeerError(
            "gs1-value-twice", "A GS1 code gives a weight or price twice", "Use the number under the bars"
        )
    return value
