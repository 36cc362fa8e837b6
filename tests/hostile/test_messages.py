"""Rows 14 to 24: message bodies through the real consumer and a real database.

What a box sends is stored, receipted and set aside with a named reason; the good sale beside it is always booked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from protocol.limits import MAX_INTEGER
from protocol.records import encode_record
from protocol.strict_json import dumps
from tests.cloud.tills import BREAD, NOON_MS, TENANT, Till

if TYPE_CHECKING:
    from tests.cloud.estate import Estate

DAY_MS = 86_400_000


def line(**changed: Any) -> dict[str, Any]:
    """A line_added record of order 999999."""
    fields = {
        "v": 1, "t": "line_added", "at": NOON_MS, "boot": "00000001", "order": "999999", "line": 1,
        "gtin": BREAD.gtin, "name": "Rye", "kind": "unit", "quantity": 1, "weight_g": 0, "unit_price_minor": 249,
        "tax_class": "A", "amount_minor": 249, "source": "scan",
    }  # fmt: skip
    return {**fields, **changed}


def raw(field: str, text: str) -> bytes:
    """The record with one value spelled by hand."""
    return json.dumps(line(**{field: "@@"})).replace('"@@"', text).encode()


def text(**changed: Any) -> bytes:
    return json.dumps(line(**changed)).encode()


async def park_one(estate: Estate, body: bytes) -> str:
    """Send one bad body before a good sale; the code that it was parked with. The good sale must be booked."""
    return (await park(estate, [body]))[0]


async def park(estate: Estate, bodies: list[bytes]) -> list[str]:
    """Send bad bodies before a good sale; their codes."""
    till = await estate.enrol()
    for body in bodies:
        till.write_body(body)
    bad = [till.batch(seq, seq) for seq in range(1, len(bodies) + 1)]
    order = till.cash_sale()

    await estate.hear(till, "evt", *bad, till.batch())
    await estate.settle()

    assert estate.told(till, "receipt")[-1]["through"] == len(till.frames)
    assert await estate.rows("SELECT order_id, state FROM sale_order") == [(int(order), "completed")]
    assert await estate.rows("SELECT count(*) FROM ledger_entry") == [(2,)]
    rows = await estate.rows("SELECT seq, state, code FROM parked_record ORDER BY seq")
    assert [(seq, state) for seq, state, _ in rows] == [(n + 1, "parked") for n in range(len(bodies))]
    return [str(code) for _, _, code in rows]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\x00", "json-malformed"),
        (b"garbage", "json-malformed"),
        (text()[:-1], "json-malformed"),
        (text()[:40], "json-malformed"),
        (text() + b"}", "json-malformed"),
        (text() + text(), "json-malformed"),
        (b"\xff\xfe" + text(), "json-not-utf8"),
        (b"\xef\xbb\xbf" + text(), "json-malformed"),
        (b"[" * 65_536, "json-too-deep"),
        (b'{"a":' * 13_000 + b"1" + b"}" * 500, "json-too-deep"),
        (b"null", "record-not-object"),
        (b"[]", "record-not-object"),
        (b"7", "record-not-object"),
        (b"{" + b",".join(b'"%d":1' % n for n in range(6_000)) + b"}", "record-version-unknown"),
        (b"{}", "record-version-unknown"),
        (text().replace(b'"v": 1', b'"v": 1, "v": 1'), "json-duplicate-key"),
        (text().replace(b'"quantity": 1', b'"quantity": 1, "quantity": 9'), "json-duplicate-key"),
    ],
)
async def test_row_14_what_is_not_one_json_object_is_parked_by_name(small_estate, body, code) -> None:
    assert await park_one(small_estate, body) == code


@pytest.mark.parametrize("lane", ["evt", "req", "state", "cfg", "cmd"])
async def test_row_14_no_payload_of_any_lane_stops_the_loop(estate, lane, tried) -> None:
    till = await estate.enrol()
    order = till.cash_sale()
    many_keys = b"{" + b'"k":1,' * 40_000 + b'"k":1}'
    payloads = [
        b"",
        b"[" * 100_000,
        many_keys,
        b'{"v":1',
        b"\x00" * 70_000,
        bytes(range(256)),
        b"null",
        b"\xff",
    ]

    for payload in payloads:
        estate.wire.send(till.topic("up", lane), till.seal(lane, payload))
    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    assert await estate.rows("SELECT order_id, state FROM sale_order") == [(int(order), "completed")]
    assert estate.consumer.counts.taken_apart == 0
    kept = await estate.rows(
        "SELECT coalesce(sum(length(payload)), 0) FROM set_aside WHERE topic LIKE '%/req'"
    )
    assert kept == [(0,)]  # of a request only the digest is kept: it may hold a card
    tried(len(payloads))


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("NaN", "json-not-a-number"),
        ("Infinity", "json-not-a-number"),
        ("-Infinity", "json-not-a-number"),
        ("1e400", "json-float"),
        ("2.49", "json-float"),
        ("249.0", "json-float"),
        ("2E2", "json-float"),
        ("-0", "json-minus-zero"),
        ("-0.0", "json-float"),
        ("0249", "json-malformed"),
        ("+249", "json-malformed"),
        ("0x1", "json-malformed"),
        ('"249"', "record-field-wrong-type"),
        ("true", "record-field-wrong-type"),
        ("null", "record-field-wrong-type"),
        ("[249]", "record-field-wrong-type"),
    ],
)
async def test_row_15_money_and_counts_are_integers_or_nothing(small_estate, spelling, code, tried) -> None:
    fields = ("unit_price_minor", "amount_minor", "quantity", "weight_g", "line", "at")

    codes = await park(small_estate, [raw(field, spelling) for field in fields])

    assert codes == [code] * len(fields)
    tried(len(fields))


@pytest.mark.parametrize(
    ("field", "number", "code"),
    [
        ("amount_minor", MAX_INTEGER + 1, "json-integer-too-large"),
        ("amount_minor", 10**400, "json-integer-too-large"),
        ("amount_minor", -(10**400), "json-integer-too-large"),
        ("amount_minor", MAX_INTEGER, "record-field-out-of-range"),
        ("amount_minor", 10**12, "record-field-out-of-range"),
        ("amount_minor", -1, "record-field-out-of-range"),
        ("unit_price_minor", -249, "record-field-out-of-range"),
        ("quantity", 0, "record-field-out-of-range"),
        ("quantity", -1, "record-field-out-of-range"),
        ("quantity", 10**9, "record-field-out-of-range"),
        ("weight_g", -5, "record-field-out-of-range"),
        ("weight_g", 10**9, "record-field-out-of-range"),
        ("line", 0, "record-field-out-of-range"),
        ("line", 1_001, "record-field-out-of-range"),
        ("at", -1, "record-field-out-of-range"),
        ("at", 2**62, "record-field-out-of-range"),
        ("order", str(MAX_INTEGER + 1), "record-field-out-of-range"),
        ("order", "-1", "record-field-out-of-range"),
        ("order", "007", "record-field-out-of-range"),
    ],
)
async def test_row_16_numbers_beyond_their_bounds_are_parked(small_estate, field, number, code) -> None:
    assert await park_one(small_estate, text(**{field: number})) == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (text(v=2), "record-version-unknown"),
        (text(v=0), "record-version-unknown"),
        (text(v=True), "record-version-unknown"),
        (text(v="1"), "record-version-unknown"),
        (text(t="sale_paid"), "record-type-unknown"),
        (text(t=["line_added"]), "record-type-unknown"),
        (text(t="__class__"), "record-type-unknown"),
        (text(tenant="rival"), "record-field-unknown"),
        (text(is_paid=True), "record-field-unknown"),
        (text(price_check="right"), "record-field-unknown"),
        (text(source="gift"), "record-field-out-of-range"),
        (
            json.dumps({k: v for k, v in line().items() if k != "amount_minor"}).encode(),
            "record-field-missing",
        ),
    ],
)
async def test_row_17_another_version_or_a_field_too_many_is_parked(small_estate, body, code) -> None:
    assert await park_one(small_estate, body) == code


async def test_row_18_five_hundred_poisoned_records_hold_up_nobody(estate, tried) -> None:
    till, other = await estate.enrol(), await estate.enrol(Till(box="till-2", number=2))
    poison = [b"{}", b"[" * 5_000, text(quantity=0), text(name="\x00"), text(line=7)]
    for number in range(500):
        till.write_body(poison[number % len(poison)])
    mine, others = till.cash_sale(), other.cash_sale()

    for first in range(1, len(till.frames) + 1, 10):
        estate.wire.send(till.topic("up", "evt"), till.batch(first, min(first + 9, len(till.frames))))
    await estate.hear(other, "evt", other.batch())
    await estate.settle()

    assert await estate.rows("SELECT order_id FROM sale_order ORDER BY order_id") == sorted(
        [(int(mine),), (int(others),)]
    )
    assert await estate.rows("SELECT count(*) FROM parked_record") == [(500,)]
    assert estate.told(till, "receipt")[-1]["through"] == len(till.frames)
    tried(500)


UNICODE = {
    "right-to-left": ("name", "Rye\u202edaerb"),
    "isolate": ("name", "Rye\u2066bread\u2069"),
    "zero-width": ("name", "R\u200bye"),
    "byte-order-mark": ("name", "\ufeffRye"),
    "null": ("name", "Rye\x00"),
    "escape": ("name", "Rye\x1b[2J"),
    "line-separator": ("name", "Rye\u2028DROP"),
    "control-of-eight-bits": ("name", "Rye\x9b31m"),
    "lone-surrogate": ("name", "Rye\ud800"),
    "homoglyph-digits": ("gtin", "\uff10\uff14006381333931"),
    "arabic-digits": ("gtin", "0400638133393\u0661"),
    "arabic-id": ("order", "99999\u0669"),
    "homoglyph-letter": ("tax_class", "\u0410"),
    "homoglyph-word": ("kind", "un\u0456t"),
    "accent-in-a-word": ("source", "sca\u0144"),
    "name-of-emptiness": ("name", ""),
    "name-too-long": ("name", "\u4e2d" * 201),
    "tag-characters": ("name", "Rye\U000e0041"),
}


@pytest.mark.parametrize("trick", UNICODE)
async def test_row_24_letters_that_deceive_are_refused(small_estate, trick) -> None:
    field, value = UNICODE[trick]

    code = await park_one(small_estate, text(**{field: value}))

    assert code in ("record-field-out-of-range", "record-field-wrong-type", "json-surrogate")


async def test_row_24_twins_of_one_name_stay_text_and_name_no_other_item(estate) -> None:
    till = await estate.enrol()
    for name in (
        "Caf\u00e9",
        "Cafe\u0301",
        "\u0421afe",
        "\U0001f35e",
        "\u9ea6\u5305",
        "O'Rye; DROP TABLE box--",
    ):
        till.cash_sale()
        at = len(till.frames) - 5  # the first line of the sale just written
        body = json.loads(till.body_of(at))
        assert body["t"] == "line_added"
        del till.frames[at - 1 :], till.bodies[at - 1 :]
        till.rechain()
        till.write_body(encode_record({**body, "name": name}))
        till.write("sale_voided", order=body["order"], reason=name)

    await estate.hear(till, "evt", till.batch(1))

    assert await estate.rows("SELECT DISTINCT state FROM sale_order") == [("voided",)]
    assert await estate.rows("SELECT count(*) FROM parked_record") == [(0,)]
    names = {name for (name,) in await estate.rows("SELECT name FROM order_line")}
    assert {"Caf\u00e9", "Cafe\u0301"} <= names


async def test_row_17_a_request_with_fields_of_another_service_has_no_effect(estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor)
    good = json.loads(till.request("pay", tender)[32:])

    for extra in ({"outcome": "approved"}, {"amount_minor": 1}, {"tenant": "rival"}, {"v": 2}):
        estate.wire.send(till.topic("up", "req"), till.seal("req", dumps({**good, **extra})))
    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    assert estate.channel.asked == []
    assert await estate.rows("SELECT count(*) FROM set_aside WHERE tenant = $1", TENANT) == [(4,)]
