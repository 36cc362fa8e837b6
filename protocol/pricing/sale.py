"""Engine 2: what a sale costs with price levels, promotions and taxes, and why, line by line.

Whatever is taken off and however tax is rounded: a line's list amount less its shares is its amount, the amounts sum
to the total (with the tax on top where prices exclude it), the tax rows sum to the tax. The order of scanning decides
nothing. ENGINE names these rules in a sale's record: another result needs another number. `engine` holds engine 1.
"""

from protocol.basket import Line
from protocol.errors import PeerError
from protocol.limits import MAX_AMOUNT_MINOR
from protocol.money import divide_round, round_all, spread
from protocol.pricing.tax import INCLUDED, PER_LINE, TaxSchedule, TaxTable
from protocol.promotions.apply import Rewards, carry_out
from protocol.promotions.occasion import Occasion
from protocol.promotions.offers import level_price
from protocol.promotions.promotion_set import PromotionSet
from protocol.promotions.work import Work, in_order

ENGINE = 2
LEVEL, OVERRIDE = "level:", "override:"
NONE: list[tuple[str, int, int]] = []  # no shares; never added to


class Sold:
    """What a sale costs, with its trace.

    `lines` holds of each open line, by number: (number, list_minor, shares, amount_minor, net_minor, tax_minor), where
    `shares` are (rule id, units, minor) in the order in which they were taken off; "level:NAME" and "override:REASON"
    stand first, and an override may be negative. `discounts` sums them: (rule id, minor). `tax_rows` are engine 1's.
    `points`, `points_spent` and `coupons` are (rule id, number or coupon).
    """

    __slots__ = (
        "coupons",
        "discounts",
        "lines",
        "list_minor",
        "net_minor",
        "points",
        "points_spent",
        "tax_minor",
        "tax_rows",
        "total_minor",
    )

    def __init__(self, lines, tax_rows, list_minor: int, rewards: Rewards) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - nested tuples, as above
        self.lines = lines
        self.tax_rows = tax_rows
        self.list_minor = list_minor
        net = tax = 0
        for row in tax_rows:
            net += row[2]
            tax += row[3]
        self.net_minor = net
        self.tax_minor = tax
        self.total_minor = net + tax
        if self.total_minor > MAX_AMOUNT_MINOR:
            raise PeerError("total-out-of-range", "the total has more than twelve digits", "pay it in parts")
        self.discounts = rewards.discounts
        self.points = rewards.points
        self.points_spent = rewards.spent
        self.coupons = rewards.coupons

    def document(self) -> dict[str, object]:
        """Return the whole trace as JSON values; the same sale gives the same on every machine."""
        return {
            "v": 1,
            "engine": ENGINE,
            "lines": [_told(line) for line in self.lines],
            "list_minor": self.list_minor,
            "discounts": [{"rule": rule, "minor": minor} for rule, minor in self.discounts],
            "total_minor": self.total_minor,
            "net_minor": self.net_minor,
            "tax_minor": self.tax_minor,
            "tax_rows": [
                {"tax_class": row[0], "ppm": row[1], "net_minor": row[2], "tax_minor": row[3]}
                for row in self.tax_rows
            ],
            "points": [{"rule": rule, "points": points} for rule, points in self.points],
            "points_spent": [{"rule": rule, "points": points} for rule, points in self.points_spent],
            "coupons": [{"rule": rule, "coupon": coupon} for rule, coupon in self.coupons],
        }


def price(
    lines: list[Line],
    taxes: TaxTable | TaxSchedule,
    occasion: Occasion,
    promotions: PromotionSet | None = None,
) -> Sold:
    """Price the open ones of `lines`.

    Errors: ConfigError "tax-class-unknown", PeerError "total-out-of-range".
    """
    ordered = in_order([line for line in lines if not line.is_voided])
    lists = [line.amount_minor for line in ordered]
    rewards = Rewards()
    firsts: dict[int, tuple[str, int, int]] = {}
    amounts = lists
    if occasion.level or occasion.overrides:
        amounts, firsts = _first_shares(ordered, lists, occasion, rewards)
    work = Work(ordered, amounts)
    if promotions is not None:
        _meet(work, promotions, occasion)
        carry_out(work, promotions, occasion, rewards)
    for at in firsts:
        work.shares[at] = [firsts[at]] + work.shares.get(at, [])  # noqa: RUF005 - no [*a] there
    table = taxes.at(occasion.at)
    line_taxes, tax_rows = _tax(ordered, work.left, table)
    is_included = table.mode == INCLUDED
    shares = work.shares
    rows = [
        (line.number, listed, shares.get(at, NONE), left, left - tax if is_included else left, tax)
        for at, (line, listed, left, tax) in enumerate(zip(ordered, lists, work.left, line_taxes))  # noqa: B905 - MicroPython's zip has no strict
    ]
    rows.sort()
    return Sold(rows, tax_rows, sum(lists), rewards)


def _meet(work: Work, promotions: PromotionSet, occasion: Occasion) -> None:
    """Find which selectors mean which lines; nothing means a line whose price a person set."""
    meets, overrides = work.meets, occasion.overrides
    known = promotions.known
    for at, line in enumerate(work.lines):
        if overrides and line.number in overrides:
            continue
        entry = known.get(line.gtin)
        found = (
            entry[1]
            if entry is not None and entry[0] is line.facts
            else promotions.look_up(line.gtin, line.facts)
        )
        for selector in found:
            if selector in meets:
                meets[selector].append(at)
            else:
                meets[selector] = [at]


def _first_shares(
    lines: list[Line], lists: list[int], occasion: Occasion, rewards: Rewards
) -> tuple[list[int], dict[int, tuple[str, int, int]]]:
    """Return the amounts that overrides and the price level make, and the shares that tell of them, by place."""
    amounts = list(lists)
    shares = {}
    sums: dict[str, int] = {}
    for at, line in enumerate(lines):
        override = occasion.overrides.get(line.number)
        if override is not None:
            each, name = override[0], OVERRIDE + override[1]
        else:
            each, name = min(line.unit_price_minor, level_price(line, occasion.level)), LEVEL + occasion.level
        if each == line.unit_price_minor:
            continue
        if line.kind == "weight":
            amounts[at] = divide_round(each * line.weight_g, 1000)
        else:
            amounts[at] = each * line.quantity
        shares[at] = (name, line.quantity, lists[at] - amounts[at])
        sums[name] = sums.get(name, 0) + lists[at] - amounts[at]
    rewards.discounts += [(name, sums[name]) for name in sorted(sums)]
    return amounts, shares


def _tax(
    lines: list[Line], amounts: list[int], table: TaxTable
) -> tuple[list[int], list[tuple[str, int, int, int]]]:
    """Return the tax of each line, and the tax rows by letter."""
    if table.rounding != PER_LINE:
        return _tax_of_totals(lines, amounts, table)
    fractions = table.fractions(lines)
    taxes = round_all(amounts, fractions)
    sums: dict[str, list[int]] = {}
    for line, amount, tax in zip(lines, amounts, taxes):  # noqa: B905 - as above
        tax_class = line.tax_class
        if tax_class in sums:
            row = sums[tax_class]
            row[0] += amount
            row[1] += tax
        else:
            sums[tax_class] = [amount, tax]
    return taxes, [_tax_row(tax_class, sums[tax_class], table) for tax_class in sorted(sums)]


def _tax_of_totals(
    lines: list[Line], amounts: list[int], table: TaxTable
) -> tuple[list[int], list[tuple[str, int, int, int]]]:
    """Round the tax of each class once, and spread it over its lines."""
    by_class: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        by_class.setdefault(line.tax_class, []).append(at)
    taxes = [0] * len(lines)
    rows = []
    for tax_class in sorted(by_class):
        places = by_class[tax_class]
        of_class = [amounts[at] for at in places]
        tax = table.tax_in(sum(of_class), tax_class)
        if tax:
            for at, part in zip(places, spread(tax, of_class, sum(of_class))):  # noqa: B905 - as above
                taxes[at] = part
        rows.append(_tax_row(tax_class, [sum(of_class), tax], table))
    return taxes, rows


def _tax_row(tax_class: str, sums: list[int], table: TaxTable) -> tuple[str, int, int, int]:
    amount, tax = sums
    return tax_class, table.rates[tax_class], amount - tax if table.mode == INCLUDED else amount, tax


def _told(line) -> dict[str, object]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a nested tuple
    number, list_minor, shares, amount_minor, net_minor, tax_minor = line
    return {
        "line": number,
        "list_minor": list_minor,
        "shares": [{"rule": rule, "units": units, "minor": minor} for rule, units, minor in shares],
        "amount_minor": amount_minor,
        "net_minor": net_minor,
        "tax_minor": tax_minor,
    }
