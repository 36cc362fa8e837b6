"""Money: integers of minor units, their spelling, rounding and splitting. Nothing else rounds money.

An amount never travels without its ISO 4217 currency, whose exponent (JPY 0, EUR 2, BHD 3) says where the
point goes. No float comes near; a bool is no integer here. Taxes and prices live in `pricing/`.
"""

from protocol.errors import CallerError, PeerError
from protocol.limits import MAX_AMOUNT_CHARS, MAX_INTEGER, MAX_SHARES

HALF_UP = "half-up"  # ties go away from zero, for negative amounts too: -2.5 gives -3
HALF_EVEN = "half-even"  # ties go to the even neighbour: 2.5 gives 2, -3.5 gives -4
DOWN = "down"  # towards zero, for negative amounts too: -2.9 gives -2

MILLION = 1000000  # a share is counted in parts per million: 20 % is 200000 ppm

# Currencies in use by ISO 4217. Withdrawn ones, precious metals and test codes are not money at a till.
_TWO_DECIMALS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
    "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK "
    "MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD "
    "RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH "
    "USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
)
_OTHER_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}


def exponent(currency: str) -> int:
    """Return the decimals of a currency: 0, 2, 3 or 4; PeerError("currency-unknown") for anything else.

    >>> exponent("JPY"), exponent("EUR"), exponent("BHD")
    (0, 2, 3)
    """
    if type(currency) is str and len(currency) == 3 and " " not in currency:
        if currency in _TWO_DECIMALS:
            return 2
        for decimals in (0, 3, 4):
            if currency in _OTHER_DECIMALS[decimals]:
                return decimals
    raise PeerError(
        "currency-unknown",
        "The currency is no code of ISO 4217 in use",
        "Use the three capital letters of a currency",
    )


def format_amount(amount_minor: int, currency: str) -> str:
    """Spell an amount: minus sign if negative, every decimal of the currency, a point, no grouping.

    >>> format_amount(1250, "EUR"), format_amount(-5, "USD"), format_amount(700, "JPY")
    ('12.50', '-0.05', '700')
    """
    _check_integer(amount_minor)
    decimals = exponent(currency)
    digits = str(abs(amount_minor))
    sign = "-" if amount_minor < 0 else ""
    if not decimals:
        return sign + digits
    digits = "0" * (decimals + 1 - len(digits)) + digits
    return sign + digits[:-decimals] + "." + digits[-decimals:]


def parse_amount(text: str, currency: str) -> int:
    """Read what `format_amount` writes, and nothing else; PeerError("amount-spelling-wrong") otherwise.

    Every decimal must be there; no plus, no space, no grouping, no leading zeros, no "-0".

    >>> parse_amount("12.50", "EUR")
    1250
    """
    decimals = exponent(currency)
    digits = text[1:] if text[:1] == "-" else text
    if decimals:
        digits = digits[: -decimals - 1] + digits[-decimals:]
    if not 1 <= len(digits) < MAX_AMOUNT_CHARS or not all("0" <= c <= "9" for c in digits):
        raise _wrong_spelling(decimals)
    amount_minor = -int(digits) if text[0] == "-" else int(digits)
    if abs(amount_minor) > MAX_INTEGER:
        raise PeerError("amount-out-of-range", "An amount is beyond 63 bits", "Check where it comes from")
    if format_amount(amount_minor, currency) != text:
        raise _wrong_spelling(decimals)
    return amount_minor


def divide_round(numerator: int, denominator: int, mode: str = HALF_UP) -> int:
    """Divide integers and round by `mode`, symmetric about zero: the quotient of -n is minus that of n.

    >>> divide_round(5, 2), divide_round(-5, 2), divide_round(5, 2, HALF_EVEN), divide_round(-29, 10, DOWN)
    (3, -3, 2, -2)
    """
    if type(numerator) is not int or type(denominator) is not int:
        raise CallerError("money-not-integer", "Only integers are divided", "Pass minor units")
    if denominator == 0:
        raise CallerError("money-division-by-zero", "A denominator is zero", "Check the weights or the rate")
    is_negative = (numerator < 0) != (denominator < 0)
    divisor = abs(denominator)
    quotient, rest = divmod(abs(numerator), divisor)
    if mode == HALF_UP:
        quotient += 2 * rest >= divisor
    elif mode == HALF_EVEN:
        quotient += 2 * rest > divisor or (2 * rest == divisor and quotient % 2 == 1)
    elif mode != DOWN:
        raise CallerError("rounding-mode-wrong", "No such rounding mode", "Use HALF_UP, HALF_EVEN or DOWN")
    return -quotient if is_negative else quotient


def round_all(amounts: list[int], fractions: list[tuple[int, int, int]]) -> list[int]:
    """Return each amount times its fraction, rounded half up; amounts from 0, which is not checked.

    A fraction n/d is given ready for that: (2n, d, 2d).

    >>> round_all([1200, 5], [(2, 6, 12)] * 2)
    [200, 1]
    """
    return [(amount * twice + half) // whole for amount, (twice, half, whole) in zip(amounts, fractions)]  # noqa: B905 - MicroPython's zip has no strict


def share(amount_minor: int, ppm: int, mode: str = HALF_UP) -> int:
    """Return the share of an amount that `ppm` parts per million are (200000 is 20 %), rounded by `mode`."""
    _check_integer(amount_minor)
    return divide_round(amount_minor * ppm, MILLION, mode)


def allocate(total_minor: int, weights: list[int]) -> list[int]:
    """Split a total by weights so that the parts sum to it exactly (largest remainder).

    Every part first gets its share rounded towards zero; the units left over go one each to the largest
    remainders, and among equal remainders to the earlier part. A negative total is split like the positive
    one with every sign turned. Weights are integers from 0 with a sum above 0; a weight of 0 gets nothing.

    >>> allocate(100, [1, 1, 1]), allocate(-100, [1, 1, 1])
    ([34, 33, 33], [-34, -33, -33])
    """
    _check_integer(total_minor)
    if not 1 <= len(weights) <= MAX_SHARES:
        raise CallerError("shares-count-wrong", "A total is split into 1 to 10000 parts", "Check the weights")
    if not all(type(weight) is int and weight >= 0 for weight in weights) or sum(weights) == 0:
        raise CallerError(
            "shares-weight-wrong", "Weights are integers from 0, not all 0", "Check the weights"
        )
    parts = spread(abs(total_minor), weights, sum(weights))
    return parts if total_minor >= 0 else [-part for part in parts]


def spread(total: int, weights: list[int], whole: int) -> list[int]:
    """Do what `allocate` does, for those who know that all is right: `total` from 0, `whole` the sum of the weights."""
    products = [total * weight for weight in weights]
    parts = [product // whole for product in products]
    over = total - sum(parts)
    if over:
        # One number sorts by remainder and then by place; its last digits, to the base of `count`, are the place.
        count = len(parts)
        keys = [(whole - product % whole) * count + at for at, product in enumerate(products)]
        keys.sort()
        for key in keys[:over]:
            parts[key % count] += 1
    return parts


def cash_round(amount_minor: int, increment_minor: int, mode: str = HALF_UP) -> int:
    """Round an amount to what coins can pay: the nearest multiple of `increment_minor` (5 for 0.05).

    >>> cash_round(1252, 5), cash_round(1253, 5), cash_round(-1253, 5)
    (1250, 1255, -1255)
    """
    _check_integer(amount_minor)
    if type(increment_minor) is not int or increment_minor < 1:
        raise CallerError(
            "cash-increment-wrong", "The smallest coin is at least 1 minor unit", "Check the setting"
        )
    return divide_round(amount_minor, increment_minor, mode) * increment_minor


def _check_integer(amount_minor: int) -> None:
    # type() and not isinstance(): True is an int to CPython's isinstance, and not to MicroPython's.
    if type(amount_minor) is not int:
        raise CallerError("money-not-integer", "An amount is not an integer", "Pass minor units as int")


def _wrong_spelling(decimals: int) -> PeerError:
    return PeerError(
        "amount-spelling-wrong",
        "An amount is not spelt with " + str(decimals) + " decimals and nothing else",
        "Write it like -12.50, with no plus, blank or grouping",
    )
