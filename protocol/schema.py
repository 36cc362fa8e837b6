"""Shapes of JSON objects as data: which fields, of what kind, and nothing else.

A `Kind` says what one value may be, a `Shape` what one object must have. Both are built once, when `records`
and `messages` are imported. A refusal names the field and the rule and never shows the value: it could be a
card number.
"""

from protocol.errors import TillboxError
from protocol.limits import MAX_AMOUNT_MINOR, MAX_INTEGER, MAX_TEXT_CHARS, MAX_TIME_MS
from protocol.plain_text import is_plain

_ID_CHARS = 19  # decimal digits of the largest 63-bit integer
_ID_LAST = str(MAX_INTEGER)
_DIGITS = "0123456789"
_HEX = "0123456789abcdef"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NAME = "abcdefghijklmnopqrstuvwxyz0123456789-_."
_MASK_DIGITS = 10  # first six and last four of a card number; more would be too much
_MASK_CHARS = 24  # nineteen digits and the separators between them
_CAN_ASK = hasattr(
    "", "isprintable"
)  # quick, and never true of what `is_plain` refuses; absent on MicroPython
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Kind:
    """What one value may be: a `test`, the type it is about, and the rule in words."""

    __slots__ = ("base", "says", "test")

    def __init__(self, base: type, says: str, test) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - Callable is not a builtin
        self.base = base
        self.says = says
        self.test = test


class Shape:
    """What one object must have: every field, no other, and fields that agree with each other.

    `prefix` begins the codes of its errors ("record"), `name` says which object it is, and `rule` returns
    the name of a field that disagrees with the rest, or "".
    """

    __slots__ = ("_rule", "_tests", "fields", "name", "prefix")

    def __init__(self, prefix: str, name: str, fields: dict[str, Kind], rule=None) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
        self.prefix = prefix
        self.name = name
        self.fields = fields
        self._rule = rule
        self._tests = tuple([(field, fields[field].test) for field in sorted(fields)])

    def check(self, value: object, fault: type[TillboxError]) -> dict[str, object]:
        """Return `value` when it has this shape; otherwise raise a `fault`.

        Codes, each behind the prefix: not-object, field-missing, field-unknown, field-wrong-type,
        field-out-of-range, fields-disagree.
        """
        if type(value) is not dict:
            raise fault(self.prefix + "-not-object", self.name + " is not a JSON object")
        try:
            for field, test in self._tests:
                if not test(value[field]):
                    raise self._refusal(field, value[field], fault)
        except KeyError:
            raise self._missing(value, fault) from None
        if len(value) != len(self._tests):
            count = len(value) - len(self._tests)
            raise fault(self.prefix + "-field-unknown", f"{self.name} has {count} fields that nobody knows")
        field = self._rule(value) if self._rule else ""
        if field:
            raise fault(
                self.prefix + "-fields-disagree", f"{self.name}: {field} disagrees with the other fields"
            )
        return value

    def fits(self, value: object) -> bool:
        """Tell whether `value` has this shape."""
        try:
            self.check(value, TillboxError)
        except TillboxError:
            return False
        return True

    def _refusal(self, field: str, value: object, fault: type[TillboxError]) -> TillboxError:
        kind = self.fields[field]
        code = "-field-out-of-range" if type(value) is kind.base else "-field-wrong-type"
        return fault(self.prefix + code, f"{self.name}: {field} must be {kind.says}")

    def _missing(self, value: dict[str, object], fault: type[TillboxError]) -> TillboxError:
        absent = [field for field, _ in self._tests if field not in value]
        return fault(self.prefix + "-field-missing", f"{self.name} has no {', '.join(absent)}")


class Shapes:
    """Shapes of one family, kept as short text and built when first needed: a small machine meets few of them.

    `tables` has one text for each name, "field:kind field:kind ..."; a kind is a name in `kinds`, or the words
    that may stand there with | between them. In `kinds` stands a Kind, or its maker with its arguments for one
    that is made when first needed. `rules` has functions for some names, as `Shape` takes them; the fields of
    `base` are in every table.
    """

    __slots__ = ("_base", "_built", "_kinds", "_prefix", "_rules", "_tables")

    def __init__(self, prefix: str, tables: dict[str, str], kinds, rules, base: str = "") -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
        self._prefix = prefix
        self._base = base
        self._tables = tables
        self._kinds = kinds
        self._rules = rules
        self._built: dict[str, Shape] = {}

    def find(self, name: str) -> Shape | None:
        """Return the shape of that name, or None."""
        if name in self._built:
            return self._built[name]
        return self.get(name) if name in self._tables else None

    def get(self, name: str) -> Shape:
        """Return the shape of that name, which the tables have."""
        shape = self._built.get(name)
        if shape is None:
            fields = {}
            for part in (self._base + self._tables[name]).split():
                field, kind = part.split(":")
                fields[field] = one_of(*kind.split("|")) if "|" in kind else self.kind(kind)
            shape = self._built[name] = Shape(self._prefix, name, fields, self._rules.get(name))
        return shape

    def kind(self, name: str) -> Kind:
        """Return the kind of that name."""
        found = self._kinds[name]
        if type(found) is tuple:
            found = self._kinds[name] = found[0](*found[1:])
        return found  # type: ignore[no-any-return]  # the maker's result


def number(lowest: int, highest: int) -> Kind:
    """An integer from `lowest` to `highest`."""

    def test(value: object) -> bool:
        return type(value) is int and lowest <= value <= highest

    return Kind(int, f"an integer from {lowest} to {highest}", test)


def text(most: int = MAX_TEXT_CHARS, least: int = 0) -> Kind:
    """Text for people: `least` to `most` characters, no control or direction character."""

    def test(value: object) -> bool:
        return type(value) is str and least <= len(value) <= most and _is_shown(value)

    return Kind(str, f"text of {least} to {most} characters without control characters", test)


def word(most: int, least: int = 0) -> Kind:
    """A code of printable ASCII: `least` to `most` characters."""

    def test(value: object) -> bool:
        if type(value) is not str or not least <= len(value) <= most:
            return False
        return not value or (min(value) >= " " and max(value) <= "~")

    return Kind(str, f"{least} to {most} printable ASCII characters", test)


def one_of(*words: str) -> Kind:
    """One of a few words."""
    known = frozenset(words)

    def test(value: object) -> bool:
        return type(value) is str and value in known

    return Kind(str, "one of " + ", ".join([choice or '""' for choice in words]), test)


def spelled(alphabet: str, length: int, says: str, may_be_empty: bool = False) -> Kind:  # noqa: FBT001, FBT002 - keyword at each call
    """Text of exactly `length` characters of `alphabet`, or also "" when `may_be_empty`."""

    def test(value: object) -> bool:
        if type(value) is not str:
            return False
        return (len(value) == length and not value.strip(alphabet)) or (may_be_empty and not value)

    return Kind(str, says + (' or ""' if may_be_empty else ""), test)


def base64_of(most: int) -> Kind:
    """Bytes in base64, padded, on one line: at most `most` bytes; "" stands for none."""

    def test(value: object) -> bool:
        if type(value) is not str or len(value) % 4 or len(value) * 3 > most * 4 + 8:
            return False
        padding = len(value) - len(value.rstrip("="))
        return padding <= 2 and not value[: len(value) - padding].strip(_BASE64)

    return Kind(str, f"base64 of at most {most} bytes", test)


def list_of(kind: Kind, most: int) -> Kind:
    """At most `most` values of one kind."""
    each = kind.test

    def test(value: object) -> bool:
        if type(value) is not list or len(value) > most:
            return False
        for part in value:
            if not each(part):
                return False
        return True

    return Kind(list, f"a list of at most {most}, each {kind.says}", test)


def shaped(shapes: Shapes, name: str) -> Kind:
    """An object of the shape of that name."""

    def test(value: object) -> bool:
        return shapes.get(name).fits(value)

    return Kind(dict, "a " + name, test)


def map_of(kind: Kind, most: int) -> Kind:
    """An object whose keys are names and whose values are of one kind."""
    each = kind.test

    def test(value: object) -> bool:
        if type(value) is not dict or len(value) > most:
            return False
        for name, part in value.items():  # in any order: all must pass
            if not 1 <= len(name) <= 32 or name.strip(_NAME) or not each(part):
                return False
        return True

    return Kind(dict, f"an object of at most {most} names, each {kind.says}", test)


def identifier(may_be_empty: bool = False) -> Kind:  # noqa: FBT001, FBT002 - keyword at each call
    """A 63-bit id as decimal text, without leading zeros."""

    def test(value: object) -> bool:
        if type(value) is not str or value.strip(_DIGITS):
            return False
        if not value:
            return may_be_empty
        return value[0] != "0" and (len(value) < _ID_CHARS or (len(value) == _ID_CHARS and value <= _ID_LAST))

    return Kind(str, "a 63-bit id in decimal digits" + (' or ""' if may_be_empty else ""), test)


def hexadecimal(length: int, may_be_empty: bool = False) -> Kind:  # noqa: FBT001, FBT002 - keyword at each call
    """`length` lower-case hexadecimal digits."""
    return spelled(_HEX, length, f"{length} lower-case hexadecimal digits", may_be_empty)


def digits(length: int) -> Kind:
    """`length` decimal digits."""
    return spelled(_DIGITS, length, f"{length} digits")


def _is_shown(value: str) -> bool:
    return (_CAN_ASK and value.isprintable()) or is_plain(value)


def _is_masked(value: object) -> bool:
    if type(value) is not str or len(value) > _MASK_CHARS or value.strip(_DIGITS + "* -"):
        return False
    return not value or ("*" in value and sum([c in _DIGITS for c in value]) <= _MASK_DIGITS)


def _is_day(value: object) -> bool:
    if type(value) is not str or len(value) != 10 or value[4] != "-" or value[7] != "-":
        return False
    year, month, day = value[:4], value[5:7], value[8:]
    if (year + month + day).strip(_DIGITS) or not 1 <= int(month) <= 12:
        return False
    is_leap = int(year) % 4 == 0 and (int(year) % 100 != 0 or int(year) % 400 == 0)
    last = 28 if month == "02" and not is_leap else _DAYS[int(month) - 1]
    return 1 <= int(day) <= last


VERSION = number(1, 1)
MONEY = number(0, MAX_AMOUNT_MINOR)
TIME = number(0, MAX_TIME_MS)
COUNT = number(0, MAX_INTEGER)
FACT = Kind(bool, "true or false", lambda value: value is True or value is False)
CURRENCY = spelled("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3, "three capital letters")
LETTER = spelled("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1, "one capital letter")
MASKED = Kind(str, "a card number with its middle hidden, or empty", _is_masked)
DAY = Kind(str, "a day as YYYY-MM-DD", _is_day)
