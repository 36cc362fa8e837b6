"""What is known about an item beside its price: category, brand, tags and attributes, as promotion rules ask for them.

Most items of a shop agree in these with others, so a catalogue image stores them once for each class of items and
hands out one object for all of them. What they must be is checked by `check_facts`; the item is in `item`.
"""

from protocol.errors import PeerError
from protocol.limits import (
    MAX_ATTRIBUTE_VALUE_BYTES,
    MAX_ATTRIBUTES,
    MAX_CATEGORY_BYTES,
    MAX_CATEGORY_DEPTH,
    MAX_FACT_BYTES,
    MAX_TAGS,
)
from protocol.plain_text import is_plain

# Spelt between the parts and the values of the stored text; no value holds a control character.
_BETWEEN_PARTS = "\n"
_BETWEEN_VALUES = "\t"


class Facts:
    """What rules may ask for: `category` is a path such as "food/fruit/apple", whose first step is the department.

    `tags` are texts, `attributes` pairs of name and value; both are put in order here. Never changed once made.
    """

    __slots__ = ("_keys", "_text", "attributes", "brand", "category", "is_checked", "tags")

    def __init__(
        self,
        category: str = "",
        brand: str = "",
        tags: tuple[str, ...] = (),
        attributes: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.category = category
        self.brand = brand
        self.tags = tuple(sorted(tags))
        self.attributes = tuple(sorted(attributes))
        self.is_checked = False
        self._keys: tuple[str, ...] | None = None
        self._text = ""

    def keys(self) -> tuple[str, ...]:
        """Return everything that these facts answer "yes" to, as an index of rules spells it.

        >>> Facts("food/fruit", "Acme", ("organic",), (("origin", "es"),)).keys()
        ('c:food', 'c:food/fruit', 'b:Acme', 't:organic', 'a:origin=es')
        """
        if self._keys is None:
            steps = self.category.split("/") if self.category else []
            keys = ["c:" + "/".join(steps[: count + 1]) for count in range(len(steps))]
            if self.brand:
                keys.append("b:" + self.brand)
            keys += ["t:" + tag for tag in self.tags]
            keys += ["a:" + name + "=" + value for name, value in self.attributes]
            self._keys = tuple(keys)
        return self._keys

    def attribute(self, name: str) -> str:
        """Return the value of an attribute, "" when there is none of this name."""
        for one, value in self.attributes:
            if one == name:
                return value
        return ""

    def text(self) -> str:
        """Return what an image stores: four lines, of which the last two hold values with tabs between them."""
        if not self._text:
            attributes = [name + "=" + value for name, value in self.attributes]
            self._text = _BETWEEN_PARTS.join(
                [self.category, self.brand, _BETWEEN_VALUES.join(self.tags), _BETWEEN_VALUES.join(attributes)]
            )
        return self._text

    def document(self) -> dict[str, object]:
        """Return the facts as plain JSON values."""
        return {
            "category": self.category,
            "brand": self.brand,
            "tags": list(self.tags),
            "attributes": {name: value for name, value in self.attributes},  # noqa: C416 - dict() takes no pairs there
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Facts) and self.text() == other.text()

    def __hash__(self) -> int:
        return hash(self.text())

    def __repr__(self) -> str:
        return "Facts" + repr((self.category, self.brand, self.tags, self.attributes))


NO_FACTS = Facts()


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


def read_facts(text: str) -> Facts:
    """Read what `Facts.text` gives; PeerError "item-facts-wrong" when it could not have given it."""
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
    if facts.text() != text:
        raise _wrong("item-facts-wrong", "the stored facts are not in order")
    return facts


def facts_of_document(document: object) -> Facts:
    """Read what `Facts.document` gives, from which parts may be missing; PeerError with the codes of `check_facts`."""
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
