"""The pricing engine: lines and a tax table in, exact amounts out.

Whatever the rounding, the total is the sum of the lines' gross amounts, the tax rows sum to the tax, and
net plus tax is gross, line by line and in every sum. ENGINE names these rules in a sale's record: another
result needs another number.
"""

from protocol.basket import Line
from protocol.errors import PeerError
from protocol.limits import MAX_AMOUNT_MINOR
from protocol.money import allocate
from protocol.pricing.tax import INCLUDED, PER_LINE, TaxTable

ENGINE = 1


class Priced:
    """What a basket costs.

    `lines` holds (number, gross_minor, net_minor, tax_minor) of each open line in order; `tax_rows` holds
    (tax_class, ppm, net_minor, tax_minor) of each class in the basket, by letter.
    """

    __slots__ = ("lines", "net_minor", "tax_minor", "tax_rows", "total_minor")

    def __init__(
        self, lines: list[tuple[int, int, int, int]], tax_rows: list[tuple[str, int, int, int]]
    ) -> None:
        self.lines = lines
        self.tax_rows = tax_rows
        self.net_minor = sum([row[2] for row in tax_rows])
        self.tax_minor = sum([row[3] for row in tax_rows])
        self.total_minor = self.net_minor + self.tax_minor
        if self.total_minor > MAX_AMOUNT_MINOR:
            raise PeerError("total-out-of-range", "the total has more than twelve digits", "pay it in parts")


def price_basket(lines: list[Line], tax_table: TaxTable) -> Priced:
    """Price the open ones of `lines`.

    Errors: ConfigError "tax-class-unknown", PeerError "total-out-of-range".
    """
    open_lines = [line for line in lines if not line.is_voided]
    if tax_table.rounding == PER_LINE:
        taxes = [tax_table.tax_in(line.amount_minor, line.tax_class) for line in open_lines]
    else:
        taxes = [0] * len(open_lines)
    sums: dict[str, tuple[int, int, int]] = {}
    for line, tax in zip(open_lines, taxes):  # noqa: B905 - MicroPython's zip has no strict
        count, amount, tax_sum = sums.get(line.tax_class, (0, 0, 0))
        sums[line.tax_class] = (count + 1, amount + line.amount_minor, tax_sum + tax)
    tax_rows = _tax_rows(tax_table, sums)
    if tax_table.rounding != PER_LINE:
        _spread(open_lines, taxes, tax_rows)
    is_included = tax_table.mode == INCLUDED
    rows = []
    for line, tax in zip(open_lines, taxes):  # noqa: B905 - as above
        amount = line.amount_minor
        if is_included:
            rows.append((line.number, amount, amount - tax, tax))
        else:
            rows.append((line.number, amount + tax, amount, tax))
    return Priced(rows, tax_rows)


class Pricer:
    """Running totals of a basket: a scan costs the same at the first line and at the thousandth.

    After any adds and removes the totals and `tax_rows` equal those of `price_basket` over the lines that
    are left.
    """

    __slots__ = ("_sums", "_tax_table")

    def __init__(self, tax_table: TaxTable) -> None:
        self._tax_table = tax_table
        # Tax class -> (open lines, their amounts, their rounded taxes).
        self._sums: dict[str, tuple[int, int, int]] = {}

    def add(self, line: Line) -> None:
        """Count a line in. Errors: ConfigError "tax-class-unknown"; nothing is counted then."""
        tax = self._tax_table.tax_in(line.amount_minor, line.tax_class)
        count, amount, taxes = self._sums.get(line.tax_class, (0, 0, 0))
        self._sums[line.tax_class] = (count + 1, amount + line.amount_minor, taxes + tax)

    def remove(self, line: Line) -> None:
        """Count a line out that was added: pass what `Basket.void` returns."""
        count, amount, taxes = self._sums[line.tax_class]
        if count == 1:
            del self._sums[line.tax_class]
            return
        tax = self._tax_table.tax_in(line.amount_minor, line.tax_class)
        self._sums[line.tax_class] = (count - 1, amount - line.amount_minor, taxes - tax)

    def tax_rows(self) -> list[tuple[str, int, int, int]]:
        """Return the rows (tax_class, ppm, net_minor, tax_minor) as they stand now, by letter."""
        return _tax_rows(self._tax_table, self._sums)

    def totals(self) -> tuple[int, int, int]:
        """Return the basket's (total_minor, net_minor, tax_minor) as it stands now."""
        priced = Priced([], self.tax_rows())
        return priced.total_minor, priced.net_minor, priced.tax_minor

    def copy(self) -> "Pricer":
        """Return a pricer that goes on by itself from here."""
        twin = Pricer(self._tax_table)
        twin._sums = dict(self._sums)
        return twin


def _tax_rows(table: TaxTable, sums: dict[str, tuple[int, int, int]]) -> list[tuple[str, int, int, int]]:
    rows = []
    for tax_class in sorted(sums):
        _, amount, tax = sums[tax_class]
        if table.rounding != PER_LINE:
            tax = table.tax_in(amount, tax_class)
        net = amount - tax if table.mode == INCLUDED else amount
        rows.append((tax_class, table.rates[tax_class], net, tax))
    return rows


def _spread(lines: list[Line], taxes: list[int], tax_rows: list[tuple[str, int, int, int]]) -> None:
    """Change `taxes`, all 0, so that those of a class sum to the tax of its row."""
    for tax_class, _, _, tax in tax_rows:
        if tax:
            places = [at for at, line in enumerate(lines) if line.tax_class == tax_class]
            parts = allocate(tax, [lines[at].amount_minor for at in places])
            for at, part in zip(places, parts):  # noqa: B905 - as above
                taxes[at] = part
