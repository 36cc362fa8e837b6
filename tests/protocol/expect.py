"""The one expectation helper of the protocol tests; it runs on CPython and on MicroPython alike.

Test files here hold plain ``def test_...():`` functions with assertions and import only from ``protocol`` and
this module, so the same file runs under pytest and inside MicroPython. Tests that need pytest or hypothesis
live in ``tests/properties``.
"""

from protocol.errors import TillboxError


def raises(code, function, *args, **kwargs):
    """Assert that ``function(*args, **kwargs)`` raises TillboxError with this ``code``; return it."""
    try:
        value = function(*args, **kwargs)
    except TillboxError as error:
        assert error.code == code, f"expected error {code}, got {error}"
        return error
    # The text is raised, not asserted, so that it survives ``python -O`` and MicroPython's optimiser.
    raise AssertionError(f"expected error {code}, got the value {value!r}")
