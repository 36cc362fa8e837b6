"""What rules take off a basket: each effect, pick, limit and way of standing beside others, in numbers done by hand."""

from tests.protocol.promotion_samples import (
    APPLE,
    BAG,
    BREAD,
    CHEESE,
    FOOD,
    FRUIT,
    MUG,
    PEAR,
    SOAP,
    basket,
    off,
    priced,
    rules,
)

TEN_OFF = {"percent_off": {"ppm": 100000, "lines": FRUIT}}


def then(kind, **fields):
    return {"then": {kind: fields}}


def test_a_percentage_is_taken_off_the_lines_that_a_selector_means():
    lines = basket((APPLE, 3), (BREAD, 1), (PEAR, 1))

    sold = priced(lines, rules({"then": TEN_OFF}))

    assert sold.discounts == [("r1", 45)]
    assert sold.lines[0][:4] == (1, 300, [("r1", 3, 30)], 270)
    assert sold.lines[1][:4] == (2, 333, [], 333)
    assert (sold.list_minor, sold.total_minor) == (783, 738)


def test_selectors_mean_lines_by_gtin_category_brand_tag_attribute_and_their_combinations():
    lines = basket((APPLE, 1), (PEAR, 1), (BREAD, 1), (SOAP, 1))
    cases = (
        ({}, 833),
        ({"gtin": [PEAR.gtin, BREAD.gtin]}, 483),
        ({"category": ["food/fruit"]}, 250),
        ({"category": ["food/fr"]}, 0),
        ({"brand": ["Orchard"]}, 250),
        ({"tag": ["organic"]}, 100),
        ({"attribute": {"origin": ["it", "es"]}}, 250),
        ({"and": [{"brand": ["Orchard"]}, {"not": {"tag": ["organic"]}}]}, 150),
        ({"or": [{"category": ["care"]}, {"category": ["food/bakery"]}]}, 583),
        ({"not": {"category": ["food"]}}, 250),
    )

    for selector, minor in cases:
        sold = priced(lines, rules(then("percent_off", ppm=1000000, lines=selector)))
        assert sold.list_minor - sold.total_minor == minor, selector


def test_an_amount_is_taken_off_all_lines_together_or_off_each_piece():
    lines = basket((APPLE, 2), (PEAR, 1))

    assert off(lines, rules(then("amount_off", amount_minor=70))) == [("r1", 70)]
    assert off(lines, rules(then("amount_off", amount_minor=70, is_each=True))) == [("r1", 210)]
    assert off(lines, rules(then("amount_off", amount_minor=120, is_each=True))) == [("r1", 320)]
    assert off(lines, rules(then("amount_off", amount_minor=9999))) == [("r1", 350)]


def test_an_amount_off_the_order_is_spread_by_largest_remainder():
    sold = priced(basket((APPLE, 1), (PEAR, 1), (BREAD, 1)), rules(then("amount_off", amount_minor=100)))

    assert [line[2] for line in sold.lines] == [[("r1", 1, 17)], [("r1", 1, 26)], [("r1", 1, 57)]]


def test_picks_mean_the_cheapest_the_dearest_and_each_nth_piece():
    lines = basket((APPLE, 2), (PEAR, 2), (BREAD, 1))
    half = 500000

    assert off(lines, rules(then("percent_off", ppm=half, pick="cheapest", count=1))) == [("r1", 50)]
    assert off(lines, rules(then("percent_off", ppm=half, pick="dearest", count=2))) == [("r1", 242)]
    assert off(lines, rules(then("percent_off", ppm=half, pick="nth", count=2))) == [("r1", 100)]


def test_a_fixed_price_holds_for_each_piece_or_kilogram_and_never_makes_dearer():
    lines = basket((APPLE, 2), (BREAD, 1), (CHEESE, 500))

    assert off(lines, rules(then("price", price_minor=90, lines=FRUIT))) == [("r1", 20)]
    assert off(lines, rules(then("price", price_minor=120, lines=FRUIT))) == []
    assert off(lines, rules(then("price", price_minor=1500, lines={"gtin": [CHEESE.gtin]}))) == [("r1", 250)]


def test_a_price_level_is_that_of_the_sale_or_of_a_rule():
    lines = basket((MUG, 2), (APPLE, 1))

    assert off(lines, None, level="member") == [("level:member", 398)]
    assert off(lines, rules(then("level", level="staff"))) == [("r1", 798)]
    assert off(lines, rules(then("level", level="staff")), level="member") == [
        ("level:member", 398),
        ("r1", 400),
    ]


def test_buy_and_get_of_the_same_goods():
    lines = basket((APPLE, 4), (BREAD, 2))

    assert off(lines, rules(then("buy_get", buy=2, get=1, lines=FOOD))) == [("r1", 200)]
    assert off(lines, rules(then("buy_get", buy=2, get=1, lines=FOOD, is_by_set=True))) == [("r1", 200)]
    assert off(lines, rules(then("buy_get", buy=1, get=1, ppm=500000, lines=FOOD, is_by_set=True))) == [
        ("r1", 267)
    ]
    assert off(basket((APPLE, 2)), rules(then("buy_get", buy=2, get=1, lines=FOOD))) == []


def test_by_set_the_shopper_gets_more_than_by_the_cheapest_of_all():
    lines = basket((BREAD, 3), (APPLE, 3))

    assert off(lines, rules(then("buy_get", buy=2, get=1, lines=FOOD, is_by_set=True))) == [("r1", 433)]
    assert off(lines, rules(then("buy_get", buy=2, get=1, lines=FOOD))) == [("r1", 200)]


def test_buy_and_get_of_other_goods():
    rule = then("buy_get", buy=2, get=1, lines=FRUIT, get_lines={"gtin": [BREAD.gtin]})

    assert off(basket((APPLE, 4), (BREAD, 3)), rules(rule)) == [("r1", 666)]
    assert off(basket((APPLE, 4), (BREAD, 1)), rules(rule)) == [("r1", 333)]
    assert off(basket((APPLE, 1), (BREAD, 1)), rules(rule)) == []


def test_a_piece_is_not_bought_and_got_at_once():
    rule = then("buy_get", buy=1, get=1, lines=FRUIT, get_lines=FOOD)

    assert off(basket((APPLE, 1)), rules(rule)) == []
    assert off(basket((APPLE, 2)), rules(rule)) == [("r1", 100)]
    assert off(basket((PEAR, 1), (APPLE, 1)), rules(rule)) == [("r1", 100)]


def test_a_mix_and_match_set_has_one_price_or_a_discount():
    parts = [{"lines": {"gtin": [BREAD.gtin]}, "count": 1}, {"lines": FRUIT, "count": 2}]
    lines = basket((BREAD, 2), (APPLE, 2), (PEAR, 1))

    assert off(lines, rules(then("set", parts=parts, price_minor=500))) == [("r1", 83)]
    assert off(lines, rules(then("set", parts=parts, ppm=500000))) == [("r1", 292)]
    assert off(lines, rules(then("set", parts=parts, amount_minor=99))) == [("r1", 99)]
    assert off(basket((BREAD, 2), (APPLE, 1)), rules(then("set", parts=parts, price_minor=1))) == []


def test_a_set_whose_parts_overlap_uses_each_piece_once():
    parts = [{"lines": FRUIT, "count": 1}, {"lines": FOOD, "count": 1}]

    assert off(basket((APPLE, 1)), rules(then("set", parts=parts, price_minor=0))) == []
    assert off(basket((APPLE, 4)), rules(then("set", parts=parts, price_minor=0))) == [("r1", 400)]


def test_a_ladder_finds_the_best_split():
    steps = [[5, 400], [3, 260]]

    assert off(basket((APPLE, 2)), rules(then("ladder", steps=steps, lines=FRUIT))) == []
    assert off(basket((APPLE, 6)), rules(then("ladder", steps=steps, lines=FRUIT))) == [("r1", 100)]
    assert off(basket((APPLE, 8)), rules(then("ladder", steps=steps, lines=FRUIT))) == [("r1", 140)]
    assert off(basket((APPLE, 5), (PEAR, 1)), rules(then("ladder", steps=steps, lines=FRUIT))) == [
        ("r1", 150)
    ]
    assert off(basket((APPLE, 3000)), rules(then("ladder", steps=steps, lines=FRUIT))) == [("r1", 60000)]


def test_for_every_full_amount_some_is_taken_off_up_to_a_cap():
    rule = then("every_full", full_minor=300, off_minor=50)

    assert off(basket((BREAD, 2)), rules(rule)) == [("r1", 100)]
    assert off(basket((BREAD, 9)), rules(dict(rule, limits={"amount_minor": 120}))) == [("r1", 120)]
    assert off(basket((BREAD, 9)), rules(dict(rule, limits={"uses": 3}))) == [("r1", 150)]
    assert off(basket((APPLE, 2)), rules(rule)) == []


def test_a_gift_is_free_once_the_basket_is_worth_it():
    rule = {"if": {"amount_minor": {"lines": FOOD, "min": 600}}, "then": {"gift": {"gtin": SOAP.gtin}}}

    assert off(basket((BREAD, 2), (SOAP, 2)), rules(rule)) == [("r1", 250)]
    assert off(basket((BREAD, 1), (SOAP, 2)), rules(rule)) == []


def test_conditions_ask_for_counts_amounts_weights_and_combinations():
    lines = basket((APPLE, 3), (CHEESE, 400), (SOAP, 1))
    cases = (
        ({"quantity": {"lines": FRUIT, "min": 3}}, True),
        ({"quantity": {"lines": FRUIT, "min": 4}}, False),
        ({"weight_g": {"min": 400}}, True),
        ({"weight_g": {"min": 401}}, False),
        ({"amount_minor": {"min": 1350}}, True),
        ({"amount_minor": {"min": 1351}}, False),
        ({"items": {"min": 3}}, True),
        ({"items": {"lines": FOOD, "min": 3}}, False),
        ({"and": [{"items": {"min": 3}}, {"quantity": {"lines": FRUIT, "min": 1}}]}, True),
        ({"or": [{"items": {"min": 9}}, {"quantity": {"lines": FRUIT, "min": 1}}]}, True),
        ({"not": {"quantity": {"lines": {"category": ["care"]}, "min": 1}}}, False),
        ({"not": {"quantity": {"lines": {"brand": ["None"]}, "min": 1}}}, True),
    )

    for condition, is_met in cases:
        found = off(lines, rules({"if": condition, "then": {"amount_off": {"amount_minor": 1}}}))
        assert (found == [("r1", 1)]) == is_met, condition


def test_an_amount_is_asked_before_or_after_other_discounts():
    half = dict(then("percent_off", ppm=500000), priority=1)
    asked = {"amount_minor": {"min": 300, "basis": "left"}}
    lines = basket((APPLE, 4))

    assert off(lines, rules(half, dict(then("amount_off", amount_minor=9), priority=2))) == [
        ("r1", 200),
        ("r2", 9),
    ]
    late = dict(then("amount_off", amount_minor=9), priority=2)
    late["if"] = asked
    assert off(lines, rules(half, late)) == [("r1", 200)]
    late["if"] = {"amount_minor": {"min": 300, "basis": "list"}}
    assert off(lines, rules(half, late)) == [("r1", 200), ("r2", 9)]


def test_priority_decides_what_comes_first_and_a_later_rule_sees_what_is_left():
    fixed = then("amount_off", amount_minor=100)
    part = then("percent_off", ppm=500000)
    lines = basket((APPLE, 4))

    assert off(lines, rules(dict(fixed, priority=1), dict(part, priority=2))) == [("r1", 100), ("r2", 150)]
    assert off(lines, rules(dict(fixed, priority=2), dict(part, priority=1))) == [("r2", 200), ("r1", 100)]


def test_a_rule_that_stands_alone_takes_whole_lines_for_itself():
    alone = dict(then("percent_off", ppm=100000, lines=FRUIT), stands_alone=True)
    after = dict(then("percent_off", ppm=500000), priority=1)
    before = dict(then("percent_off", ppm=500000, lines={"gtin": [PEAR.gtin]}))

    assert off(basket((APPLE, 1), (BREAD, 2)), rules(alone, after)) == [("r1", 10), ("r2", 333)]
    assert off(basket((APPLE, 1), (PEAR, 1)), rules(before, alone)) == [("r1", 75), ("r2", 10)]


def test_of_a_group_the_shopper_gets_the_best_use_of_each_piece():
    three = dict(then("buy_get", buy=2, get=1, lines=FOOD), group="g")
    percent = dict(then("percent_off", ppm=400000, lines=FOOD), group="g")

    assert off(basket((APPLE, 3)), rules(three, percent)) == [("r2", 120)]
    assert off(
        basket((APPLE, 3)), rules(three, dict(percent, then={"percent_off": {"ppm": 300000, "lines": FOOD}}))
    ) == [("r1", 100)]
    single = dict(then("price", price_minor=10, lines={"gtin": [PEAR.gtin]}), group="g")
    assert off(basket((APPLE, 3), (PEAR, 1)), rules(three, single)) == [("r2", 140), ("r1", 100)]


def test_of_a_group_of_which_one_holds_the_best_is_taken():
    first = dict(then("amount_off", amount_minor=50, lines=FRUIT), group="g")
    second = dict(then("amount_off", amount_minor=60, lines={"category": ["care"]}), group="g")
    lines = basket((APPLE, 1), (SOAP, 1))

    assert off(lines, rules(first, second)) == [("r1", 50), ("r2", 60)]
    assert off(lines, rules(first, second, one_of=["g"])) == [("r2", 60)]


def test_a_group_beyond_the_bound_goes_by_the_greatest_first():
    group = [
        dict(then("percent_off", ppm=100000 * n, lines=FRUIT, pick="dearest", count=1), group="g")
        for n in range(1, 7)
    ]

    assert off(basket((APPLE, 2)), rules(*group)) == [("r6", 60), ("r5", 50)]


def test_limits_cut_an_amount_and_count_uses():
    assert off(
        basket((APPLE, 9)), rules(dict(then("percent_off", ppm=500000), limits={"amount_minor": 77}))
    ) == [("r1", 77)]
    assert off(basket((APPLE, 9)), rules(dict(then("percent_off", ppm=500000), limits={"uses": 2}))) == [
        ("r1", 100)
    ]
    assert off(
        basket((APPLE, 9)), rules(dict(then("buy_get", buy=1, get=1, lines=FRUIT), limits={"uses": 2}))
    ) == [("r1", 200)]


def test_a_rule_with_a_budget_gives_what_was_granted_and_nothing_without():
    rule = dict(then("percent_off", ppm=500000), limits={"budget_minor": 100000})

    assert off(basket((APPLE, 9)), rules(rule)) == []
    assert off(basket((APPLE, 9)), rules(rule), grants={"r1": [9, 300]}) == [("r1", 300)]
    assert off(basket((APPLE, 9)), rules(rule), grants={"r1": [2, 300]}) == [("r1", 100)]
    assert off(basket((APPLE, 9)), rules(rule), grants={"r1": [0, 300]}) == []


def test_a_rule_holds_only_in_the_sales_it_names():
    cases = (
        ({"from": "2026-11-23T12:00"}, {}, True),
        ({"from": "2026-11-23T12:01"}, {}, False),
        ({"until": "2026-11-23T12:00"}, {}, False),
        ({"weekdays": [1, 3]}, {}, True),
        ({"weekdays": [7]}, {}, False),
        ({"hours": [["08:00", "09:00"], ["11:00", "12:01"]]}, {}, True),
        ({"hours": [["08:00", "12:00"]]}, {}, False),
        ({"stores": ["north"]}, {"store": "north"}, True),
        ({"stores": ["north"]}, {"store": "south"}, False),
        ({"store_groups": ["city"]}, {"store_groups": ["big", "city"]}, True),
        ({"store_groups": ["city"]}, {}, False),
        ({"tiers": ["gold"]}, {"tier": "gold"}, True),
        ({"tiers": ["gold"]}, {}, False),
        ({"coupons": ["SAVE", "batch:mail"]}, {"coupons": ["batch:mail", "X1"]}, True),
        ({"coupons": ["SAVE"]}, {"coupons": ["OTHER"]}, False),
        ({"tenders": ["cash"]}, {"tender": "cash"}, True),
        ({"tenders": ["cash"]}, {"tender": "card"}, False),
        ({"first_purchase": True}, {"first_purchase": True}, True),
        ({"first_purchase": True}, {}, False),
    )

    for when, occasion, does_hold in cases:
        found = off(basket((APPLE, 1)), rules({"when": when, "then": TEN_OFF}), **occasion)
        assert (found == [("r1", 10)]) == does_hold, when


def test_points_are_earned_on_what_is_left_and_spent_in_whole_steps():
    earn = then("points_earned", points=2, per_minor=100)
    half = then("percent_off", ppm=500000)
    spend = then("points_spent", points=50, off_minor=100)
    lines = basket((BREAD, 3))

    assert priced(lines, rules(earn)).points == [("r1", 18)]
    assert priced(lines, rules(earn, dict(half, priority=5))).points == [("r1", 8)]
    assert priced(lines, rules(then("points_earned", points=500))).points == [("r1", 500)]
    sold = priced(lines, rules(spend), points=120)
    assert (sold.discounts, sold.points_spent) == ([("r1", 200)], [("r1", 100)])
    assert priced(basket((APPLE, 1)), rules(spend), points=500).points_spent == [("r1", 50)]


def test_a_coupon_is_issued_for_the_next_visit():
    rule = {"if": {"amount_minor": {"min": 900}}, "then": {"coupon_issued": {"coupon": "batch:next"}}}

    assert priced(basket((BREAD, 3)), rules(rule)).coupons == [("r1", "batch:next")]
    assert priced(basket((BREAD, 2)), rules(rule)).coupons == []


def test_no_rule_touches_or_counts_what_takes_no_discount():
    lines = basket((BAG, 9), (APPLE, 1))
    rule = then("percent_off", ppm=1000000)
    rule["if"] = {"quantity": {"min": 2}}

    assert off(lines, rules(rule)) == []
    assert off(lines, rules(then("percent_off", ppm=1000000))) == [("r1", 100)]


def test_a_price_that_a_person_set_stands_and_is_in_the_trace():
    lines = basket((BREAD, 2), (APPLE, 1))

    sold = priced(lines, rules(then("percent_off", ppm=500000)), overrides={"1": [300, "damaged"]})

    assert sold.lines[0][:4] == (1, 666, [("override:damaged", 2, 66)], 600)
    assert sold.discounts == [("override:damaged", 66), ("r1", 50)]
    dearer = priced(lines, None, overrides={"2": [150, "wrong-label"]})
    assert dearer.lines[1][:4] == (2, 100, [("override:wrong-label", 1, -50)], 150)


def test_the_order_of_scanning_decides_nothing():
    told = (
        then("buy_get", buy=2, get=1, lines=FOOD),
        then("amount_off", amount_minor=77),
        then("percent_off", ppm=333333, pick="cheapest", count=2),
    )
    one = priced(basket((APPLE, 2), (PEAR, 1), (BREAD, 2), (SOAP, 1)), rules(*told))
    other = priced(basket((SOAP, 1), (BREAD, 2), (APPLE, 2), (PEAR, 1)), rules(*told))

    assert one.discounts == other.discounts
    assert sorted([line[1:] for line in one.lines]) == sorted([line[1:] for line in other.lines])
