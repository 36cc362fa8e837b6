"""The goods of the demonstration shop: a small supermarket that needs every path of a till.

Plain facts only: the checker prices sales from this table with arithmetic of its own.
"""

from __future__ import annotations

from typing import NamedTuple

CURRENCY = "GBP"
# Tax class -> parts per million, contained in the shelf prices.
TAX_PPM = {"A": 200_000, "B": 50_000, "Z": 0}


class Good(NamedTuple):
    """One thing on the shelf; `price_minor` is per piece, or per kilogram when `is_weighed`."""

    code: str  # what its barcode or its button says
    gtin: str  # the catalogue key
    name: str
    price_minor: int
    tax_class: str
    category: str  # its path in the catalogue
    is_weighed: bool = False
    age_min: int = 0


def _piece(code: str, name: str, price_minor: int, tax_class: str, category: str, age_min: int = 0) -> Good:
    return Good(code, code.rjust(14, "0"), name, price_minor, tax_class, category, age_min=age_min)


def _weighed(plu: str, name: str, price_minor: int) -> Good:
    return Good(plu, plu.rjust(14, "0"), name, price_minor, "Z", "produce", is_weighed=True)


GOODS = (
    _piece("4006381333931", "Rye bread, sliced", 249, "Z", "bakery"),
    _piece("5000112637922", "Oat drink 1 l", 185, "Z", "dairy"),
    _piece("5010477348678", "Whole milk 2 l", 155, "Z", "dairy"),
    _piece("3017620422003", "Hazelnut spread 400 g", 375, "Z", "grocery"),
    _piece("8076809513753", "Spaghetti No. 5", 145, "Z", "grocery"),
    _piece("8000070018327", "Ground coffee 250 g", 449, "Z", "grocery"),
    _piece("5449000000996", "Cola 330 ml", 95, "A", "drinks"),
    _piece("9002490100070", "Energy drink 250 ml", 155, "A", "drinks"),
    _piece("3168930010265", "Sparkling water 1 l", 85, "A", "drinks"),
    _piece("5410228142010", "Pale ale 330 ml", 210, "A", "alcohol", 18),
    _piece("8410113003027", "Red wine 75 cl", 899, "A", "alcohol", 18),
    _piece("4005900136725", "Hand cream 75 ml", 329, "A", "household"),
    _piece("8001090207258", "Dish soap 900 ml", 215, "A", "household"),
    _piece("5000267024202", "Fire logs 10 kg", 650, "B", "household"),
    _piece("6901939621257", "绿茶 500 毫升", 120, "A", "drinks"),
    _piece("6920459989463", "方便面 红烧牛肉味", 135, "Z", "grocery"),
    _piece("20000011", "Carrier bag", 30, "A", "household"),
    _weighed("4011", "Bananas", 119),
    _weighed("4131", "Apples, Fuji", 285),
    _weighed("4664", "Tomatoes on the vine", 399),
    _weighed("94046", "Avocados, organic", 1_190),
)
BY_GTIN = {good.gtin: good for good in GOODS}
