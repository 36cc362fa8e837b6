"""Screens of a store: colours that can be read, keys that are known, and everything else refused by name."""

import binascii

from protocol.screen import (
    ALWAYS_ACTS,
    MAX_QUICK_KEYS,
    MAX_SCREEN_LOGO_BYTES,
    MAX_TILE_KEYS,
    MAX_TILES,
    STAFF_ACTS,
    read_screen,
    screen_fault,
)
from protocol.screen_colours import (
    AA_PERCENT,
    DEFAULT_COLOURS,
    QUIET,
    WHITE,
    colour_fault,
    contrast_percent,
    is_colour,
    mixed,
    shades_of,
)

PNG = b"\x89PNG\r\n\x1a\n"
LABEL = {"en": "Bananas", "zh": "香蕉"}
KEY = {"gtin": "00000000004011", "label": LABEL}
LOGO = binascii.b2a_base64(PNG + b"rest").decode().strip()
EVERYTHING = {
    "colours": {"brand": "#7a1f5c", "on_brand": "#ffffff", "ground": "#faf7f2", "ink": "#1c1017"},
    "logo": LOGO,
    "buttons": ["help", "text_size"],
    "quick_keys": [KEY] * MAX_QUICK_KEYS,
    "tiles": [{"label": {"zh": "水果"}, "keys": [KEY, dict(KEY, gtin="00000000094011")]}],
    "staff_acts": list(ALWAYS_ACTS),
    "words": {"start": {"en": "Begin", "zh": "开始"}},
}


def test_a_whole_screen_is_taken_and_tells_what_may_be_picked():
    assert screen_fault(EVERYTHING) == ""

    screen = read_screen(EVERYTHING)

    assert screen.gtins == {"00000000004011", "00000000094011"}
    assert screen.logo == PNG + b"rest"
    assert screen.look["buttons"] == ["help", "text_size"]
    assert len(screen.digest) == 16
    assert screen.digest == read_screen(dict(EVERYTHING)).digest
    assert screen.digest != read_screen({}).digest


def test_an_empty_screen_is_as_the_software_comes():
    screen = read_screen({})

    assert screen_fault({}) == ""
    assert screen.look["colours"] == {}
    assert screen.staff_acts == list(STAFF_ACTS)
    assert (screen.gtins, screen.logo) == (set(), b"")


def test_every_fault_is_named():
    cases = [
        ([], "must be an object"),
        ({"tea": 1}, "tea: unknown"),
        ({"colours": []}, "colours: must have only"),
        ({"colours": {"paper": WHITE}}, "colours: must have only"),
        ({"colours": {"brand": "red"}}, "brand must be a colour"),
        ({"colours": {"brand": "#0A5B4C"}}, "brand must be a colour"),
        ({"colours": {"brand": "#0a5b4"}}, "brand must be a colour"),
        ({"colours": {"brand": "#8a9a8a"}}, "on_brand on brand has a contrast of"),
        ({"colours": {"ink": "#777777"}}, "ink on ground has a contrast of"),
        ({"colours": {"ground": "#101010"}}, "ink on ground"),
        ({"colours": {"ink": "#ffffff", "ground": "#000000"}}, "ink on white has a contrast of 1.00"),
        ({"logo": 1}, "logo: must be a PNG"),
        ({"logo": "x"}, "logo: must be a PNG"),
        ({"logo": "===="}, "logo: is no PNG"),
        ({"logo": "AAAA"}, "logo: is no PNG"),
        ({"logo": "A" * (MAX_SCREEN_LOGO_BYTES * 2)}, "logo: must be a PNG"),
        ({"buttons": ["pay"]}, "buttons: must be a list of help, reach, text_size"),
        ({"buttons": ["help", "help"]}, "buttons: names one twice"),
        ({"buttons": [[]]}, "buttons: must be a list"),
        ({"staff_acts": ["help_given"]}, "staff_acts: must have age_approved"),
        ({"staff_acts": ["dance"]}, "staff_acts: must be a list"),
        ({"quick_keys": {}}, "quick_keys: must be a list of at most 12 keys"),
        ({"quick_keys": [KEY] * (MAX_QUICK_KEYS + 1)}, "quick_keys: must be a list of at most"),
        ({"quick_keys": [{"gtin": "1"}]}, "key 1 must have exactly gtin and label"),
        ({"quick_keys": [KEY, dict(KEY, gtin="4011")]}, "key 2: gtin must have 14 digits"),
        ({"quick_keys": [dict(KEY, label={})]}, "label must have a text for en, zh or both"),
        ({"quick_keys": [dict(KEY, label={"fr": "x"})]}, "label must have a text"),
        ({"quick_keys": [dict(KEY, label={"en": "x" * 25})]}, "of 1 to 24 characters"),
        ({"quick_keys": [dict(KEY, label={"en": "\u202e"})]}, "must be a printable text"),
        ({"tiles": [{"label": LABEL}]}, "tile 1 must have exactly label and keys"),
        ({"tiles": [{"label": {}, "keys": []}]}, "tile 1: label must have"),
        ({"tiles": [{"label": LABEL, "keys": [KEY] * (MAX_TILE_KEYS + 1)}]}, "at most 24 keys"),
        ({"tiles": [{"label": LABEL, "keys": []}] * (MAX_TILES + 1)}, "tiles: must be a list of at most"),
        ({"words": {"pay": LABEL}}, "words: must have only attract"),
        ({"words": {"start": "Go"}}, "words: start: label must have"),
    ]
    for document, told in cases:
        fault = screen_fault(document)

        assert told in fault, (document, fault)


def test_contrast_is_that_of_the_standard():
    cases = [
        ("#000000", "#ffffff", 2100),
        ("#ffffff", "#ffffff", 100),
        ("#767676", "#ffffff", 454),
        ("#777777", "#ffffff", 447),
        ("#0000ff", "#ffffff", 859),
        ("#ff0000", "#ffffff", 399),
    ]
    for one, other, wanted in cases:
        assert abs(contrast_percent(one, other) - wanted) <= 1, one
        assert contrast_percent(one, other) == contrast_percent(other, one)


def test_every_shade_that_is_text_can_be_read_whatever_was_chosen():
    for brand, on_brand in (
        ("#ffd400", "#000000"),
        ("#0a5b4c", "#ffffff"),
        ("#101010", "#00ff88"),
        ("#ffffff", "#000000"),
    ):
        colours = {"brand": brand, "on_brand": on_brand, "ground": "#e8f0f8", "ink": "#3c3c3c"}

        shades = shades_of(colours)

        assert colour_fault(colours) == ""
        for text in ("brand-deep", "ink", "ink-soft"):
            for ground in (WHITE, shades["ground"], shades["brand-soft"]):
                assert contrast_percent(shades[text], ground) >= AA_PERCENT, (brand, text, ground)
        assert contrast_percent(shades["ink"], QUIET) >= AA_PERCENT


def test_colours_are_mixed_and_recognised():
    assert mixed("#000000", "#ffffff", 50) == "#808080"
    assert mixed("#123456", "#ffffff", 100) == "#123456"
    assert all(is_colour(DEFAULT_COLOURS[name]) for name in DEFAULT_COLOURS)
    assert not is_colour("#gggggg")
    assert not is_colour(None)
