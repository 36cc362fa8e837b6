"""Rule sets, baskets and occasions by seed, as plain JSON: for properties, and for pricing the same in MicroPython."""

from __future__ import annotations

from random import Random
from typing import Any

from protocol.basket import Line
from protocol.facts import Facts
from protocol.pricing.sale import Sold, price
from protocol.pricing.tax import read_taxes
from protocol.promotions.occasion import Occasion
from protocol.promotions.promotion_set import PromotionSet

CATEGORIES = ("food/fruit/apple", "food/fruit", "food/bakery", "care", "")
BRANDS, TAGS = ("Acme", "Mill", ""), ("organic", "new", "no-discount")
EFFECTS = (
    "percent_off",
    "amount_off",
    "price",
    "level",
    "buy_get",
    "set",
    "ladder",
    "every_full",
    "gift",
    "points",
)
# Effects by which more goods never cost less, alone and one after the other.
MONOTONE = ("percent_off", "price", "level")


def shop(random: Random) -> list[dict[str, Any]]:
    """A dozen of items with facts, as JSON."""
    return [
        {
            "gtin": f"{number:014d}",
            "kind": random.choice(("unit", "unit", "unit", "weight")),
            "price": random.choice((0, 1, 99, 100, 333, 1000, random.randrange(1, 5000))),
            "tax_class": random.choice("ABZ"),
            "category": random.choice(CATEGORIES),
            "brand": random.choice(BRANDS),
            "tags": sorted(random.sample(TAGS, random.choice((0, 0, 1, 2)))),
            "levels": [["member", random.randrange(1, 3000)]] if random.random() < 0.3 else [],
        }
        for number in range(1, 13)
    ]


def lines_of(random: Random, items: list[dict[str, Any]], most: int = 12) -> list[list[Any]]:
    """A basket as JSON: [place of the item, quantity, grams] each."""
    found = []
    for _ in range(random.randrange(1, most)):
        at = random.randrange(len(items))
        is_weighed = items[at]["kind"] == "weight"
        quantity = 1 if is_weighed else random.choice((1, 1, 2, 3, 5, 12))
        found.append([at, quantity, random.randrange(1, 3000) if is_weighed else 0])
    return found


def rule_set(random: Random, count: int, kinds: tuple[str, ...] = EFFECTS) -> dict[str, Any]:
    """A valid set of so many rules."""
    rules = [_rule(random, number, kinds) for number in range(count)]
    groups = sorted({rule["group"] for rule in rules if "group" in rule})
    return {
        "v": 1,
        "currency": "EUR",
        "number": 1,
        "rules": rules,
        "one_of": groups[: random.choice((0, 0, 1))],
    }


def taxes_of(random: Random) -> dict[str, Any]:
    """A tax table of any mode and rounding."""
    return {
        "v": 1,
        "mode": random.choice(("included", "excluded")),
        "rounding": random.choice(("line", "total")),
        "rates": {"A": 200_000, "B": random.choice((50_000, 81_000)), "Z": 0},
    }


def occasion_of(random: Random) -> dict[str, Any]:
    """An occasion, sometimes with a member, a coupon, points, grants and overrides."""
    told: dict[str, Any] = {
        "at": f"2026-11-{random.randrange(10, 29)}T{random.randrange(10, 24)}:30",
        "store": "north",
    }
    extras = {
        "tier": "gold",
        "level": "member",
        "coupons": ["SAVE"],
        "points": 500,
        "grants": {"r0": [3, 500], "r1": [1, 100]},
        "overrides": {"1": [50, "damaged"]},
    }
    return told | {name: extra for name, extra in extras.items() if random.random() < 0.3}


def make_lines(items: list[dict[str, Any]], wanted: list[list[Any]]) -> list[Line]:
    """The lines of a basket; items that agree share their facts by their place."""
    facts = [Facts(item["category"], item["brand"], tuple(item["tags"])) for item in items]
    lines = []
    for number, (at, quantity, weight_g) in enumerate(wanted):
        item = items[at]
        levels = tuple((name, each) for name, each in item["levels"])
        fields = (item["gtin"], "item", item["kind"], quantity, weight_g, item["price"], item["tax_class"])
        lines.append(Line(number + 1, *fields, "scan", 0, facts[at], levels))
    return lines


def sold(case: dict[str, Any], promotions: PromotionSet | None = None) -> Sold:
    """What a case costs."""
    told = promotions or PromotionSet(case["rules"])
    lines = make_lines(case["items"], case["lines"])
    return price(lines, read_taxes(case["taxes"]), Occasion(case["occasion"]), told)


def case_of(seed: int, kinds: tuple[str, ...] = EFFECTS) -> dict[str, Any]:
    """A whole case."""
    random = Random(seed)
    items = shop(random)
    return {
        "items": items,
        "rules": rule_set(random, random.choice((1, 2, 4, 8, 16)), kinds),
        "lines": lines_of(random, items),
        "taxes": taxes_of(random),
        "occasion": occasion_of(random),
    }


def _rule(random: Random, number: int, kinds: tuple[str, ...]) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": f"r{number}", "name": f"Rule {number}", "priority": random.randrange(3)}
    rule["then"] = _then(random, random.choice(kinds))
    is_plain = kinds is MONOTONE
    if not is_plain and random.random() < 0.3:
        rule["if"] = _condition(random)
    if random.random() < 0.2:
        rule["when"] = random.choice(
            (
                {"tiers": ["gold"]},
                {"coupons": ["SAVE"]},
                {"weekdays": [1, 2, 3]},
                {"hours": [["12:00", "18:00"]]},
            )
        )
    if not is_plain and random.random() < 0.3:
        rule["group"] = random.choice("gh")
    if not is_plain and random.random() < 0.2:
        rule["stands_alone"] = True
    if not is_plain and random.random() < 0.3:
        rule["limits"] = random.choice(({"amount_minor": 120}, {"uses": 2}, {"budget_minor": 1000}))
    return rule


def _selector(random: Random) -> dict[str, Any]:
    return random.choice(
        (
            {},
            {"category": [random.choice(("food", "food/fruit", "care"))]},
            {"brand": ["Acme"]},
            {"tag": ["organic"]},
            {"gtin": sorted({f"{random.randrange(1, 13):014d}" for _ in range(3)})},
            {"not": {"brand": ["Mill"]}},
            {"or": [{"tag": ["new"]}, {"category": ["food/bakery"]}]},
            {"and": [{"category": ["food"]}, {"not": {"tag": ["new"]}}]},
        )
    )


def _condition(random: Random) -> dict[str, Any]:
    lines = _selector(random)
    return random.choice(
        (
            {"quantity": {"lines": lines, "min": random.randrange(1, 6)}},
            {
                "amount_minor": {
                    "lines": lines,
                    "min": random.randrange(1, 5000),
                    "basis": random.choice(("list", "left")),
                }
            },
            {"not": {"weight_g": {"min": 500}}},
            {"and": [{"items": {"min": 2}}, {"quantity": {"lines": lines, "min": 1}}]},
        )
    )


def _then(random: Random, kind: str) -> dict[str, Any]:
    lines = _selector(random)
    ppm = random.choice((1, 50_000, 333_333, 500_000, 1_000_000))
    picks = random.choice(
        ({}, {}, {"pick": random.choice(("cheapest", "dearest", "nth")), "count": random.randrange(1, 4)})
    )
    minor = random.choice((1, 50, 333, 5000))
    parts = [
        {"lines": _selector(random), "count": random.randrange(1, 3)} for _ in range(random.randrange(1, 4))
    ]
    each = {"is_each": True} if random.random() < 0.5 else {}
    told: dict[str, dict[str, Any]] = {
        "percent_off": {"ppm": ppm, "lines": lines},
        "amount_off": {"amount_minor": minor, "lines": lines, **picks, **each},
        "price": {"price_minor": minor, "lines": lines},
        "level": {"level": "member", "lines": lines},
        "buy_get": {"buy": random.randrange(1, 4), "get": random.randrange(1, 3), "lines": lines, "ppm": ppm},
        "set": {"parts": parts, random.choice(("price_minor", "amount_minor", "ppm")): minor},
        "ladder": {"steps": [[2, minor], [3, minor + 100]], "lines": lines},
        "every_full": {"full_minor": 700, "off_minor": minor, "lines": lines},
        "gift": {"gtin": f"{random.randrange(1, 13):014d}", "count": random.randrange(1, 3)},
    }
    if kind == "points":
        return random.choice(
            (
                {"points_earned": {"points": 2, "per_minor": 100, "lines": lines}},
                {"points_spent": {"points": 100, "off_minor": 130}},
                {"coupon_issued": {"coupon": "batch:next"}},
            )
        )
    if kind == "buy_get" and random.random() < 0.5:
        told[kind] |= random.choice(({"is_by_set": True}, {"get_lines": _selector(random)}))
    return {kind: told[kind]}
