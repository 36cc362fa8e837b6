"""Records: one good one of every type, and every way a body may be wrong."""

from protocol.errors import CallerError, PeerError
from protocol.records import TYPES, check_record, decode_record, encode_record
from protocol.strict_json import dumps
from tests.protocol.expect import raises
from tests.protocol.record_samples import HASH, RECORDS, record

# type, field, value, code behind "record-"; a value of each kind that must not pass
WRONG: tuple[tuple[str, str, object, str], ...] = (
    ("line_added", "order", 5, "field-wrong-type"),
    ("line_added", "order", None, "field-missing"),
    ("line_added", "order", "", "field-out-of-range"),
    ("line_added", "order", "0", "field-out-of-range"),
    ("line_added", "order", "012", "field-out-of-range"),
    ("line_added", "order", "-5", "field-out-of-range"),
    ("line_added", "order", "1.5", "field-out-of-range"),
    ("line_added", "order", "\u0663", "field-out-of-range"),
    ("line_added", "order", "9223372036854775808", "field-out-of-range"),
    ("line_added", "order", "10000000000000000000", "field-out-of-range"),
    ("line_added", "line", 0, "field-out-of-range"),
    ("line_added", "line", True, "field-wrong-type"),
    ("line_added", "line", "1", "field-wrong-type"),
    ("line_added", "line", 1001, "field-out-of-range"),
    ("line_added", "gtin", "5012345678900", "field-out-of-range"),
    ("line_added", "gtin", "0501234567890x", "field-out-of-range"),
    ("line_added", "gtin", "0501234567890\u0430", "field-out-of-range"),
    ("line_added", "name", "", "field-out-of-range"),
    ("line_added", "name", "a\x1bp0", "field-out-of-range"),
    ("line_added", "name", "a\x00", "field-out-of-range"),
    ("line_added", "name", "a\x7f", "field-out-of-range"),
    ("line_added", "name", "a\u202eb", "field-out-of-range"),
    ("line_added", "name", "a\u2066b", "field-out-of-range"),
    ("line_added", "name", "a\ufeff", "field-out-of-range"),
    ("line_added", "name", "x" * 201, "field-out-of-range"),
    ("line_added", "kind", "litre", "field-out-of-range"),
    ("line_added", "kind", ["unit"], "field-wrong-type"),
    ("line_added", "kind", {"unit": 1}, "field-wrong-type"),
    ("line_added", "quantity", 0, "field-out-of-range"),
    ("line_added", "quantity", -1, "field-out-of-range"),
    ("line_added", "quantity", 10**9, "field-out-of-range"),
    ("line_added", "weight_g", -1, "field-out-of-range"),
    ("line_added", "weight_g", 5, "fields-disagree"),
    ("line_added", "tax_class", "a", "field-out-of-range"),
    ("line_added", "tax_class", "AB", "field-out-of-range"),
    ("line_added", "tax_class", "", "field-out-of-range"),
    ("line_added", "amount_minor", -390, "field-out-of-range"),
    ("line_added", "amount_minor", 10**12, "field-out-of-range"),
    ("line_added", "amount_minor", None, "field-missing"),
    ("line_added", "at", -1, "field-out-of-range"),
    ("line_added", "at", 10**16, "field-out-of-range"),
    ("line_added", "boot", "0011AABB", "field-out-of-range"),
    ("line_added", "boot", "0011aab", "field-out-of-range"),
    ("line_added", "discount_minor", 5, "field-unknown"),
    ("generation_opened", "previous", "00112233aabbccdd", "fields-disagree"),
    ("generation_opened", "previous_seq", 2**40, "field-out-of-range"),
    ("box_started", "catalogue", "", "field-out-of-range"),
    ("box_started", "catalogue", HASH[:-1], "field-out-of-range"),
    ("box_started", "software", "", "field-out-of-range"),
    ("sale_opened", "currency", "gbp", "field-out-of-range"),
    ("sale_opened", "currency", "GB", "field-out-of-range"),
    ("attendant_acted", "act", "opened_the_drawer", "field-out-of-range"),
    ("attendant_acted", "by", "", "field-out-of-range"),
    ("tender_intended", "amount_minor", 0, "field-out-of-range"),
    ("tender_intended", "method", "cash", "fields-disagree"),
    ("tender_intended", "masked", "4111111111111111", "field-out-of-range"),
    ("tender_intended", "masked", "41111111****1111", "field-out-of-range"),
    ("tender_intended", "masked", "visa 1111", "field-out-of-range"),
    ("tender_result", "change_minor", 1, "fields-disagree"),
    ("tender_result", "outcome", "maybe", "field-out-of-range"),
    ("tender_result", "approval_code", "A1\n", "field-out-of-range"),
    ("fulfilment_result", "lines_failed", [0], "field-out-of-range"),
    ("fulfilment_result", "lines_failed", [1] * 1001, "field-out-of-range"),
    ("fulfilment_result", "lines_failed", ["1"], "field-out-of-range"),
    ("fulfilment_result", "lines_failed", "1", "field-wrong-type"),
    ("fulfilment_result", "state", "delivered", "fields-disagree"),
    ("sale_completed", "total_minor", 391, "fields-disagree"),
    ("sale_completed", "tax_minor", 64, "fields-disagree"),
    ("sale_completed", "tenders", [], "fields-disagree"),
    ("sale_completed", "tenders", [{}], "field-out-of-range"),
    ("sale_completed", "tax_rows", [], "fields-disagree"),
    ("sale_completed", "tax_rows", [5], "field-out-of-range"),
    ("sale_completed", "business_day", "2025-02-29", "field-out-of-range"),
    ("sale_completed", "business_day", "2025-13-01", "field-out-of-range"),
    ("sale_completed", "business_day", "2025-00-10", "field-out-of-range"),
    ("sale_completed", "business_day", "2025-1-01x", "field-out-of-range"),
    ("sale_completed", "business_day", "9.10.2025", "field-out-of-range"),
    ("receipt_printed", "copy", 100, "field-out-of-range"),
    ("config_applied", "version", -1, "field-out-of-range"),
)


def test_a_good_record_of_every_type_survives_the_way_there_and_back():
    assert sorted(RECORDS) == list(TYPES)
    for kind in TYPES:
        made = record(kind)

        assert decode_record(encode_record(made)) == made, kind
        assert encode_record(made) == dumps(made)


def test_the_bytes_of_a_known_record_are_fixed():
    assert encode_record(record("sale_voided")) == (
        b'{"at":1760000000000,"boot":"0011aabb","order":"288230376151711744","reason":"left",'
        b'"t":"sale_voided","v":1}'
    )


def test_every_wrong_field_is_refused_by_name():
    for kind, field, value, code in WRONG:
        bad = record(kind, **{field: value})

        error = raises("record-" + code, check_record, bad)

        assert isinstance(error, PeerError)
        assert kind in str(error), error


def test_every_field_of_every_type_is_needed_and_no_other_is_taken():
    for kind in TYPES:
        for field in record(kind):
            if field in ("v", "t"):
                continue
            error = raises("record-field-missing", check_record, record(kind, **{field: None}))
            assert field in str(error)
        raises("record-field-unknown", check_record, record(kind, extra=1))


def test_no_field_takes_a_value_of_a_foreign_type():
    for kind in TYPES:
        for field in record(kind):
            for value in ([], {}, True, 1.5, "\n", -1):
                if field in ("v", "t") or record(kind)[field] == value:
                    continue
                if field == "lines_failed" and value == []:
                    continue
                try:
                    check_record(record(kind, **{field: value}))
                except PeerError as error:
                    assert error.code.startswith("record-field")
                else:
                    raise AssertionError((kind, field, value))


def test_records_of_another_version_or_type_are_refused():
    for value in (0, 2, -1, "1", True, 1.0, [1]):
        raises("record-version-unknown", check_record, record("sale_voided", v=value))
    raises("record-version-unknown", check_record, {"t": "sale_voided"})
    for value in ("sale_refunded", "", "SALE_VOIDED", 5, ["sale_voided"], {"a": 1}):
        raises("record-type-unknown", check_record, record("sale_voided", t=value))
    raises("record-type-unknown", check_record, {"v": 1})


def test_what_is_no_object_is_no_record():
    for value in ([], "x", 5, True, [{"v": 1}]):
        raises("record-not-object", check_record, value)
    raises("record-not-object", decode_record, b"[]")


def test_bodies_that_are_not_strict_json_are_refused():
    body = encode_record(record("line_added"))

    for bad, code in (
        (body[:-1], "json-malformed"),
        (body.replace(b":390,", b":390.0,"), "json-float"),
        (body.replace(b":390,", b":NaN,"), "json-not-a-number"),
        (body.replace(b":390,", b":1e400,"), "json-float"),
        (body.replace(b":390,", b":-0,"), "json-minus-zero"),
        (body.replace(b'"at"', b'"at":1,"at"'), "json-duplicate-key"),
        (body + b" " * 65536, "json-too-large"),
        (body.replace(b"Oat", b"\\ud800"), "json-surrogate"),
        (body.replace(b"Oat", b"\xff"), "json-not-utf8"),
    ):
        assert bad != body
        assert isinstance(raises(code, decode_record, bad), PeerError)


def test_a_wrong_record_of_ours_is_our_fault():
    for bad in (record("line_added", line=0), record("sale_voided", extra=1), {"v": 1, "t": "nothing"}):
        try:
            encode_record(bad)
        except CallerError as error:
            assert error.code.startswith("record-")
        else:
            raise AssertionError(bad)


def test_a_refusal_never_shows_the_value_or_a_foreign_name():
    pan = "4111111111111111"
    for bad in (
        record("tender_intended", masked=pan),
        record("tender_intended", order=pan + pan),
        record("line_added", line=int(pan)),
        record("line_added", **{pan: 1}),
        record("line_added", t=pan),
        record("line_added", v=int(pan)),
    ):
        try:
            check_record(bad)
        except PeerError as error:
            assert pan not in str(error)
        else:
            raise AssertionError("accepted")


def test_names_in_any_script_are_taken():
    for name in (
        "\u8336 \u70cf\u9f8d",
        "Caf\u00e9 cr\u00e8me",
        "\u3000",
        "50\u00a0g",
        "\u0627\u0644\u0634\u0627\u064a",
        "\U0001f375",
    ):
        assert check_record(record("line_added", name=name))


def test_weight_lines_have_a_weight_unless_a_label_gave_the_price():
    assert check_record(record("line_added", kind="weight", weight_g=450, quantity=1))
    assert check_record(record("line_added", kind="weight", weight_g=0, quantity=1, source="label"))
    raises("record-fields-disagree", check_record, record("line_added", kind="weight", weight_g=0))


def test_cash_leaves_no_trace_of_a_card():
    cash = {"method": "cash", "blob_digest": "", "masked": "", "brand": ""}

    assert check_record(record("tender_intended", **cash))
    for field, value in (("blob_digest", HASH), ("masked", "411111******1111"), ("brand", "visa")):
        bad = record("tender_intended", **cash)
        bad[field] = value
        raises("record-fields-disagree", check_record, bad)


def test_masked_numbers_of_every_length_are_taken():
    for masked in ("", "411111******1111", "************1111", "411111*********1111", "4111 11** **** 1111"):
        assert check_record(record("tender_intended", masked=masked))


def test_a_sale_without_anything_to_pay_is_a_record():
    nothing = {"total_minor": 0, "net_minor": 0, "tax_minor": 0, "tenders": [], "tax_rows": []}

    assert check_record(record("sale_completed", **nothing))


def test_times_of_a_wrong_clock_are_taken():
    for at in (0, 1, 1760000000000, 2075000000000):
        assert check_record(record("sale_voided", at=at))


def test_leap_days_are_days():
    for day in ("2024-02-29", "2000-02-29", "2025-12-31"):
        assert check_record(record("sale_completed", business_day=day))
    raises("record-field-out-of-range", check_record, record("sale_completed", business_day="2100-02-29"))
