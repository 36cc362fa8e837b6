"""What the action of a simulated device takes, as its own annotations say; whatever else a command gives is refused.

The annotations are read as text: `int`, `str`, `bool`, `list[str]`, or several with ` | `. What else they name is not
for commands, and a parameter without any takes every value.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from protocol.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# As annotated -> what to call it.
KINDS = {"int": "whole number", "str": "text", "bool": "true or false", "list[str]": "list of texts"}


def checked(name: str, action: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """The arguments for an action; CallerError("command-arguments-wrong") says which it takes.

    A whole number for a text is a short code, as a shell hands it over.
    """
    wanted = inspect.signature(action)
    try:
        wanted.bind(**given)
        return {key: _as_wanted(_kinds(wanted, key), value) for key, value in given.items()}
    except TypeError as wrong:
        takes = ", ".join(_told(wanted)) or "nothing more"
        raise CallerError("command-arguments-wrong", f"{name} takes {takes}", "Give just these.") from wrong


def _kinds(wanted: inspect.Signature, name: str) -> list[str]:
    """The kinds that a named parameter takes, or the one that takes all other names."""
    parameters = wanted.parameters
    found = parameters[name] if name in parameters else list(parameters.values())[-1]
    return [kind for kind in str(found.annotation).split(" | ") if kind in KINDS]


def _as_wanted(kinds: list[str], value: Any) -> Any:
    if kinds == ["str"] and type(value) is int:
        return str(value)
    if kinds and _kind_of(value) not in kinds:
        raise TypeError(kinds)
    return value


def _kind_of(value: Any) -> str:
    if type(value) is list and all(type(one) is str for one in value):
        return "list[str]"
    return type(value).__name__


def _told(wanted: inspect.Signature) -> Iterator[str]:
    for name in wanted.parameters:
        kinds = " or ".join(KINDS[kind] for kind in _kinds(wanted, name))
        yield f"{name} ({kinds})" if kinds else name
