"""A basket while discounts are taken off: what is left of each line, and what each rule took.

Lines stand here in an order of their own (GTIN, price, measure), so that the order of scanning decides nothing. A line
of a weighed item is one unit. Amounts are minor units; `left` never falls below 0.
"""

from protocol.basket import Line


class Work:
    """`meets[selector]` lists the places of the lines that a selector means; places count from 0 in our order.

    `shares` holds for a place what was taken off: (id of the rule, units, minor).
    """

    __slots__ = ("amounts", "closed", "is_touching", "left", "lines", "meets", "shares", "units")

    def __init__(self, lines: list[Line], amounts: list[int]) -> None:
        self.lines = lines
        self.meets: dict[int, list[int]] = {}
        self.units = [line.quantity for line in lines]
        self.amounts = amounts
        self.left = list(amounts)
        self.closed: set[int] = set()  # a rule that stands alone took from these: no other may
        self.shares: dict[int, list[tuple[str, int, int]]] = {}
        self.is_touching = False  # a group is being tried: offers tell which units they need

    def places(self, selector: int, *, is_alone: bool) -> list[int]:
        """Return the places that are meant and that something may still be taken off."""
        left, closed = self.left, self.closed
        found = [at for at in self.meets.get(selector, ()) if left[at]]
        if closed:
            found = [at for at in found if at not in closed]
        if is_alone:
            found = [at for at in found if at not in self.shares]
        return found

    def take(self, rule: str, shares: list[tuple[int, int, int]], *, is_alone: bool) -> None:
        """Take off what a rule gives: (place, units, minor) each."""
        left, taken = self.left, self.shares
        for at, units, minor in shares:
            left[at] -= minor
            if at in taken:
                taken[at].append((rule, units, minor))
            else:
                taken[at] = [(rule, units, minor)]
        if is_alone:
            self.closed.update([at for at, _, _ in shares])


def in_order(lines: list[Line]) -> list[Line]:
    """Return lines in the order in which rules see them. Equal ones are alike to every rule."""
    return sorted(lines, key=_key)


def _key(line: Line) -> tuple[str, int, int, int, int]:
    return line.place


def runs(work: Work, places: list[int], taken: dict[int, int]) -> list[tuple[int, int, int]]:
    """Return the free units of lines as runs (minor each, place, count), dearest first.

    What is left of a line is spread over its units as evenly as whole minor units allow, the dearer units first;
    `taken` counts units that another rule of the same group has, the dearer ones of a line.
    """
    found = []
    for at in places:
        units = work.units[at]
        each, dearer = divmod(work.left[at], units)
        gone = taken.get(at, 0) if taken else 0
        if gone < dearer:
            found.append((-each - 1, at, dearer - gone))
        cheaper = units - (dearer if dearer > gone else gone)
        if cheaper > 0:
            found.append((-each, at, cheaper))
    found.sort()
    return [(-each, at, count) for each, at, count in found]


def dearest(units: list[tuple[int, int, int]], count: int) -> list[tuple[int, int, int]]:
    """Return the first `count` units of runs, dearest first."""
    picked = []
    for each, at, many in units:
        if count <= 0:
            break
        some = many if many < count else count
        picked.append((each, at, some))
        count -= some
    return picked


def cheapest(units: list[tuple[int, int, int]], count: int) -> list[tuple[int, int, int]]:
    """Return the last `count` units of runs, cheapest first; among equals those that stand later."""
    return dearest(list(reversed(units)), count)


def count_of(units: list[tuple[int, int, int]]) -> int:
    """Return how many units the runs hold."""
    return sum([many for _, _, many in units])


def amount_of(units: list[tuple[int, int, int]]) -> int:
    """Return what the runs cost together."""
    return sum([each * many for each, _, many in units])
