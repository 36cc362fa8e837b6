"""What one check of the doctor found, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from protocol.errors import TillboxError

OK = "ok"
WARNING = "warning"  # the box sells, but somebody should look
BROKEN = "broken"  # the box cannot do its work, or will not after its next start
UNKNOWN = "unknown"  # could not be looked at without disturbing something


class Finding(NamedTuple):
    """`part` names what was looked at, `code` the trouble ("" for none), `mend` what a person does about it."""

    part: str
    state: str
    what: str
    mend: str = ""
    code: str = ""


def good(part: str, what: str) -> Finding:
    """Nothing to mend."""
    return Finding(part, OK, what)


def warning(part: str, code: str, what: str, mend: str) -> Finding:
    """To be looked at."""
    return Finding(part, WARNING, what, mend, code)


def broken(part: str, code: str, what: str, mend: str) -> Finding:
    """To be mended."""
    return Finding(part, BROKEN, what, mend, code)


def unknown(part: str, what: str) -> Finding:
    """Not looked at, and why."""
    return Finding(part, UNKNOWN, what)


def of_error(part: str, error: TillboxError) -> Finding:
    """A named error as a trouble."""
    return broken(part, error.code, error.what, error.action)
