"""The values of one sale as a template asks for them: plain data, made from sale, prices, tenders and the shop.

What each name means stands in docs/reference/receipt-templates.md, which names there are in `template/names`.
"""

from protocol.basket import Line
from protocol.identifiers import parts, to_paper
from protocol.item import WEIGHT
from protocol.pricing.sale import Sold
from protocol.product_codes.gtin import check_digit, zeros_before
from protocol.receipt_labels import LANGUAGES

# GS1 keeps 980 for receipts that are refunded: no item ever has it, so a scanned receipt is never sold.
EAN_PREFIX = "980"
_EAN_TICKS = 1000  # ten seconds: a box ends no two sales within them
_EAN_SPAN = 10000000  # of these, three years; older receipts are found by their paper number


def order_ean(order: int) -> str:
    """The EAN-13 of an order: 980, the last two digits of its box number, seven of its time, check digit.

    It finds a receipt in a shop by one scan; two boxes whose numbers end alike may share one within ten seconds, and
    then the paper number, which is exact, decides.

    >>> order_ean(123456789012345)
    '9805100073586'
    """
    tick, box, _ = parts(order)
    body = EAN_PREFIX + zeros_before(str(box % 100), 2) + zeros_before(str(tick // _EAN_TICKS % _EAN_SPAN), 7)
    return body + check_digit(body)


def sale_values(sale, priced, tenders) -> dict[str, object]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - the classes of `receipt`, which imports this
    """The values behind `sale`."""
    lines = [line for line in sale.lines if not line.is_voided]
    shown = [_line(line, sale.discounts.get(line.number, ())) for line in lines]
    on_order = _discounts(sale.order_discounts)
    list_minor = sum([line.amount_minor for line in lines])
    on_lines = sum([amount for line in lines for _, amount in sale.discounts.get(line.number, ())])
    return {
        "order": to_paper(sale.order),
        "ean": order_ean(sale.order),
        "sold_at": sale.sold_at,
        "items": sum([line.quantity for line in lines]),
        "lines": shown,
        "discounts": on_order,
        "list_minor": list_minor,
        "subtotal_minor": list_minor - on_lines,
        "discount_minor": on_lines + sum([amount for _, amount in sale.order_discounts]),
        "total_minor": priced.total_minor,
        "net_minor": priced.net_minor,
        "tax_minor": priced.tax_minor,
        "rounding_minor": sale.rounding_minor,
        "change_minor": sum([tender.change_minor for tender in tenders]),
        "tax_rows": [_tax(*row) for row in priced.tax_rows],
        "tenders": [_tender(tender) for tender in tenders],
    }


def words_of(
    labels: dict[str, str], words: dict[str, dict[str, str]] | None
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """(the shopper's words, the words by language): `labels` are the shopper's, `words` those of a template."""
    if words is None:
        return labels, LANGUAGES
    for language in sorted(LANGUAGES):
        if LANGUAGES[language] is labels:
            return words[language], words
    return words["en"] | labels, words


def _line(line: Line, discounts: tuple[tuple[str, int], ...]) -> dict[str, object]:
    return {
        "name": line.name,
        "gtin": line.gtin,
        "quantity": line.quantity,
        "is_weighed": line.kind == WEIGHT,
        "weight_g": line.weight_g,
        "unit_price_minor": line.unit_price_minor,
        "list_minor": line.amount_minor,
        "amount_minor": line.amount_minor - sum([amount for _, amount in discounts]),
        "tax_class": line.tax_class,
        "discounts": _discounts(discounts),
    }


def _discounts(pairs) -> list[object]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - any sequence of (name, amount)
    return [{"name": name, "amount_minor": amount} for name, amount in pairs]


def _tax(tax_class: str, ppm: int, net_minor: int, tax_minor: int) -> dict[str, object]:
    return {"tax_class": tax_class, "ppm": ppm, "net_minor": net_minor, "tax_minor": tax_minor}


def _tender(tender) -> dict[str, object]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a Tender of `receipt`
    return {
        "method": tender.method,
        "brand": tender.brand,
        "masked": tender.masked,
        "approval_code": tender.approval_code,
        "rrn": tender.rrn,
        "amount_minor": tender.amount_minor,
        "tendered_minor": tender.tendered_minor,
        "change_minor": tender.change_minor,
    }


def discounts_of(
    sold: Sold, names: dict[str, str], of_order: set[str]
) -> tuple[dict[int, tuple[tuple[str, int], ...]], tuple[tuple[str, int], ...]]:
    """What the trace of a sale took off, as `Sale` takes it: (by line number, of the whole order).

    `names` tells rules by their ids; a price level or an override is told by its own name. The rules `of_order` are
    told once for the order, not as their shares of the lines.
    """
    by_line = {}
    for row in sold.lines:
        pairs = [(_told(rule, names), minor) for rule, _, minor in row[2] if minor and rule not in of_order]
        if pairs:
            by_line[row[0]] = tuple(pairs)
    return by_line, tuple([(_told(rule, names), minor) for rule, minor in sold.discounts if rule in of_order])


def _told(rule: str, names: dict[str, str]) -> str:
    return names[rule] if rule in names else rule[rule.find(":") + 1 :]
