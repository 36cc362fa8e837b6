"""A small strict JSON parser: what `strict_json.loads` does on MicroPython, whose `json` module has no hooks.

It also runs on CPython, where a property test compares its verdicts and values with the fast path. It works
on bytes, because MicroPython walks a string from its start to find a character by number. Writing is in
`strict_json`.
"""

from protocol.errors import PeerError
from protocol.limits import MAX_INTEGER, MAX_JSON_DEPTH

_SPACE = b" \t\n\r"
_DIGITS = b"0123456789"
_HEX = b"0123456789abcdefABCDEF"
_SHORT = {
    34: 34,
    92: 92,
    47: 47,
    98: 8,
    102: 12,
    110: 10,
    114: 13,
    116: 9,
}  # behind a backslash: " \\ / b f n r t
_WORDS = ((b"true", True), (b"false", False), (b"null", None))
_SAFE_DIGITS = 18  # any number of so many characters is within 63 bits


def parse(data: bytes, max_depth: int = MAX_JSON_DEPTH) -> object:
    """Read one JSON value from UTF-8 bytes; errors are those of `strict_json.loads`."""
    check_utf8(data)
    value, at = _value(data, _skip(data, 0), max_depth)
    if _skip(data, at) != len(data):
        raise malformed()
    return value


def integer(text: str) -> int:
    """Return the number that `text`, a JSON number without fraction and exponent, stands for."""
    if len(text) > _SAFE_DIGITS and (len(text) > _SAFE_DIGITS + 2 or abs(int(text)) > MAX_INTEGER):
        raise PeerError("json-integer-too-large", "a number is beyond 63 bits")
    if text == "-0":
        raise PeerError("json-minus-zero", "minus zero is not a number here")
    return int(text)


def malformed() -> PeerError:
    """Say that the bytes break the grammar."""
    return PeerError("json-malformed", "the bytes are not one JSON value")


def too_deep() -> PeerError:
    """Say that the nesting is beyond the bound."""
    return PeerError("json-too-deep", "objects and lists are nested too deep")


def not_utf8() -> PeerError:
    """Say that the bytes are not text at all."""
    return PeerError("json-not-utf8", "the bytes are not UTF-8")


def surrogate() -> PeerError:
    """Say that half of a pair is no character: readers would differ on it."""
    return PeerError("json-surrogate", "a string holds half of a surrogate pair")


def duplicate() -> PeerError:
    """Say that a key came twice: readers would differ on which value counts."""
    return PeerError("json-duplicate-key", "an object has the same key twice")


def refuse_float(_text: str) -> int:
    """Raise for a number with a fraction or an exponent."""
    raise PeerError("json-float", "a number has a fraction or an exponent; amounts are whole minor units")


def refuse_constant(_text: str) -> int:
    """Raise for NaN and the infinities."""
    raise PeerError("json-not-a-number", "NaN and Infinity are not values")


def check_utf8(data: bytes) -> None:
    """Refuse what MicroPython's decoder lets pass: overlong forms, surrogates, code points beyond Unicode."""
    at = 0
    end = len(data)
    while at < end:
        first = data[at]
        if first < 0x80:
            at += 1
            continue
        length = (
            2 if 0xC2 <= first < 0xE0 else 3 if 0xE0 <= first < 0xF0 else 4 if 0xF0 <= first < 0xF5 else 0
        )
        second = data[at + 1] if at + 1 < end else 0
        lowest = 0xA0 if first == 0xE0 else 0x90 if first == 0xF0 else 0x80
        highest = 0x9F if first == 0xED else 0x8F if first == 0xF4 else 0xBF
        is_good = length > 0 and at + length <= end and lowest <= second <= highest
        for more in data[at + 2 : at + length]:
            is_good = is_good and 0x80 <= more < 0xC0
        if not is_good:
            raise not_utf8()
        at += length


def _skip(data: bytes, at: int) -> int:
    end = len(data)
    while at < end and data[at] in _SPACE:
        at += 1
    return at


def _value(data: bytes, at: int, depth: int) -> tuple[object, int]:
    """Read the value that starts at `at`; return it and the offset behind it."""
    first = data[at : at + 1]
    if first == b'"':
        return _string(data, at + 1)
    if first == b"{":
        return _members(data, at + 1, depth)
    if first == b"[":
        return _elements(data, at + 1, depth)
    for word, value in ((b"true", True), (b"false", False), (b"null", None)):
        if data[at : at + len(word)] == word:
            return value, at + len(word)
    for word in (b"NaN", b"Infinity", b"-Infinity"):
        if data[at : at + len(word)] == word:
            refuse_constant("")
    return _number(data, at)


def _members(data: bytes, at: int, depth: int) -> tuple[object, int]:
    if depth <= 0:
        raise too_deep()
    found: dict[str, object] = {}
    at = _skip(data, at)
    if data[at : at + 1] == b"}":
        return found, at + 1
    while True:
        if data[at : at + 1] != b'"':
            raise malformed()
        key, at = _string(data, at + 1)
        at = _skip(data, at)
        if data[at : at + 1] != b":":
            raise malformed()
        value, at = _value(data, _skip(data, at + 1), depth - 1)
        if key in found:
            raise duplicate()
        found[key] = value
        at = _skip(data, at)
        if data[at : at + 1] == b"}":
            return found, at + 1
        if data[at : at + 1] != b",":
            raise malformed()
        at = _skip(data, at + 1)


def _elements(data: bytes, at: int, depth: int) -> tuple[object, int]:
    if depth <= 0:
        raise too_deep()
    found: list[object] = []
    at = _skip(data, at)
    if data[at : at + 1] == b"]":
        return found, at + 1
    while True:
        value, at = _value(data, at, depth - 1)
        found.append(value)
        at = _skip(data, at)
        if data[at : at + 1] == b"]":
            return found, at + 1
        if data[at : at + 1] != b",":
            raise malformed()
        at = _skip(data, at + 1)


def _string(data: bytes, at: int) -> tuple[str, int]:
    """Read a string from behind its opening quote; return it and the offset behind its closing quote."""
    close = data.find(b'"', at)
    plain = data[at:close] if close >= 0 else b""
    if plain and b"\\" not in plain and min(plain) >= 0x20:
        return plain.decode(), close + 1
    pieces = bytearray()
    end = len(data)
    while at < end:
        first = data[at]
        if first == 34:
            return bytes(pieces).decode(), at + 1
        if first < 0x20:
            break
        if first == 92:
            character, at = _escape(data, at + 1)
            pieces.extend(character.encode())
        else:
            pieces.append(first)
            at += 1
    raise malformed()


def _escape(data: bytes, at: int) -> tuple[str, int]:
    if at >= len(data):
        raise malformed()
    if data[at] != 117:
        if data[at] not in _SHORT:
            raise malformed()
        return chr(_SHORT[data[at]]), at + 1
    code = _four(data, at + 1)
    at += 5
    if 0xD800 <= code < 0xDC00 and data[at : at + 2] == b"\\u":
        low = _four(data, at + 2)
        if 0xDC00 <= low < 0xE000:
            return chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00), at + 6
    if 0xD800 <= code < 0xE000:
        raise surrogate()
    return chr(code), at


def _four(data: bytes, at: int) -> int:
    digits = data[at : at + 4]
    if len(digits) != 4 or digits.strip(_HEX):
        raise malformed()
    return int(digits.decode(), 16)


def _number(data: bytes, at: int) -> tuple[int, int]:
    start = at
    if data[at : at + 1] == b"-":
        at += 1
    first = at
    at = _digits(data, at)
    if at == first:
        raise malformed()
    if data[first] == 48:
        at = first + 1
    if data[at : at + 1] == b"." and _digits(data, at + 1) > at + 1:
        refuse_float("")
    if data[at : at + 1] in (b"e", b"E"):
        sign = 1 if data[at + 1 : at + 2] in (b"+", b"-") else 0
        if _digits(data, at + 1 + sign) > at + 1 + sign:
            refuse_float("")
    return integer(data[start:at].decode()), at


def _digits(data: bytes, at: int) -> int:
    end = len(data)
    while at < end and data[at] in _DIGITS:
        at += 1
    return at
