"""What a shopper gets back for goods of a sale, from the trace of the sale: never more than was paid, in any order.

Two policies for what a discount on several goods together is worth when some of them come back; a tenant chooses one.
PROPORTIONAL: each piece gives back its part of what its line cost after all discounts. REPRICE: the shopper keeps the
rest at what the rest costs by itself, by the versions and the occasion of the sale; a broken bundle is paid in full.
Either way all partial refunds sum to what was paid, whatever came back first.
"""

from protocol.errors import PeerError
from protocol.item import is_whole
from protocol.pricing.sale import Sold

PROPORTIONAL = "proportional"
REPRICE = "reprice"


class Refund:
    """What is given back: `amount_minor` with `tax_minor` in it, and of each line (number, units, amount, tax).

    By REPRICE the lines tell the units only, with amounts of 0: the amount belongs to all of them together.
    `points_taken` were earned with what came back, `points_returned` were spent on it, `coupons` (rule id, coupon) that
    were issued are no longer good.
    """

    __slots__ = ("amount_minor", "coupons", "lines", "points_returned", "points_taken", "tax_minor")

    def __init__(self, amount_minor: int, tax_minor: int, lines: list[tuple[int, int, int, int]]) -> None:
        self.amount_minor = amount_minor
        self.tax_minor = tax_minor
        self.lines = lines
        self.points_taken = 0
        self.points_returned = 0
        self.coupons: list[tuple[str, str]] = []


def refund(
    sold: Sold,
    units: dict[int, int],
    before: dict[int, int],
    now: dict[int, int],
    refunded_minor: int,
    rest: Sold | None,
) -> Refund:
    """Return what is given back for `now` (units by line), when `before` came back earlier for `refunded_minor`.

    `units` are the pieces that each line had when it was sold, 1 of what was weighed. `rest` is the sale priced again
    without what came back before and now, for REPRICE; None is PROPORTIONAL. PeerError "refund-line-unknown",
    "refund-too-much": more pieces than are left of a line, or none at all.
    """
    after = _after(units, before, now)
    paid = sold.total_minor
    if rest is None:
        lines = _proportional(sold, units, before, after)
        given = Refund(sum([line[2] for line in lines]), sum([line[3] for line in lines]), lines)
    else:
        amount = max(0, paid - rest.total_minor - refunded_minor)
        tax = _part(sold.tax_minor, refunded_minor + amount, paid) - _part(
            sold.tax_minor, refunded_minor, paid
        )
        given = Refund(amount, tax, [(line, now[line], 0, 0) for line in sorted(now)])
    is_all = after == units
    _take_rewards(sold, given, refunded_minor, rest, is_all=is_all)
    return given


def _after(units: dict[int, int], before: dict[int, int], now: dict[int, int]) -> dict[int, int]:
    after = {line: before.get(line, 0) for line in units}
    for line in sorted(now):
        if line not in units:
            raise PeerError("refund-line-unknown", "the sale has no such line", "look at the receipt again")
        if not is_whole(now[line], 1, units[line] - after[line]):
            raise PeerError(
                "refund-too-much", f"line {line} has fewer pieces left", "look at earlier refunds"
            )
        after[line] += now[line]
    if not now:
        raise PeerError("refund-too-much", "nothing comes back", "name the goods that come back")
    return after


def _proportional(
    sold: Sold, units: dict[int, int], before: dict[int, int], after: dict[int, int]
) -> list[tuple[int, int, int, int]]:
    """Give each piece its part of its line; so many pieces have the same parts in whatever steps they come back."""
    lines = []
    for number, _, _, _, net, tax in sold.lines:
        had, has, many = before.get(number, 0), after[number], units[number]
        if has > had:
            amount = _part(net + tax, has, many) - _part(net + tax, had, many)
            # Of its own sums, so that the last piece brings the last minor unit of tax too.
            part = _part(tax, has, many) - _part(tax, had, many)
            lines.append((number, has - had, amount, min(part, amount)))
    return lines


def _take_rewards(sold: Sold, given: Refund, refunded_minor: int, rest: Sold | None, *, is_all: bool) -> None:
    """Take points that were earned, in proportion to the money and rounded up; return spent ones, rounded down."""
    earned = sum([points for _, points in sold.points])
    spent = sum([points for _, points in sold.points_spent])
    total = sold.total_minor
    refunded = refunded_minor + given.amount_minor
    if is_all:
        given.points_taken = earned - _part_up(earned, refunded_minor, total)
        given.points_returned = spent - _part(spent, refunded_minor, total)
    else:
        given.points_taken = _part_up(earned, refunded, total) - _part_up(earned, refunded_minor, total)
        given.points_returned = _part(spent, refunded, total) - _part(spent, refunded_minor, total)
    kept = [] if is_all else (sold.coupons if rest is None else rest.coupons)
    given.coupons = [coupon for coupon in sold.coupons if coupon not in kept]


def _part(amount: int, some: int, many: int) -> int:
    """Return the part of an amount that some of many are, rounded down; all of them are the whole."""
    return amount * some // many if many else 0


def _part_up(amount: int, some: int, many: int) -> int:
    return -(-amount * some // many) if many else 0
