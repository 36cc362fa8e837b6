"""One good record of every type and one good message of every lane, for the protocol tests."""

HASH = "ab" * 32
_BASE = {"v": 1, "at": 1760000000000, "boot": "0011aabb"}
_MONEY = {"order": "288230376151711744", "payment": "288230376151711745", "attempt": "288230376151711746"}


def record(record_type, **fields):
    """A good record of that type; `fields` replace what is in it, None takes a field out."""
    made = {"t": record_type}
    for part in (_BASE, RECORDS[record_type], fields):
        made.update(part)
    return {name: value for name, value in made.items() if value is not None}


def message(lane, **fields):
    """A good message of that lane, changed in the same way."""
    made = {"v": 1}
    for part in (MESSAGES[lane], fields):
        made.update(part)
    return {name: value for name, value in made.items() if value is not None}


RECORDS: dict[str, dict[str, object]] = {
    "generation_opened": {"previous": "", "previous_seq": 0, "reason": "new"},
    "box_started": {
        "software": "0.1.0",
        "engine": 1,
        "catalogue": HASH,
        "overlay": "",
        "taxes": HASH,
        "clock": "ok",
    },
    "sale_opened": {
        "order": "288230376151711744",
        "currency": "GBP",
        "engine": 1,
        "catalogue": HASH,
        "overlay": "",
        "promotions": "",
        "taxes": HASH,
        "priced_at": 1760000000000,
        "language": "en",
    },
    "line_added": {
        "order": "288230376151711744",
        "line": 1,
        "gtin": "05012345678900",
        "name": "Oat drink 1 l",
        "kind": "unit",
        "quantity": 2,
        "weight_g": 0,
        "unit_price_minor": 195,
        "tax_class": "A",
        "amount_minor": 390,
        "source": "scan",
    },
    "line_voided": {"order": "288230376151711744", "line": 1, "by": "shopper", "reason": "too-many"},
    "attendant_acted": {"order": "", "act": "out_of_service", "by": "anna-7", "reason": "cleaning"},
    "tender_intended": {
        "method": "card",
        "amount_minor": 390,
        "currency": "GBP",
        "blob_digest": HASH,
        "masked": "411111******1111",
        "brand": "visa",
    },
    "tender_result": {
        "outcome": "approved",
        "amount_minor": 390,
        "tendered_minor": 0,
        "change_minor": 0,
        "approval_code": "A1B2C3",
        "rrn": "432100000017",
        "response_code": "00",
        "reason": "",
        "masked": "411111******1111",
        "brand": "visa",
        "token": "tok_9f8e7d",
    },
    "reversal_intended": {"reason": "timed-out"},
    "reversal_result": {"outcome": "reversed", "reason": ""},
    "fulfilment_result": {"order": "288230376151711744", "state": "partly", "lines_failed": [2, 3]},
    "sale_completed": {
        "order": "288230376151711744",
        "total_minor": 390,
        "net_minor": 325,
        "tax_minor": 65,
        "tax_rows": [{"tax_class": "A", "ppm": 200000, "net_minor": 325, "tax_minor": 65}],
        "tenders": [
            {
                "payment": "288230376151711745",
                "attempt": "288230376151711746",
                "method": "card",
                "amount_minor": 390,
            }
        ],
        "line_count": 1,
        "currency": "GBP",
        "business_day": "2025-10-09",
    },
    "sale_voided": {"order": "288230376151711744", "reason": "left"},
    "receipt_printed": {"order": "288230376151711744", "copy": 0, "outcome": "printed", "digest": HASH},
    "device_changed": {"device": "printer", "state": "degraded", "reason": "paper low"},
    "config_applied": {"version": 3, "hash": HASH, "outcome": "applied", "reason": ""},
}
for _kind in ("tender_intended", "tender_result", "reversal_intended", "reversal_result"):
    RECORDS[_kind] |= _MONEY

MESSAGES = {
    "receipt": {
        "generation": "00112233aabbccdd",
        "through": 12,
        "chain": HASH,
        "epoch": 1,
        "status": "ok",
        "resend_from": 0,
        "cloud_time_ms": 1760000000000,
    },
    "request": {
        "kind": "pay",
        "payment": "288230376151711745",
        "attempt": "288230376151711746",
        "frame": "AAEC",
        "blobs": {"card": "AwQ="},
        "deadline_ms": 1760000030000,
    },
    "response": {
        "kind": "pay",
        "payment": "288230376151711745",
        "attempt": "288230376151711746",
        "order": "288230376151711744",
        "outcome": "approved",
        "amount_minor": 390,
        "approval_code": "A1B2C3",
        "rrn": "432100000017",
        "response_code": "00",
        "reason": "",
        "masked": "411111******1111",
        "brand": "visa",
        "token": "tok_9f8e7d",
        "cloud_time_ms": 1760000001000,
    },
    "state": {
        "online": True,
        "generation": "00112233aabbccdd",
        "last_seq": 40,
        "synced_through": 38,
        "oldest_unsent_ms": 0,
        "devices": {"printer": "ready", "scanner": "absent"},
        "config_version": 3,
        "software": "0.1.0",
        "clock_ms": 1760000000000,
        "unknown_open": 0,
    },
    "configuration answer": {"version": 3, "outcome": "refused", "reason": "rollback", "hash": ""},
}
