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
PERIODS_VERSION = 2
MAX_PERIODS = 64  # of one schedule; a rate that changes twice a year fills it in a lifetime


class TaxTable:
    """`rates` maps a tax class, one letter, to parts per million (20 % is 200000); an exempt class has 0.

    `mode` "included": shelf prices contain the tax; "excluded": it is added on top. `rounding` "line": each
    line's tax is rounded, then summed; "total": the sum of each class is taxed and rounded once, and that
    tax is spread over its lines by largest remainder. Both round half up. Errors: PeerError
    "tax-table-wrong".

    >>> TaxTable("included", "line", {"A": 200000}).tax_in(1200, "A")
    200
    """

    __slots__ = ("_fractions", "hash", "mode", "rates", "rounding")

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
        self._fractions = {}
        for name, ppm in rates.items():  # in any order
            whole = MILLION + ppm if mode == INCLUDED else MILLION
            self._fractions[name] = (2 * ppm, whole, 2 * whole)  # as `round_all` takes them
        self.hash = hashlib.sha256(dumps(self.document())).digest()

    def document(self) -> dict[str, object]:
        """Return the table as plain JSON values; its canonical bytes are what `hash` is taken over."""
        return {"v": VERSION, "mode": self.mode, "rounding": self.rounding, "rates": self.rates}

    def at(self, day: str) -> "TaxTable":  # noqa: ARG002 - the same question as a schedule's
        """Return the table that holds on a day: this one, always."""
        return self

    def fractions(self, lines) -> list[tuple[int, int, int]]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - lines of a basket
        """Return of each line what `money.round_all` makes its tax by. Errors as for `tax_in`."""
        try:
            return [self._fractions[line.tax_class] for line in lines]
        except KeyError:
            for line in lines:
                self.tax_in(0, line.tax_class)
            raise

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


class TaxSchedule:
    """Rates by period: `periods` are pairs (first day "YYYY-MM-DD", rates), rising. PeerError "tax-table-wrong".

    A table of one of its days carries the hash of the schedule, because that is what a sale records.
    """

    __slots__ = ("_tables", "hash", "mode", "periods", "rounding")

    def __init__(self, mode: str, rounding: str, periods: list[tuple[str, dict[str, int]]]) -> None:
        days = [day for day, _ in periods]
        if (
            not 1 <= len(days) <= MAX_PERIODS
            or days != sorted(set(days))
            or not all(_is_day(day) for day in days)
        ):
            raise _wrong(f"the periods are not 1 to {MAX_PERIODS} with rising first days")
        self.mode = mode
        self.rounding = rounding
        self.periods = periods
        self._tables = [(day, TaxTable(mode, rounding, rates)) for day, rates in periods]
        self.hash = hashlib.sha256(dumps(self.document())).digest()
        for _, table in self._tables:
            table.hash = self.hash

    def document(self) -> dict[str, object]:
        """Return the schedule as plain JSON values; its canonical bytes are what `hash` is taken over."""
        periods = [{"from": day, "rates": rates} for day, rates in self.periods]
        return {"v": PERIODS_VERSION, "mode": self.mode, "rounding": self.rounding, "periods": periods}

    def at(self, day: str) -> TaxTable:
        """Return the table that holds on a day, the first one before all; `day` may go on with a time."""
        found = self._tables[0][1]
        for begin, table in self._tables:
            if begin <= day[:10]:
                found = table
        return found


def read_tax_table(document: object) -> TaxTable:
    """Read what `TaxTable.document` gives; PeerError "tax-table-wrong" for anything else."""
    if not isinstance(document, dict) or sorted(document) != ["mode", "rates", "rounding", "v"]:
        raise _wrong("it does not have exactly the fields v, mode, rounding and rates")
    if document["v"] != VERSION or not isinstance(document["rates"], dict):
        raise _wrong("it is not a table of version 1")
    return TaxTable(document["mode"], document["rounding"], document["rates"])


def read_taxes(document: object) -> TaxTable | TaxSchedule:
    """Read a tax table, or a schedule of rates by period; PeerError "tax-table-wrong"."""
    if not isinstance(document, dict) or document.get("v") != PERIODS_VERSION:
        return read_tax_table(document)
    if sorted(document) != ["mode", "periods", "rounding", "v"] or not isinstance(document["periods"], list):
        raise _wrong("it does not have exactly the fields v, mode, rounding and periods")
    periods = []
    for period in document["periods"]:
        if not isinstance(period, dict) or sorted(period) != ["from", "rates"]:
            raise _wrong("a period has from and rates")
        periods.append((period["from"], period["rates"]))
    return TaxSchedule(document["mode"], document["rounding"], periods)


def _is_day(day: object) -> bool:
    is_text = isinstance(day, str) and len(day) == 10 and day[4] + day[7] == "--"
    return is_text and not (day[:4] + day[5:7] + day[8:]).strip("0123456789")  # type: ignore[index]  # a text


def _wrong(what: str) -> PeerError:
    return PeerError("tax-table-wrong", what, "correct the tax table and publish it again")
