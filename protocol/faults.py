"""Named points between two durable effects, where the simulated world may crash, delay or cut.

Free in production: one global load and one comparison with None. A module declares its points once,
`JOURNAL_SYNCED = declare("journal.synced", "the record is on disk, nothing else happened yet")`, and calls
`fault(JOURNAL_SYNCED)` at the place. What a hook does (raise, kill the process, count) is its own business.
"""

from protocol.errors import CallerError

NAMES: dict[str, str] = {}  # name -> meaning, of every declared point

_hook: object = None


def declare(name: str, meaning: str) -> str:
    """Register a fault point and return its name.

    The name is dotted lower case ("journal.synced"). Declaring the same name with another meaning is a
    CallerError ("fault-declared-twice"): two places must not share one name by accident.
    """
    if not _is_dotted_name(name):
        raise CallerError(
            "fault-name-wrong", "A fault point has a name of dotted lower-case words", "Rename it"
        )
    if NAMES.get(name, meaning) != meaning:
        raise CallerError(
            "fault-declared-twice", "The point " + name + " has two meanings", "Rename one of them"
        )
    NAMES[name] = meaning
    return name


def fault(name: str) -> None:
    """Pass the point `name`: nothing happens unless a hook is set, which then gets the name.

    With a hook set, an undeclared name is a CallerError ("fault-undeclared").
    """
    if _hook is not None:
        _reach(name)


def set_hook(hook: object) -> object:
    """Install a callable that takes the name of each point passed, or None; return the one before."""
    global _hook  # noqa: PLW0603 - one hook for a whole process is the design: production pays one load
    if hook is not None and not callable(hook):
        raise CallerError(
            "fault-hook-wrong", "A fault hook is a callable or None", "Pass a function of one name"
        )
    previous = _hook
    _hook = hook
    return previous


def _reach(name: str) -> None:
    if name not in NAMES:
        raise CallerError("fault-undeclared", "The fault point " + name + " was never declared", "Declare it")
    if callable(_hook):
        _hook(name)


def _is_dotted_name(name: str) -> bool:
    if not name or name[0] == "." or name[-1] == "." or ".." in name:
        return False
    return all("a" <= c <= "z" or "0" <= c <= "9" or c in "._-" for c in name)
