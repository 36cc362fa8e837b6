"""What a rule takes off: pure functions from units of a basket and a rule's numbers to shares of lines.

Each returns an Offer; nothing is taken yet, because rules of one group compete. A discount is rounded once, over all
that it is taken off, and spread by largest remainder. Percentages are parts per million.
"""

from protocol.money import divide_round, share, spread
from protocol.promotions.bounds import LADDER_UNITS_MAX
from protocol.promotions.work import Work, amount_of, cheapest, count_of, dearest

NO_UNITS: list[tuple[int, int, int]] = []


class Offer:
    """What a rule would take: `shares` (place, units, minor) by place, and their sum `minor`."""

    __slots__ = ("_others", "_parts", "minor", "shares")

    def __init__(
        self,
        minor: int,
        shares: list[tuple[int, int, int]],
        parts: list[tuple[int, int, int]],
        others: list[tuple[int, int, int]],
    ) -> None:
        self.minor = minor
        self.shares = shares
        self._parts = parts
        self._others = others

    def touched(self) -> dict[int, int]:
        """Return how many units of which places the rule needs, also those that it takes nothing off."""
        touched: dict[int, int] = {}
        for units in (self._parts, self._others):
            for _, at, many in units:
                touched[at] = touched.get(at, 0) + many
        return touched

    def cut(self, minors: list[int]) -> "Offer":
        """Return the same offer with other amounts for its shares."""
        shares = [(at, units, minor) for (at, units, _), minor in zip(self.shares, minors) if minor]  # noqa: B905 - MicroPython's zip has no strict
        return Offer(
            sum(minors), shares, self._parts or [(0, at, units) for at, units, _ in self.shares], self._others
        )


NOTHING = Offer(0, [], [], [])


def offer(parts: list[tuple[int, int, int]], minors: list[int], others: list[tuple[int, int, int]]) -> Offer:
    """Make an offer of runs and what is taken off each; `others` are units that it needs besides."""
    found: dict[int, list[int]] = {}
    for (_, at, many), minor in zip(parts, minors):  # noqa: B905 - as above
        if at in found:
            entry = found[at]
            entry[0] += many
            entry[1] += minor
        else:
            found[at] = [many, minor]
    shares = [(at, found[at][0], found[at][1]) for at in sorted(found) if found[at][1]]
    return Offer(sum(minors), shares, parts, others)


def off_lines(work: Work, places: list[int], minor: int, whole: int) -> Offer:
    """Take an amount off lines of which `whole` is left, at most that: the short way, without units."""
    minor = min(minor, whole)
    if minor <= 0:
        return NOTHING
    left, units = work.left, work.units
    parts = spread(minor, [left[at] for at in places], whole)
    shares = [(at, units[at], part) for at, part in zip(places, parts) if part]  # noqa: B905 - as above
    return Offer(minor, shares, [(0, at, units[at]) for at in places] if work.is_touching else [], [])


def amount_off(
    picked: list[tuple[int, int, int]], minor: int, others: list[tuple[int, int, int]] = NO_UNITS
) -> Offer:
    """Take an amount off the picked units together, at most what they cost."""
    weights = [each * many for each, _, many in picked]
    most = sum(weights)
    minor = min(minor, most)
    return offer(picked, spread(minor, weights, most), others) if minor > 0 else NOTHING


def percent_off(
    picked: list[tuple[int, int, int]], ppm: int, others: list[tuple[int, int, int]] = NO_UNITS
) -> Offer:
    """Take a percentage off the picked units."""
    return amount_off(picked, share(amount_of(picked), ppm), others)


def amount_off_each(picked: list[tuple[int, int, int]], minor: int) -> Offer:
    """Take an amount off each picked unit, at most what it costs."""
    return offer(picked, [min(minor, each) * many for each, _, many in picked], NO_UNITS)


def price_each(work: Work, picked: list[tuple[int, int, int]], price_minor: int) -> Offer:
    """Let each picked unit cost `price_minor`, per kilogram where it is weighed; never more than it does."""
    return prices_each(work, picked, [price_minor] * len(picked))


def prices_each(work: Work, picked: list[tuple[int, int, int]], prices: list[int]) -> Offer:
    """Let the units of each run cost a price of its own, as `price_each`."""
    minors = []
    for (each, at, many), price in zip(picked, prices):  # noqa: B905 - MicroPython's zip has no strict
        line = work.lines[at]
        wanted = divide_round(price * line.weight_g, 1000) if line.kind == "weight" else price
        minors.append(max(0, each - wanted) * many)
    return offer(picked, minors, NO_UNITS)


def buy_get(
    units: list[tuple[int, int, int]], buy: int, get: int, ppm: int, uses_max: int, *, is_by_set: bool
) -> Offer:
    """Of each `buy` + `get` units let `get` be cheaper by `ppm`; `uses_max` 0 is no limit.

    By set: dearest units first, and in each set of `buy` + `get` the last ones are cheaper, which is best for the
    shopper. Otherwise the cheapest units of all are, as many as there are whole sets.
    """
    size = buy + get
    sets = count_of(units) // size
    if uses_max and sets > uses_max:
        sets = uses_max
    if not sets:
        return NOTHING
    if not is_by_set:
        return percent_off(cheapest(units, sets * get), ppm, dearest(units, sets * buy))
    given: list[tuple[int, int, int]] = []
    rest: list[tuple[int, int, int]] = []
    place = 0
    for each, at, count in dearest(units, sets * size):
        many = count
        while many:
            is_paid = place % size < buy
            some = min(many, (buy if is_paid else size) - place % size)
            (rest if is_paid else given).append((each, at, some))
            place += some
            many -= some
    return percent_off(given, ppm, rest)


def set_offer(sets: list[list[tuple[int, int, int]]], field: str, number: int) -> Offer:
    """Let each complete set cost `price_minor`, or be cheaper by `ppm` or `amount_minor`; never dearer than it is."""
    parts: list[tuple[int, int, int]] = []
    minors: list[int] = []
    for units in sets:
        weights = [each * many for each, _, many in units]
        cost = sum(weights)
        if field == "price_minor":
            off = cost - number
        else:
            off = share(cost, number) if field == "ppm" else min(number, cost)
        if off > 0:
            parts += units
            minors += spread(off, weights, cost)
    return offer(parts, minors, NO_UNITS)


def ladder(units: list[tuple[int, int, int]], steps: list[tuple[int, int]]) -> Offer:
    """Sell units in steps of (count, minor), such as 3 for 10.00 and 5 for 15.00, the best way for the shopper.

    The dearest units go into steps. Looked at are all splits of up to LADDER_UNITS_MAX units; units beyond that are
    sold by the largest step.
    """
    many = count_of(units)
    largest_count, largest_minor = steps[-1]
    bulk = max(0, -(-(many - LADDER_UNITS_MAX) // largest_count))
    costs = _cheapest_splits(many - bulk * largest_count, steps)
    inside = bulk * largest_count
    cost_before = amount_of(dearest(units, inside))
    best, best_count = cost_before - bulk * largest_minor, inside
    for each, _, count in _after(units, inside):
        for _ in range(count):
            inside += 1
            cost_before += each
            cost = costs[inside - bulk * largest_count]
            if cost is not None and cost_before - cost - bulk * largest_minor > best:
                best, best_count = cost_before - cost - bulk * largest_minor, inside
    return amount_off(dearest(units, best_count), best) if best > 0 else NOTHING


def capped(found: Offer, minor_max: int) -> Offer:
    """Return the offer with no more than `minor_max` taken, each share cut in proportion."""
    if found.minor <= minor_max:
        return found
    if not minor_max:
        return NOTHING
    return found.cut(spread(minor_max, [minor for _, _, minor in found.shares], found.minor))


def within(found: Offer, left: list[int]) -> Offer:
    """Return the offer with no share above what is left of its line.

    Two parts of a set that mean the same line may each count its dearer unit, by one minor unit.
    """
    if all(minor <= left[at] for at, _, minor in found.shares):
        return found
    return found.cut([min(minor, left[at]) for at, _, minor in found.shares])


def _after(units: list[tuple[int, int, int]], count: int) -> list[tuple[int, int, int]]:
    """Return the units that follow the first `count` of them."""
    rest = []
    for each, at, many in units:
        gone = min(many, count)
        count -= gone
        if many > gone:
            rest.append((each, at, many - gone))
    return rest


def _cheapest_splits(many: int, steps: list[tuple[int, int]]) -> list[int | None]:
    """Return what 0 to `many` units cost in whole steps at least; None where no steps make that count."""
    costs: list[int | None] = [0] + [None] * many
    for count in range(1, many + 1):
        for size, minor in steps:
            before = costs[count - size] if size <= count else None
            now = costs[count]
            if before is not None and (now is None or before + minor < now):
                costs[count] = before + minor
    return costs
