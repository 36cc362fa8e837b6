"""Receipts of a made-up shop, as documents, for printer tests and pictures."""

from __future__ import annotations

from protocol.document import Document

# (name, detail, amount) as a till in Shanghai or Lyon would print them.
GOODS = [
    ("Crème brûlée", "2 x 3.50", "7.00"),
    ("Bananas", "1.234 kg x 1.89", "2.33"),
    ("龙井茶 Longjing tea 100g", "1 x 12.80", "12.80"),
    ("Extra virgin olive oil from the hills behind the town, cold pressed", "1 x 8.99", "8.99"),
]


def sample_receipt(goods: list[tuple[str, str, str]] | None = None, *, is_copy: bool = False) -> Document:
    document = Document()
    document.text("Corner Shop 街角小店", "center", is_bold=True, is_wide=True)
    document.text("12 Harbour Street · Tel 555 0134", "center")
    if is_copy:
        document.text("*** COPY 1 ***", "center", is_bold=True)
    document.feed()
    document.columns("2026-03-14 18:05", "Box 7")
    document.columns("Order", "3F8K-92MZ-1Q")
    document.rule()
    for name, detail, amount in goods or GOODS:
        document.text(name)
        document.columns(f"  {detail}", amount)
    document.rule()
    document.columns("TOTAL", "EUR 31.12", is_bold=True, is_wide=True)
    document.columns("Card VISA 411111******1111", "31.12")
    document.columns("Tax A 20% of 25.93", "5.19")
    document.rule()
    document.text("Thank you! Merci ! 谢谢惠顾", "center")
    document.barcode("3F8K92MZ1Q")
    document.qr("https://shop.example/r/3F8K92MZ1Q")
    document.feed(2)
    document.cut()
    return document
