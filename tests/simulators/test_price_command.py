"""`tillbox price`: a basket from files costs what the engine says, and each refusal has its name."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from protocol.catalogue import build
from protocol.errors import TillboxError
from simulators.commandline import tillbox
from tests.protocol.promotion_samples import APPLE, BREAD, CHEESE, MUG

SET = {
    "v": 1,
    "currency": "EUR",
    "number": 1,
    "rules": [
        {
            "id": "fruit",
            "name": "Half price fruit",
            "then": {"percent_off": {"ppm": 500000, "lines": {"category": ["food/fruit"]}}},
        },
        {"id": "next", "name": "For next time", "then": {"coupon_issued": {"coupon": "batch:next"}}},
        {"id": "earn", "name": "Points", "then": {"points_earned": {"points": 1, "per_minor": 100}}},
    ],
}
BASKET = {
    "v": 1,
    "occasion": {"at": "2026-11-23T12:00", "level": "member"},
    "taxes": {"v": 1, "mode": "included", "rounding": "line", "rates": {"A": 50000, "B": 81000}},
    "lines": [
        {"code": APPLE.gtin, "quantity": 3},
        {"code": CHEESE.gtin, "weight_g": 400},
        {"code": MUG.gtin},
    ],
}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "shop.tbc").write_bytes(build([APPLE, BREAD, CHEESE, MUG], "EUR"))

    def run(basket, *options, rules=SET):
        (tmp_path / "set.json").write_text(json.dumps(rules))
        (tmp_path / "basket.json").write_text(json.dumps(basket))
        files = [
            f"--{name}={tmp_path / file}"
            for name, file in (("catalogue", "shop.tbc"), ("promotions", "set.json"))
        ]
        result = CliRunner().invoke(
            tillbox, ["price", *files, f"--basket={tmp_path / 'basket.json'}", *options]
        )
        if isinstance(result.exception, TillboxError):
            return result.exception.code
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_a_basket_is_priced_with_its_trace(run):
    told = json.loads(run(BASKET, "--json"))

    assert (told["list_minor"], told["total_minor"], told["currency"]) == (1999, 1650, "EUR")
    assert told["discounts"] == [{"rule": "level:member", "minor": 199}, {"rule": "fruit", "minor": 150}]
    assert told["lines"][0]["shares"] == [{"rule": "fruit", "units": 3, "minor": 150}]
    assert told["points"] == [{"rule": "earn", "points": 16}]
    assert told["coupons"] == [{"rule": "next", "coupon": "batch:next"}]


def test_people_are_told_of_each_cent(run):
    told = run(BASKET, "--explain")

    assert told.splitlines()[:6] == [
        "   1  3 x Apple: 3.00",
        "      Half price fruit (fruit): -1.50",
        "      = 1.50, tax A 0.07",
        "   2  400 g Cheese: 8.00",
        "      = 8.00, tax A 0.38",
        "   3  1 x Mug: 8.99",
    ]
    assert "tax B 8.1 %: 0.52 on 6.48" in told
    assert told.endswith("total 16.50 EUR\n")


def test_without_asking_for_more_the_sums_are_told(run):
    assert run(BASKET).splitlines()[0] == "list 19.99"


def test_wrong_files_are_named(run):
    line = {"code": APPLE.gtin}

    assert run(BASKET | {"v": 2}) == "basket-file-wrong"
    assert run(BASKET | {"lines": {}}) == "basket-file-wrong"
    assert run(BASKET | {"lines": [{"quantity": 1}]}) == "basket-file-wrong"
    assert run(BASKET | {"lines": [{"code": "05000112637922"}]}) == "item-not-found"
    assert run(BASKET | {"lines": [line | {"quantity": 0}]}) == "quantity-out-of-range"
    assert run(BASKET | {"lines": [line | {"price_minor": 1}]}) == "label-price-not-wanted"
    assert run(BASKET | {"occasion": {}}) == "occasion-wrong"
    assert run(BASKET | {"taxes": {}}) == "tax-table-wrong"
    assert run(BASKET, rules=SET | {"currency": "GBP"}) == "promotion-set-wrong"
    assert run(BASKET, "--taxes=/does/not/exist") == "file-unreadable"
