"""Lane messages: one good one of each, and every way one may be wrong."""

from protocol import messages
from protocol.errors import CallerError, PeerError
from protocol.strict_json import dumps
from tests.protocol.expect import raises
from tests.protocol.record_samples import HASH, MESSAGES, message

CODECS = {
    "receipt": (messages.encode_receipt, messages.decode_receipt),
    "request": (messages.encode_request, messages.decode_request),
    "response": (messages.encode_response, messages.decode_response),
    "state": (messages.encode_state, messages.decode_state),
    "configuration answer": (messages.encode_config_answer, messages.decode_config_answer),
}

WRONG: tuple[tuple[str, str, object, str], ...] = (
    ("receipt", "generation", "00112233", "field-out-of-range"),
    ("receipt", "through", -1, "field-out-of-range"),
    ("receipt", "through", 2**40, "field-out-of-range"),
    ("receipt", "through", "12", "field-wrong-type"),
    ("receipt", "chain", "", "field-out-of-range"),
    ("receipt", "epoch", 0, "field-out-of-range"),
    ("receipt", "status", "fine", "field-out-of-range"),
    ("receipt", "status", "resend", "fields-disagree"),
    ("receipt", "epoch", None, "field-missing"),
    ("receipt", "note", "hello", "field-unknown"),
    ("request", "kind", "refund", "field-out-of-range"),
    ("request", "kind", "query", "fields-disagree"),
    ("request", "kind", "reverse", "fields-disagree"),
    ("request", "frame", "", "fields-disagree"),
    ("request", "frame", "AAE", "field-out-of-range"),
    ("request", "frame", "AA=C", "field-out-of-range"),
    ("request", "frame", "A===", "field-out-of-range"),
    ("request", "frame", "AA-_", "field-out-of-range"),
    ("request", "frame", "AA\nC", "field-out-of-range"),
    ("request", "frame", "A" * 20000, "field-out-of-range"),
    ("request", "blobs", {"pin": "AAEC"}, "field-out-of-range"),
    ("request", "blobs", {"card": "AAEC", "pin": "AAEC"}, "field-out-of-range"),
    ("request", "blobs", {"card": 5}, "field-out-of-range"),
    ("request", "blobs", {"card": "A" * 10000}, "field-out-of-range"),
    ("request", "blobs", [], "field-wrong-type"),
    ("request", "deadline_ms", "soon", "field-wrong-type"),
    ("request", "attempt", "", "field-out-of-range"),
    ("request", "attempt", 288230376151711746, "field-wrong-type"),
    ("response", "outcome", "maybe", "field-out-of-range"),
    ("response", "amount_minor", -1, "field-out-of-range"),
    ("response", "amount_minor", True, "field-wrong-type"),
    ("response", "masked", "4111111111111111", "field-out-of-range"),
    ("response", "reason", "a\x1b[31m", "field-out-of-range"),
    ("state", "online", 1, "field-wrong-type"),
    ("state", "devices", {"printer": "on fire"}, "field-out-of-range"),
    ("state", "devices", {"Prin ter": "ready"}, "field-out-of-range"),
    ("state", "devices", {"": "ready"}, "field-out-of-range"),
    ("state", "unknown_open", -1, "field-out-of-range"),
    ("state", "total_minor", 5, "field-unknown"),
    ("configuration answer", "outcome", "maybe", "field-out-of-range"),
    ("configuration answer", "hash", HASH.upper(), "field-out-of-range"),
)


def test_a_good_message_of_every_lane_survives_the_way_there_and_back():
    assert sorted(CODECS) == sorted(MESSAGES)
    for lane, (encode, decode) in CODECS.items():
        assert decode(encode(message(lane))) == message(lane), lane


def test_every_wrong_field_is_refused_by_name():
    for lane, field, value, code in WRONG:
        bad = message(lane, **{field: value})
        encode, decode = CODECS[lane]

        from_outside = raises("message-" + code, decode, dumps(bad))
        from_us = raises("message-" + code, encode, bad)

        assert isinstance(from_outside, PeerError)
        assert isinstance(from_us, CallerError)


def test_every_field_of_every_message_is_needed_and_no_other_is_taken():
    for lane, (_encode, decode) in CODECS.items():
        for field in message(lane):
            raises("message-field-missing", decode, dumps(message(lane, **{field: None})))
        raises("message-field-unknown", decode, dumps(message(lane, extra=1)))


def test_messages_of_another_version_are_refused():
    for lane, (_encode, decode) in CODECS.items():
        for version in (0, 2, "1", True):
            raises("message-version-unknown", decode, dumps(message(lane, v=version)))


def test_what_is_no_strict_json_object_is_no_message():
    for _encode, decode in CODECS.values():
        raises("message-not-object", decode, b"[]")
        raises("json-malformed", decode, b"")
        raises("json-float", decode, b'{"v":1.0}')
        raises("json-duplicate-key", decode, b'{"v":1,"v":1}')
        raises("json-too-large", decode, b" " * 65537)


def test_the_last_will_is_fixed_and_says_only_that_the_box_is_gone():
    assert messages.offline_state() == b'{"online":false,"v":1}'
    assert messages.decode_state(messages.offline_state()) == {"v": 1, "online": False}
    raises("message-field-unknown", messages.decode_state, b'{"last_seq":5,"online":false,"v":1}')


def test_a_query_and_a_reversal_carry_no_card():
    query = message("request", kind="query", frame="", blobs={})
    reverse = message("request", kind="reverse", blobs={})

    assert messages.decode_request(messages.encode_request(query)) == query
    assert messages.decode_request(messages.encode_request(reverse)) == reverse
    raises("message-fields-disagree", messages.encode_request, message("request", kind="query", frame=""))


def test_bytes_in_a_request_come_out_as_they_went_in():
    for size in (1, 2, 3, 100, 4000):
        data = bytes([index % 256 for index in range(size)])
        packed = messages.pack_bytes(data)

        request = messages.decode_request(
            messages.encode_request(message("request", frame=packed, blobs={"card": packed}))
        )

        assert messages.frame_of(request) == data
        assert messages.card_of(request) == data
    assert messages.card_of(message("request", blobs={})) == b""


def test_the_largest_request_fits_a_message():
    frame = messages.pack_bytes(bytes(8192))
    card = messages.pack_bytes(bytes(4096))

    assert len(messages.encode_request(message("request", frame=frame, blobs={"card": card}))) < 65536
    raises(
        "message-field-out-of-range",
        messages.encode_request,
        message("request", frame=messages.pack_bytes(bytes(8195))),
    )


def test_a_receipt_that_asks_for_more_says_from_where():
    assert messages.encode_receipt(message("receipt", status="resend", resend_from=5))
