"""What stands between the braces of a template, turned into a flat list of tokens, operands before operators.

| token | means |
|---|---|
| `7` | a number |
| `"'text"` | a text, behind the apostrophe |
| `".sale.order"` | a name, behind the dot |
| `"|money"` | a filter; its arguments stand before it |
| `"+"` `"and"` `"or"` `"not"` `"=="` `"!="` `"<"` `"<="` `">"` `">="` | operators |
| `"?"` | condition, value, other value: one of the two values |

An expression ends in one value. The tokens are plain JSON values; `program` checks them.
"""

from protocol.errors import ConfigError
from protocol.template.bounds import MAX_EXPRESSION_TOKENS, MAX_TEMPLATE_DEPTH, MAX_TEMPLATE_NAME_CHARS
from protocol.template.filters import FILTERS
from protocol.template.names import nearest

# Binary operators, weakest first; a filter binds closer than all of them.
PRECEDENCE = {"or": 1, "and": 2, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5}
_NOT = 3
_COMPARISON = 4
_SIGNS = ("==", "!=", "<=", ">=", "<", ">", "+", "|", "(", ")", ",", ".")
_NAME_FIRST = "abcdefghijklmnopqrstuvwxyz_"
_DIGITS = "0123456789"
_MAX_NUMBER = 999999999  # more than any count on a receipt; amounts are not written into templates


def wrong(code: str, line: int, column: int, what: str, action: str) -> ConfigError:
    """A fault of a template with the place where it stands, both counted from 1."""
    return ConfigError(code, f"line {line}, column {column}: {what}", action)


def read_expression(text: str, line: int, column: int) -> tuple[list[object], list[int]]:
    """Read a whole expression that begins at this place; (tokens, the column of each).

    Errors: ConfigError "template-expression-wrong", "template-filter-unknown", "template-nesting-too-deep",
    "template-expression-too-long".
    """
    reader = _Reader(text, line, column)
    reader.read(0, 0)
    reader.end()
    return reader.out, reader.columns


def is_name(text: str) -> bool:
    """Tell whether `text` is a name of a template: a to z, 0 to 9 and _, beginning with no digit."""
    return (
        0 < len(text) <= MAX_TEMPLATE_NAME_CHARS
        and text[0] in _NAME_FIRST
        and not text.strip(_NAME_FIRST + _DIGITS)
    )


class _Reader:
    """Reads by precedence; every method leaves the next word in `_word`."""

    __slots__ = ("_at", "_column", "_line", "_start", "_text", "_word", "columns", "out")

    def __init__(self, text: str, line: int, column: int) -> None:
        self._text = text
        self._line = line
        self._start = column
        self._at = 0
        self.out: list[object] = []
        self.columns: list[int] = []
        self._word = ""
        self._column = column
        self._next()

    def read(self, weakest: int, depth: int) -> None:
        """Read operands and the operators between them that bind closer than `weakest`."""
        if depth > MAX_TEMPLATE_DEPTH:
            raise self._wrong(
                "template-nesting-too-deep",
                f"more than {MAX_TEMPLATE_DEPTH} brackets in each other",
                "split it into several ifs",
            )
        self._operand(depth)
        while True:
            operator, column = self._word, self._column
            rank = PRECEDENCE.get(operator, 0)
            if rank <= weakest:
                return
            self._next()
            # Comparisons do not chain: "a < b < c" is refused below as a stray sign.
            self.read(rank, depth)
            self._emit(operator, column)
            if rank == _COMPARISON and PRECEDENCE.get(self._word) == _COMPARISON:
                raise self._unexpected("compare two values only; join two comparisons with and")

    def end(self) -> None:
        """Nothing may be left."""
        if self._word:
            raise self._unexpected("remove it, or put an operator before it")

    def _operand(self, depth: int) -> None:
        column, word = self._column, self._word
        if word == "not":
            self._next()
            self.read(_NOT, depth + 1)
            self._emit("not", column)
            return
        if word == "(":
            self._next()
            self.read(0, depth + 1)
            self._take(")")
        elif word[:1] == "'":
            self._next()
            self._emit(word, column)
        elif word[:1] in _DIGITS and word:
            self._emit(self._number(word), column)
            self._next()
        elif word not in PRECEDENCE and is_name(word):
            self._emit("." + self._path(), column)
        else:
            raise self._unexpected('write a name, a number or a "text" here')
        while self._word == "|":
            self._filter()

    def _path(self) -> str:
        path = self._word
        self._next()
        while self._word == ".":
            self._next()
            if not is_name(self._word):
                raise self._unexpected("a dot is followed by a name")
            path += "." + self._word
            self._next()
        return path

    def _filter(self) -> None:
        self._next()
        name, column = self._word, self._column
        if name not in FILTERS:
            meant = nearest(name, sorted(FILTERS))
            raise self._wrong(
                "template-filter-unknown",
                f"there is no filter {name or 'without a name'}",
                f"did you mean {meant}?" if meant else "choose from " + ", ".join(sorted(FILTERS)),
            )
        self._next()
        wanted, given = len(FILTERS[name][1]), 0
        if self._word == "(":
            self._next()
            while self._word != ")":
                if given:
                    self._take(",")
                self.read(0, 1)
                given += 1
            self._next()
        if given != wanted:
            raise wrong(
                "template-expression-wrong",
                self._line,
                column,
                f"{name} takes {wanted} values in brackets and got {given}",
                f"write {name}" + ("(" + ", ".join(FILTERS[name][1]) + ")" if wanted else ""),
            )
        self._emit("|" + name, column)

    def _number(self, word: str) -> int:
        if word.strip(_DIGITS) or len(word) > len(str(_MAX_NUMBER)):
            raise self._unexpected(f"write a whole number up to {_MAX_NUMBER}")
        return int(word)

    def _take(self, word: str) -> None:
        if self._word != word:
            raise self._unexpected(f"write {word} here")
        self._next()

    def _emit(self, token: object, column: int) -> None:
        if len(self.out) >= MAX_EXPRESSION_TOKENS:
            raise self._wrong(
                "template-expression-too-long",
                f"one line has more than {MAX_EXPRESSION_TOKENS} values and operators",
                "split it into several lines",
            )
        self.out.append(token)
        self.columns.append(column)

    def _next(self) -> None:
        """Move to the next word; "" at the end."""
        text, at = self._text, self._at
        while text[at : at + 1] == " ":
            at += 1
        self._column = self._start + at
        end = at
        if text[at : at + 1] in ('"', "'") and at < len(text):
            end = text.find(text[at], at + 1)
            if end < 0:
                raise self._wrong(
                    "template-expression-wrong", "a text is not closed", "close it with a quote"
                )
            self._word, self._at = "'" + text[at + 1 : end], end + 1
            return
        for sign in _SIGNS:
            if text[at : at + len(sign)] == sign:
                self._word, self._at = sign, at + len(sign)
                return
        while end < len(text) and text[end] in _NAME_FIRST + _DIGITS:
            end += 1
        if end == at < len(text):
            end = at + 1  # a character that nothing begins with: told as unexpected
        self._word, self._at = text[at:end], end

    def _unexpected(self, action: str) -> ConfigError:
        word = self._word[1:] if self._word[:1] == "'" else self._word
        what = f"{word} is not expected here" if word else "the expression ends too early"
        return self._wrong("template-expression-wrong", what, action)

    def _wrong(self, code: str, what: str, action: str) -> ConfigError:
        return wrong(code, self._line, self._column, what, action)
