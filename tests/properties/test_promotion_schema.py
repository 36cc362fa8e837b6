"""The shipped JSON Schema and the reader agree: what one accepts or refuses for its form, so does the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import PeerError
from protocol.promotions.promotion_set import PromotionSet
from tests.properties.promotion_cases import case_of
from tests.properties.schema_check import fits

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "reference" / "promotion-set.schema.json").read_text(
        encoding="utf-8"
    )
)
RULE = {"id": "a", "name": "A", "then": {"percent_off": {"ppm": 1}}}


def is_read(document):
    try:
        PromotionSet(document)
    except PeerError:
        return False
    return True


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_every_set_that_is_read_fits_the_schema(seed):
    document = case_of(seed)["rules"]

    assert is_read(document)
    assert fits(document, SCHEMA, SCHEMA)


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"number": 0},
        {"currency": "eur"},
        {"more": 1},
        {"rules": {}},
        {"rules": [RULE | {"id": ""}]},
        {"rules": [RULE | {"priority": -1}]},
        {"rules": [RULE | {"other": 1}]},
        {"rules": [RULE | {"limits": {"uses": 0}}]},
        {"rules": [RULE | {"then": {}}]},
        {"rules": [RULE | {"then": {"percent_off": {}}}]},
        {"rules": [RULE | {"then": {"percent_off": {"ppm": "1"}}}]},
        {"rules": [RULE | {"then": {"percent_off": {"ppm": 1, "lines": {"gtin": ["1"]}}}}]},
        {"rules": [RULE | {"then": {"percent_off": {"ppm": 1, "lines": {"and": []}}}}]},
        {"rules": [RULE | {"then": {"set": {"parts": [{"lines": {}, "count": 1}]}}}]},
        {"rules": [RULE | {"then": {"gift": {"gtin": "1"}}}]},
        {"rules": [RULE | {"if": {"quantity": {}}}]},
        {"rules": [RULE | {"if": {"colour": {"min": 1}}}]},
        {"rules": [RULE | {"when": {"weekdays": [8]}}]},
        {"rules": [RULE | {"when": {"tiers": []}}]},
    ],
)
def test_a_wrong_form_is_refused_by_both(changed):
    document = {"v": 1, "currency": "EUR", "number": 1, "rules": [RULE]} | changed

    assert not is_read(document)
    assert not fits(document, SCHEMA, SCHEMA)
