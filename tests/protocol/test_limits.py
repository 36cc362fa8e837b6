"""The bounds hold together."""

from protocol import limits
from protocol.topics import build


def test_the_longest_topic_fits_its_bound():
    name = "a" * limits.MAX_NAME_CHARS

    longest = build("3f", name, name, name, "down", "receipt")

    assert len(longest) <= limits.MAX_TOPIC_CHARS


def test_every_bound_is_a_positive_integer_of_at_most_63_bits():
    bounds = [getattr(limits, name) for name in dir(limits) if name[0] != "_" and name.upper() == name]

    assert bounds
    assert all(type(bound) is int and 0 < bound < 1 << 63 for bound in bounds)


def test_an_amount_of_twelve_digits_is_the_largest_of_a_card_message():
    assert limits.MAX_AMOUNT_MINOR == int("9" * 12)
