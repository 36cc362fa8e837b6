"""The shape of a publication on the wire: golden bytes, and every way it may be wrong."""

from protocol import publication
from protocol.publication import MAX_PUBLICATION_PLAN, MAX_PUBLICATION_VALIDITY_MS, MAX_VERSION_BYTES
from tests.protocol.expect import raises

IMAGE, TAXES = "a" * 64, "b" * 64
ENTRY = {"from_ms": 0, "catalogue": IMAGE, "overlay": "", "promotions": "", "taxes": TAXES}
DOCUMENT = {
    "v": 1,
    "tenant": "acme",
    "store": "north",
    "number": 7,
    "issued_ms": 1000,
    "expires_ms": 2000,
    "source": "https://cloud:8884",
    "plan": [ENTRY],
    "sizes": {IMAGE: 5000, TAXES: 70},
}
GOLDEN = (
    b'{"expires_ms":2000,"issued_ms":1000,"number":7,"plan":[{"catalogue":"' + IMAGE.encode() + b'",'
    b'"from_ms":0,"overlay":"","promotions":"","taxes":"'
    + TAXES.encode()
    + b'"}],"sizes":{"'
    + IMAGE.encode()
    + b'":5000,"'
    + TAXES.encode()
    + b'":70},"source":"https://cloud:8884",'
    b'"store":"north","tenant":"acme","v":1}'
)


def changed(**fields):
    return DOCUMENT | fields


def test_a_publication_has_its_golden_bytes():
    assert publication.encode_publication(DOCUMENT) == GOLDEN
    assert publication.decode_publication(GOLDEN) == DOCUMENT


def test_the_signature_of_a_publication_covers_a_purpose_of_its_own():
    assert publication.signed_part(b"{}") == b"tillbox publication 1\x00{}"


def test_a_publication_that_is_wrong_is_named():
    for code, document in (
        ("publication-version-unknown", changed(v=2)),
        ("publication-not-object", []),
        ("publication-field-unknown", changed(extra=1)),
        ("publication-field-missing", {"v": 1}),
        ("publication-field-out-of-range", changed(number=0)),
        ("publication-field-wrong-type", changed(number="7")),
        ("publication-field-out-of-range", changed(store="North")),
        ("publication-field-out-of-range", changed(source="http://cloud:80")),
        ("publication-field-out-of-range", changed(source="https://a b")),
        ("publication-field-out-of-range", changed(plan=[])),
        ("publication-field-out-of-range", changed(plan=[ENTRY | {"catalogue": ""}])),
        ("publication-field-out-of-range", changed(plan=[ENTRY | {"more": 1}])),
        ("publication-field-out-of-range", changed(sizes={IMAGE: 5000, TAXES: 0})),
        ("publication-field-out-of-range", changed(sizes={IMAGE: MAX_VERSION_BYTES + 1, TAXES: 70})),
        ("publication-field-out-of-range", changed(sizes={"../x": 5000, TAXES: 70})),
        ("publication-fields-disagree", changed(expires_ms=1000)),
        ("publication-fields-disagree", changed(expires_ms=1001 + MAX_PUBLICATION_VALIDITY_MS)),
        ("publication-fields-disagree", changed(sizes={IMAGE: 5000})),
        ("publication-fields-disagree", changed(sizes=DOCUMENT["sizes"] | {"c" * 64: 1})),
        ("publication-fields-disagree", changed(plan=[ENTRY, ENTRY])),
    ):
        raises(code, publication.encode_publication, document)


def test_a_plan_holds_a_bounded_number_of_sets():
    plan = [ENTRY | {"from_ms": place} for place in range(MAX_PUBLICATION_PLAN)]

    assert publication.encode_publication(changed(plan=plan))
    plan.append(ENTRY | {"from_ms": 99})
    raises("publication-field-out-of-range", publication.encode_publication, changed(plan=plan))


def test_bytes_that_are_no_publication_are_refused_and_never_guessed_at():
    raises("publication-not-canonical", publication.decode_publication, GOLDEN.replace(b":7", b": 7"))
    raises("json-malformed", publication.decode_publication, GOLDEN[:-1])


def test_the_last_set_that_has_begun_is_in_force():
    plan = [ENTRY | {"from_ms": at} for at in (100, 200, 300)]

    assert [publication.in_force(plan, now) for now in (99, 100, 199, 200, 300, 9999)] == [-1, 0, 0, 1, 2, 2]


def test_the_versions_of_a_set_are_named_small_ones_first():
    assert publication.named(ENTRY) == [("taxes", TAXES), ("catalogue", IMAGE)]
