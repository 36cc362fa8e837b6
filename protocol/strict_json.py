"""JSON as the wire uses it: one meaning for every text, or a named error.

There are no floats, no doubled keys, no numbers beyond 63 bits, no lone surrogates and no bad UTF-8, and
both depth and size have bounds. CPython reads through the hooks of its own parser, for speed; MicroPython,
which has no hooks, through `json_parser`; a property test holds the two together. Shapes are checked in
`schema`.
"""

import json
import sys

from protocol.errors import CallerError, PeerError
from protocol.json_parser import (
    duplicate,
    integer,
    malformed,
    not_utf8,
    parse,
    refuse_constant,
    refuse_float,
    surrogate,
    too_deep,
)
from protocol.limits import MAX_INTEGER, MAX_JSON_BYTES, MAX_JSON_DEPTH

_WRITTEN = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LEAST = -MAX_INTEGER


def loads(data: bytes, max_bytes: int = MAX_JSON_BYTES, max_depth: int = MAX_JSON_DEPTH) -> object:
    """Read one JSON value from UTF-8 bytes: dict, list, str, int, bool or None.

    Raises PeerError: json-too-large, json-not-utf8, json-too-deep, json-malformed, json-float,
    json-not-a-number, json-minus-zero, json-integer-too-large, json-duplicate-key, json-surrogate. No text of
    the input is in the error.

    >>> loads(b'{"total_minor":1250}')
    {'total_minor': 1250}
    """
    if len(data) > max_bytes:
        raise PeerError("json-too-large", f"{len(data)} bytes of JSON, at most {max_bytes} are read")
    return _read(bytes(data), max_depth)


def dumps(value: object) -> bytes:
    """Write `value` canonically: keys sorted, no spaces, UTF-8; equal values give equal bytes.

    Raises CallerError: json-type (float, bytes, set, any other), json-integer-too-large, json-surrogate,
    json-too-deep.

    >>> dumps({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    return _encode(_text(value, MAX_JSON_DEPTH))


def _read_with_hooks(data: bytes, max_depth: int) -> object:
    try:
        text = data.decode()
    except UnicodeError:
        raise not_utf8() from None
    if data.count(b"{") + data.count(b"[") > max_depth:
        _check_depth(data, max_depth)
    text = text.strip(" \t\n\r")
    try:
        value, end = _scan(text, 0)
    except (StopIteration, ValueError):
        raise malformed() from None  # the original error carries the whole text, which may hold a card number
    if end != len(text):
        raise malformed()
    if "\\u" in text:
        _check_surrogates(value)
    return value


def _check_depth(data: bytes, max_depth: int) -> None:
    """Refuse deep nesting before the recursive parser meets it; what stands in strings does not count."""
    parts = data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
    depth = 0
    for index in range(0, len(parts), 2):
        for byte in parts[index]:
            if byte in b"[{":
                depth += 1
                if depth > max_depth:
                    raise too_deep()
            elif byte in b"]}":
                depth -= 1


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise surrogate() from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise duplicate()
    return found


def _text(value: object, depth: int) -> str:
    if type(value) is str:
        return _quote(value)
    if type(value) is int:
        return _digits(value)
    if type(value) is dict:
        return _members(value, depth - 1)
    if type(value) is list:
        _check_room(depth)
        return "[" + ",".join([_text(part, depth - 1) for part in value]) + "]"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    raise CallerError("json-type", f"a {type(value).__name__} cannot be written as JSON")


def _members(value: dict[str, object], depth: int) -> str:
    """Write an object; strings and numbers, which nearly every member is, need no further call."""
    _check_room(depth + 1)
    pieces = []
    for key in _sorted_keys(value):
        part = value[key]
        if type(part) is str:
            pieces.append(f"{_quote(key)}:{_quote(part)}")
        elif type(part) is int and _LEAST <= part <= MAX_INTEGER:
            pieces.append(f"{_quote(key)}:{part}")
        else:
            pieces.append(f"{_quote(key)}:{_text(part, depth)}")
    return "{" + ",".join(pieces) + "}"


def _check_room(depth: int) -> None:
    if depth <= 0:
        raise CallerError("json-too-deep", "a value to write is nested too deep")


def _digits(number: int) -> str:
    if _LEAST <= number <= MAX_INTEGER:
        return str(number)
    raise CallerError("json-integer-too-large", "a number to write is beyond 63 bits")


def _sorted_keys(value: dict[str, object]) -> list[str]:
    for key in value:
        if type(key) is not str:
            raise CallerError("json-type", "a key is not a string")
    return sorted(value)


def _quote_by_hand(text: str) -> str:
    if '"' in text or "\\" in text or (text and min(text) < " "):
        text = "".join([_WRITTEN.get(c) or (c if c >= " " else f"\\u{ord(c):04x}") for c in text])
    return '"' + text + '"'


def _encode(text: str) -> bytes:
    try:
        data = text.encode()
        if _IS_SMALL:
            data.decode()  # a surrogate passes both ways there, so it is looked for by hand
            _find_surrogate(data)
    except UnicodeError:
        raise CallerError("json-surrogate", "a string to write holds half of a surrogate pair") from None
    return data


def _find_surrogate(data: bytes) -> None:
    at = data.find(b"\xed")
    while at >= 0:
        if data[at + 1] >= 0xA0:
            raise CallerError("json-surrogate", "a string to write holds half of a surrogate pair")
        at = data.find(b"\xed", at + 1)


_IS_SMALL = sys.implementation.name == "micropython"
if _IS_SMALL:
    _read = parse
    _quote = _quote_by_hand
else:
    _read = _read_with_hooks  # type: ignore[assignment]
    _quote = json.encoder.encode_basestring  # type: ignore[assignment]
    _scan = json.JSONDecoder(  # type: ignore[attr-defined]
        object_pairs_hook=_object,
        parse_float=refuse_float,
        parse_int=integer,
        parse_constant=refuse_constant,
    ).scan_once
