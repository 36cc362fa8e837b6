"""Receipts and slips: what a shopper takes home of a sale, as an abstract document.

How a receipt looks is said by a template (`template/builtin` unless the tenant has its own), its values come from
`receipt_context`, its fixed words from `receipt_labels`. Blocks and their layout are in `document`; printing is an
adapter's part.
"""

from protocol.basket import Line
from protocol.document import Document, lay_out, to_plain
from protocol.errors import CallerError, ConfigError, TillboxError
from protocol.limits import (
    MAX_RECEIPT_FIXED_LINES,
    MAX_RECEIPT_LINES,
)
from protocol.masking import find_pans
from protocol.pricing.engine import Priced
from protocol.pricing.sale import Sold
from protocol.receipt_context import sale_values, words_of
from protocol.receipt_labels import ENGLISH, LANGUAGES
from protocol.template.builtin import RECEIPT, SLIP
from protocol.template.program import Program, check_program
from protocol.template.render import render
from protocol.template.syntax import parse
from protocol.template.template import Template

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
    """What a receipt tells of an order; `sold_at` and `place` (shop, box) are ready text.

    `discounts` has (name, amount) pairs by line number, `order_discounts` those of the whole order. `member`, `coupons`
    and `refund` hold values as templates ask for them; a sale with `refund` is a refund, its amounts go back.
    """

    __slots__ = (
        "coupons",
        "currency",
        "discounts",
        "lines",
        "member",
        "order",
        "order_discounts",
        "place",
        "refund",
        "rounding_minor",
        "sold_at",
    )

    def __init__(  # noqa: PLR0913 - these are the facts of a sale
        self,
        order: int,
        currency: str,
        lines: list[Line],
        sold_at: str,
        place: str = "",
        *,
        discounts: dict[int, tuple[tuple[str, int], ...]] | None = None,
        order_discounts: tuple[tuple[str, int], ...] = (),
        rounding_minor: int = 0,
        member: dict[str, object] | None = None,
        coupons: tuple[dict[str, object], ...] = (),
        refund: dict[str, object] | None = None,
    ) -> None:
        self.order = order
        self.currency = currency
        self.lines = lines
        self.sold_at = sold_at
        self.place = place
        self.discounts = discounts or {}
        self.order_discounts = order_discounts
        self.rounding_minor = rounding_minor
        self.member = member
        self.coupons = coupons
        self.refund = refund


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
    """A shop's own part of every receipt: `header` and `footer` lines, the `labels` of one language, its `template`.

    The first header line is the name of the shop. Without a template the receipt is the one that comes with tillbox.

    Errors: ConfigError "receipt-labels-wrong" unless `labels` has exactly the keys of receipt_labels.ENGLISH,
    "receipt-settings-wrong" for too many fixed lines or a bound outside 0 to MAX_RECEIPT_LINES.
    """

    __slots__ = ("footer", "has_barcode", "header", "labels", "lines_max", "template")

    def __init__(
        self,
        labels: dict[str, str],
        header: list[str],
        footer: list[str],
        *,
        has_barcode: bool = True,
        lines_max: int = MAX_RECEIPT_LINES,
        template: Template | None = None,
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
        self.template = template


def build_receipt(
    sale: Sale, priced: Priced | Sold, tenders: list[Tender], settings: ReceiptSettings, copy: int = 0
) -> Document:
    """Build the receipt of a completed sale or a refund; `copy` is 0 for the original and n for the n-th reprint.

    A template that fails for this sale (too many steps, too many lines) gives way to the one that comes with tillbox:
    a shopper gets a receipt, whatever a tenant wrote.
    """
    context = _context(sale, settings, copy)
    context["sale"] = sale_values(sale, priced, tenders)
    template = settings.template
    if template is not None:
        words, by_language = words_of(settings.labels, template.words)
        try:
            return render(template.program, context | by_language | {"words": words}, template.logo)
        except TillboxError:
            pass
    return render(_builtin(RECEIPT), context)


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
    context = _context(sale, settings, copy)
    nothing = Priced([], [])
    values = sale_values(sale, nothing, [] if tender is None else [tender])
    values["total_minor"] = total_minor
    context["sale"] = values
    context["kind"] = kind
    context["reason"] = reason
    return render(_builtin(SLIP), context)


def _context(sale: Sale, settings: ReceiptSettings, copy: int) -> dict[str, object]:
    header = settings.header
    words, by_language = words_of(settings.labels, None)
    return by_language | {
        "words": words,
        "language": _language(settings.labels),
        "store": {
            "name": header[0] if header else "",
            "lines": header[1:],
            "footer": settings.footer,
            "place": sale.place,
        },
        "currency": sale.currency,
        "copy": int(copy),
        "kind": "sale",
        "reason": "",
        "is_refund": sale.refund is not None,
        "refund": sale.refund,
        "member": sale.member,
        "coupons": list(sale.coupons),
        "lines_max": settings.lines_max,
        "has_barcode": settings.has_barcode,
    }


def _language(labels: dict[str, str]) -> str:
    found = [language for language in sorted(LANGUAGES) if LANGUAGES[language] is labels]
    return found[0] if found else ""


def _builtin(source: str) -> Program:
    """Compile a template of ours when it is first needed: once, a few milliseconds."""
    program = _COMPILED.get(source)
    if program is None:
        program = _COMPILED[source] = check_program(parse(source).program, set(ENGLISH))
    return program


_COMPILED: dict[str, Program] = {}
