"""Topics are spelt in one way only."""

from protocol.topics import (
    Topic,
    box_publication,
    box_subscription,
    build,
    check_name,
    cloud_publication,
    cloud_subscription,
    parse,
    shard_number,
    shard_of,
    shard_text,
)
from tests.protocol.expect import raises

PARTS = ("2a", "acme", "north-1", "box-7", "up", "evt")


def test_a_topic_is_built_from_its_parts_and_taken_apart_again():
    text = build(*PARTS)

    assert text == "tb1/2a/acme/north-1/box-7/up/evt"
    assert parse(text) == Topic(*PARTS)
    assert str(parse(text)) == text


def test_topics_are_equal_when_all_their_parts_are():
    one = Topic(*PARTS)
    other = Topic("2a", "acme", "north-1", "box-7", "up", "req")

    assert one == Topic(*PARTS)
    assert hash(one) == hash(Topic(*PARTS))
    assert one != other
    assert one != "tb1/2a/acme/north-1/box-7/up/evt"
    assert repr(one) == "Topic(2a/acme/north-1/box-7/up/evt)"


def test_every_lane_of_both_directions_is_known():
    for direction, lanes in (("up", "evt req state cfg cmd"), ("down", "res receipt cfg cmd")):
        for lane in lanes.split():
            topic = parse(build("00", "a", "b", "c", direction, lane))

            assert (topic.direction, topic.lane) == (direction, lane)


def test_a_lane_of_the_other_direction_is_refused():
    for direction, lane in (("up", "res"), ("down", "evt"), ("sideways", "evt"), ("up", "#"), ("up", "")):
        raises("topic-lane-wrong", build, "00", "a", "b", "c", direction, lane)


def test_a_name_with_a_wildcard_slash_or_foreign_letter_is_refused():
    for name in ("", "+", "#", "a+", "a/b", "a b", "Acme", "a_b", "a.b", "caf\u00e9", "a\x00", "a" * 33):
        raises("topic-name-wrong", check_name, name)
        raises("topic-name-wrong", build, "00", name, "b", "c", "up", "evt")
        raises("topic-name-wrong", box_subscription, "00", "a", "b", name)


def test_a_shard_is_two_lower_case_hex_digits_below_64():
    for shard in ("", "0", "40", "3F", "ff", "0g", "000", "+", " 1"):
        raises("topic-shard-wrong", shard_number, shard)
        raises("topic-shard-wrong", build, shard, "a", "b", "c", "up", "evt")
        raises("topic-shard-wrong", cloud_subscription, shard)
    for number in (-1, 64):
        raises("topic-shard-wrong", shard_text, number)


def test_shard_numbers_and_texts_are_the_same_64():
    assert [shard_number(shard_text(number)) for number in range(64)] == list(range(64))


def test_the_shard_of_a_tenant_never_changes():
    assert shard_of("acme") == "3e"
    assert shard_of("demo") == "20"


def test_a_text_of_another_shape_is_no_topic():
    for text in ("", "tb1", "tb2/2a/a/b/c/up/evt", "/tb1/2a/a/b/c/up/evt", "tb1/2a/a/b/c/up/evt/"):
        raises("topic-shape-wrong", parse, text)
    raises("topic-too-long", parse, "tb1/" + "a/" * 100)
    raises("topic-name-wrong", parse, "tb1/2a/+/b/c/up/evt")
    raises("topic-lane-wrong", parse, "tb1/2a/a/b/c/up/#")


def test_filters_give_a_box_its_own_topics_and_the_cloud_a_shard():
    assert box_subscription("2a", "acme", "north", "box-1") == "tb1/2a/acme/north/box-1/down/#"
    assert box_publication("2a", "acme", "north", "box-1") == "tb1/2a/acme/north/box-1/up/#"
    assert cloud_subscription("2a") == "tb1/2a/+/+/+/up/+"
    assert cloud_publication("2a") == "tb1/2a/+/+/+/down/+"
