"""Sales of a made-up shop, as the values that a template gets: one for everything that a receipt must show."""

from __future__ import annotations

from typing import Any

from protocol.identifiers import join, to_paper
from protocol.receipt_context import order_ean

ORDER = join(5_976_123_456, 7, 1)
STORE = {
    "name": "Corner Shop 街角小店",
    "lines": ["12 Harbour Street", "VAT GB 123 4567 89"],
    "footer": ["Thank you! 谢谢惠顾", "Goods may be returned within 14 days with this receipt."],
    "place": "box-7",
}
CARD = {
    "method": "card",
    "brand": "Visa",
    "masked": "453201******0366",
    "approval_code": "123456",
    "rrn": "632614000001",
}
MEMBER = {
    "number": "7012 3344 5566",
    "tier": "Gold",
    "points_earned": 31,
    "points_spent": 0,
    "points_left": 1204,
}


def samples() -> dict[str, dict[str, Any]]:
    """The values of each sample by its name."""
    return {
        "card": _sale(
            [_unit("Sourdough bread", 1, 249), _unit("Soap", 2, 120), _weighed("Apples", 1250, 299)]
        ),
        "cash": _cash(),
        "promotions": _promotions(),
        "refund": _refund(),
        "copy": _sale([_unit("Sourdough bread", 1, 249)]) | {"copy": 2},
        "chinese": _chinese(),
        "long-names": _long_names(),
        "many-lines": _sale(
            [_unit(f"Article {number}", 1 + number % 3, 100 + number) for number in range(60)]
        ),
        "no-decimals": _sale([_unit("緑茶", 1, 150)], currency="JPY"),
    }


def _cash() -> dict[str, Any]:
    sale = _sale([_unit("Sourdough bread", 1, 249), _unit("Soap", 2, 120)])
    tender = {"method": "cash", "amount_minor": 490, "tendered_minor": 1000, "change_minor": 510}
    sale["sale"] |= {"tenders": [tender], "rounding_minor": 1, "total_minor": 490, "change_minor": 510}
    return sale


def _promotions() -> dict[str, Any]:
    lines = [
        _unit("Sourdough bread", 1, 249, ("Member price", 25)),
        _unit("Orange juice 1 l", 3, 199, ("3 for 2", 199)),
        _weighed("Bananas 香蕉", 1234, 189),
        _unit("龙井茶 Longjing tea 100 g", 1, 1280, ("Tea week -10 %", 128), ("Gold members -5 %", 58)),
    ]
    coupon = {"name": "2.00 off from 15.00", "code": "CPN-7K2M-93XQ", "valid_until": "2026-12-31"}
    discounts = [{"name": "Every full 10.00: 1.00 off", "amount_minor": 100}]
    return _sale(lines, discounts) | {"member": MEMBER, "coupons": [coupon]}


def _refund() -> dict[str, Any]:
    values = _sale([_unit("Orange juice 1 l", 1, 133)])
    told = {"order": to_paper(join(5_975_000_000, 7, 3)), "reason": "Damaged"}
    return values | {"is_refund": True, "refund": told}


def _chinese() -> dict[str, Any]:
    lines = [
        _unit("全麦面包", 1, 1250),
        _unit("鲜榨橙汁（1升装，冷藏保存，开封后请于三日内饮用完毕）", 2, 1580, ("第二件半价", 790)),
        _weighed("云南普洱茶", 250, 32000),
    ]
    tender = {"method": "card", "brand": "银联", "masked": "622848*********1234", "approval_code": "654321"}
    values = _sale(lines, [{"name": "满100减10", "amount_minor": 1000}], currency="CNY")
    values["sale"]["tenders"] = [tender | {"amount_minor": values["sale"]["total_minor"]}]
    coupon = {"name": "满50减5", "code": "8800 1234 5678", "valid_until": "2026-12-31"}
    store = {
        "name": "街角小店",
        "lines": ["上海市静安区南京西路100号"],
        "footer": ["谢谢惠顾"],
        "place": "7号机",
    }
    return values | {"store": store, "member": MEMBER | {"tier": "金卡"}, "coupons": [coupon]}


def _long_names() -> dict[str, Any]:
    lines = [
        _unit("Extra virgin olive oil from the hills behind the town, cold pressed, 750 ml", 12, 899),
        _unit("Crème brûlée façon grand-mère à la vanille de Madagascar — lot de quatre", 1, 9_999_999),
        _weighed("Comté 24 mois d'affinage, appellation d'origine protégée", 12345, 3250),
    ]
    values = _sale(
        lines, [{"name": "A promotion whose name is longer than any paper is wide", "amount_minor": 12345}]
    )
    return values | {"member": MEMBER | {"tier": "Platinum ambassador of the first hour"}}


def _unit(name: str, quantity: int, price: int, *discounts: tuple[str, int]) -> dict[str, Any]:
    return _line(name, quantity * price, discounts) | {"quantity": quantity, "unit_price_minor": price}


def _weighed(name: str, weight_g: int, price: int, *discounts: tuple[str, int]) -> dict[str, Any]:
    told = {"is_weighed": True, "weight_g": weight_g, "unit_price_minor": price, "quantity": 1}
    return _line(name, (weight_g * price + 500) // 1000, discounts) | told


def _line(name: str, amount: int, discounts: tuple[tuple[str, int], ...]) -> dict[str, Any]:
    taken = [{"name": said, "amount_minor": off} for said, off in discounts]
    return {
        "name": name,
        "list_minor": amount,
        "amount_minor": amount - sum(off for _, off in discounts),
        "tax_class": "A",
        "is_weighed": False,
        "discounts": taken,
    }


def _sale(
    lines: list[dict[str, Any]], discounts: list[dict[str, Any]] | None = None, currency: str = "GBP"
) -> dict[str, Any]:
    """One sale with 20 % tax included, paid by card."""
    listed = sum(line["list_minor"] for line in lines)
    subtotal = sum(line["amount_minor"] for line in lines)
    total = subtotal - sum(discount["amount_minor"] for discount in discounts or [])
    net = (total * 10 + 6) // 12
    sale = {
        "order": to_paper(ORDER),
        "ean": order_ean(ORDER),
        "sold_at": "2026-11-22 14:05",
        "items": sum(line["quantity"] for line in lines),
        "lines": lines,
        "discounts": discounts or [],
        "list_minor": listed,
        "subtotal_minor": subtotal,
        "discount_minor": listed - total,
        "total_minor": total,
        "net_minor": net,
        "tax_minor": total - net,
        "tax_rows": [{"tax_class": "A", "ppm": 200_000, "net_minor": net, "tax_minor": total - net}],
        "tenders": [CARD | {"amount_minor": total}],
    }
    return {"store": STORE, "sale": sale, "currency": currency, "has_barcode": True}
