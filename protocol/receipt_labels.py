"""The fixed words of receipts and slips in the languages that come with tillbox. Only data.

A tenant may pass a table of its own to `receipt.ReceiptSettings`; it has exactly these keys.
"""

ENGLISH = {
    "approval": "Approval",
    "card": "Card",
    "cash": "Cash",
    "change": "Change",
    "copy": "COPY",
    "declined": "PAYMENT DECLINED",
    "declined_text": "Nothing was charged.",
    "items": "Items",
    "more_lines": "more lines, included in the total",
    "net": "Net",
    "of": "of",
    "order": "Order",
    "per_kg": "/kg",
    "reference": "Reference",
    "tax": "Tax",
    "tendered": "Given",
    "total": "TOTAL",
    "unknown": "PAYMENT NOT CONFIRMED",
    "unknown_text": "The purchase is cancelled. If money was taken, it is returned by itself. Keep this slip: "
    "with its number the staff can tell how it stands.",
    "voided": "SALE VOIDED",
    "voided_text": "Nothing is owed.",
}

CHINESE = {
    "approval": "授权码",
    "card": "银行卡",
    "cash": "现金",
    "change": "找零",
    "copy": "副本",
    "declined": "支付被拒绝",
    "declined_text": "未扣款。",
    "items": "件数",
    "more_lines": "行未打印，已计入合计",
    "net": "不含税",
    "of": "/",
    "order": "订单",
    "per_kg": "/kg",
    "reference": "参考号",
    "tax": "税",
    "tendered": "实收",
    "total": "合计",
    "unknown": "支付结果未知",
    "unknown_text": "本次交易已取消。如已扣款，款项将自动退回。请保留此小票，店员可凭单号查询进度。",
    "voided": "订单已取消",
    "voided_text": "无需付款。",
}

LANGUAGES = {"en": ENGLISH, "zh": CHINESE}
