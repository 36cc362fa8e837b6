"""Thousands of sales priced in MicroPython and in CPython, by seed: the same trace, byte for byte."""

from __future__ import annotations

import hashlib
import json
from random import Random

import pytest

from protocol.promotions.promotion_set import PromotionSet
from protocol.strict_json import dumps
from tests.micropython.host import VERSIONS, protocol_files, run_steps
from tests.properties.promotion_cases import case_of, lines_of, occasion_of, sold, taxes_of

SETS, BASKETS = 80, 15

# What runs there. It builds lines as `promotion_cases.make_lines` does, which needs more than MicroPython has.
SCRIPT = """
import binascii, gc, hashlib, json
from protocol.basket import Line
from protocol.facts import Facts
from protocol.pricing.sale import price
from protocol.pricing.tax import read_taxes
from protocol.promotions.occasion import Occasion
from protocol.promotions.promotion_set import PromotionSet
from protocol.strict_json import dumps

def lines_of(items, wanted):
    facts = [Facts(i["category"], i["brand"], tuple(i["tags"])) for i in items]
    lines = []
    for number, (at, quantity, weight_g) in enumerate(wanted):
        i = items[at]
        levels = tuple([(name, each) for name, each in i["levels"]])
        lines.append(Line(number + 1, i["gtin"], "item", i["kind"], quantity, weight_g, i["price"], i["tax_class"],
                          "scan", 0, facts[at], levels))
    return lines

with open("/app/cases.json") as file:
    CASES = json.load(file)
for told in CASES:
    promotions = PromotionSet(told["rules"])
    digest = hashlib.sha256()
    for wanted, taxes, occasion in told["sales"]:
        sold = price(lines_of(told["items"], wanted), read_taxes(taxes), Occasion(occasion), promotions)
        digest.update(dumps(sold.document()))
    print("set", binascii.hexlify(digest.digest()).decode())
print("end")
"""


def cases():
    made = []
    for seed in range(SETS):
        random = Random(seed)
        case = case_of(seed)
        sales = [
            (lines_of(random, case["items"], 20), taxes_of(random), occasion_of(random))
            for _ in range(BASKETS)
        ]
        made.append({"items": case["items"], "rules": case["rules"], "sales": sales})
    return made


def digest_here(told):
    promotions = PromotionSet(told["rules"])
    digest = hashlib.sha256()
    for lines, taxes, occasion in told["sales"]:
        case = {"items": told["items"], "lines": lines, "taxes": taxes, "occasion": occasion}
        digest.update(dumps(sold(case, promotions).document()))
    return digest.hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_thousands_of_sales_cost_the_same_in_micropython(version):
    made = cases()
    files = {**protocol_files(), "cases.json": json.dumps(made).encode()}

    outcome = run_steps(version, [SCRIPT], files)

    assert outcome.exit_code == 0, outcome.errors[-2000:]
    told = outcome.output.split("\n")
    assert "end" in told
    assert [line.split()[1] for line in told if line.startswith("set ")] == [
        digest_here(case) for case in made
    ]
