"""Receipts and slips: what a shopper takes home of a sale, as an abstract document.

Blocks and their layout are in `document`, the fixed words in `receipt_labels`. Printing is an adapter's part.
"""

from protocol.basket import Line
from protocol.document import Document, lay_out, to_plain
from protocol.errors import CallerError, ConfigError
from protocol.identifiers import to_paper
from protocol.item import WEIGHT
from protocol.limits import (
    MAX_RECEIPT_FIXED_LINES,
    MAX_RECEIPT_LINES,
)
from protocol.masking import find_pans
from protocol.money import format_amount
from protocol.pricing.engine import Priced
from protocol.receipt_labels import ENGLISH

__all__ = [
    "Document",
    "ReceiptSettings",
    "Sale",
    "Tender",
    "build_receipt",
    "build_slip",
    "lay_out",
    "to_plain",
]

DECLINED = "declined"
VOIDED = "voided"
UNKNOWN = "unknown"
SLIPS = (DECLINED, VOIDED, UNKNOWN)


class Sale:
    """What a receipt tells of an order; `sold_at` and `place` (shop, box) are ready text."""

    __slots__ = ("currency", "lines", "order", "place", "sold_at")

    def __init__(self, order: int, currency: str, lines: list[Line], sold_at: str, place: str = "") -> None:
        self.order = order
        self.currency = currency
        self.lines = lines
        self.sold_at = sold_at
        self.place = place


class Tender:
    """How an amount was paid; `tendered_minor` and `change_minor` are cash's, the text fields a card's."""

    __slots__ = (
        "amount_minor",
        "approval_code",
        "brand",
        "change_minor",
        "masked",
        "method",
        "rrn",
        "tendered_minor",
    )

    def __init__(  # noqa: PLR0913 - these are the fields of a record
        self,
        method: str,
        amount_minor: int,
        *,
        tendered_minor: int = 0,
        change_minor: int = 0,
        masked: str = "",
        brand: str = "",
        approval_code: str = "",
        rrn: str = "",
    ) -> None:
        if find_pans(masked):
            raise CallerError(
                "receipt-card-number", "a card number in clear was to be printed", "mask it first"
            )
        self.method = method
        self.amount_minor = amount_minor
        self.tendered_minor = tendered_minor
        self.change_minor = change_minor
        self.masked = masked
        self.brand = brand
        self.approval_code = approval_code
        self.rrn = rrn


class ReceiptSettings:
    """A shop's own part of every receipt: `header` and `footer` lines, the `labels` of one language.

    Errors: ConfigError "receipt-labels-wrong" unless `labels` has exactly the keys of receipt_labels.ENGLISH,
    "receipt-settings-wrong" for too many fixed lines or a bound outside 0 to MAX_RECEIPT_LINES.
    """

    __slots__ = ("footer", "has_barcode", "header", "labels", "lines_max")

    def __init__(
        self,
        labels: dict[str, str],
        header: list[str],
        footer: list[str],
        *,
        has_barcode: bool = True,
        lines_max: int = MAX_RECEIPT_LINES,
    ) -> None:
        if sorted(labels) != sorted(ENGLISH):
            raise ConfigError("receipt-labels-wrong", "labels are missing or unknown", "set receipt labels")
        if len(header) > MAX_RECEIPT_FIXED_LINES or len(footer) > MAX_RECEIPT_FIXED_LINES:
            raise ConfigError("receipt-settings-wrong", "too many header or footer lines", "shorten them")
        if not 0 <= lines_max <= MAX_RECEIPT_LINES:
            raise ConfigError("receipt-settings-wrong", "the item lines are out of bounds", "set lines_max")
        self.labels = labels
        self.header = header
        self.footer = footer
        self.has_barcode = has_barcode
        self.lines_max = lines_max


def build_receipt(
    sale: Sale, priced: Priced, tenders: list[Tender], settings: ReceiptSettings, copy: int = 0
) -> Document:
    """Build the receipt of a completed sale; `copy` is 0 for the original and n for the n-th reprint.

    Item lines beyond `settings.lines_max` are counted in one line; totals always cover the whole sale.
    """
    document = _opened(sale, settings, copy)
    labels = settings.labels
    open_lines = [line for line in sale.lines if not line.is_voided]
    for line in open_lines[: settings.lines_max]:
        _add_line(document, line, sale.currency, labels)
    if len(open_lines) > settings.lines_max:
        document.text(f"... {len(open_lines) - settings.lines_max} {labels['more_lines']}")
    document.rule()
    total = format_amount(priced.total_minor, sale.currency)
    document.columns(labels["total"], f"{sale.currency} {total}", is_bold=True, is_wide=True)
    document.columns(labels["items"], str(sum([line.quantity for line in open_lines])))
    for tender in tenders:
        _add_tender(document, tender, sale.currency, labels)
    document.rule()
    document.columns(labels["net"], format_amount(priced.net_minor, sale.currency))
    for tax_class, ppm, net_minor, tax_minor in priced.tax_rows:
        net = format_amount(net_minor, sale.currency)
        left = f"{labels['tax']} {tax_class} {_percent(ppm)}% {labels['of']} {net}"
        document.columns(left, format_amount(tax_minor, sale.currency))
    return _closed(document, sale, settings)


def build_slip(  # noqa: PLR0913 - a slip is told everything by name
    kind: str,
    sale: Sale,
    total_minor: int,
    settings: ReceiptSettings,
    *,
    tender: Tender | None = None,
    reason: str = "",
    copy: int = 0,
) -> Document:
    """Build the slip of a sale that was not completed: `kind` is "declined", "voided" or "unknown".

    Errors: CallerError "slip-kind-wrong".
    """
    if kind not in SLIPS:
        raise CallerError("slip-kind-wrong", "a slip is declined, voided or unknown")
    document = _opened(sale, settings, copy)
    labels = settings.labels
    document.text(labels[kind], "center", is_bold=True, is_wide=True)
    document.columns(labels["total"], f"{sale.currency} {format_amount(total_minor, sale.currency)}")
    if tender is not None:
        _add_tender(document, tender, sale.currency, labels)
    document.text(labels[kind + "_text"], is_bold=True)
    if reason:
        document.text(reason)
    return _closed(document, sale, settings)


def _opened(sale: Sale, settings: ReceiptSettings, copy: int) -> Document:
    document = Document()
    for number, line in enumerate(settings.header):
        document.text(line, "center", is_bold=number == 0)
    if copy:
        document.text(f"*** {settings.labels['copy']} {int(copy)} ***", "center", is_bold=True)
    document.columns(sale.sold_at, sale.place)
    document.columns(settings.labels["order"], to_paper(sale.order))
    document.rule()
    return document


def _closed(document: Document, sale: Sale, settings: ReceiptSettings) -> Document:
    document.rule()
    for line in settings.footer:
        document.text(line, "center")
    if settings.has_barcode:
        document.barcode(to_paper(sale.order))
    document.feed(3)
    document.cut()
    return document


def _add_line(document: Document, line: Line, currency: str, labels: dict[str, str]) -> None:
    document.columns(line.name, f"{format_amount(line.amount_minor, currency)} {line.tax_class}")
    price = format_amount(line.unit_price_minor, currency)
    if line.kind == WEIGHT:
        kilograms, grams = divmod(line.weight_g, 1000)
        document.text(f"  {kilograms}.{grams:03d} kg x {price}{labels['per_kg']}")
    elif line.quantity > 1:
        document.text(f"  {line.quantity} x {price}")


def _add_tender(document: Document, tender: Tender, currency: str, labels: dict[str, str]) -> None:
    name = labels.get(tender.method, tender.method)
    if tender.brand:
        name += " " + tender.brand
    document.columns(name, format_amount(tender.amount_minor, currency))
    if tender.tendered_minor:
        document.columns(labels["tendered"], format_amount(tender.tendered_minor, currency))
        document.columns(labels["change"], format_amount(tender.change_minor, currency))
    for text in (tender.masked, _labelled(labels["approval"], tender.approval_code)):
        if text:
            document.text("  " + text)
    if tender.rrn:
        document.text("  " + _labelled(labels["reference"], tender.rrn))


def _labelled(label: str, value: str) -> str:
    return f"{label} {value}" if value else ""


def _percent(ppm: int) -> str:
    whole, rest = divmod(ppm, 10000)
    return f"{whole}.{rest:04d}".rstrip("0") if rest else str(whole)
