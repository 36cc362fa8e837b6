"""One thing that is sold, as a catalogue gives it and a basket takes it.

What is known about it beside its price is in `facts`, what it must be to get into a catalogue in
`item_rules`; many items are in `catalogue`, urgent changes in
`overlay`.
"""

from protocol.facts import NO_FACTS, Facts

UNIT = "unit"
WEIGHT = "weight"
KINDS = (UNIT, WEIGHT)


class Item:
    """One thing that is sold: `unit_price_minor` is per piece, or per kilogram when `kind` is "weight".

    `levels` holds (name, price) of price levels such as "member", in order of name; a sale at a level that is not there
    pays the unit price.
    """

    __slots__ = ("age_min", "facts", "gtin", "kind", "levels", "name", "tax_class", "unit_price_minor")

    def __init__(  # noqa: PLR0913, PLR0917 - these are the fields of a record
        self,
        gtin: str,
        name: str,
        unit_price_minor: int,
        tax_class: str,
        kind: str = UNIT,
        age_min: int = 0,
        facts: Facts = NO_FACTS,
        levels: tuple[tuple[str, int], ...] = (),
    ) -> None:
        self.gtin = gtin
        self.name = name
        self.unit_price_minor = unit_price_minor
        self.tax_class = tax_class
        self.kind = kind
        self.age_min = age_min
        self.facts = facts
        self.levels = levels if len(levels) < 2 else tuple(sorted(levels))

    def fields(self) -> tuple[str, str, int, str, str, int, Facts, tuple[tuple[str, int], ...]]:
        """Every field, in the order of the constructor."""
        return (
            self.gtin,
            self.name,
            self.unit_price_minor,
            self.tax_class,
            self.kind,
            self.age_min,
            self.facts,
            self.levels,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Item) and self.fields() == other.fields()

    def __hash__(self) -> int:
        return hash(self.fields())

    def __repr__(self) -> str:
        return "Item" + repr(self.fields())


def is_tax_class(text: str) -> bool:
    """Tell whether `text` is one letter A to Z."""
    return isinstance(text, str) and len(text) == 1 and "A" <= text <= "Z"


def takes_label_price(gtin: str, kind: str) -> bool:
    """Tell whether a label may say what one package of this item costs.

    Only what is packed by measure has such labels: items sold by weight, GTINs of variable measure (first digit 9), and
    the shop's own numbers (02 and 20 to 29). For all others the catalogue alone knows the price, or anybody could print
    a cheaper one.
    """
    return kind == WEIGHT or gtin[0] == "9" or gtin[:2] == "02" or gtin[:3] == "002"


def is_whole(number: object, lowest: int, highest: int) -> bool:
    """Tell whether `number` is an integer from `lowest` to `highest`; a bool is not an integer here."""
    return type(number) is int and lowest <= number <= highest
