"""The expectation helper can itself fail, on CPython and on MicroPython."""

from protocol.errors import CallerError, PeerError
from tests.protocol.expect import raises


def refuse(what, *, named="seal-wrong"):
    raise PeerError(named, what, "Ask again")


def test_the_expected_error_is_returned():
    error = raises("seal-wrong", refuse, "a seal")

    assert isinstance(error, PeerError)
    assert error.what == "a seal"


def test_keyword_arguments_reach_the_function():
    error = raises("frame-short", refuse, "a frame", named="frame-short")

    assert error.code == "frame-short"


def test_another_code_is_a_failure():
    assert fails(refuse, "a seal", named="frame-short")


def test_a_value_instead_of_an_error_is_a_failure():
    assert fails(len, "abc")


def test_an_error_of_another_family_is_not_swallowed():
    try:
        raises("seal-wrong", int, "x")
    except CallerError:
        raise AssertionError("int() raises no error of ours") from None
    except ValueError as error:
        assert str(error)


def fails(function, *args, **kwargs):
    """Whether raises() judges this call a failure."""
    try:
        raises("seal-wrong", function, *args, **kwargs)
    except AssertionError:
        return True
    return False
