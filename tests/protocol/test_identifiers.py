"""Ids never repeat and are read as people write them."""

from protocol.identifiers import (
    EPOCH_MS,
    MAX_TICK,
    TICK_MS,
    IdMaker,
    from_paper,
    from_text,
    join,
    parts,
    to_paper,
    to_text,
)
from protocol.limits import MAX_INTEGER
from tests.protocol.expect import raises

NOON_MS = EPOCH_MS + 1000 * TICK_MS


def test_an_id_holds_tick_box_and_sequence():
    maker = IdMaker(0x1234)

    first = maker.make(NOON_MS)

    assert first == 1000 << 24 | 0x1234 << 8
    assert parts(first) == (1000, 0x1234, 0)
    assert join(1000, 0x1234, 0) == first


def test_ids_of_one_tick_count_up():
    maker = IdMaker(1)

    sequences = [parts(maker.make(NOON_MS + i))[2] for i in range(10)]

    assert sequences == list(range(10))


def test_a_full_tick_borrows_the_next_one():
    maker = IdMaker(1)

    made = [maker.make(NOON_MS) for _ in range(600)]

    assert parts(made[255]) == (1000, 1, 255)
    assert parts(made[256]) == (1001, 1, 0)
    assert parts(made[599]) == (1002, 1, 87)


def test_a_clock_that_goes_back_or_lies_before_the_epoch_makes_no_id_twice():
    maker = IdMaker(1)
    clocks = (NOON_MS, NOON_MS - 3600000, 0, -5, NOON_MS, NOON_MS + 315360000000, NOON_MS + 10)

    made = [maker.make(clock) for clock in clocks for _ in range(300)]

    assert all(made[i] < made[i + 1] for i in range(len(made) - 1))


def test_a_maker_goes_on_after_the_newest_id_known():
    newest = join(1000, 1, 255)
    tick, box_number, sequence = parts(newest)

    maker = IdMaker(box_number, tick, sequence)

    assert parts(maker.make(0)) == (1001, 1, 0)
    assert (maker.last_tick, maker.last_sequence) == (1001, 0)


def test_the_first_id_of_a_maker_without_clock_is_not_zero():
    assert IdMaker(1).make(0) > 0


def test_the_last_tick_is_used_up_and_then_refused():
    maker = IdMaker(65535, MAX_TICK, 254)

    assert maker.make(0) == MAX_INTEGER
    raises("id-ticks-exhausted", maker.make, 0)
    assert (maker.last_tick, maker.last_sequence) == (MAX_TICK, 255)


def test_a_clock_past_the_last_tick_leaves_the_maker_as_it_was():
    maker = IdMaker(1)
    before = maker.make(NOON_MS)

    raises("id-ticks-exhausted", maker.make, EPOCH_MS + (MAX_TICK + 1) * TICK_MS)

    assert maker.make(NOON_MS) == before + 1


def test_parts_out_of_range_are_refused():
    for box_number in (0, -1, 65536, "1", 1.0, True):
        raises("id-out-of-range", IdMaker, box_number)
    raises("id-out-of-range", IdMaker, 1, -1)
    raises("id-out-of-range", IdMaker, 1, MAX_TICK + 1)
    raises("id-out-of-range", IdMaker, 1, 0, 256)
    raises("id-out-of-range", join, 1, 1, -1)
    raises("id-out-of-range", parts, MAX_INTEGER + 1)
    raises("id-out-of-range", to_text, -1)
    raises("id-out-of-range", to_paper, MAX_INTEGER + 1)
    raises("id-clock-wrong", IdMaker(1).make, 1.5)


def test_in_json_an_id_is_decimal_digits():
    assert to_text(MAX_INTEGER) == "9223372036854775807"
    assert from_text("9223372036854775807") == MAX_INTEGER
    assert from_text("0") == 0


def test_any_other_spelling_of_an_id_is_refused():
    for text in ("", "-1", "+1", "01", " 1", "1.0", "9223372036854775808", "1" * 20, "\u0661", "0x1", "1_0"):
        raises("id-spelling-wrong", from_text, text)


def test_on_paper_an_id_is_three_groups_with_a_check_character():
    table = (
        (0, "0000-00000-00000"),
        (1, "0000-00000-00011"),
        (join(7, 3, 1), "0000-0003G-00R1S"),
        (MAX_INTEGER, "7ZZZ-ZZZZZ-ZZZZ5"),
    )
    for identifier, paper in table:
        assert to_paper(identifier) == paper
        assert from_paper(paper) == identifier


def test_people_may_confuse_letters_case_and_hyphens():
    paper = to_paper(join(7, 1, 33))

    for typed in (
        paper.lower(),
        "".join(c for c in paper if c != "-"),
        paper.replace("0", "O"),
        paper.replace("0", "o").replace("1", "l"),
        paper.replace("1", "I"),
        " " + paper.replace("-", " ") + " ",
    ):
        assert from_paper(typed) == join(7, 1, 33)


def test_all_five_extra_check_characters_are_written_and_read():
    seen = set()

    for identifier in range(37):
        paper = to_paper(identifier)
        seen.add(paper[-1])
        assert from_paper(paper.lower()) == identifier

    assert "".join(sorted(seen)) == "".join(sorted("0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U"))


def test_one_wrong_character_or_two_exchanged_are_noticed():
    paper = "".join(c for c in to_paper(join(123456, 77, 5)) if c != "-")

    for i in range(13):
        other = "7" if paper[i] != "7" else "8"
        raises("id-paper-check", from_paper, paper[:i] + other + paper[i + 1 :])
        if i and paper[i] != paper[i - 1]:
            raises("id-paper-check", from_paper, paper[: i - 1] + paper[i] + paper[i - 1] + paper[i + 1 :])


def test_what_is_no_number_on_paper_is_refused_by_name():
    raises("id-paper-length", from_paper, "")
    raises("id-paper-length", from_paper, "0" * 13)
    raises("id-paper-length", from_paper, "0" * 15)
    raises("id-paper-length", from_paper, " " * 10000)
    raises("id-paper-character", from_paper, "U0000000000000")
    raises("id-paper-character", from_paper, "!0000000000000")
    raises("id-paper-character", from_paper, "0000000000000\u00df")
    raises("id-paper-character", from_paper, "000000000000\u00df")
    raises("id-out-of-range", from_paper, "80000000000006")
