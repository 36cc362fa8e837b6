"""The shape of a configuration on the wire: golden bytes, and every way it may be wrong."""

from protocol import configuration
from protocol.limits import MAX_CONFIGURATION_BYTES, MAX_CONFIGURATION_VALIDITY_MS
from tests.protocol.expect import raises

DOCUMENT = {
    "v": 1,
    "tenant": "acme",
    "box": "till-1",
    "group": "",
    "version": 7,
    "issued_ms": 1000,
    "expires_ms": 2000,
    "settings": {"store_name": "North"},
}
SIGNATURE = bytes(range(64))
GOLDEN = (
    b'{"box":"till-1","expires_ms":2000,"group":"","issued_ms":1000,'
    b'"settings":{"store_name":"North"},"tenant":"acme","v":1,"version":7}'
)


def changed(**fields):
    return DOCUMENT | fields


def test_a_document_has_its_golden_bytes():
    assert configuration.encode_document(DOCUMENT) == GOLDEN
    assert configuration.decode_document(GOLDEN) == DOCUMENT


def test_the_head_says_what_follows():
    packed = configuration.pack(SIGNATURE, GOLDEN)

    assert packed[:8].hex() == "5442443100000082"
    assert packed[8:72] == SIGNATURE
    assert configuration.unpack(packed) == (SIGNATURE, GOLDEN)


def test_the_signature_covers_a_purpose_and_the_document():
    assert configuration.signed_part(b"{}") == b"tillbox configuration 1\x00{}"


def test_a_packed_document_that_is_wrong_is_named():
    packed = configuration.pack(SIGNATURE, GOLDEN)

    raises("unsigned", configuration.unpack, GOLDEN)
    raises("unsigned", configuration.unpack, b"")
    raises("incomplete", configuration.unpack, packed[:40])
    raises("incomplete", configuration.unpack, packed[:-1])
    raises("too-large", configuration.unpack, packed + b" ")
    raises("too-large", configuration.unpack, b"TBD1\xff\xff\xff\xff" + packed[8:])
    raises("too-large", configuration.pack, SIGNATURE, bytes(MAX_CONFIGURATION_BYTES + 1))


def test_a_document_that_is_wrong_is_named():
    for code, document in (
        ("configuration-version-unknown", changed(v=2)),
        ("configuration-field-unknown", changed(extra=1)),
        ("configuration-field-wrong-type", changed(settings=[])),
        ("configuration-field-wrong-type", changed(version="7")),
        ("configuration-field-out-of-range", changed(version=0)),
        ("configuration-field-out-of-range", changed(tenant="Acme")),
        ("configuration-field-out-of-range", changed(box="")),
        ("configuration-fields-disagree", changed(expires_ms=1000)),
        ("configuration-fields-disagree", changed(expires_ms=1001 + MAX_CONFIGURATION_VALIDITY_MS)),
        ("configuration-not-object", [1]),
        ("too-large", changed(settings={"a": "x" * MAX_CONFIGURATION_BYTES})),
    ):
        raises(code, configuration.encode_document, document)


def test_one_content_has_one_text():
    raises("configuration-not-canonical", configuration.decode_document, GOLDEN + b"\n")
    raises("json-duplicate-key", configuration.decode_document, b'{"v":1,"v":1}')
    raises("configuration-field-missing", configuration.decode_document, b'{"v":1}')
