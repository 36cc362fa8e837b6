"""What a store may set, and how everything that is wrong is named."""

from protocol.settings import BOUNDS, DEFAULT_TAXES, LANGUAGES, MAX_STAFF, METHODS, SETTINGS, settings_faults
from protocol.template.builtin import RECEIPT
from protocol.template.template import compile_template

ANNA = {"id": "anna", "name": "Anna", "pin": "00:1:00"}
EVERYTHING = {
    "store_name": "Corner Shop 街角小店",
    "store_lines": ["12 Market Street"],
    "receipt_footer": [],
    "languages": ["zh", "en"],
    "methods": ["cash"],
    "utc_offsets": [[0, 0], [1000, -840]],
    "staff": [ANNA, ANNA | {"id": "ben"}],
    "taxes": DEFAULT_TAXES,
    "receipt_template": compile_template(RECEIPT),
    "screen": {"colours": {"brand": "#7a1f5c"}},
}


def test_settings_within_their_bounds_have_no_fault():
    assert settings_faults({}) == []
    assert settings_faults(EVERYTHING) == []
    for end in (0, 1):
        assert settings_faults({name: BOUNDS[name][end] for name in BOUNDS}) == []
    assert sorted(list(EVERYTHING) + list(BOUNDS)) == list(SETTINGS)


def test_a_number_beyond_a_bound_is_named_with_its_bounds():
    for name in BOUNDS:
        least, most = BOUNDS[name]
        for value in (least - 1, most + 1, str(least), None, True):
            assert settings_faults({name: value}) == [
                f"{name}: must be a whole number from {least} to {most}"
            ]


def test_every_fault_is_named_at_once_and_in_order():
    faults = settings_faults({"thanks_ms": 0, "tea": 1, "age_check_years": 26, "coffee": 2})

    assert [fault.split(":")[0] for fault in faults] == ["coffee", "tea", "age_check_years", "thanks_ms"]


def test_what_is_no_object_is_one_fault():
    for document in (None, [], "", 1):
        assert len(settings_faults(document)) == 1


def test_wrong_values_are_refused_one_by_one():
    wrong = [
        ("store_name", ["", "x" * 65, 7, "bell\x07"]),
        ("store_lines", ["x", ["x"] * 9, [""], [7]]),
        ("languages", [[], ["en", "en"], ["fr"], "en", [["en"]]]),
        ("methods", [[], ["cheque"], None]),
        ("utc_offsets", [[], [[0]], [[1000, 0], [0, 0]], [[0, 841]], [[-1, 0]], [["0", 0]], [0]]),
        (
            "staff",
            [
                {},
                ["anna"],
                [{"id": "anna"}],
                [ANNA, ANNA],
                [ANNA | {"id": "Jürgen"}],
                [ANNA] * (MAX_STAFF + 1),
            ],
        ),
        ("taxes", [{}, None, DEFAULT_TAXES | {"rates": {}}, DEFAULT_TAXES | {"mode": "never"}]),
    ]
    for name, values in wrong:
        for value in values:
            faults = settings_faults({name: value})
            assert len(faults) == 1, (name, value)
            assert faults[0].startswith(name + ": ")


def test_the_choices_are_those_that_the_screen_and_the_lane_have():
    assert LANGUAGES == ("en", "zh")
    assert METHODS == ("card", "cash")


def test_a_template_and_a_screen_are_looked_into():
    template = compile_template(RECEIPT)

    faults = settings_faults(
        {
            "receipt_template": template | {"program": [["text", "", [".sale.totl"]]]},
            "screen": {"colours": {"brand": "#ffff00"}},
        }
    )

    assert faults[0].startswith(
        "receipt_template: template-name-unknown: instruction 1: there is no totl here"
    )
    assert faults[1].startswith("screen: colours: on_brand on brand has a contrast of 1.07")
