"""What one shopper took: the lines of a basket and their bounds.

A line is fixed once made; voiding puts a voided copy in its place, so copies of a basket may share lines.
What the lines cost together, with tax, is decided in `pricing`; where an item comes from is `catalogue`.
"""

from protocol.errors import PeerError
from protocol.facts import NO_FACTS, Facts
from protocol.item import KINDS, UNIT, WEIGHT, Item, is_tax_class, is_whole, takes_label_price
from protocol.limits import (
    MAX_BASKET_LINES,
    MAX_QUANTITY,
    MAX_SUBTOTAL_MINOR,
    MAX_UNIT_PRICE_MINOR,
    MAX_WEIGHT_G,
)
from protocol.money import divide_round

SCAN = "scan"
LABEL = "label"
MANUAL = "manual"
SOURCES = (SCAN, LABEL, MANUAL)


class Line:
    """One basket line, always within its bounds; `amount_minor` follows from the other fields.

    A "unit" line has a quantity and no weight: quantity x unit price. A "weight" line has quantity 1 and a
    weight: price per kilogram x grams / 1000, half up. A label that carries its price makes a "unit" line
    of quantity 1 whose unit price is the label's, with source "label".

    Errors: PeerError "line-kind-wrong", "line-source-wrong", "tax-class-wrong", "quantity-out-of-range",
    "weight-out-of-range", "price-out-of-range". Nothing negative passes: a return is a refund, never a
    basket line.
    """

    __slots__ = (
        "age_min",
        "amount_minor",
        "facts",
        "gtin",
        "is_voided",
        "kind",
        "levels",
        "name",
        "number",
        "place",
        "quantity",
        "source",
        "tax_class",
        "unit_price_minor",
        "weight_g",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - these are the fields of a record
        self,
        number: int,
        gtin: str,
        name: str,
        kind: str,
        quantity: int,
        weight_g: int,
        unit_price_minor: int,
        tax_class: str,
        source: str = SCAN,
        age_min: int = 0,
        facts: Facts = NO_FACTS,
        levels: tuple[tuple[str, int], ...] = (),
        *,
        is_voided: bool = False,
    ) -> None:
        self.number = number
        self.gtin = gtin
        self.name = name
        self.kind = kind
        self.quantity = quantity
        self.weight_g = weight_g
        self.unit_price_minor = unit_price_minor
        self.tax_class = tax_class
        self.source = source
        self.age_min = age_min
        self.facts = facts
        self.levels = levels
        self.is_voided = is_voided
        _check(self)
        # Where promotions see the line, whatever the order of scanning; put together once, since it is asked often.
        self.place = (gtin, unit_price_minor, weight_g, quantity, number)
        if kind == WEIGHT:
            self.amount_minor = divide_round(unit_price_minor * weight_g, 1000)
        else:
            self.amount_minor = unit_price_minor * quantity

    def voided(self) -> "Line":
        """Return the same line, voided."""
        return Line(
            self.number,
            self.gtin,
            self.name,
            self.kind,
            self.quantity,
            self.weight_g,
            self.unit_price_minor,
            self.tax_class,
            self.source,
            self.age_min,
            self.facts,
            self.levels,
            is_voided=True,
        )


class Basket:
    """Lines numbered from 1, voided ones included; `subtotal_minor` sums the open ones before tax is added.

    Errors: PeerError, since what is added comes from scanner, scale, label or screen; the basket is then
    unchanged.
    """

    __slots__ = ("lines", "subtotal_minor")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.subtotal_minor = 0

    def add(
        self,
        item: Item,
        quantity: int = 1,
        weight_g: int = 0,
        source: str = SCAN,
        price_minor: int | None = None,
    ) -> Line:
        """Add `item` and return its line; a `price_minor` is what its label says instead of the item's price.

        Codes: "basket-full", "weight-missing" (weigh the item first), "weight-not-wanted",
        "label-price-not-wanted", "basket-too-dear", and those of Line.
        """
        if price_minor is not None and not takes_label_price(item.gtin, item.kind):
            raise PeerError(
                "label-price-not-wanted",
                "a label names a price, but the item has one of its own",
                "scan the product's own bar code",
            )
        if price_minor is not None:
            kind, price = UNIT, price_minor
        else:
            kind, price = item.kind, item.unit_price_minor
        if kind == WEIGHT and weight_g == 0:
            raise PeerError("weight-missing", "the item is sold by weight", "weigh it first")
        if kind == UNIT and weight_g != 0:
            raise PeerError("weight-not-wanted", "the item is sold by the piece", "add it without a weight")
        line = Line(
            len(self.lines) + 1,
            item.gtin,
            item.name,
            kind,
            quantity,
            weight_g,
            price,
            item.tax_class,
            source,
            item.age_min,
            item.facts,
            item.levels,
        )
        return self.append(line)

    def append(self, line: Line) -> Line:
        """Put a ready line at the end, as when a basket is rebuilt from records; number 1 comes first."""
        if len(self.lines) >= MAX_BASKET_LINES:
            raise PeerError(
                "basket-full", f"a basket holds {MAX_BASKET_LINES} lines", "pay this basket first"
            )
        if line.number != len(self.lines) + 1:
            raise PeerError(
                "line-number-wrong", "lines are numbered from 1 without a gap", "read the records again"
            )
        subtotal = self.subtotal_minor
        if not line.is_voided:
            subtotal += line.amount_minor
        if subtotal > MAX_SUBTOTAL_MINOR:
            raise PeerError(
                "basket-too-dear", "the total would pass the largest amount", "pay this basket first"
            )
        self.lines.append(line)
        self.subtotal_minor = subtotal
        return line

    def void(self, number: int) -> Line:
        """Void the line and return it as it was before. Codes: "line-unknown", "line-voided-already"."""
        if not is_whole(number, 1, len(self.lines)):
            raise PeerError("line-unknown", "the basket has no line of this number", "show the basket again")
        line = self.lines[number - 1]
        if line.is_voided:
            raise PeerError("line-voided-already", f"line {number} is voided", "show the basket again")
        self.lines[number - 1] = line.voided()
        self.subtotal_minor -= line.amount_minor
        return line

    def open_lines(self) -> list[Line]:
        """Return the lines that are not voided, in order."""
        return [line for line in self.lines if not line.is_voided]

    def age_min(self) -> int:
        """Return the highest age limit among the open lines, 0 when there is none."""
        return max([line.age_min for line in self.open_lines()] + [0])

    def copy(self) -> "Basket":
        """Return a basket that changes on its own; it shares the lines, which never change."""
        twin = Basket()
        twin.lines = list(self.lines)
        twin.subtotal_minor = self.subtotal_minor
        return twin


def _check(line: Line) -> None:
    if line.kind not in KINDS:
        raise PeerError("line-kind-wrong", 'a line is of kind "unit" or "weight"', "read the records again")
    if line.source not in SOURCES:
        raise PeerError(
            "line-source-wrong", "a line comes from scan, label or manual", "read the records again"
        )
    if not is_tax_class(line.tax_class):
        raise PeerError("tax-class-wrong", "a tax class is one letter A to Z", "correct the item")
    highest = 1 if line.kind == WEIGHT else MAX_QUANTITY
    if not is_whole(line.quantity, 1, highest):
        raise PeerError("quantity-out-of-range", f"a quantity here is 1 to {highest}", "enter it again")
    lightest, heaviest = (1, MAX_WEIGHT_G) if line.kind == WEIGHT else (0, 0)
    if not is_whole(line.weight_g, lightest, heaviest):
        raise PeerError(
            "weight-out-of-range", f"a weight here is {lightest} to {heaviest} g", "weigh it again"
        )
    if not is_whole(line.unit_price_minor, 0, MAX_UNIT_PRICE_MINOR):
        raise PeerError("price-out-of-range", f"a price is 0 to {MAX_UNIT_PRICE_MINOR}", "correct the item")
