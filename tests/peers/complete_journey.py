"""Do rules learnt from one half of a supermarket's lines give the discounts of the other half?

python -m tests.peers.complete_journey FOLDER [--json], where FOLDER holds transactions_sample.csv.gz.

Every second line of the file is learnt from, the others are judged. What is learnt: the price with the shop's card of
an article at a list price in a week, and by how much the shop raises a maker's coupon of some face value. For each week
that makes a promotion set, as a shop publishes one; each judged line is priced by it as a sale of its own, because the
file holds single lines drawn from baskets. An article that was not seen in the same week is judged by the week before
or after, and counted apart.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from protocol.basket import Line
from protocol.facts import Facts
from protocol.pricing.sale import price
from protocol.pricing.tax import EXCLUDED, PER_LINE, TaxTable
from protocol.promotions.occasion import Occasion
from protocol.promotions.promotion_set import PromotionSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILE = "transactions_sample.csv.gz"
REACH_WEEKS = (
    1  # card prices change by the week: a week apart seven in ten lines come out equal, further off fewer
)
CARD = "card"
SAID = {
    "same_week": "shelf discounts, learnt in the same week",
    "next_week": "shelf discounts, learnt a week before or after",
    "coupons": "coupons, with what the shop adds to them",
}
NO_TAX = TaxTable(EXCLUDED, PER_LINE, {"A": 0})


@dataclass(frozen=True)
class Sold:
    """One line of the file: amounts are minor units; `list_minor` is for one piece, the others for all."""

    gtin: str
    week: int
    at: str
    list_minor: int
    quantity: int
    shelf_off: int
    coupon: int
    raised: int

    @property
    def card_minor(self) -> int | None:
        """The price of one piece with the card; None where that is no whole number, as with 3 for 5.00."""
        paid = self.list_minor * self.quantity - self.shelf_off
        return None if paid % self.quantity else paid // self.quantity


@dataclass
class Learnt:
    """Card prices by article, list price and week, and what the shop adds to a coupon, by face value."""

    prices: dict[tuple[str, int], dict[int, int]]
    raises: dict[int, int]

    @cached_property
    def seen(self) -> dict[int, list[tuple[str, int]]]:
        """The articles and list prices that each week tells about."""
        seen = defaultdict(list)
        for article, weeks in self.prices.items():
            for week in weeks:
                seen[week].append(article)
        return seen

    def nearest(self, sold: Sold) -> int | None:
        """The week that tells about a line, None when none within reach does; of two the earlier."""
        return nearest_week(self.prices.get((sold.gtin, sold.list_minor), {}), sold.week)


@dataclass
class Figures:
    """How many lines were judged and came out equal: by weeks between, and with coupons; and what was not judged."""

    lines: int = 0
    shelf: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    coupons: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def told(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {
            "lines": self.lines,
            "same_week": _figures(self.shelf[0]),
            "next_week": _figures(self.shelf[1]),
            "coupons": _figures(self.coupons),
            "unmapped": dict(sorted(self.skipped.items())),
        }


def compare(folder: Path) -> Figures:
    """Learn from one half of the lines and judge the other."""
    figures = Figures()
    halves: tuple[list[Sold], list[Sold]] = ([], [])
    for number, row in enumerate(_rows(folder / FILE)):
        figures.lines += 1
        sold = read(row)
        if isinstance(sold, str):
            figures.skipped[sold] += 1
        else:
            halves[number % 2].append(sold)
    learnt = learn(halves[0])
    by_week: dict[int, list[Sold]] = defaultdict(list)
    for sold in halves[1]:
        by_week[sold.week].append(sold)
    for week, lines in sorted(by_week.items()):
        _judge(lines, learnt, PromotionSet(promotion_set(learnt, week)), figures)
    return figures


def read(row: dict[str, str]) -> Sold | str:
    """Read one row, or say why it has no price of a piece."""
    quantity, paid = int(Decimal(row["quantity"])), _minor(row["sales_value"])
    off, raised = _minor(row["retail_disc"]), _minor(row["coupon_match_disc"])
    # The till took what the maker pays for its coupon as money; what the shop itself gave up is on top.
    listed = paid + off + raised
    if quantity < 1:
        return "no quantity"
    if not listed:
        return "no price"
    if listed % quantity:
        return "a list price that is no whole number of cents a piece"
    at = row["transaction_timestamp"].replace(" ", "T")[:16]
    gtin = row["product_id"].zfill(14)
    return Sold(
        gtin, int(row["week"]), at, listed // quantity, quantity, off, _minor(row["coupon_disc"]), raised
    )


def learn(lines: Iterable[Sold]) -> Learnt:
    """Take the card price and the raise that were seen most; of equals the lower one."""
    prices: dict[tuple[str, int], dict[int, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    raises: dict[int, Counter[int]] = defaultdict(Counter)
    for sold in lines:
        if sold.card_minor is not None:
            prices[sold.gtin, sold.list_minor][sold.week][sold.card_minor] += 1
        if sold.coupon:
            raises[sold.coupon][sold.raised] += 1
    return Learnt(
        {key: {week: _most(seen) for week, seen in weeks.items()} for key, weeks in prices.items()},
        {face: _most(seen) for face, seen in raises.items()},
    )


def promotion_set(learnt: Learnt, week: int) -> dict[str, Any]:
    """The set of a week: card prices of what is known within reach, then coupons and what the shop adds to them."""
    rules: list[dict[str, Any]] = []
    near = {
        article
        for one in range(week - REACH_WEEKS, week + REACH_WEEKS + 1)
        for article in learnt.seen.get(one, ())
    }
    for gtin, list_minor in sorted(near):
        weeks = learnt.prices[gtin, list_minor]
        nearest = nearest_week(weeks, week)
        if nearest is None or weeks[nearest] >= list_minor:
            continue
        then = {"price": {"price_minor": weeks[nearest], "lines": {"tag": [_shelf(gtin, list_minor)]}}}
        rules.append(
            {
                "id": f"shelf:{gtin}:{list_minor}",
                "name": "Card price",
                "when": {"tiers": [CARD]},
                "then": then,
            }
        )
    for face, raised in learnt.raises.items():
        for name, minor, priority in (("coupon", face, 1), ("raised", raised, 2)):
            if minor:
                rules.append(
                    {
                        "id": f"{name}:{face}",
                        "name": "Maker's coupon",
                        "when": {"coupons": [_coupon(face)]},
                        "then": {"amount_off": {"amount_minor": minor}},
                        "priority": priority,
                    }
                )
    return {"v": 1, "currency": "USD", "number": week, "rules": rules}


def nearest_week(weeks: Iterable[int], week: int) -> int | None:
    """The week of `weeks` that is nearest to `week`, within reach."""
    near = [one for one in weeks if abs(one - week) <= REACH_WEEKS]
    return min(near, key=lambda one: (abs(one - week), one), default=None)


def discounts_of(sold: Sold, promotions: PromotionSet) -> dict[str, int]:
    """What our engine takes off a line, by the first word of the rule."""
    facts = Facts(tags=(_shelf(sold.gtin, sold.list_minor),))
    line = Line(1, sold.gtin, "line", "unit", sold.quantity, 0, sold.list_minor, "A", facts=facts)
    coupons = [_coupon(sold.coupon)] if sold.coupon else []
    priced = price([line], NO_TAX, Occasion({"at": sold.at, "tier": CARD, "coupons": coupons}), promotions)
    off: dict[str, int] = defaultdict(int)
    for rule, minor in priced.discounts:
        off[rule.partition(":")[0]] += minor
    return off


def _judge(lines: list[Sold], learnt: Learnt, promotions: PromotionSet, figures: Figures) -> None:
    for sold in lines:
        nearest = learnt.nearest(sold)
        if nearest is None and not sold.coupon:
            figures.skipped["nothing learnt about the article at this list price"] += 1
            continue
        off = discounts_of(sold, promotions)
        if nearest is not None:
            figures.shelf[abs(nearest - sold.week)][_word(off["shelf"] == sold.shelf_off)] += 1
        if sold.coupon in learnt.raises:
            figures.coupons[_word((off["coupon"], off["raised"]) == (sold.coupon, sold.raised))] += 1
        elif sold.coupon:
            figures.skipped["nothing learnt about a coupon of this face value"] += 1


def _figures(count: Counter[str]) -> dict[str, int]:
    return {"mapped": count.total(), "equal": count["equal"], "different": count["different"]}


def _word(is_equal: bool) -> str:  # noqa: FBT001 - it names the answer of a comparison
    return "equal" if is_equal else "different"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _minor(text: str) -> int:
    return int(Decimal(text) * 100)


def _most(seen: Counter[int]) -> int:
    return min(seen, key=lambda one: (-seen[one], one))


def _shelf(gtin: str, list_minor: int) -> str:
    """The tag of an article where its list price is this one; shops of the chain have several."""
    return f"{gtin} at {list_minor}"


def _coupon(face: int) -> str:
    return f"maker-{face}"


@click.command(help=(__doc__ or "").partition("\n\n")[0])
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(folder: Path, *, as_json: bool) -> None:
    """Compare and print."""
    told = compare(folder).told()
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(f"{told['lines']} lines, every second one learnt from, the others judged")
    for name, what in SAID.items():
        click.echo(f"{what}: {told[name]['equal']} of {told[name]['mapped']} lines equal")
    for reason, count in told["unmapped"].items():
        click.echo(f"not judged: {count} lines, {reason}")


if __name__ == "__main__":
    main()
