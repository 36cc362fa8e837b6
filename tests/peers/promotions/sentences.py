"""Turns a table of sentences into readers: `{text}` and its like stand for what a sentence says in quotes.

    {text}     "PHP T-Shirt"       {money}    "$10.00"        {off}   "20%" or "$10.00"
    {percent}  20%, bare           {count}    3               {names} "A", "B" and "C"

The rest of a sentence is a regular expression whose own groups do not capture.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.peers.promotions.shop import UnmappedError, read_money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PPM_OF_PERCENT = 10_000
_QUOTED = r'"([^"]*)"'
_NAMES = r'("[^"]*"(?:(?:,? (?:and|or) |, )"[^"]*")*)'


@dataclass(frozen=True)
class Off:
    """What a promotion takes off: parts per million, or minor units."""

    is_percent: bool
    number: int


def read_off(text: str) -> Off:
    """Read "20%" or "$10.00"."""
    if text.endswith("%"):
        return Off(is_percent=True, number=read_percent(text[:-1]))
    return Off(is_percent=False, number=read_money(text).minor)


def read_percent(text: str) -> int:
    """Read "20" or "5.5" as parts per million; digits beyond a ten-thousandth of a percent are not read."""
    whole, _, rest = text.partition(".")
    if not whole.isdigit() or len(rest) > 4 or (rest and not rest.isdigit()):
        raise UnmappedError(f"a percentage that is not read: {text}")
    return int(whole) * PPM_OF_PERCENT + int(rest.ljust(4, "0"))


def _names(text: str) -> list[str]:
    return re.findall(_QUOTED, text)


_KINDS: dict[str, tuple[str, Callable[[str], object]]] = {
    "text": (_QUOTED, str),
    "money": (_QUOTED, read_money),
    "off": (_QUOTED, read_off),
    "percent": (r"(\d+(?:\.\d+)?)%", read_percent),
    "count": (r"(\d+)", int),
    "names": (_NAMES, _names),
}


class Sentence:
    """One row of a table: what to look for, and what to do with it."""

    def __init__(self, wanted: str, act: Callable[..., object]) -> None:
        self.act = act
        kinds = re.findall(r"\{([a-z]+)\}", wanted)
        self._readers = [_KINDS[kind][1] for kind in kinds]
        pattern = re.sub(r"\{([a-z]+)\}", lambda kind: _KINDS[kind[1]][0], wanted)
        self._pattern = re.compile(pattern)

    def reads(self, text: str) -> bool:
        """Tell whether a step is this sentence."""
        return self._pattern.fullmatch(text) is not None

    def values(self, text: str) -> list[object]:
        """What the step says, in order, None for a part left out. UnmappedError for what is not read."""
        found = self._pattern.fullmatch(text)
        groups = found.groups() if found is not None else ()
        pairs = zip(self._readers, groups, strict=True)
        return [None if group is None else reader(group) for reader, group in pairs]


def table(rows: Iterable[tuple[str, Callable[..., object]]]) -> list[Sentence]:
    """The sentences of a table; the first that reads a step is taken."""
    return [Sentence(wanted, act) for wanted, act in rows]
