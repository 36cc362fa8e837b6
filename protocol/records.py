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
    Shape,
    digits,
    hexadecimal,
    identifier,
    list_of,
    number,
    one_of,
    shaped,
    text,
    word,
)
from protocol.strict_json import dumps, loads

_ID = identifier()
_HASH = hexadecimal(64)
_HASH_OR_NONE = hexadecimal(64, may_be_empty=True)
_BY = word(64, least=1)  # "shopper" or the id of a person
_REASON = text()
_LINE = number(1, MAX_BASKET_LINES)
_PPM = number(0, MAX_TAX_PPM)
_METHOD = one_of("card", "cash")

_BASE = {
    "v": VERSION,
    "at": TIME,
    "boot": hexadecimal(8),
}
_TAX_ROW = Shape(
    "record", "tax row", {"tax_class": LETTER, "ppm": _PPM, "net_minor": MONEY, "tax_minor": MONEY}
)
_TENDER = Shape(
    "record", "tender", {"payment": _ID, "attempt": _ID, "method": _METHOD, "amount_minor": MONEY}
)

_FIELDS = {
    "generation_opened": {
        "previous": hexadecimal(16, may_be_empty=True),
        "previous_seq": number(0, MAX_SEQ),
        "reason": one_of("new", "salvaged", "recovered", "re-imaged"),
    },
    "box_started": {
        "software": word(64, least=1),
        "engine": number(1, 9999),
        "catalogue": _HASH,
        "overlay": _HASH_OR_NONE,
        "taxes": _HASH,
        "clock": one_of("ok", "suspect"),
    },
    "sale_opened": {
        "order": _ID,
        "currency": CURRENCY,
        "engine": number(1, 9999),
        "catalogue": _HASH_OR_NONE,
        "overlay": _HASH_OR_NONE,
        "promotions": _HASH_OR_NONE,
        "taxes": _HASH_OR_NONE,
        "priced_at": TIME,
        "language": word(8, least=2),
    },
    "line_added": {
        "order": _ID,
        "line": _LINE,
        "gtin": digits(14),
        "name": text(MAX_ITEM_NAME_BYTES, least=1),
        "kind": one_of("unit", "weight"),
        "quantity": number(1, MAX_QUANTITY),
        "weight_g": number(0, MAX_WEIGHT_G),
        "unit_price_minor": number(0, MAX_UNIT_PRICE_MINOR),
        "tax_class": LETTER,
        "amount_minor": MONEY,
        "source": one_of("scan", "label", "manual"),
    },
    "line_voided": {"order": _ID, "line": _LINE, "by": _BY, "reason": _REASON},
    "attendant_acted": {
        "order": identifier(may_be_empty=True),
        "act": one_of(
            "age_approved",
            "help_given",
            "line_voided",
            "out_of_service",
            "in_service",
            "sale_voided",
            "unknown_released",
            "drawer_opened",
        ),
        "by": _BY,
        "reason": _REASON,
    },
    "tender_intended": {
        "order": _ID,
        "payment": _ID,
        "attempt": _ID,
        "method": _METHOD,
        "amount_minor": number(1, MAX_AMOUNT_MINOR),
        "currency": CURRENCY,
        "blob_digest": _HASH_OR_NONE,
        "masked": MASKED,
        "brand": word(32),
    },
    "tender_result": {
        "order": _ID,
        "payment": _ID,
        "attempt": _ID,
        "outcome": one_of("approved", "declined", "unknown", "reversed"),
        "amount_minor": MONEY,
        "tendered_minor": MONEY,
        "change_minor": MONEY,
        "approval_code": word(16),
        "rrn": word(64),
        "response_code": word(16),
        "reason": _REASON,
        "masked": MASKED,
        "brand": word(32),
        "token": word(128),
    },
    "reversal_intended": {"order": _ID, "payment": _ID, "attempt": _ID, "reason": _REASON},
    "reversal_result": {
        "order": _ID,
        "payment": _ID,
        "attempt": _ID,
        "outcome": one_of("reversed", "unknown", "refused"),
        "reason": _REASON,
    },
    "fulfilment_result": {
        "order": _ID,
        "state": one_of("delivered", "partly", "failed"),
        "lines_failed": list_of(_LINE, MAX_BASKET_LINES),
    },
    "sale_completed": {
        "order": _ID,
        "total_minor": MONEY,
        "net_minor": MONEY,
        "tax_minor": MONEY,
        "tax_rows": list_of(shaped(_TAX_ROW), MAX_TAX_CLASSES),
        "tenders": list_of(shaped(_TENDER), MAX_TENDERS),
        "line_count": number(0, MAX_BASKET_LINES),
        "currency": CURRENCY,
        "business_day": DAY,
    },
    "sale_voided": {"order": _ID, "reason": _REASON},
    "receipt_printed": {
        "order": _ID,
        "copy": number(0, 99),
        "outcome": one_of("printed", "failed", "unknown"),
        "digest": _HASH_OR_NONE,
    },
    "device_changed": {
        "device": word(32, least=1),
        "state": one_of("absent", "opening", "ready", "degraded", "failed"),
        "reason": _REASON,
    },
    "config_applied": {
        "version": COUNT,
        "hash": _HASH_OR_NONE,
        "outcome": one_of("applied", "refused", "reverted"),
        "reason": _REASON,
    },
}

TYPES = tuple(sorted(_FIELDS))


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
    shape = _SHAPES.get(kind) if type(kind) is str else None
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


_RULES = {
    "generation_opened": _generation_agrees,
    "line_added": _line_agrees,
    "tender_intended": _tender_agrees,
    "tender_result": _result_agrees,
    "fulfilment_result": _fulfilment_agrees,
    "sale_completed": _sale_agrees,
}


def _shape(kind: str) -> Shape:
    fields: dict[str, Kind] = {"t": one_of(kind)}
    fields.update(_BASE)
    fields.update(_FIELDS[kind])
    return Shape("record", kind, fields, _RULES.get(kind))


_SHAPES = {kind: _shape(kind) for kind in TYPES}
