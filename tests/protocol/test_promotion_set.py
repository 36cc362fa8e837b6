"""A promotion set as a document: every departure from its form is refused by name, and one content has one hash."""

import hashlib

from protocol.promotions.occasion import Occasion, weekday_of
from protocol.promotions.promotion_set import PromotionSet, read_promotion_set
from protocol.strict_json import dumps
from tests.protocol.expect import raises
from tests.protocol.promotion_samples import APPLE, FRUIT, rules

OFF = {"percent_off": {"ppm": 1}}
RULE = {"id": "a", "name": "A", "then": OFF}


def document(*told, **more):
    made = {"v": 1, "currency": "EUR", "number": 1, "rules": list(told)}
    made.update(more)
    return made


def changed(**more):
    rule = dict(RULE)
    rule.update(more)
    return rule


def test_a_set_is_named_by_the_hash_of_its_canonical_bytes():
    told = document(RULE)

    assert read_promotion_set(dumps(told)).hash == hashlib.sha256(dumps(told)).digest()
    assert PromotionSet(told).hash != PromotionSet(document(changed(priority=1))).hash


def test_rules_stand_by_priority_and_then_by_id():
    told = [changed(id=name, priority=priority) for name, priority in (("b", 1), ("c", 0), ("a", 1))]

    assert [rule.id for rule in PromotionSet(document(*told)).rules] == ["c", "a", "b"]


def test_a_wrong_set_is_refused():
    cases = (
        7,
        {},
        document(v=2),
        document(v=True),
        document(number=0),
        document(rules={}),
        document(RULE, RULE),
        document(RULE, one_of=["g"]),
        document(RULE, one_of="g"),
        document(RULE, more=1),
        document(*[changed(id=str(number), group="g") for number in range(101)]),
    )

    for told in cases:
        raises("promotion-set-wrong", PromotionSet, told)
    raises("currency-unknown", PromotionSet, document(currency="ZZZ"))
    raises("json-malformed", read_promotion_set, b"{")


def test_a_wrong_rule_is_refused_with_its_id():
    cases = (
        7,
        {"id": "a", "name": "A"},
        changed(id=""),
        changed(id="a" * 65),
        changed(name="A\x1b"),
        changed(priority=-1),
        changed(priority=True),
        changed(group=7),
        changed(stands_alone=1),
        changed(limits={"uses": 0}),
        changed(limits={"other": 1}),
        changed(then={}),
        changed(then={"percent_off": {"ppm": 1}, "gift": {}}),
        changed(then={"present": {}}),
        changed(then={"percent_off": {}}),
        changed(then={"percent_off": {"ppm": 1000001}}),
        changed(then={"percent_off": {"ppm": 0}}),
        changed(then={"percent_off": {"ppm": 1, "buy": 1}}),
        changed(then={"percent_off": {"ppm": 1, "count": 1}}),
        changed(then={"percent_off": {"ppm": 1, "pick": "nth"}}),
        changed(then={"percent_off": {"ppm": 1, "pick": "best", "count": 1}}),
        changed(then={"amount_off": {"amount_minor": 10**13}}),
        changed(then={"amount_off": {"amount_minor": 1, "is_each": 1}}),
        changed(then={"level": {"level": "Gold"}}),
        changed(then={"set": {"parts": [], "ppm": 1}}),
        changed(then={"set": {"parts": [{"lines": {}, "count": 0}], "ppm": 1}}),
        changed(then={"set": {"parts": [{"lines": {}, "count": 1}]}}),
        changed(then={"set": {"parts": [{"lines": {}, "count": 1}], "ppm": 1, "amount_minor": 1}}),
        changed(then={"ladder": {"lines": {}, "steps": []}}),
        changed(then={"ladder": {"lines": {}, "steps": [[3]]}}),
        changed(then={"ladder": {"lines": {}, "steps": [[3, 1], [3, 2]]}}),
        changed(then={"ladder": {"lines": {}, "steps": [[3, -1]]}}),
        changed(then={"gift": {"gtin": "123"}}),
        changed(then={"coupon_issued": {"coupon": ""}}),
        changed(other=1),
    )

    for told in cases:
        raises("rule-wrong", PromotionSet, document(told))
    error = raises(
        "selector-wrong", PromotionSet, document(changed(then={"percent_off": {"ppm": 1, "lines": []}}))
    )
    assert error.what.startswith("rule a: ")


def test_a_wrong_selector_is_refused():
    deep = {}
    for _ in range(8):
        deep = {"not": deep}
    cases = (
        7,
        {"gtin": ["123"]},
        {"gtin": []},
        {"gtin": "00000000000011"},
        {"colour": ["red"]},
        {"brand": [7]},
        {"brand": ["a\n"]},
        {"and": []},
        {"or": {}},
        {"not": []},
        {"attribute": {"a=b": ["c"]}},
        {"attribute": {"a": "c"}},
        {"attribute": {}},
        {"brand": ["a"], "tag": ["b"]},
        deep,
    )

    for told in cases:
        rule = changed(then={"percent_off": {"ppm": 1, "lines": told}})
        raises("selector-wrong", PromotionSet, document(rule))


def test_a_wrong_condition_or_when_is_refused():
    conditions = (
        7,
        {"quantity": {}},
        {"quantity": {"min": 0}},
        {"quantity": {"min": 1, "basis": "left"}},
        {"amount_minor": {"min": 1, "basis": "other"}},
        {"price": {"min": 1}},
        {"and": []},
        {"or": [{}] * 9},
        {"quantity": {"min": 1}, "items": {"min": 1}},
    )
    whens = (
        7,
        {"from": "2026-11-23"},
        {"until": "2026-13-23T00:00"},
        {"from": "2026-11-23T24:00"},
        {"weekdays": [0]},
        {"weekdays": [True]},
        {"weekdays": []},
        {"hours": [["09:00", "08:00"]]},
        {"hours": [["9:00", "10:00"]]},
        {"hours": ["09:00"]},
        {"tiers": "gold"},
        {"stores": [""]},
        {"first_purchase": 1},
        {"moon": "full"},
    )

    for told in conditions:
        rule = changed()
        rule["if"] = told
        raises("condition-wrong", PromotionSet, document(rule))
    for told in whens:
        raises("when-wrong", PromotionSet, document(changed(when=told)))


def test_an_occasion_comes_back_from_its_document():
    told = {
        "at": "2026-11-23T12:00",
        "store": "north",
        "tier": "gold",
        "coupons": ["B", "A"],
        "grants": {"r1": [1, 2]},
        "overrides": {"3": [100, "damaged"]},
        "first_purchase": True,
        "points": 5,
        "level": "member",
    }

    occasion = Occasion(told)

    assert dumps(occasion.document()) == dumps(dict(told, coupons=["A", "B"]))
    assert dumps(Occasion({"at": told["at"]}).document()) == b'{"at":"2026-11-23T12:00"}'


def test_a_wrong_occasion_is_refused():
    at = "2026-11-23T12:00"
    cases = (
        7,
        {},
        {"at": "2026-11-23"},
        {"at": at, "store": 7},
        {"at": at, "tier": "a" * 65},
        {"at": at, "coupons": "A"},
        {"at": at, "coupons": ["A"] * 33},
        {"at": at, "coupons": [""]},
        {"at": at, "first_purchase": 1},
        {"at": at, "points": -1},
        {"at": at, "level": "Gold"},
        {"at": at, "grants": {"r": [1]}},
        {"at": at, "grants": {"r": [1, -1]}},
        {"at": at, "overrides": {"x": [1, "a"]}},
        {"at": at, "overrides": {"1": [-1, "a"]}},
        {"at": at, "overrides": {"1": [1, ""]}},
        {"at": at, "weather": "fine"},
    )

    for told in cases:
        raises("occasion-wrong", Occasion, told)


def test_the_weekday_of_a_date_is_right():
    days = ("2026-11-22", "2026-11-23", "2024-02-29", "2000-01-01", "2100-03-01")

    assert [weekday_of(day) for day in days] == [7, 1, 4, 6, 1]


def test_what_an_item_meets_is_remembered_with_its_facts():
    told = rules({"then": {"percent_off": {"ppm": 1, "lines": FRUIT}}})

    assert told.look_up(APPLE.gtin, APPLE.facts) == (0,)
    assert told.known[APPLE.gtin] == (APPLE.facts, (0,))
