"""Records: what the body of a frame may say, one table for box and cloud.

Every record has v (version, 1), t (its type), at (UTC milliseconds, by the box's clock) and boot (which
start of the box wrote it). Ids are decimal strings, amounts integers of minor units.
docs/reference/records.md explains each in words; how records follow each other is in `order`, `payment` and
`fulfilment`.
"""

from protocol.errors import CallerError, PeerError, TillboxError
from protocol.limits import (
    MAX_AMOUNT_MINOR,
    MAX_BASKET_LINES,
    MAX_BODY_BYTES,
    MAX_CODE_WORD_CHARS,
    MAX_COPIES,
    MAX_ENGINE,
    MAX_ITEM_NAME_BYTES,
    MAX_QUANTITY,
    MAX_SEQ,
    MAX_TAX_CLASSES,
    MAX_TAX_PPM,
    MAX_TENDERS,
    MAX_UNIT_PRICE_MINOR,
    MAX_WEIGHT_G,
)
from protocol.schema import (
    COUNT,
    CURRENCY,
    DAY,
    LETTER,
    MASKED,
    MONEY,
    TIME,
    VERSION,
    Kind,
    Shapes,
    digits,
    hexadecimal,
    identifier,
    list_of,
    number,
    shaped,
    text,
    word,
)
from protocol.strict_json import dumps, loads

_BASE = "v:version t:type at:time boot:hex8 "
_TABLES = {
    "generation_opened": "previous:hex16? previous_seq:seq reason:new|salvaged|recovered|re-imaged",
    "box_started": "software:code engine:engine catalogue:hash overlay:hash? taxes:hash clock:ok|suspect",
    "sale_opened": "order:id currency:currency engine:engine catalogue:hash? overlay:hash? promotions:hash? "
    "taxes:hash? priced_at:time language:language",
    "line_added": "order:id line:line gtin:gtin name:name kind:unit|weight quantity:quantity weight_g:weight "
    "unit_price_minor:price tax_class:letter amount_minor:money source:scan|label|manual",
    "line_voided": "order:id line:line by:code reason:text",
    "attendant_acted": "order:id? by:code reason:text act:age_approved|help_given|line_voided|out_of_service|"
    "in_service|sale_voided|unknown_released|drawer_opened",
    "tender_intended": "order:id payment:id attempt:id method:card|cash amount_minor:amount currency:currency "
    "blob_digest:hash? masked:masked brand:brand",
    "tender_result": "order:id payment:id attempt:id outcome:approved|declined|unknown|reversed "
    "amount_minor:money tendered_minor:money change_minor:money approval_code:word16 rrn:word64 "
    "response_code:word16 reason:text masked:masked brand:brand token:word128",
    "reversal_intended": "order:id payment:id attempt:id reason:text",
    "reversal_result": "order:id payment:id attempt:id outcome:reversed|unknown|refused reason:text",
    "fulfilment_result": "order:id state:delivered|partly|failed lines_failed:lines",
    "sale_completed": "order:id total_minor:money net_minor:money tax_minor:money tax_rows:tax_rows "
    "tenders:tenders line_count:line_count currency:currency business_day:day",
    "sale_voided": "order:id reason:text",
    "receipt_printed": "order:id copy:copy outcome:printed|failed|unknown digest:hash?",
    "device_changed": "device:code state:absent|opening|ready|degraded|failed reason:text",
    "config_applied": "version:count hash:hash? outcome:applied|refused|reverted reason:text",
}
_PARTS = {
    "tax row": "tax_class:letter ppm:ppm net_minor:money tax_minor:money",
    "tender": "payment:id attempt:id method:card|cash amount_minor:money",
}

TYPES = tuple(sorted(_TABLES))


def encode_record(record: dict[str, object]) -> bytes:
    """Return the canonical bytes of a record of ours; CallerError with the codes of `check_record`."""
    body = dumps(_check(record, CallerError))
    if len(body) > MAX_BODY_BYTES:
        raise CallerError("record-too-large", f"a record of {len(body)} bytes does not fit a frame")
    return body


def decode_record(body: bytes) -> dict[str, object]:
    """Read the body of a frame; PeerError with the codes of `strict_json.loads` and `check_record`."""
    return _check(loads(body, MAX_BODY_BYTES), PeerError)


def check_record(record: object) -> dict[str, object]:
    """Return `record` when it is one; otherwise PeerError.

    Codes: record-not-object, record-version-unknown, record-type-unknown, record-field-missing,
    record-field-unknown, record-field-wrong-type, record-field-out-of-range, record-fields-disagree.
    """
    return _check(record, PeerError)


def _check(record: object, fault: type[TillboxError]) -> dict[str, object]:
    if type(record) is not dict:
        raise fault("record-not-object", "a record is a JSON object")
    version = record.get("v")
    if version != 1 or type(version) is not int:
        raise fault("record-version-unknown", "this version of records is not known", "update the software")
    kind = record.get("t")
    shape = _SHAPES.find(kind) if type(kind) is str else None
    if shape is None:
        raise fault("record-type-unknown", "this type of record is not known", "update the software")
    return shape.check(record, fault)


def _generation_agrees(record: dict[str, object]) -> str:
    is_new = record["reason"] == "new"
    return "previous" if is_new and (record["previous"] or record["previous_seq"]) else ""


def _line_agrees(record: dict[str, object]) -> str:
    if record["kind"] == "unit":
        return "weight_g" if record["weight_g"] else ""
    # A label may carry the price alone; then nobody knows the weight.
    return "" if record["weight_g"] or record["source"] == "label" else "weight_g"


def _tender_agrees(record: dict[str, object]) -> str:
    has_card = record["blob_digest"] or record["masked"] or record["brand"]
    return "method" if record["method"] == "cash" and has_card else ""


def _result_agrees(record) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001 - Any is not a builtin
    return "change_minor" if record["change_minor"] > record["tendered_minor"] else ""


def _fulfilment_agrees(record: dict[str, object]) -> str:
    return "lines_failed" if record["state"] == "delivered" and record["lines_failed"] else ""


def _sale_agrees(record) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001 - Any is not a builtin
    total = record["total_minor"]
    if record["net_minor"] + record["tax_minor"] != total:
        return "total_minor"
    if sum([tender["amount_minor"] for tender in record["tenders"]]) != total:
        return "tenders"
    rows = record["tax_rows"]
    if sum([row["net_minor"] for row in rows]) != record["net_minor"]:
        return "net_minor"
    return "" if sum([row["tax_minor"] for row in rows]) == record["tax_minor"] else "tax_minor"


def _lines() -> Kind:
    return list_of(_SHAPES.kind("line"), MAX_BASKET_LINES)


def _parts(name: str, most: int) -> Kind:
    return list_of(shaped(_PART_SHAPES, name), most)


_RULES = {
    "generation_opened": _generation_agrees,
    "line_added": _line_agrees,
    "tender_intended": _tender_agrees,
    "tender_result": _result_agrees,
    "fulfilment_result": _fulfilment_agrees,
    "sale_completed": _sale_agrees,
}

_KINDS = {
    "version": VERSION,
    "type": (word, 32),
    "time": TIME,
    "id": (identifier,),
    "id?": (identifier, True),
    "hash": (hexadecimal, 64),
    "hash?": (hexadecimal, 64, True),
    "hex8": (hexadecimal, 8),
    "hex16?": (hexadecimal, 16, True),
    "seq": (number, 0, MAX_SEQ),
    "engine": (number, 1, MAX_ENGINE),
    "count": COUNT,
    "money": MONEY,
    "amount": (number, 1, MAX_AMOUNT_MINOR),
    "price": (number, 0, MAX_UNIT_PRICE_MINOR),
    "currency": CURRENCY,
    "letter": LETTER,
    "ppm": (number, 0, MAX_TAX_PPM),
    "line": (number, 1, MAX_BASKET_LINES),
    "lines": (_lines,),
    "line_count": (number, 0, MAX_BASKET_LINES),
    "gtin": (digits, 14),
    "name": (text, MAX_ITEM_NAME_BYTES, 1),
    "quantity": (number, 1, MAX_QUANTITY),
    "weight": (number, 0, MAX_WEIGHT_G),
    "day": DAY,
    "copy": (number, 0, MAX_COPIES),
    "text": (text,),
    "code": (word, MAX_CODE_WORD_CHARS, 1),
    "language": (word, 8, 2),
    "brand": (word, 32),
    "masked": MASKED,
    "word16": (word, 16),
    "word64": (word, 64),
    "word128": (word, 128),
    "tax_rows": (_parts, "tax row", MAX_TAX_CLASSES),
    "tenders": (_parts, "tender", MAX_TENDERS),
}
_SHAPES = Shapes("record", _TABLES, _KINDS, _RULES, _BASE)
_PART_SHAPES = Shapes("record", _PARTS, _KINDS, {})
