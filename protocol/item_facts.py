"""What the facts about an item must be to get into a catalogue, and how they are read from one.

The facts themselves are in `facts`.
"""

from protocol.errors import PeerError
from protocol.facts import Facts
from protocol.plain_text import is_plain

MAX_CATEGORY_BYTES = 160  # of a whole path; a screen shows one step of it
MAX_CATEGORY_DEPTH = 8  # steps of a path; the deepest retail classification in use (GS1 GPC) has four
MAX_FACT_BYTES = 48  # a brand, a tag, the name of an attribute
MAX_ATTRIBUTE_VALUE_BYTES = 64  # room for a GTIN or a word; descriptions do not belong into a till
MAX_TAGS = 16  # of one item; labels such as organic, new, clearance
MAX_ATTRIBUTES = 16  # of one item; more is a product database, which a till is not

# Spelt between the parts and the values of the stored text; no value holds a control character.
_BETWEEN_PARTS = "\n"
_BETWEEN_VALUES = "\t"


def check_facts(facts: object) -> Facts:
    """Return `facts` when an image can hold them; otherwise PeerError.

    Codes: "item-facts-wrong", "item-category-wrong", "item-brand-wrong", "item-tag-wrong", "item-attribute-wrong".
    """
    if not isinstance(facts, Facts):
        raise _wrong("item-facts-wrong", "the facts of an item are of another type")
    if facts.is_checked:
        return facts
    _check_category(facts.category)
    if facts.brand != "" and not _is_text(facts.brand, MAX_FACT_BYTES):
        raise _wrong(
            "item-brand-wrong", f"a brand has at most {MAX_FACT_BYTES} bytes and no control character"
        )
    tags = facts.tags
    if len(tags) > MAX_TAGS or not all(_is_text(tag, MAX_FACT_BYTES) for tag in tags):
        raise _wrong(
            "item-tag-wrong", f"there are at most {MAX_TAGS} tags, each of 1 to {MAX_FACT_BYTES} bytes"
        )
    if len(set(tags)) != len(tags):
        raise _wrong("item-tag-wrong", "a tag stands twice")
    _check_attributes(facts.attributes)
    facts.is_checked = True
    return facts


def text_of(facts: Facts) -> str:
    """Return what an image stores: four lines, of which the last two hold values with tabs between them."""
    attributes = [name + "=" + value for name, value in facts.attributes]
    return _BETWEEN_PARTS.join(
        [facts.category, facts.brand, _BETWEEN_VALUES.join(facts.tags), _BETWEEN_VALUES.join(attributes)]
    )


def read_facts(text: str) -> Facts:
    """Read what `text_of` gives; PeerError "item-facts-wrong" when it could not have given it."""
    parts = text.split(_BETWEEN_PARTS)
    if len(parts) != 4:
        raise _wrong("item-facts-wrong", "the stored facts do not have four parts")
    tags = tuple(parts[2].split(_BETWEEN_VALUES)) if parts[2] else ()
    pairs = parts[3].split(_BETWEEN_VALUES) if parts[3] else []
    attributes = []
    for pair in pairs:
        at = pair.find("=")
        attributes.append((pair[: max(0, at)], pair[at + 1 :]))
    facts = Facts(parts[0], parts[1], tags, tuple(attributes))
    if text_of(facts) != text:
        raise _wrong("item-facts-wrong", "the stored facts are not in order")
    return facts


def answers_of(facts: Facts) -> list[str]:
    """Return everything that facts answer "yes" to, as an index of rules spells it.

    >>> answers_of(Facts("food/fruit", "Acme", ("organic",), (("origin", "es"),)))
    ['c:food', 'c:food/fruit', 'b:Acme', 't:organic', 'a:origin=es']
    """
    steps = facts.category.split("/") if facts.category else []
    keys = ["c:" + "/".join(steps[: count + 1]) for count in range(len(steps))]
    if facts.brand:
        keys.append("b:" + facts.brand)
    keys += ["t:" + tag for tag in facts.tags]
    return keys + ["a:" + name + "=" + value for name, value in facts.attributes]


def document_of(facts: Facts) -> dict[str, object]:
    """Return facts as plain JSON values."""
    return {
        "category": facts.category,
        "brand": facts.brand,
        "tags": list(facts.tags),
        "attributes": {name: value for name, value in facts.attributes},  # noqa: C416 - dict() takes no pairs there
    }


def facts_of_document(document: object) -> Facts:
    """Read what `document_of` gives, from which parts may be missing; PeerError with the codes of `check_facts`."""
    if not isinstance(document, dict) or any(
        name not in ("category", "brand", "tags", "attributes") for name in document
    ):
        raise _wrong("item-facts-wrong", "facts are category, brand, tags and attributes")
    tags, attributes = document.get("tags", []), document.get("attributes", {})
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise _wrong("item-tag-wrong", "tags are a list of texts")
    if not isinstance(attributes, dict) or not all(isinstance(attributes[name], str) for name in attributes):
        raise _wrong("item-attribute-wrong", "attributes are texts under their names")
    pairs = [(name, attributes[name]) for name in sorted(attributes)]
    return check_facts(
        Facts(document.get("category", ""), document.get("brand", ""), tuple(tags), tuple(pairs))
    )


def _check_category(category: object) -> None:
    if type(category) is not str:
        raise _wrong("item-category-wrong", "a category is not text")
    if not category:
        return
    steps = category.split("/")
    if not _is_text(category, MAX_CATEGORY_BYTES) or len(steps) > MAX_CATEGORY_DEPTH or "" in steps:
        raise _wrong(
            "item-category-wrong",
            f"a category is 1 to {MAX_CATEGORY_DEPTH} names with / between them, at most {MAX_CATEGORY_BYTES} bytes",
        )


def _check_attributes(attributes: tuple[tuple[str, str], ...]) -> None:
    if len(attributes) > MAX_ATTRIBUTES:
        raise _wrong("item-attribute-wrong", f"there are at most {MAX_ATTRIBUTES} attributes")
    for name, value in attributes:
        if (
            not _is_text(name, MAX_FACT_BYTES)
            or "=" in name
            or not _is_text(value, MAX_ATTRIBUTE_VALUE_BYTES)
        ):
            raise _wrong(
                "item-attribute-wrong",
                "an attribute has a name without = and a value, neither with control characters",
            )
    if len({name for name, _ in attributes}) != len(attributes):
        raise _wrong("item-attribute-wrong", "an attribute stands twice")


def _is_text(text: object, most: int) -> bool:
    return type(text) is str and text != "" and is_plain(text) and len(text.encode()) <= most


def _wrong(code: str, what: str) -> PeerError:
    return PeerError(code, what, "correct the item at its source and build again")
