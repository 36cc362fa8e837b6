"""Which kind of value an expression gives, found without any value: what makes a template safe before it is run."""

from protocol.errors import ConfigError
from protocol.template.expressions import PRECEDENCE
from protocol.template.filters import ANY_LIST, FILTERS, SAME
from protocol.template.names import (
    NUMBERS,
    PRINTED,
    WORDS,
    is_list,
    is_object,
    kinds_of,
    nearest,
)

_COMPILE = "compile the template again with this version of tillbox"


class Scope:
    """The names that are known at one place of a program."""

    __slots__ = ("_kinds", "_words")

    def __init__(self, kinds: dict[str, str], words: set[str]) -> None:
        self._kinds = kinds
        self._words = words

    def knows(self, name: str) -> bool:
        """Tell whether a name means something here."""
        return name in self._kinds

    def put(self, name: str, kind: str) -> None:
        """A for gives a name."""
        self._kinds[name] = kind

    def drop(self, name: str) -> None:
        """The for is over."""
        del self._kinds[name]

    def find(self, path: tuple[str, ...]) -> tuple[str, str]:
        """Follow a path; (kind, "") or ("", what is wrong)."""
        kind = self._kinds.get(path[0], "")
        if not kind:
            return "", _unknown(path[0], sorted(self._kinds))
        for step in path[1:]:
            if kind == WORDS:
                names: dict[str, str] = dict.fromkeys(self._words, "text")
            elif is_object(kind):
                names = kinds_of(kind)
            else:
                return "", f"{step} is asked of a {kind}, which has no names"
            if step not in names:
                return "", _unknown(step, sorted(names))
            kind = names[step]
        return kind, ""


def kind_of(tokens: list[object], scope: Scope, fault) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001 - Callable is not a builtin
    """Return the kind of the one value that the tokens leave; `fault(at, code, what, action)` makes an error.

    Errors: "template-name-unknown", "template-kind-wrong", "template-program-wrong".
    """
    stack: list[str] = []
    for at, token in enumerate(tokens):
        if type(token) is tuple:
            kind, what = scope.find(token)
            if what:
                raise fault(at, "template-name-unknown", what, "see the names in the reference of templates")
            stack.append(kind)
        elif type(token) is int:
            stack.append("number")
        elif type(token) is not str or not token:
            raise fault(at, "template-program-wrong", "this is no token", _COMPILE)
        elif token[0] == "'":
            stack.append("text")
        elif token[0] == "|":
            _filter(stack, token[1:], at, fault)
        else:
            _operator(stack, token, at, fault)
    if len(stack) != 1:
        raise fault(0, "template-program-wrong", "an expression leaves one value", _COMPILE)
    return stack[0]


def _filter(stack: list[str], name: str, at: int, fault) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    if name not in FILTERS:
        raise fault(at, "template-filter-unknown", f"there is no filter {name}", _COMPILE)
    takes, arguments, gives, _ = FILTERS[name]
    if len(stack) <= len(arguments):
        raise fault(at, "template-program-wrong", f"{name} has too few values", _COMPILE)
    for wanted in reversed(arguments):
        kind = stack.pop()
        if kind != wanted:
            raise fault(
                at, "template-kind-wrong", f"{name} takes a {wanted} in brackets, not a {kind}", "give it one"
            )
    kind = stack.pop()
    if not (is_list(kind) if takes == ANY_LIST else kind == takes):
        raise fault(
            at, "template-kind-wrong", f"{name} takes a {takes}, not a {kind}", "remove it, or give it one"
        )
    stack.append(kind if gives == SAME else gives)


def _operator(stack: list[str], sign: str, at: int, fault) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    count = 3 if sign == "?" else 1 if sign == "not" else 2
    if (sign not in PRECEDENCE and sign not in ("not", "?")) or len(stack) < count:
        raise fault(at, "template-program-wrong", "this is no operator", _COMPILE)
    right = stack.pop()
    left = stack.pop() if count > 1 else right
    if sign == "?":
        stack.pop()  # the condition may be of any kind
    is_number = left in NUMBERS and right in NUMBERS
    if sign in ("==", "!="):
        is_good = is_number or left == right == "text"
    elif sign in ("<", "<=", ">", ">="):
        is_good = is_number
    elif sign in ("+", "?"):
        is_good = left in PRINTED and right in PRINTED
    else:
        is_good = True
    if not is_good:
        raise _wrong_pair(sign, left, right, at, fault)
    stack.append("text" if sign in ("+", "?") else "fact")


def _wrong_pair(sign: str, left: str, right: str, at: int, fault) -> ConfigError:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    if sign in ("+", "?"):
        kind = right if left in PRINTED else left
        action = "write | " + {"money": "money", "weight": "kg", "share": "percent"}.get(kind, "and a filter")
        return fault(at, "template-kind-wrong", f"a {kind} is no text", action)  # type: ignore[no-any-return]  # it makes errors
    action = "compare numbers with numbers and texts with texts"
    return fault(  # type: ignore[no-any-return]  # as above
        at, "template-kind-wrong", f"{sign} stands between a {left} and a {right}", action
    )


def _unknown(name: str, known: list[str]) -> str:
    meant = nearest(name, known)
    return f"there is no {name} here" + (
        f"; did you mean {meant}?" if meant else "; there are " + ", ".join(known[:12])
    )
