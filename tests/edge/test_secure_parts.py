"""Parts of the secure module without a process: frames, brands, the erasable store and its crashes."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from edge.secure.blob_store import BLOBS_MAX, BlobStore, SealedCard
from edge.secure.brands import brand_of
from edge.secure.card_blob import zone_key
from edge.secure.module import SecureModule
from edge.secure.reader_frames import FrameReader, encode_frame, read_card
from protocol import faults
from protocol.errors import ConfigError, DeviceError, PeerError
from simulators.card_reader_frames import Incoming, card_payload, frame
from simulators.cards import BY_NAME, CARDS, TestCard

SEALED = SealedCard("77", 1250, "EUR", "acme", "box-1", "QUJD" * 60, "d" * 64, "411111******1111", "visa")


class PowerCutError(Exception):
    """The power went at a fault point."""


@pytest.fixture
def power():
    """Cuts the power at a named point."""

    def cut_at(point: str) -> None:
        def hook(name: str) -> None:
            if name == point:
                raise PowerCutError

        faults.set_hook(hook)

    yield cut_at
    faults.set_hook(None)


def test_a_reader_left_armed_by_a_crash_is_disarmed_before_anything_is_wanted(tmp_path):
    zone = ec.generate_private_key(ec.SECP256R1()).public_key()
    to_reader: list[bytes] = []
    module = SecureModule(zone, BlobStore(tmp_path), bytes, to_reader.append, lambda _packet: None)

    module.reader_changed("ready", "")
    module.take_packet({"do": "arm", "amount_minor": 1250, "currency": "EUR"})
    module.reader_changed("absent", "unplugged")
    module.reader_changed("ready", "")

    armed = encode_frame("A", b"1250 EUR")
    assert to_reader == [encode_frame("D"), armed, armed]


@given(st.sampled_from("HPRE"), st.binary(max_size=400), st.binary(max_size=40), st.integers(1, 50))
def test_a_frame_is_found_between_noise_however_it_is_cut(kind, payload, noise, step):
    quiet = noise.replace(b"\x02", b"\x00")
    stream = quiet + encode_frame(kind, payload) + quiet
    reader = FrameReader()

    found = [one for at in range(0, len(stream), step) for one in reader.feed(stream[at : at + step])]

    assert [(one.kind, one.payload) for one in found] == [(kind, payload)]


@given(st.binary(max_size=200))
def test_any_noise_is_given_up_in_the_end_and_the_next_frame_is_read(noise):
    reader = FrameReader()
    found = reader.feed(noise)
    while reader.is_inside:
        found += reader.give_up()

    found += reader.feed(encode_frame("H", b"name"))

    assert found[-1].kind == "H"


@given(st.integers(1, 300), st.integers(1, 255))
def test_a_frame_with_a_changed_byte_is_not_believed(place, change):
    whole = bytearray(encode_frame("P", card_payload(BY_NAME["visa"])))
    whole[place % len(whole)] ^= change
    reader = FrameReader()

    found = reader.feed(bytes(whole))
    while reader.is_inside:
        found += reader.give_up()

    assert [one for one in found if one.kind == "P"] == []


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_module_and_simulator_agree_on_frames_and_cards(card):
    payload = card_payload(card)

    (heard,) = FrameReader().feed(frame("P", payload))
    (sent,) = Incoming().feed(encode_frame("A", b"1250 EUR"))
    read = read_card(heard.payload)

    assert encode_frame("P", payload) == frame("P", payload)
    assert sent == ("A", b"1250 EUR")
    assert (read.pan, read.expiry, read.track2, read.brand) == (
        card.pan,
        card.expiry,
        card.track2,
        card.brand,
    )
    assert card.pan not in repr(read) + repr(heard)


SPOILED = [
    b"",
    b"X",
    b"I",
    b"I\x01\x00\x05ab",
    b"I\x01\x00\x104111111111111112\x02\x00\x043012",  # the check digit is wrong
    b"I\x01\x00\x104111111111111111\x02\x00\x0430x2",
    b"I\x01\x00\x104111111111111111\x01\x00\x104111111111111111\x02\x00\x043012",
    b"I\x01\x00\x104111111111111111\x02\x00\x043012\x03\x00\x045555",  # track 2 of another card
    b"I\x01\x00\x104111111111111111\x02\x00\x043012\x05\x00\x01x",
    b"I\x01\x00\x10" + b"\xb2" * 16 + b"\x02\x00\x043012",
    b"Q" + card_payload(BY_NAME["visa"])[1:],
]


@pytest.mark.parametrize("payload", SPOILED)
def test_a_card_that_is_not_whole_is_refused_in_the_same_words(payload):
    with pytest.raises(PeerError) as caught:
        read_card(payload)

    said = (caught.value.code, caught.value.what, caught.value.action)
    assert said == ("card-unreadable", "The card cannot be read", "Present the card again")


@given(st.binary(max_size=300))
def test_any_payload_is_a_card_or_unreadable(payload):
    try:
        card = read_card(payload)
    except PeerError as error:
        card, code = None, error.code
    else:
        code = ""

    assert card is not None or code == "card-unreadable"


@pytest.mark.parametrize(
    ("pan", "brand"),
    [
        ("4", "visa"),
        ("2720", "mastercard"),
        ("2721", "other"),
        ("2220", "other"),
        ("34", "amex"),
        ("3589", "jcb"),
    ],
)
def test_brands_are_told_at_the_edges_of_their_ranges(pan, brand):
    assert brand_of(pan.ljust(16, "0")) == brand


def test_a_zone_key_that_is_no_point_is_a_wrong_setting():
    for text in ("", "04", "zz", "04" + "11" * 64):
        with pytest.raises(ConfigError, match="card-zone-key-wrong"):
            zone_key(text)


def test_a_kept_blob_is_found_again_after_a_restart(tmp_path):
    BlobStore(tmp_path).keep(SEALED)

    assert BlobStore(tmp_path).find("77") == SEALED
    assert SEALED.blob not in repr(SEALED)


def test_a_power_cut_before_the_name_is_there_leaves_nothing(tmp_path, power):
    power("secure.blob_written")
    with pytest.raises(PowerCutError):
        BlobStore(tmp_path).keep(SEALED)

    assert BlobStore(tmp_path).attempts() == []
    assert list(tmp_path.iterdir()) == []


def test_a_power_cut_after_it_is_stored_keeps_it(tmp_path, power):
    power("secure.blob_stored")
    with pytest.raises(PowerCutError):
        BlobStore(tmp_path).keep(SEALED)

    assert BlobStore(tmp_path).find("77") == SEALED


def test_a_power_cut_while_forgetting_never_brings_a_blob_back(tmp_path, power):
    store = BlobStore(tmp_path)
    store.keep(SEALED)
    power("secure.blob_overwritten")
    with pytest.raises(PowerCutError):
        store.forget("77")

    power("")

    assert SEALED.blob.encode() not in (tmp_path / "77.card").read_bytes()
    assert BlobStore(tmp_path).attempts() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"v":1}', b"\0" * 500])
def test_a_damaged_file_counts_as_absent_and_is_destroyed_at_the_start(tmp_path, content):
    BlobStore(tmp_path).keep(SEALED)
    (tmp_path / "77.card").write_bytes(content)

    store = BlobStore(tmp_path)

    assert store.find("77") is None
    assert list(tmp_path.iterdir()) == []


def test_a_full_store_refuses_and_says_so(tmp_path):
    store = BlobStore(tmp_path)
    for number in range(BLOBS_MAX):
        store.keep(SealedCard(str(number), 1, "EUR", "acme", "box-1", "QQ==", "d" * 64, "*", "visa"))

    with pytest.raises(DeviceError, match="card-store-full"):
        store.keep(SEALED)


def test_a_test_card_never_shows_its_number():
    assert BY_NAME["visa"].pan not in repr(BY_NAME["visa"])
    assert isinstance(BY_NAME["visa"], TestCard)
