"""The card zone's pure decisions: lifecycle, verdicts, repeats, STANs, the link machine, messages, blobs,
keys."""

from __future__ import annotations

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.cardzone import card_blob, iso8583, rules
from cloud.cardzone.config import read_config
from cloud.cardzone.currencies import NUMBERS, currency_number
from cloud.cardzone.keys import Keys, make_keys, public_key_hex
from cloud.cardzone.link import TABLE, LinkMachine, LinkTimes
from edge.secure import card_blob as edge_blob
from protocol.errors import CallerError, ConfigError, PeerError
from simulators.cards import CARDS
from tests.shared_data import shared

TRACE = iso8583.Trace("TERM0001", "000042", "1122153001")
ASKED = iso8583.Purchase(TRACE, "M1", "acme/77", 1250, "EUR")
CARD = card_blob.Card(
    "4111111111111111", "3012", "contact", "visa", "4111111111111111=3012201", "001", "9F2701"
)
YES = {"39": "00", "4": "000000001250", "49": "978", "37": "000000000009", "38": "123456"}


def test_every_state_of_an_attempt_has_an_outcome_and_ends_are_reachable():
    states = {state for state, _ in rules.LIFECYCLE} | set(rules.LIFECYCLE.values())

    assert states == set(rules.OUTCOMES)
    assert {rules.LIFECYCLE["reversing", event] for event in ("reversal_settled", "reversal_refused")} == {
        "reversed",
        "refused",
    }


def test_an_approval_after_a_no_or_an_undo_is_always_reversed():
    after = {state: rules.next_state(state, "approved") for state in ("declined", "reversing", "reversed")}

    assert after == {"declined": "reversing", "reversing": "reversing_early", "reversed": "reversing"}


def test_a_reversal_that_may_be_older_than_the_money_is_followed_by_another():
    state = "sent"
    for event in ("timed_out", "approved", "reversal_settled", "timed_out", "reversal_settled"):
        state = rules.next_state(state, event)
        assert state == "reversed" or rules.OUTCOMES[state] == "unknown"

    assert state == "reversed"


def test_a_pair_outside_the_table_is_our_own_fault():
    with pytest.raises(CallerError, match="attempt-event-absent"):
        rules.next_state("approved", "timed_out")


VERDICTS = [
    ({}, "approved", ""),
    ({"39": "05"}, "declined", "declined-by-issuer"),
    ({"39": "Z9"}, "declined", "declined-other"),
    ({"39": "10", "4": "000000000600"}, "doubtful", "partly-approved"),
    ({"39": "68"}, "doubtful", "host-undecided"),
    ({"39": ""}, "doubtful", "host-undecided"),
    ({"4": "000000001251"}, "doubtful", "amount-differs"),
    ({"4": ""}, "doubtful", "amount-differs"),
    ({"49": "840"}, "doubtful", "currency-differs"),
    ({"37": "   "}, "doubtful", "approval-incomplete"),
    ({"38": ""}, "doubtful", "approval-incomplete"),
]


@pytest.mark.parametrize(("changes", "event", "reason"), VERDICTS)
def test_only_a_whole_yes_over_the_very_amount_is_an_approval(changes, event, reason):
    verdict = rules.judge(ASKED, YES | changes)

    assert (verdict.event, verdict.reason) == (event, reason)


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("00", "reversal_settled"),
        ("25", "reversal_settled"),
        ("96", ""),
        ("", ""),
        ("12", "reversal_refused"),
    ],
)
def test_a_reversal_is_repeated_until_it_is_settled_or_refused(code, event):
    found = rules.judge_reversal({"39": code})

    assert found == event


def test_repeats_of_a_reversal_grow_and_never_end():
    delays = [rules.reversal_delay_ms(tries, 1_000, 60_000) for tries in range(1, 10)]

    assert delays == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]
    assert rules.reversal_delay_ms(10_000_000, 1_000, 60_000) == 60_000


def test_the_stan_wraps_from_999999_to_1_and_is_never_0():
    assert [rules.stan_after(stan) for stan in (0, 1, 999_998, 999_999)] == [1, 2, 999_999, 1]


def test_a_link_signs_on_before_it_is_up_and_backs_off_further_each_time():
    machine = LinkMachine(LinkTimes(back_off_first_ms=100, back_off_max_ms=350))

    waits = []
    for _ in range(4):
        machine.take("timer")
        waits += [amount for effect, amount in machine.take("lost") if effect == "wait"]
    machine.take("timer")
    before = machine.take("connected")
    up = machine.take("signed_on")
    lost = machine.take("lost")

    assert waits == [100, 200, 350, 350]
    assert ("send_sign_on", 0) in before
    assert ("tell_up", 0) in up
    assert ("wait", 100) in lost


def test_a_link_that_does_not_answer_an_echo_is_given_up():
    machine = LinkMachine(LinkTimes())
    for event in ("timer", "connected", "signed_on"):
        machine.take(event)

    asked = machine.take("timer")
    given_up = machine.take("timer")

    assert ("send_echo", 0) in asked
    assert [effect for effect, _ in given_up] == ["tell_down", "close", "wait"]


@given(st.lists(st.sampled_from(sorted({event for _, event in TABLE})), max_size=40))
def test_a_link_is_told_up_and_down_in_turn_whatever_happens(events):
    machine = LinkMachine(LinkTimes())
    told = []

    for event in events:
        if (machine.state, event) in TABLE:
            told += [effect for effect, _ in machine.take(event) if effect.startswith("tell")]

    assert told == [("tell_up", "tell_down")[number % 2] for number in range(len(told))]


def test_a_purchase_is_these_bytes():
    message = iso8583.encode(iso8583.purchase(ASKED, CARD))

    assert message.hex() == (
        "30323030" + "723c068020c08204"
        "3136" + b"4111111111111111".hex() + b"000000000000001250".hex() + b"1122153001".hex() + b"000042".hex()
        + b"153001".hex() + b"1122".hex() + b"3012".hex() + b"051".hex() + b"001".hex() + b"27".hex()
        + b"24".hex() + b"4111111111111111=3012201".hex() + b"TERM0001".hex() + b"M1             ".hex()
        + b"978".hex() + b"003".hex() + "9f2701" + b"007acme/77".hex()
    )  # fmt: skip


def test_a_repeated_reversal_differs_in_its_type_only():
    original = iso8583.Original(iso8583.Trace("TERM0001", "000041", "1122153000"), "000000000009", "123456")

    first, repeat = (iso8583.reversal(ASKED, original, is_repeat=is_repeat) for is_repeat in (False, True))

    assert {name for name in first if first[name] != repeat[name]} == {"t"}
    assert (first["t"], repeat["t"]) == ("0400", "0401")
    assert first["90"] == "0200" + "000041" + "1122153000" + "0" * 22
    read = iso8583.decode(iso8583.encode(first))
    assert {name: read[name] for name in first} == first


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_what_a_box_seals_the_zone_opens_and_nobody_else(card, tmp_path):
    make_keys(tmp_path / "ours", os.urandom)
    make_keys(tmp_path / "theirs", os.urandom)
    binding = card_blob.Binding("acme", "box-1", "77", 1250, "EUR")
    read = edge_blob.ReadCard(
        card.pan, card.expiry, card.entry, card.brand, card.track2, card.sequence, card.emv
    )
    zone = edge_blob.zone_key(public_key_hex(tmp_path / "ours"))

    blob = edge_blob.seal_card(zone, edge_blob.Binding("acme", "box-1", "77", 1250, "EUR"), read, os.urandom)
    opened = Keys(tmp_path / "ours", os.urandom).open_card(binding, blob)

    assert (opened.pan, opened.expiry, opened.track2) == (card.pan, card.expiry, card.track2)
    assert (opened.emv, opened.sequence, opened.brand) == (card.emv, card.sequence, card.brand)
    assert card.pan.encode() not in blob
    with pytest.raises(PeerError, match="card-unreadable"):
        Keys(tmp_path / "theirs", os.urandom).open_card(binding, blob)


def test_a_blob_has_this_layout_for_given_random_bytes(tmp_path):
    make_keys(tmp_path, lambda count: b"\x07" * count)
    zone = edge_blob.zone_key(public_key_hex(tmp_path))
    read = edge_blob.ReadCard("4111111111111111", "3012", "contact", "visa")
    binding = edge_blob.Binding("acme", "box-1", "77", 1250, "EUR")

    blob = edge_blob.seal_card(zone, binding, read, lambda count: b"\x05" * count)

    assert blob[0] == 4
    assert blob[65:77] == b"\x05" * 12
    assert binding.additional_data() == b"acme\0box-1\x0077\x001250\0EUR"
    plain = b'{"brand":"visa","emv":"","entry":"contact","expiry":"3012","pan":"4111111111111111",'
    plain += b'"sequence":"","track2":"","v":1}'
    assert len(blob) == 65 + 12 + len(plain) + 16


def test_keys_are_files_for_their_owner_only_and_are_never_made_twice(tmp_path):
    make_keys(tmp_path / "keys", os.urandom)
    first = public_key_hex(tmp_path / "keys")

    make_keys(tmp_path / "keys", os.urandom)

    assert public_key_hex(tmp_path / "keys") == first
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize("content", ["", "zz", "00" * 31])
def test_a_damaged_key_file_is_named(tmp_path, content):
    make_keys(tmp_path, os.urandom)
    (tmp_path / "tokens.key").write_text(content)

    with pytest.raises(ConfigError, match=r"tokens\.key"):
        Keys(tmp_path, os.urandom)


def test_a_kept_card_number_opens_for_its_own_attempt_only(tmp_path):
    make_keys(tmp_path, os.urandom)
    keys = Keys(tmp_path, os.urandom)

    sealed = keys.seal_number("acme", "1", CARD.pan)

    assert keys.open_number("acme", "1", sealed) == CARD.pan
    for tenant, attempt, data in (("acme", "2", sealed), ("other", "1", sealed), ("acme", "1", sealed[:-1])):
        with pytest.raises(PeerError, match="card-unreadable"):
            keys.open_number(tenant, attempt, data)


def test_a_token_is_letters_only_and_belongs_to_its_tenant(tmp_path):
    make_keys(tmp_path, os.urandom)
    keys = Keys(tmp_path, os.urandom)

    mine, again, theirs = (keys.token(tenant, CARD.pan) for tenant in ("acme", "acme", "other"))

    assert mine == again != theirs
    assert set(mine) <= set("abcdefghijklmnop")


def test_currency_numbers_are_those_of_iso_4217():
    table = shared("data/iso4217/codes-all.csv").read_text().splitlines()
    published = {row.rsplit(",", 4)[1]: row.rsplit(",", 4)[2] for row in table if row.endswith(",")}

    assert {code: published[code].zfill(3) for code in NUMBERS} == NUMBERS
    assert currency_number("EUR") == "978"
    with pytest.raises(CallerError, match="currency-unknown"):
        currency_number("XYZ")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{oops", "is no JSON"),
        ("[]", "is no object"),
        ('{"v": 2}', "v is not 1"),
        ('{"acquirers": [{"name": "a", "host": "a", "port": 99999}]}', "port is not 1 to 65535"),
    ],
)
def test_a_broken_settings_file_is_named_with_its_path_and_what_is_wrong(tmp_path, text, fault):
    path = tmp_path / "cardzone.json"
    path.write_text(text)

    with pytest.raises(ConfigError) as refusal:
        read_config(path)

    assert refusal.value.code == "card-zone-config-wrong"
    assert str(path) in refusal.value.what
    assert fault in refusal.value.what


def test_a_settings_file_that_is_missing_is_named_with_its_path(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.json: it cannot be read: No such file"):
        read_config(tmp_path / "none.json")
