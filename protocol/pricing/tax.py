"""Tax tables: which rate each tax class has, whether prices include it, and where it is rounded.

Applying a table to a basket is in `engine`. A table is named in a sale's record by its hash.
"""

import hashlib

from protocol.errors import ConfigError, PeerError
from protocol.item import is_tax_class, is_whole
from protocol.limits import MAX_TAX_CLASSES, MAX_TAX_PPM
from protocol.money import MILLION, divide_round
from protocol.strict_json import dumps

INCLUDED = "included"
EXCLUDED = "excluded"
PER_LINE = "line"
PER_TOTAL = "total"
VERSION = 1


class TaxTable:
    """`rates` maps a tax class, one letter, to parts per million (20 % is 200000); an exempt class has 0.

    `mode` "included": shelf prices contain the tax; "excluded": it is added on top. `rounding` "line": each
    line's tax is rounded, then summed; "total": the sum of each class is taxed and rounded once, and that
    tax is spread over its lines by largest remainder. Both round half up. Errors: PeerError
    "tax-table-wrong".

    >>> TaxTable("included", "line", {"A": 200000}).tax_in(1200, "A")
    200
    """

    __slots__ = ("hash", "mode", "rates", "rounding")

    def __init__(self, mode: str, rounding: str, rates: dict[str, int]) -> None:
        if mode not in (INCLUDED, EXCLUDED):
            raise _wrong('the mode is not "included" or "excluded"')
        if rounding not in (PER_LINE, PER_TOTAL):
            raise _wrong('the rounding is not "line" or "total"')
        if (
            not isinstance(rates, dict)
            or not 1 <= len(rates) <= MAX_TAX_CLASSES
            or not all(is_tax_class(name) for name in rates)
        ):
            raise _wrong("the rates do not stand under single letters A to Z")
        if not all(is_whole(ppm, 0, MAX_TAX_PPM) for ppm in rates.values()):  # in any order
            raise _wrong(f"a rate is not 0 to {MAX_TAX_PPM} parts per million")
        self.mode = mode
        self.rounding = rounding
        self.rates = rates
        self.hash = hashlib.sha256(dumps(self.document())).digest()

    def document(self) -> dict[str, object]:
        """Return the table as plain JSON values; its canonical bytes are what `hash` is taken over."""
        return {"v": VERSION, "mode": self.mode, "rounding": self.rounding, "rates": self.rates}

    def tax_in(self, amount_minor: int, tax_class: str) -> int:
        """Return the tax contained in an amount, or to be added to it, as `mode` says; rounded half up.

        Errors: ConfigError "tax-class-unknown".
        """
        ppm = self.rates.get(tax_class)
        if ppm is None:
            raise ConfigError(
                "tax-class-unknown",
                f"the tax table has no class {tax_class}",
                "add the class to the tax table, or correct the item",
            )
        if ppm == 0:
            return 0
        return divide_round(amount_minor * ppm, MILLION + ppm if self.mode == INCLUDED else MILLION)


def read_tax_table(document: object) -> TaxTable:
    """Read what `TaxTable.document` gives; PeerError "tax-table-wrong" for anything else."""
    if not isinstance(document, dict) or sorted(document) != ["mode", "rates", "rounding", "v"]:
        raise _wrong("it does not have exactly the fields v, mode, rounding and rates")
    if document["v"] != VERSION or not isinstance(document["rates"], dict):
        raise _wrong("it is not a table of version 1")
    return TaxTable(document["mode"], document["rounding"], document["rates"])


def _wrong(what: str) -> PeerError:
    return PeerError("tax-table-wrong", what, "correct the tax table and publish it again")
