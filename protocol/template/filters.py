"""How values become text: every filter with what it takes and what it gives.

A filter never fails: of an absent value it makes nothing. `any list` stands for a list of whatever kind; a filter that
gives "same" gives the kind that it took.
"""

from protocol.limits import MAX_RECEIPT_TEXT_CHARS
from protocol.money import format_amount
from protocol.plain_text import cut

ANY_LIST = "any list"
SAME = "same"


def money(value: int | None, context: dict[str, object]) -> str:
    """An amount in the sale's currency, "12.50"; nothing when there is none."""
    return format_amount(value, str(context["currency"])) if type(value) is int else ""


def minus(value: int | None, context: dict[str, object]) -> str:
    """An amount that is taken off, "-12.50"."""
    return money(-value, context) if type(value) is int else ""


def kilograms(value: int | None, _: dict[str, object]) -> str:
    """Grams as kilograms with three decimals, "0.345"."""
    if type(value) is not int:
        return ""
    whole, grams = divmod(abs(value), 1000)
    return f"{'-' if value < 0 else ''}{whole}.{grams:03d}"


def percent(value: int | None, _: dict[str, object]) -> str:
    """A share in parts per million as percent, "8.875"."""
    if type(value) is not int:
        return ""
    whole, rest = divmod(value, 10000)
    return f"{whole}.{rest:04d}".rstrip("0") if rest else str(whole)


def word(value: str | None, context: dict[str, object]) -> str:
    """The word of the shopper's language for a name such as "cash"; the name itself when there is none."""
    return _word(value, context["words"])


def word_in(value: str | None, context: dict[str, object], language: str) -> str:
    """The same in the language that is named."""
    return _word(value, context.get(language))


def _word(value: str | None, words: object) -> str:
    text = value or ""
    return str(words.get(text, text)) if type(words) is dict else text


def upper(value: str | None, _: dict[str, object]) -> str:
    """Capital letters, of a to z only: every machine must print the same."""
    return "".join([c.upper() if "a" <= c <= "z" else c for c in value or ""])


def shortened(value: str | None, _: dict[str, object], width: int) -> str:
    """At most so many columns, a cut text ends in two dots."""
    return cut(value or "", max(width, 0))


def ending(value: str | None, _: dict[str, object], count: int) -> str:
    """The last characters of a text: of a masked card its four digits."""
    text = value or ""
    return text[-count:] if 0 < count < len(text) else text


def day(value: str | None, _: dict[str, object]) -> str:
    """The day of "2026-11-22 14:05"."""
    return (value or "")[:10]


def clock(value: str | None, _: dict[str, object]) -> str:
    """The time of day of "2026-11-22 14:05"."""
    return (value or "")[11:16]


def otherwise(value: str | None, _: dict[str, object], other: str) -> str:
    """The text, or another one when it is empty."""
    return value or other


def count(value: list[object] | None, _: dict[str, object]) -> int:
    """How many a list has."""
    return len(value or [])


def first(value: list[object] | None, _: dict[str, object], most: int) -> list[object]:
    """The first ones of a list."""
    return (value or [])[: max(most, 0)]


def beyond(value: list[object] | None, _: dict[str, object], most: int) -> int:
    """How many a list has beyond the first ones."""
    return max(len(value or []) - max(most, 0), 0)


def joined(value: list[object] | None, _: dict[str, object], between: str) -> str:
    """The texts of a list with another one between them, as far as a line has room."""
    text = ""
    for number, part in enumerate(value or []):
        text += (between if number else "") + str(part)
        if len(text) > MAX_RECEIPT_TEXT_CHARS:
            break
    return text


# name -> (what it takes, kinds of its arguments, what it gives, the function)
FILTERS = {
    "money": ("money", (), "text", money),
    "minus": ("money", (), "text", minus),
    "kg": ("weight", (), "text", kilograms),
    "percent": ("share", (), "text", percent),
    "word": ("text", (), "text", word),
    "word_in": ("text", ("text",), "text", word_in),
    "upper": ("text", (), "text", upper),
    "cut": ("text", ("number",), "text", shortened),
    "last": ("text", ("number",), "text", ending),
    "day": ("text", (), "text", day),
    "clock": ("text", (), "text", clock),
    "or_else": ("text", ("text",), "text", otherwise),
    "count": (ANY_LIST, (), "number", count),
    "first": (ANY_LIST, ("number",), SAME, first),
    "beyond": (ANY_LIST, ("number",), "number", beyond),
    "join": ("[text]", ("text",), "text", joined),
}
