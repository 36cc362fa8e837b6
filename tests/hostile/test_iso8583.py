"""Bytes that are no message of ours: refused by name, the content never quoted, the link kept (row 52)."""

from __future__ import annotations

import asyncio
import json

import iso8583 as codec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.cardzone import iso8583
from cloud.cardzone.card_blob import Card
from protocol.errors import CallerError, PeerError
from simulators.cards import BY_NAME
from tests.cloud.card_zone_running import eventually, zone_stage
from tests.shared_data import shared

PAN = BY_NAME["visa"].pan
CARD = Card(PAN, "3012", "contact", "visa", BY_NAME["visa"].track2, "001", "9F2608A1B2C3D4E5F60718")
ASKED = iso8583.Purchase(iso8583.Trace("TERM0001", "000001", "1122150000"), "M1", "acme/1", 1250, "EUR")
WHOLE = iso8583.encode(iso8583.purchase(ASKED, CARD))

# what is wrong -> the bytes
BENT = {
    "nothing": b"",
    "half a type": WHOLE[:2],
    "no bitmap": WHOLE[:4],
    "half a bitmap": WHOLE[:9],
    "trailing bytes": WHOLE + b"0",
    "cut short": WHOLE[:-1],
    "length of the card number above its bound": WHOLE[:12] + b"99" + WHOLE[14:],
    "length of the card number no number": WHOLE[:12] + b"x1" + WHOLE[14:],
    "a bit for a field that is not there": WHOLE[:11] + bytes([WHOLE[11] | 1]) + WHOLE[12:],
    "all bits": WHOLE[:4] + b"\xff" * 8 + WHOLE[12:],
    "type of another house": b"0100" + WHOLE[4:],
    "type no text": b"\xff\xfe\xfd\xfc" + WHOLE[4:],
    "only zeros": b"\0" * 64,
}


def read(data: bytes) -> tuple[iso8583.Fields, PeerError | None]:
    """What a message says, or why it says nothing."""
    try:
        return iso8583.decode(data), None
    except PeerError as error:
        return {}, error


@pytest.mark.parametrize("what", BENT)
def test_a_bent_message_is_refused_and_never_quoted(what):
    with pytest.raises(PeerError) as caught:
        iso8583.decode(BENT[what])

    assert caught.value.code in {"message-malformed", "message-type-unknown"}
    assert PAN not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_named_error(data):
    fields, error = read(data)

    assert error is None or error.code in {"message-malformed", "message-type-unknown"}
    assert error is not None or iso8583.encode(fields) == data


@given(st.data())
def test_a_message_with_any_changed_bytes_never_crashes_and_never_shows_the_card(data):
    place = data.draw(st.integers(0, len(WHOLE) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=8))
    bent = WHOLE[:place] + noise + WHOLE[place + len(noise) :]

    fields, error = read(bent)

    assert error is None or PAN not in str(error)
    assert error is not None or fields["t"] in iso8583.KNOWN_TYPES


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(1, 7))
def test_messages_are_cut_out_of_a_stream_however_it_is_split(bodies, step):
    stream = b"".join(iso8583.frame(body) for body in bodies)
    splitter = iso8583.Splitter()

    found = [
        message for at in range(0, len(stream), step) for message in splitter.feed(stream[at : at + step])
    ]

    assert found == [body for body in bodies if body]


def test_a_length_that_no_message_has_loses_the_frame():
    splitter = iso8583.Splitter()

    with pytest.raises(PeerError, match="frame-lost"):
        splitter.feed(b"\xff\xff")


def test_fields_that_do_not_fit_are_our_own_fault_and_show_no_card():
    fields = iso8583.purchase(ASKED, CARD) | {"14": PAN}

    with pytest.raises(CallerError, match="message-unfit") as caught:
        iso8583.encode(fields)

    assert PAN not in str(caught.value)
    assert PAN not in repr(CARD)
    assert PAN not in repr(iso8583.Original(ASKED.trace, card_number=PAN))


@pytest.mark.parametrize(
    "name",
    [
        "financial_transaction_message.dat",
        "financial_transaction_message_response.dat",
        "iso_reversal_message.dat",
        "iso_reversal_message_advice.dat",
        "iso_reversal_message_response.dat",
        "iso_reversal_repeat_message.dat",
        "message_with_character_ebcdic_encoding.dat",
        "message_with_hex_bcd.dat",
        "message_with_hex_length.dat",
        "message_with_indicate_numeric.dat",
        "message_with_number_bcd_encoding.dat",
        "network_management_message.dat",
        "network_management_message_with_track.dat",
    ],
)
def test_messages_of_other_houses_are_set_aside_whole_and_cut(name):
    message = shared("data/iso8583_messages/" + name).read_bytes()
    codes = set()

    for end in range(len(message) + 1):
        _, error = read(message[:end])
        codes.add("" if error is None else error.code)

    assert codes <= {"message-malformed", "message-type-unknown"}, "another dialect was taken for ours"
    assert codes


def test_other_peoples_reversal_reads_the_same_with_a_text_bitmap():
    said = json.loads(shared("data/iso8583_messages/iso_reversal_message.json").read_text())
    bitmap = int(said["bitmap"], 2).to_bytes(8, "big")
    message = shared("data/iso8583_messages/iso_reversal_message.dat").read_bytes()
    ours = message[:4] + bitmap + int(said["elements"]["1"], 2).to_bytes(8, "big") + message[36:]

    # Its field 55 is text of 29 characters; in our dialect it is binary: everything before it must agree.
    spec_until_55 = {**iso8583.SPEC, "55": {**iso8583.SPEC["55"], "data_enc": "ascii", "max_len": 999}}
    fields, _ = codec.decode(ours, spec_until_55)

    theirs = {number: value for number, value in said["elements"].items() if number not in {"1", "48", "63"}}
    assert {number: fields[number] for number in theirs} == theirs


async def test_malformed_answers_do_not_cost_the_link(tmp_path):
    async with zone_stage(tmp_path) as stage:
        replies = [iso8583.frame(bent) for bent in BENT.values() if bent]
        signed_on = asyncio.Event()

        async def host(reader, writer):
            while head := await reader.read(2):
                fields = iso8583.decode(await reader.readexactly(int.from_bytes(head, "big")))
                if fields["t"] == "0800":
                    writer.write(iso8583.frame(iso8583.encode(iso8583.network_answer(fields))))
                    signed_on.set()
                    continue
                writer.writelines(replies)
                answer = {name: fields[name] for name in ("4", "7", "11", "41", "49")}
                answer |= {"t": "0210", "39": "00", "37": "000000000001", "38": "123456"}
                writer.write(iso8583.frame(iso8583.encode(answer)))

        server = await asyncio.start_server(host, "127.0.0.1", 0)
        stage.port = server.sockets[0].getsockname()[1]
        await stage.start()
        await stage.is_up()

        answers = [await stage.pay(number) for number in (1, 2)]
        counts = (await stage.client.health())["counts"]
        await eventually(signed_on.is_set, "signed on")
        server.close()

        assert [answer["outcome"] for answer in answers] == ["approved", "approved"]
        assert counts["message-malformed"] + counts["message-type-unknown"] == 2 * len(replies)
        assert "frame-lost" not in counts
        assert PAN not in (tmp_path / "zone.log").read_text()
