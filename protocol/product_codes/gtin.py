"""Trade item numbers: check digits, the 14-digit form, UPC-E, and the numbers of loose produce (PLU)."""

from protocol.errors import CallerError, PeerError
from protocol.product_codes.code import is_digits

_MIN_PLU = 1000  # four digits
_MIN_GTIN = 100000  # below it the 14-digit keys belong to PLU numbers


def check_digit(body: str) -> str:
    """Return the GS1 check digit that follows `body`: weights 3, 1, 3 ... from the right, modulo 10.

    >>> check_digit("400638133393")
    '1'
    """
    if not is_digits(body):
        raise CallerError(
            "check-digit-body-wrong", "A check digit is made over digits", "Check the text first"
        )
    total = 0
    weight = 3
    for i in range(len(body) - 1, -1, -1):
        total += weight * (ord(body[i]) - 48)
        weight = 4 - weight
    return str(-total % 10)


def has_check_digit(digits: str) -> bool:
    """Tell whether the last of `digits` is the check digit of the others."""
    return check_digit(digits[:-1]) == digits[-1]


def normalise(digits: str) -> str:
    """Return a GTIN of 8, 12, 13 or 14 digits in its one form of 14 digits, its check digit verified.

    Leading zeros do not tell items apart, so the 12, 13 and 14 digits of one item give one key.

    >>> normalise("036000291452") == normalise("0036000291452") == "00036000291452"
    True
    """
    if not has_check_digit(digits):
        raise PeerError(
            "check-digit-wrong",
            "The check digit of a code does not fit",
            "Scan again, or type the digits again",
        )
    gtin = zeros_before(digits, 14)
    if int(gtin) < _MIN_GTIN:
        raise PeerError(
            "gtin-too-small",
            "A code is nearly all zeros, which no product has",
            "Scan the product's own bar code",
        )
    return gtin


def expand_upc_e(digits: str) -> str:
    """Return the 12-digit UPC-A of a zero-suppressed UPC-E code.

    Six digits are the code alone (number system 0, no check digit), seven have the number system (0 or 1)
    before, eight also the check digit behind, which is verified.

    >>> expand_upc_e("04252614")
    '042100005264'
    """
    if len(digits) not in (6, 7, 8) or not is_digits(digits):
        raise CallerError("upc-e-length-wrong", "UPC-E has 6, 7 or 8 digits", "Check the length first")
    system = "0" if len(digits) == 6 else digits[0]
    if system not in "01":
        raise PeerError(
            "upc-e-number-system-wrong",
            "A short code is no UPC-E: its number system is not 0 or 1",
            "Scan again, or type all digits under the bar code",
        )
    code = digits if len(digits) == 6 else digits[1:7]
    last = code[5]
    if last in "012":
        body = code[:2] + last + "0000" + code[2:5]
    elif last == "3":
        body = code[:3] + "00000" + code[3:5]
    elif last == "4":
        body = code[:4] + "00000" + code[4]
    else:
        body = code[:5] + "0000" + last
    body = system + body
    if len(digits) == 8 and check_digit(body) != digits[7]:
        raise PeerError(
            "check-digit-wrong",
            "The check digit of a code does not fit",
            "Scan again, or type the digits again",
        )
    return body + check_digit(body)


def read_eight(digits: str) -> str:
    """Return the 14-digit GTIN of eight digits that may be a GTIN-8 or a UPC-E.

    The check digit decides. When both fit, a first digit 0 means UPC-E, because GS1 gives no GTIN-8 with a
    leading zero to products; any other means GTIN-8. A scanner that sends symbology identifiers leaves no
    doubt.
    """
    if digits[0] == "0":
        gtin = _upc_e_or_none(digits)
        return gtin or normalise(digits)
    if digits[0] == "1" and not has_check_digit(digits):
        gtin = _upc_e_or_none(digits)
        return gtin or normalise(digits)
    return normalise(digits)


def read_plu(digits: str) -> str:
    """Return the catalogue key of a PLU: four digits, or five (9xxxx is organic), without check digit.

    >>> read_plu("4011"), read_plu("94011")
    ('00000000004011', '00000000094011')
    """
    if int(digits) < _MIN_PLU:
        raise PeerError(
            "plu-out-of-range", "No produce has a number below 1000", "Type the number on the sticker again"
        )
    return zeros_before(digits, 14)


def zeros_before(digits: str, length: int) -> str:
    """Fill up with leading zeros; MicroPython has no str.zfill."""
    return "0" * (length - len(digits)) + digits


def _upc_e_or_none(digits: str) -> str | None:
    try:
        return normalise(expand_upc_e(digits))
    except PeerError:
        return None
