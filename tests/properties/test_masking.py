"""Masking: no card number survives, whatever stands around it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from protocol.masking import find_pans, luhn_ok, mask_pan, scrub

SCHEMES = st.sampled_from(
    [("4", 16), ("51", 16), ("37", 15), ("62", 19), ("36", 14), ("35", 16), ("2221", 16)]
)


@st.composite
def pans(draw):
    prefix, length = draw(SCHEMES)
    count = length - 1 - len(prefix)
    body = prefix + draw(st.text("0123456789", min_size=count, max_size=count))
    return next(body + digit for digit in "0123456789" if luhn_ok(body + digit))


@st.composite
def separated(draw):
    """A card number in groups of four, and without its separators."""
    pan = draw(pans())
    separator = draw(st.sampled_from(["", " ", "-", " - "]))
    return separator.join(pan[i : i + 4] for i in range(0, len(pan), 4)), pan


def digits_of(text):
    return "".join(c for c in text if c in "0123456789")


@given(st.text(max_size=20), separated(), st.text(max_size=20))
def test_a_card_number_never_survives_scrubbing(before, number, after):
    spelt, pan = number

    scrubbed = scrub(before + spelt + after)

    assert pan not in scrubbed.replace(" ", "").replace("-", "")
    assert spelt not in scrubbed


@given(st.text("0123456789", max_size=12), pans(), st.text("0123456789", max_size=12))
def test_a_card_number_between_other_digits_never_survives(before, pan, after):
    assert pan not in scrub(before + pan + after)


@given(st.text())
def test_scrubbing_keeps_the_length_and_all_but_digits(text):
    scrubbed = scrub(text)

    assert len(scrubbed) == len(text)
    if not find_pans(text):
        assert scrubbed == text


@given(st.text("0123456789 -=D^;?a", max_size=80))
def test_spans_are_in_order_and_apart(text):
    spans = find_pans(text)

    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


@given(st.text("0123456789 -", max_size=30))
def test_a_masked_number_hides_at_least_five_digits_or_everything(text):
    masked = mask_pan(text)

    assert len(masked) == len(text)
    count = len(digits_of(text))
    assert len(digits_of(masked)) in {0, 4, 10}
    assert count - len(digits_of(masked)) >= min(count, 5)
