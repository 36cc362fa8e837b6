"""The flat program of a template: its check, and the form in which it is run.

| instruction | does |
|---|---|
| `["text", styles, X]` `["columns", styles, LEFT, RIGHT]` | prints a line; styles: some of c r i b w, in this order |
| `["qr", X]` `["barcode", X]` `["ean", X]` `["logo"]` `["rule"]` `["cut"]` `["feed", lines]` | prints its name |
| `["if", X]` `["else"]` `["for", name, X]` `["end"]` | says what is run, and how often |

X is a list of tokens (`expressions`). A program may have come over the wire: nothing of it is believed before the
check, which finds every name, kind and bound. What passed it can only run to its end or out of steps.
"""

from protocol.errors import ConfigError
from protocol.template.bounds import (
    MAX_EXPRESSION_TOKENS,
    MAX_TEMPLATE_DEPTH,
    MAX_TEMPLATE_INSTRUCTIONS,
)
from protocol.template.expressions import is_name
from protocol.template.kinds import Scope, kind_of
from protocol.template.names import PRINTED, ROOT, is_list, kinds_of, part_of

STYLES = "cribw"
_SHAPES = {
    "text": 3,
    "columns": 4,
    "qr": 2,
    "barcode": 2,
    "ean": 2,
    "logo": 1,
    "rule": 1,
    "cut": 1,
    "feed": 2,
    "if": 2,
    "else": 1,
    "for": 3,
    "end": 1,
}
# What every receipt must be able to say: which sale it is of, its amount, that it is a copy, that money goes back.
MUST_SAY = (
    ("sale.total_minor", "the amount"),
    ("sale.order", "the number of the sale"),
    ("copy", "that it is a copy"),
    ("is_refund", "that it is a refund"),
)


class Program:
    """A checked program. `code` are the instructions with their expressions made ready, `jumps` where each goes on.

    The jump of an if leads behind its else or end, that of an else to its end, that of a for to its end, and that of
    an end back to its for, or is -1.
    """

    __slots__ = ("code", "jumps", "names")

    def __init__(self, code: list[tuple[object, ...]], jumps: list[int], names: set[str]) -> None:
        self.code = code
        self.jumps = jumps
        self.names = names


def check_program(
    program: object, words: set[str], places: list[tuple[int, list[list[int]]]] | None = None
) -> Program:
    """Check a program whose templates may use these words; `places` are those of `syntax.Parsed`.

    Errors, all ConfigError, with line and column where the places are known: "template-program-wrong",
    "template-too-long", "template-nesting-too-deep", "template-name-unknown", "template-kind-wrong",
    "template-block-wrong".
    """
    if type(program) is not list:
        raise ConfigError("template-program-wrong", "the program is no list", _COMPILE)
    if len(program) > MAX_TEMPLATE_INSTRUCTIONS:
        raise ConfigError("template-too-long", f"the program has {len(program)} instructions", _COMPILE)
    checker = _Checker(words, places)
    for instruction in program:
        checker.take(instruction)
    return checker.finish()


_COMPILE = "compile the template again with this version of tillbox"


class _Checker:
    __slots__ = ("_at", "_blocks", "_code", "_jumps", "_names", "_places", "_scope", "_words")

    def __init__(self, words: set[str], places: list[tuple[int, list[list[int]]]] | None) -> None:
        self._places = places
        self._at = 0
        self._code: list[tuple[object, ...]] = []
        self._jumps: list[int] = []
        # Open blocks: [opening word, where it is, where its else is or -1, its variable].
        self._blocks: list[list[object]] = []
        self._names: set[str] = set()
        self._words = words
        self._scope = Scope(kinds_of(ROOT), words)

    def take(self, instruction: object) -> None:
        """Check one instruction and make it ready."""
        if (
            type(instruction) is not list
            or not instruction
            or type(instruction[0]) is not str
            or _SHAPES.get(instruction[0]) != len(instruction)
        ):
            raise self._wrong("template-program-wrong", "this is no instruction", _COMPILE)
        word = instruction[0]
        self._jumps.append(-1)
        if word == "if":
            self._code.append((word, self._expression(instruction[1], 0)[0]))
            self._open("if", "")
        elif word == "for":
            self._for(instruction)
        elif word == "else":
            self._code.append((word,))
            self._else()
        elif word == "end":
            self._code.append((word,))
            self._end()
        else:
            self._code.append(self._printing(word, instruction))
        self._at += 1

    def finish(self) -> Program:
        """The whole program, once nothing is open."""
        if self._blocks:
            raise ConfigError("template-block-unclosed", "an if or for has no end", _COMPILE)
        return Program(self._code, self._jumps, self._names)

    def _printing(self, word: str, instruction: list[object]) -> tuple[object, ...]:
        if word == "feed":
            if type(instruction[1]) is not int or not 0 < instruction[1] < 10:
                raise self._wrong("template-program-wrong", "feed takes 1 to 9 lines", _COMPILE)
            return (word, instruction[1])
        if word in ("text", "columns"):
            styles = instruction[1]
            if type(styles) is not str or "".join([flag for flag in STYLES if flag in styles]) != styles:
                raise self._wrong("template-program-wrong", "this is no style", _COMPILE)
            values = [self._printed(part, at) for at, part in enumerate(instruction[2:])]
            return (word, styles) + tuple(values)  # noqa: RUF005 - no star in a tuple there
        values = [self._printed(part, at) for at, part in enumerate(instruction[1:])]
        return (word,) + tuple(values)  # noqa: RUF005 - as above

    def _for(self, instruction: list[object]) -> None:
        name = instruction[1]
        if type(name) is not str or not is_name(name):
            raise self._wrong("template-program-wrong", "a for has no name", _COMPILE)
        if self._scope.knows(name):
            raise self._wrong(
                "template-name-taken", f"{name} means something already", "give the for another name"
            )
        tokens, kind = self._expression(instruction[2], 0)
        if not is_list(kind):
            raise self._wrong(
                "template-kind-wrong", f"for goes through a list, and this is a {kind}", "name a list"
            )
        self._code.append(("for", name, tokens))
        self._open("for", name)
        self._scope.put(name, part_of(kind))

    def _open(self, word: str, name: str) -> None:
        if len(self._blocks) >= MAX_TEMPLATE_DEPTH:
            raise self._wrong(
                "template-nesting-too-deep",
                f"more than {MAX_TEMPLATE_DEPTH} ifs, elifs and fors in each other",
                "put conditions together with and",
            )
        self._blocks.append([word, self._at, -1, name])

    def _else(self) -> None:
        block = self._blocks[-1] if self._blocks else ["", 0, 0, ""]
        if block[0] != "if" or block[2] != -1:
            raise self._wrong("template-block-wrong", "else without if", "write it inside an if, once")
        block[2] = self._at
        self._jumps[int(str(block[1]))] = self._at + 1

    def _end(self) -> None:
        if not self._blocks:
            raise self._wrong("template-block-wrong", "end without if or for", "remove it")
        word, opened, other, name = self._blocks.pop()
        start, middle = int(str(opened)), int(str(other))
        if word == "for":
            self._jumps[start] = self._at
            self._jumps[self._at] = start
            self._scope.drop(str(name))
        elif middle >= 0:
            self._jumps[middle] = self._at
        else:
            self._jumps[start] = self._at

    def _printed(self, tokens: object, part: int) -> list[object]:
        ready, kind = self._expression(tokens, part)
        if kind not in PRINTED:
            raise self._fault(part)(
                len(ready) - 1, "template-kind-wrong", f"a {kind} is no text", _hint(kind)
            )
        return ready

    def _expression(self, tokens: object, part: int) -> tuple[list[object], str]:
        """Check the tokens and split their names; (ready tokens, kind of the value)."""
        if type(tokens) is not list or not 0 < len(tokens) <= MAX_EXPRESSION_TOKENS:
            raise self._wrong("template-program-wrong", "this is no expression", _COMPILE)
        ready: list[object] = []
        for token in tokens:
            if type(token) is str and token[:1] == ".":
                self._names.add(token[1:])
                ready.append(tuple(token[1:].split(".")))
            else:
                ready.append(token)
        return ready, kind_of(ready, self._scope, self._fault(part))

    def _fault(self, part: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - Callable is not a builtin
        """A maker of errors that know where in this instruction's expression they are."""

        def fault(at: int, code: str, what: str, action: str) -> ConfigError:
            if self._places is None:
                return ConfigError(code, f"instruction {self._at + 1}: {what}", action)
            line, columns = self._places[self._at]
            known = columns[part] if part < len(columns) else []
            return ConfigError(
                code, f"line {line}, column {known[at] if at < len(known) else 1}: {what}", action
            )

        return fault

    def _wrong(self, code: str, what: str, action: str) -> ConfigError:
        return self._fault(0)(0, code, what, action)  # type: ignore[no-any-return]  # it makes nothing else


def _hint(kind: str) -> str:
    hints = {
        "money": "write | money behind it",
        "weight": "write | kg behind it",
        "share": "write | percent behind it",
        "fact": "use it in an if",
    }
    if is_list(kind):
        return "use a for, or | count"
    return hints.get(kind, "name one of its values, behind a dot")
