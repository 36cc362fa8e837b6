"""A small shop for the tests of promotions: its items, baskets of them, and sets of rules."""

from protocol.basket import Basket
from protocol.facts import Facts
from protocol.item import Item
from protocol.pricing.sale import price
from protocol.pricing.tax import TaxTable
from protocol.promotions.occasion import Occasion
from protocol.promotions.promotion_set import PromotionSet

APPLE = Item("00000000000011", "Apple", 100, "A", facts=Facts("food/fruit/apple", "Orchard", ("organic",)))
PEAR = Item("00000000000012", "Pear", 150, "A", facts=Facts("food/fruit/pear", "Orchard"))
BREAD = Item("00000000000013", "Bread", 333, "A", facts=Facts("food/bakery", "Mill"))
SOAP = Item("00000000000014", "Soap", 250, "B", facts=Facts("care", "Foam", (), (("origin", "es"),)))
CHEESE = Item("00000000000015", "Cheese", 2000, "A", "weight", facts=Facts("food/dairy"))
MUG = Item("00000000000016", "Mug", 899, "B", facts=Facts("home"), levels=(("member", 700), ("staff", 500)))
BAG = Item("00000000000017", "Bag", 30, "B", facts=Facts("bags", tags=("no-discount",)))
TAXES = TaxTable("included", "line", {"A": 50000, "B": 200000})
NOON = {"at": "2026-11-23T12:00"}  # a Monday


def basket(*wanted):
    """The lines of a basket: (item, quantity) each, grams for what is weighed."""
    made = Basket()
    for item, count in wanted:
        if item.kind == "weight":
            made.add(item, 1, count)
        else:
            made.add(item, count)
    return made.lines


def rules(*told, **more):
    """A set of rules; what a rule lacks of id and name is put in."""
    listed = []
    for number, rule in enumerate(told):
        full = {"id": f"r{number + 1}", "name": f"Rule {number + 1}"}
        full.update(rule)
        listed.append(full)
    document = {"v": 1, "currency": "EUR", "number": 1, "rules": listed}
    document.update(more)
    return PromotionSet(document)


def priced(lines, promotions, taxes=TAXES, **occasion):
    """What a sale costs at noon, or as told."""
    told = dict(NOON)
    told.update(occasion)
    return price(lines, taxes, Occasion(told), promotions)


def off(lines, promotions, **occasion):
    """What is taken off: pairs of rule and amount."""
    return priced(lines, promotions, **occasion).discounts


FRUIT = {"category": ["food/fruit"]}
FOOD = {"category": ["food"]}
