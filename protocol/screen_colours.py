"""Colours of a screen: how well one is read on another, and the shades that follow from the few that a tenant chooses.

Whole numbers only: brightness comes from a table, so that cloud, box and MicroPython judge alike. A colour is
"#rrggbb".
"""

AA_PERCENT = 450  # 4.5 : 1, what WCAG 2 asks of text at level AA
WHITE = "#ffffff"
BLACK = "#000000"
QUIET = "#e6e5de"  # the ground of quiet notices and of keys that do nothing
DEFAULT_COLOURS = {"brand": "#0a5b4c", "on_brand": "#ffffff", "ground": "#f3f2ed", "ink": "#16201d"}

_HEX = "0123456789abcdef"
_SCALE = 1000000
# Light of each value of one of the three parts, in millionths: sRGB, gamma taken out.
_LIGHT_TEXT = (
    "0 304 607 911 1214 1518 1821 2125 2428 2732 3035 3347 3677 4025 4391 4777 5182 5605 6049 6512 6995 "
    "7499 8023 8568 9134 9721 10330 10960 11612 12286 12983 13702 14444 15209 15996 16807 17642 18500 "
    "19382 20289 21219 22174 23153 24158 25187 26241 27321 28426 29557 30713 31896 33105 34340 35601 "
    "36889 38204 39546 40915 42311 43735 45186 46665 48172 49707 51269 52861 54480 56128 57805 59511 "
    "61246 63010 64803 66626 68478 70360 72272 74214 76185 78187 80220 82283 84376 86500 88656 90842 "
    "93059 95307 97587 99899 102242 104616 107023 109462 111932 114435 116971 119538 122139 124772 127438 "
    "130136 132868 135633 138432 141263 144128 147027 149960 152926 155926 158961 162029 165132 168269 "
    "171441 174647 177888 181164 184475 187821 191202 194618 198069 201556 205079 208637 212231 215861 "
    "219526 223228 226966 230740 234551 238398 242281 246201 250158 254152 258183 262251 266356 270498 "
    "274677 278894 283149 287441 291771 296138 300544 304987 309469 313989 318547 323143 327778 332452 "
    "337164 341914 346704 351533 356400 361307 366253 371238 376262 381326 386429 391572 396755 401978 "
    "407240 412543 417885 423268 428690 434154 439657 445201 450786 456411 462077 467784 473531 479320 "
    "485150 491021 496933 502886 508881 514918 520996 527115 533276 539479 545724 552011 558340 564712 "
    "571125 577580 584078 590619 597202 603827 610496 617207 623960 630757 637597 644480 651406 658375 "
    "665387 672443 679542 686685 693872 701102 708376 715694 723055 730461 737910 745404 752942 760525 "
    "768151 775822 783538 791298 799103 806952 814847 822786 830770 838799 846873 854993 863157 871367 "
    "879622 887923 896269 904661 913099 921582 930111 938686 947307 955973 964686 973445 982251 991102 "
    "1000000"
)
_LIGHT = tuple([int(part) for part in _LIGHT_TEXT.split()])


def is_colour(text: object) -> bool:
    """Tell whether this is a colour as "#rrggbb", in lower case."""
    return type(text) is str and len(text) == 7 and text[0] == "#" and not text[1:].strip(_HEX)


def contrast_percent(one: str, other: str) -> int:
    """Contrast of two colours in hundredths: 100 for equal ones, 2100 for black on white.

    >>> contrast_percent("#000000", "#ffffff"), contrast_percent("#777777", "#ffffff")
    (2100, 447)
    """
    lights = sorted([_light(one), _light(other)])
    return (lights[1] + _SCALE // 20) * 100 // (lights[0] + _SCALE // 20)


def colour_fault(colours: dict[str, str]) -> str:
    """What cannot be read with these colours, in words; "" when all can. Missing ones are ours."""
    chosen = DEFAULT_COLOURS | colours
    for front, ground, where in (
        ("on_brand", chosen["brand"], "brand"),
        ("ink", chosen["ground"], "ground"),
        ("ink", WHITE, "white"),
        ("ink", QUIET, "the grey of quiet notices"),
    ):
        found = contrast_percent(chosen[front], ground)
        if found < AA_PERCENT:
            return (
                f"{front} on {where} has a contrast of {found // 100}.{found % 100:02d}, and text needs 4.50: "
                + ("choose a darker ink" if front == "ink" else "make one of them lighter or darker")
            )
    return ""


def shades_of(colours: dict[str, str]) -> dict[str, str]:
    """Every colour that the page needs, by the name of its style; text among them is read on what it stands on."""
    chosen = DEFAULT_COLOURS | colours
    brand, ink, ground = chosen["brand"], chosen["ink"], chosen["ground"]
    soft = mixed(brand, WHITE, 12)
    grounds = (WHITE, ground, soft)
    return {
        "brand": brand,
        "on-brand": chosen["on_brand"],
        "chip-edge": mixed(chosen["on_brand"], brand, 55),
        "brand-deep": _readable(mixed(brand, BLACK, 75), grounds),
        "brand-soft": soft,
        "ground": ground,
        "ink": ink,
        "ink-soft": _readable(mixed(ink, WHITE, 75), grounds),
    }


def mixed(one: str, other: str, percent: int) -> str:
    """So many parts in a hundred of the first colour, the rest of the other."""
    pairs = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join([f"{(a * percent + b * (100 - percent) + 50) // 100:02x}" for a, b in pairs])


def _readable(colour: str, grounds: tuple[str, ...]) -> str:
    """The colour, made darker until it is read on every ground."""
    for percent in range(100, -1, -10):
        shade = mixed(colour, BLACK, percent)
        if min([contrast_percent(shade, ground) for ground in grounds]) >= AA_PERCENT:
            return shade
    return BLACK


def _light(colour: str) -> int:
    red, green, blue = [_LIGHT[int(colour[at : at + 2], 16)] for at in (1, 3, 5)]
    return (red * 2126 + green * 7152 + blue * 722) // 10000
