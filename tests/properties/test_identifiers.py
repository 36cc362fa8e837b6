"""Ids: never twice whatever the clock does, and every spelling reads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import PeerError
from protocol.identifiers import EPOCH_MS, IdMaker, from_paper, from_text, join, parts, to_paper, to_text
from protocol.limits import MAX_INTEGER

IDS = st.integers(0, MAX_INTEGER)
CLOCKS = st.lists(
    st.one_of(
        st.integers(EPOCH_MS, EPOCH_MS + 100),
        st.integers(-(10**13), 7 * 10**12),
    ),
    max_size=300,
)


@given(CLOCKS, st.integers(1, 65535))
def test_ids_rise_however_the_clock_jumps(clocks, box_number):
    maker = IdMaker(box_number)

    made = [maker.make(clock) for clock in clocks]

    assert made == sorted(set(made))
    assert all(parts(identifier)[1] == box_number for identifier in made)


@given(CLOCKS, CLOCKS)
def test_a_maker_that_restarts_from_its_newest_id_repeats_none(before, after):
    first = IdMaker(9)
    made = [first.make(clock) for clock in before]
    tick, _, sequence = parts(made[-1]) if made else (0, 0, 0)

    second = IdMaker(9, tick, sequence)
    made += [second.make(clock) for clock in after]

    assert made == sorted(set(made))


@given(st.integers(1, 65535), st.integers(1, 65535), CLOCKS)
def test_two_boxes_never_make_the_same_id(one, other, clocks):
    first, second = IdMaker(one), IdMaker(other)

    same = {first.make(clock) for clock in clocks} & {second.make(clock) for clock in clocks}

    assert not same or one == other


@given(IDS)
def test_every_id_reads_back_from_both_spellings_and_its_parts(identifier):
    assert from_text(to_text(identifier)) == identifier
    assert from_paper(to_paper(identifier)) == identifier
    assert from_paper(to_paper(identifier).lower().replace("-", "")) == identifier
    assert join(*parts(identifier)) == identifier


@given(IDS, st.integers(0, 12), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_mistyped_character_is_always_noticed(identifier, place, character):
    paper = to_paper(identifier).replace("-", "")
    typed = paper[:place] + character + paper[place + 1 :]

    if typed == paper:
        assert from_paper(typed) == identifier
    else:
        with pytest.raises(PeerError):
            from_paper(typed)


@given(st.text(max_size=40))
def test_any_text_is_an_id_or_a_named_error(text):
    for read in (from_paper, from_text):
        try:
            identifier = read(text)
        except PeerError:
            continue
        assert 0 <= identifier <= MAX_INTEGER
