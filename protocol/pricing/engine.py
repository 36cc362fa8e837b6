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
    pricer = Pricer(tax_table)
    taxes = [pricer.add(line) for line in open_lines]
    tax_rows = pricer.tax_rows()
    if tax_table.rounding != PER_LINE:
        _spread(open_lines, taxes, tax_rows)
    is_included = tax_table.mode == INCLUDED
    rows = []
    for line, tax in zip(open_lines, taxes):  # noqa: B905 - MicroPython's zip has no strict
        amount = line.amount_minor
        if is_included:
            rows.append((line.number, amount, amount - tax, tax))
        else:
            rows.append((line.number, amount + tax, amount, tax))
    return Priced(rows, tax_rows)


class Pricer:
    """Running totals of a basket: a scan costs the same at the first line and at the thousandth.

    After any adds and removes the totals and `tax_rows` equal those of `price_basket` over the lines that are left.
    """

    __slots__ = ("_sums", "_tax_table")

    def __init__(self, tax_table: TaxTable) -> None:
        self._tax_table = tax_table
        # Tax class -> [open lines, their amounts, their rounded taxes].
        self._sums: dict[str, list[int]] = {}

    def add(self, line: Line) -> int:
        """Count a line in; return its tax if that is rounded per line, else 0.

        Errors: ConfigError "tax-class-unknown"; nothing is counted then.
        """
        tax = self._line_tax(line)
        sums = self._sums.get(line.tax_class)
        if sums is None:
            self._sums[line.tax_class] = [1, line.amount_minor, tax]
        else:
            sums[0] += 1
            sums[1] += line.amount_minor
            sums[2] += tax
        return tax

    def remove(self, line: Line) -> None:
        """Count a line out that was added: pass what `Basket.void` returns."""
        sums = self._sums[line.tax_class]
        sums[0] -= 1
        sums[1] -= line.amount_minor
        sums[2] -= self._line_tax(line)
        if sums[0] == 0:
            del self._sums[line.tax_class]

    def tax_rows(self) -> list[tuple[str, int, int, int]]:
        """Return the rows (tax_class, ppm, net_minor, tax_minor) as they stand now, by letter."""
        table = self._tax_table
        rows = []
        for tax_class in sorted(self._sums):
            _, amount, tax = self._sums[tax_class]
            if table.rounding != PER_LINE:
                tax = table.tax_in(amount, tax_class)
            net = amount - tax if table.mode == INCLUDED else amount
            rows.append((tax_class, table.rates[tax_class], net, tax))
        return rows

    def totals(self) -> tuple[int, int, int]:
        """Return the basket's (total_minor, net_minor, tax_minor) as it stands now."""
        priced = Priced([], self.tax_rows())
        return priced.total_minor, priced.net_minor, priced.tax_minor

    def copy(self) -> "Pricer":
        """Return a pricer that goes on by itself from here."""
        twin = Pricer(self._tax_table)
        twin._sums = {tax_class: list(sums) for tax_class, sums in self._sums.items()}
        return twin

    def _line_tax(self, line: Line) -> int:
        if self._tax_table.rounding == PER_LINE or line.tax_class not in self._tax_table.rates:
            return self._tax_table.tax_in(line.amount_minor, line.tax_class)
        return 0


def _spread(lines: list[Line], taxes: list[int], tax_rows: list[tuple[str, int, int, int]]) -> None:
    """Change `taxes`, all 0, so that those of a class sum to the tax of its row."""
    for tax_class, _, _, tax in tax_rows:
        if tax:
            places = [at for at, line in enumerate(lines) if line.tax_class == tax_class]
            parts = allocate(tax, [lines[at].amount_minor for at in places])
            for at, part in zip(places, parts):  # noqa: B905 - as above
                taxes[at] = part
