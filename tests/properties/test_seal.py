"""Our HMAC is everybody's HMAC, and a seal opens under its own topic and key only."""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import PeerError
from protocol.seal import Sealer

KEYS = st.binary(min_size=32, max_size=32)
TOPICS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)


def code_of(function, *args) -> str:
    """The code by which `function` refuses, or "" when it takes what it is given."""
    try:
        function(*args)
    except PeerError as error:
        return error.code
    return ""


@given(KEYS, TOPICS, st.binary(max_size=2000))
def test_the_mac_is_that_of_the_standard_library(key, topic, payload):
    sealed = Sealer(key).seal(topic, payload)

    assert sealed == hmac.digest(key, topic.encode() + b"\x00" + payload, "sha256") + payload
    assert Sealer(key).open(topic, sealed) == payload


@given(KEYS, KEYS, TOPICS, TOPICS, st.binary(max_size=50))
def test_a_seal_opens_under_its_own_topic_and_key_only(key, other_key, topic, other_topic, payload):
    sealed = Sealer(key).seal(topic, payload)

    code = code_of(Sealer(other_key).open, other_topic, sealed)

    assert code == ("" if (key, topic) == (other_key, other_topic) else "seal-wrong")


@given(KEYS, TOPICS, st.binary(max_size=100))
def test_any_bytes_are_refused(key, topic, sealed):
    assert code_of(Sealer(key).open, topic, sealed) == "seal-wrong"
