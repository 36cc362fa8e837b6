"""Ids made where a thing is born, also offline, and their spellings in JSON and on paper.

```
bit 62                      24 23        8 7         0
    tick (39 bits, 10 ms)     | box (16)  | sequence (8)
```
The tick is `max(clock, last tick)`, one more when the sequence of a tick is used up: a maker never waits and
never repeats, whatever the clock does, and the tick is never read as a time. Box numbers from 65,024 up
belong to makers in the cloud. The clock is handed in, and so is the last id after a restart.
"""

from protocol.errors import CallerError, PeerError
from protocol.limits import MAX_INTEGER

EPOCH_MS = 1735689600000  # 2025-01-01T00:00:00Z in Unix milliseconds
TICK_MS = 10

MAX_TICK = (1 << 39) - 1  # reached in the year 2199
MAX_BOX_NUMBER = (1 << 16) - 1  # 16 bits: the largest tenants have tens of thousands of boxes
FIRST_CLOUD_NUMBER = 65024  # 512 numbers for makers in the cloud, the rest for boxes
MAX_SEQUENCE = (1 << 8) - 1  # 8 bits: 25,600 ids a second before ticks are borrowed

_BOX_SHIFT = 8
_TICK_SHIFT = 24

# Crockford's base 32: no I, L, O, U. The last five are check characters only.
_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U"
_PAPER_DIGITS = 13  # 13 x 5 bits hold 63


class IdMaker:
    """Makes the ids of one box, or of one maker in the cloud.

    `last_tick` and `last_sequence` come from the newest id known (see `parts`), so a restart repeats none.
    The number of a box is 1 to 65,535; 0 is refused, because it is what a forgotten setting looks like.
    """

    __slots__ = ("_box_number", "_last_sequence", "_last_tick")

    def __init__(self, box_number: int, last_tick: int = 0, last_sequence: int = 0) -> None:
        _check_range("box number", box_number, 1, MAX_BOX_NUMBER)
        _check_range("tick", last_tick, 0, MAX_TICK)
        _check_range("sequence", last_sequence, 0, MAX_SEQUENCE)
        self._box_number = box_number
        self._last_tick = last_tick
        self._last_sequence = last_sequence

    @property
    def last_tick(self) -> int:
        """The tick of the newest id, or the one given at the start."""
        return self._last_tick

    @property
    def last_sequence(self) -> int:
        """The sequence number of the newest id, or the one given at the start."""
        return self._last_sequence

    def make(self, utc_ms: int) -> int:
        """Return a new id, greater than every id of this maker before; `utc_ms` may jump as it likes.

        CallerError("id-ticks-exhausted") when the clock or the last tick is past the year 2199; the maker is
        unchanged by that.
        """
        if type(utc_ms) is not int:
            raise CallerError("id-clock-wrong", "The clock gave no integer", "Pass UTC milliseconds as int")
        tick = max((utc_ms - EPOCH_MS) // TICK_MS, self._last_tick)
        sequence = 0
        if tick == self._last_tick:
            sequence = self._last_sequence + 1
            if sequence > MAX_SEQUENCE:
                tick += 1
                sequence = 0
        if tick > MAX_TICK:
            raise CallerError(
                "id-ticks-exhausted",
                "No ticks are left for an id",
                "Set the clock; past 2199 give a new box number",
            )
        self._last_tick = tick
        self._last_sequence = sequence
        return join(tick, self._box_number, sequence)


def join(tick: int, box_number: int, sequence: int) -> int:
    """Put an id together from its three parts."""
    _check_range("tick", tick, 0, MAX_TICK)
    _check_range("box number", box_number, 0, MAX_BOX_NUMBER)
    _check_range("sequence", sequence, 0, MAX_SEQUENCE)
    return tick << _TICK_SHIFT | box_number << _BOX_SHIFT | sequence


def parts(identifier: int) -> tuple[int, int, int]:
    """Take an id apart into (tick, box number, sequence): to go on after it, or to see who made it.

    >>> parts(join(7, 3, 1))
    (7, 3, 1)
    """
    _check_range("id", identifier, 0, MAX_INTEGER)
    return (identifier >> _TICK_SHIFT, identifier >> _BOX_SHIFT & MAX_BOX_NUMBER, identifier & MAX_SEQUENCE)


def to_text(identifier: int) -> str:
    """Spell an id for JSON: decimal digits, because JSON readers elsewhere lose bits beyond 53."""
    _check_range("id", identifier, 0, MAX_INTEGER)
    return str(identifier)


def from_text(text: str) -> int:
    """Read an id as `to_text` writes it; PeerError("id-spelling-wrong") for any other spelling."""
    if 1 <= len(text) <= 19 and all("0" <= c <= "9" for c in text) and (text[0] != "0" or text == "0"):
        identifier = int(text)
        if identifier <= MAX_INTEGER:
            return identifier
    raise PeerError("id-spelling-wrong", "An id is not a decimal number below 2^63", "Set the message aside")


def to_paper(identifier: int) -> str:
    """Spell an id for people: 13 digits of Crockford's base 32 and a check character, in three groups.

    >>> to_paper(join(7, 3, 1))
    '0000-0003G-00R1S'
    """
    _check_range("id", identifier, 0, MAX_INTEGER)
    digits = "".join(_SYMBOLS[identifier >> shift & 31] for shift in range(60, -1, -5))
    text = digits + _SYMBOLS[identifier % 37]
    return text[:4] + "-" + text[4:9] + "-" + text[9:]


def from_paper(text: str) -> int:
    """Read an id as a person types it: any case, O for 0, I or L for 1, hyphens and blanks anywhere.

    PeerError names what is wrong: "id-paper-length", "id-paper-character", "id-paper-check" (it finds any one
    character mistyped and any two neighbours exchanged), "id-out-of-range".
    """
    if len(text) > 4 * _PAPER_DIGITS:
        raise _wrong_length()
    if not all(c < "\x7f" for c in text):  # Upper case turns some foreign letters into ours.
        raise _wrong_character()
    symbols = "".join(c for c in text.upper() if c not in "- ")
    if len(symbols) != _PAPER_DIGITS + 1:
        raise _wrong_length()
    value = 0
    for character in symbols[:-1]:
        value = value << 5 | _digit(character, 32)
    if value % 37 != _digit(symbols[-1], 37):
        raise PeerError(
            "id-paper-check", "The check character does not fit the number", "Compare and type it again"
        )
    if value > MAX_INTEGER:
        raise PeerError("id-out-of-range", "The number is beyond any id", "Compare and type it again")
    return value


def _digit(character: str, base: int) -> int:
    value = _SYMBOLS.find({"O": "0", "I": "1", "L": "1"}.get(character, character))
    if not 0 <= value < base:
        raise _wrong_character()
    return value


def _wrong_character() -> PeerError:
    return PeerError(
        "id-paper-character", "A character does not belong into a number", "Compare and type again"
    )


def _wrong_length() -> PeerError:
    return PeerError(
        "id-paper-length", "A number on paper has 14 characters", "Type all of it, with the last one"
    )


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise CallerError(
            "id-out-of-range",
            "The " + name + " is not from " + str(low) + " to " + str(high),
            "Check its source",
        )
