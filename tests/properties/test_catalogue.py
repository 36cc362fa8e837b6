"""The catalogue image as a mapping: what was built in is found, nothing else is; damage never crashes."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.catalogue import BLOCK_RECORDS, Catalogue, Item, Overlay, build
from protocol.errors import PeerError
from protocol.facts import NO_FACTS, Facts
from protocol.limits import MAX_AGE_MIN, MAX_UNIT_PRICE_MINOR
from protocol.overlay import read_overlay
from protocol.plain_text import strip_controls

NAMES = st.text(min_size=1, max_size=40).map(strip_controls).filter(bool)
WORDS = st.sampled_from(["drinks", "fruit-and-veg", "果物", "a=b"])
NAMES_OF_ATTRIBUTES = st.sampled_from(["origin", "size"])
FACTS = st.builds(
    lambda path, brand, tags, attributes: Facts(
        "/".join(path), brand, tuple(tags), tuple(attributes.items())
    ),
    st.lists(WORDS, max_size=3),
    st.one_of(st.just(""), WORDS),
    st.sets(WORDS),
    st.dictionaries(NAMES_OF_ATTRIBUTES, WORDS),
)
LEVELS = st.dictionaries(
    st.sampled_from(["member", "staff", "l-3"]), st.integers(0, MAX_UNIT_PRICE_MINOR)
).map(lambda prices: tuple(prices.items()))
# Close together, so that neighbours and overlapping bytes occur; and anywhere, so that every length does.
KEYS = st.one_of(
    st.integers(0, 1_000), st.integers(0, 10**14 - 1), st.sampled_from([2**32, 2**40 + 1, 10**14 - 1])
)


@st.composite
def item_lists(draw):
    keys = draw(st.sets(KEYS, max_size=40))
    if draw(st.booleans()):
        keys |= set(range(0, 2 * BLOCK_RECORDS, draw(st.integers(1, 3))))
    return [
        Item(
            f"{key:014d}",
            draw(NAMES) if number < 10 else "name",
            draw(st.integers(0, MAX_UNIT_PRICE_MINOR)) if number < 10 else key % 97,
            draw(st.sampled_from("ABZ")) if number < 10 else "A",
            draw(st.sampled_from(["unit", "weight"])) if number < 10 else "unit",
            draw(st.integers(0, MAX_AGE_MIN)) if number < 10 else 0,
            draw(FACTS) if number < 10 else NO_FACTS,
            draw(LEVELS) if number < 10 else (),
        )
        for number, key in enumerate(keys)
    ]


@given(item_lists(), st.lists(KEYS, max_size=20))
def test_an_image_finds_what_a_dictionary_finds(items, others):
    oracle = {item.gtin: item for item in items}

    catalogue = Catalogue(memoryview(build(items, "EUR")))

    assert catalogue.count == len(oracle)
    for gtin in [*oracle, *(f"{key:014d}" for key in others)]:
        assert catalogue.find(gtin) == oracle.get(gtin)
    assert [catalogue.item_at(number) for number in range(len(oracle))] == [
        oracle[gtin] for gtin in sorted(oracle)
    ]
    catalogue.audit()


@given(item_lists(), st.randoms(use_true_random=False))
def test_the_order_of_items_never_changes_the_image(items, shuffler):
    image = build(items, "EUR")
    shuffler.shuffle(items)

    assert build(items, "EUR") == image


@given(item_lists(), st.data())
def test_damaged_bytes_give_a_named_error_or_an_answer_and_never_verify(items, data):
    image = bytearray(build(items, "EUR"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(image) - 1))
        image[at] = data.draw(st.integers(1, 255)) ^ image[at]
    if bytes(image) == build(items, "EUR"):
        return

    try:
        catalogue = Catalogue(bytes(image))
    except PeerError:
        return
    codes = {code_of(catalogue.find, item.gtin) for item in items}

    assert codes <= {"", "catalogue-record-wrong"}
    assert code_of(catalogue.verify, [bytes(image)]) == "catalogue-hash-wrong"


def code_of(function, *arguments):
    """The code of the error that comes, or "" when none does."""
    try:
        function(*arguments)
    except PeerError as error:
        return error.code
    return ""


@given(st.binary(max_size=400), st.integers(0, 80))
def test_random_bytes_are_never_a_catalogue_and_never_crash(tail, kept):
    start = build([Item("05000112637922", "Cola", 120, "A")], "EUR")[:kept]
    try:
        catalogue = Catalogue(start + tail)
        catalogue.find("05000112637922")
    except PeerError:
        return
    assert catalogue.size == len(start + tail)


@given(item_lists(), st.sets(KEYS, max_size=10))
def test_an_overlay_comes_back_from_its_document(items, blocked):
    changes: dict[str, Item | None] = {item.gtin: item for item in items}
    changes |= {f"{key:014d}": None for key in blocked}
    overlay = Overlay(changes, b"\x11" * 32)

    read = read_overlay(overlay.encode())

    assert read.changes == changes
    assert (read.catalogue_hash, read.hash) == (overlay.catalogue_hash, overlay.hash)


@given(st.binary(max_size=300))
def test_random_bytes_are_never_an_overlay_and_never_crash(document):
    try:
        read_overlay(document)
    except PeerError:
        return
    raise AssertionError("random bytes passed for an overlay")
