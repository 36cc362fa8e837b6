"""Seals: the published HMAC answers, our own golden bytes, and every way a message may be wrong."""

import hashlib

from protocol.limits import MAX_SEALED_BYTES
from protocol.seal import Sealer, is_equal, open_sealed, seal
from tests.protocol.expect import raises

KEY = bytes(range(32))
TOPIC = "tb1/0a/shop/west/till-1/up/evt"


def hmac_by_the_book(key, message):
    """HMAC-SHA256 as the standard writes it, for a key that fits one block."""
    padded = key + bytes(64 - len(key))
    inner = hashlib.sha256(bytes([b ^ 0x36 for b in padded]) + message).digest()
    return hashlib.sha256(bytes([b ^ 0x5C for b in padded]) + inner).digest()


def test_a_known_message_has_its_known_seal():
    sealed = seal(KEY, TOPIC, b'{"v":1}')

    assert sealed.hex() == "360fee1824aca3cbe34c04576f33bc021ae16885fc0477d7674e6f18dc6043547b2276223a317d"


def test_the_mac_is_hmac_sha256_over_topic_nul_and_payload():
    for payload in (b"", b"{}", b"x" * 63, b"y" * 64, b"z" * 1000):
        sealed = Sealer(KEY).seal(TOPIC, payload)

        assert sealed == hmac_by_the_book(KEY, TOPIC.encode() + b"\x00" + payload) + payload


def test_a_sealed_message_opens_under_its_key_and_topic():
    sealer = Sealer(KEY)

    assert sealer.open(TOPIC, sealer.seal(TOPIC, b"payload")) == b"payload"
    assert sealer.open(TOPIC, sealer.seal(TOPIC, b"")) == b""
    assert open_sealed(KEY, TOPIC, memoryview(seal(KEY, TOPIC, b"payload"))) == b"payload"


def test_one_sealer_seals_many_messages_alike():
    sealer = Sealer(KEY)

    assert [sealer.seal(TOPIC, b"a"), sealer.seal(TOPIC, b"b"), sealer.seal(TOPIC, b"a")] == [
        seal(KEY, TOPIC, b"a"),
        seal(KEY, TOPIC, b"b"),
        seal(KEY, TOPIC, b"a"),
    ]


def test_every_changed_bit_is_noticed():
    sealed = seal(KEY, TOPIC, b"pay 12.50")

    for offset in range(len(sealed)):
        for bit in (1, 128):
            damaged = sealed[:offset] + bytes([sealed[offset] ^ bit]) + sealed[offset + 1 :]

            raises("seal-wrong", open_sealed, KEY, TOPIC, damaged)


def test_a_message_of_another_topic_key_or_box_is_refused():
    sealed = seal(KEY, TOPIC, b"{}")

    raises("seal-wrong", open_sealed, KEY, TOPIC.replace("till-1", "till-2"), sealed)
    raises("seal-wrong", open_sealed, KEY, TOPIC.replace("up/evt", "down/res"), sealed)
    raises("seal-wrong", open_sealed, bytes(32), TOPIC, sealed)


def test_the_border_between_topic_and_payload_cannot_be_moved():
    sealed = seal(KEY, "a/b", b"c\x00d")

    raises("seal-wrong", open_sealed, KEY, "a/b\u0001", sealed)
    raises("seal-wrong", open_sealed, KEY, "a/bc", sealed)
    raises("seal-topic-wrong", seal, KEY, "a/b\x00c", b"d")


def test_a_message_shorter_than_a_mac_is_refused():
    for size in (0, 1, 31):
        raises("seal-wrong", open_sealed, KEY, TOPIC, bytes(size))
    raises("seal-wrong", open_sealed, KEY, TOPIC, bytes(32))


def test_a_message_beyond_the_bound_is_refused_unread():
    raises("seal-too-large", open_sealed, KEY, TOPIC, bytes(MAX_SEALED_BYTES + 1))


def test_a_key_of_another_length_is_a_bug():
    for size in (0, 16, 31, 33, 64):
        raises("seal-key-length", Sealer, bytes(size))


def test_macs_are_equal_only_when_all_bytes_are():
    mac = bytes(range(32))

    assert is_equal(mac, bytes(range(32)))
    assert not is_equal(mac, mac[:31])
    assert not is_equal(b"", b"")
    for offset in range(32):
        assert not is_equal(mac, mac[:offset] + b"\xff" + mac[offset + 1 :])


def test_a_sealer_does_not_show_its_key():
    assert repr(Sealer(KEY)) == "Sealer(key hidden)"
