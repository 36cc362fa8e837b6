"""Errors say the rule, the fault and the action."""

from protocol.errors import (
    CallerError,
    ConfigError,
    DeviceError,
    OutcomeUnknown,
    PeerError,
    TillboxError,
)
from tests.protocol.expect import raises


def fail(kind, *args):
    raise kind(*args)


def test_an_error_reads_as_its_code_then_what_then_action():
    error = PeerError("check-digit-wrong", "The check digit does not fit", "Scan again")

    assert str(error) == "check-digit-wrong: The check digit does not fit. Scan again."
    assert (error.code, error.what, error.action) == (
        "check-digit-wrong",
        "The check digit does not fit",
        "Scan again",
    )


def test_an_error_without_action_ends_after_what():
    assert str(CallerError("a-bug", "Something is wrong")) == "a-bug: Something is wrong."


def test_every_kind_is_caught_as_a_tillbox_error():
    for kind in (CallerError, PeerError, DeviceError, OutcomeUnknown, ConfigError):
        caught = raises("some-code", fail, kind, "some-code", "Something happened")

        assert isinstance(caught, TillboxError)
        assert isinstance(caught, kind)
