"""A scenario's tax rates as a tax table of ours: one zone, a letter for each category, periods where rates change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from protocol.pricing.tax import EXCLUDED, INCLUDED, PER_LINE, PER_TOTAL, TaxSchedule, TaxTable
from tests.peers.promotions.shop import Delivery, Shop, TaxRate, UnmappedError

if TYPE_CHECKING:
    from collections.abc import Iterable

BEFORE_ALL = "0001-01-01"


@dataclass
class Taxes:
    """The table, the letter of each category, and whether each piece is taxed by itself."""

    table: TaxTable | TaxSchedule
    letters: dict[str, str]
    is_included: bool
    by_piece: bool
    pieces: dict[int, int] = field(default_factory=dict)  # line -> how many it holds


def taxes_of(shop: Shop, categories: list[str], delivery: Delivery | None) -> Taxes:
    """The taxes of a cart with goods of these categories; UnmappedError where prices hold tax for a part of it only."""
    wanted = set(categories)
    if delivery is not None and delivery.fee.minor:
        wanted.add(delivery.tax_category)
    rates = [rate for rate in shop.rates if rate.category in wanted and rate.zone == shop.zone]
    present = [rate for rate in rates if rate.ppm and _holds(rate, shop.today)]
    is_included = _one_of({rate.is_included for rate in present}, "prices with and without tax in one sale")
    is_decimal = _one_of({rate.is_decimal for rate in present}, "two ways of rounding tax in one sale")
    letters = {category: chr(ord("A") + at) for at, category in enumerate(sorted(wanted | {""}))}
    mode = INCLUDED if is_included else EXCLUDED
    rounding = PER_TOTAL if is_decimal and not shop.by_unit else PER_LINE
    periods = [(day, _rates(rates, letters, day)) for day in _changes(rates)]
    table = (
        TaxTable(mode, rounding, periods[0][1]) if len(periods) == 1 else TaxSchedule(mode, rounding, periods)
    )
    return Taxes(table, letters, is_included, by_piece=shop.by_unit and not is_decimal)


def _one_of(found: set[bool], otherwise: str) -> bool:
    if len(found) > 1:
        raise UnmappedError(otherwise)
    return True in found


def _changes(rates: Iterable[TaxRate]) -> list[str]:
    """The days on which a rate begins, or on whose eve one ends."""
    days = {BEFORE_ALL}
    for rate in rates:
        if rate.first:
            days.add(rate.first)
        if rate.last:
            days.add((date.fromisoformat(rate.last) + timedelta(1)).isoformat())
    return sorted(days)


def _rates(rates: Iterable[TaxRate], letters: dict[str, str], day: str) -> dict[str, int]:
    found = dict.fromkeys(letters.values(), 0)
    for rate in rates:
        if _holds(rate, day):
            found[letters[rate.category]] += rate.ppm
    return found


def _holds(rate: TaxRate, day: str) -> bool:
    return (not rate.first or rate.first <= day) and (not rate.last or day <= rate.last)
