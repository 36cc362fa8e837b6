"""From the text of a template to its flat program, line by line.

```
{# a comment #}
{% center bold %}{{ store.name }}
{% for line in sale.lines %}
{{ line.name }} || {{ line.amount_minor | money }}
{% if line.quantity > 1 %}
{% indent %}{{ line.quantity }} x {{ line.unit_price_minor | money }}
{% end %}
{% end %}
```
A line of text prints one line (or a paragraph); `||` puts what follows at the right end. A line that is one tag alone
acts and prints nothing by itself; an empty line does nothing. `program` checks what comes out of here.
"""

from protocol.errors import ConfigError
from protocol.plain_text import is_plain
from protocol.template.bounds import MAX_TEMPLATE_CHARS, MAX_TEMPLATE_INSTRUCTIONS
from protocol.template.expressions import is_name, read_expression, wrong
from protocol.template.lines import (
    BARE_TAGS,
    STYLES,
    VALUE_TAGS,
    cut_line,
    keyword_of,
    read_line,
    unknown_tag,
)


class Parsed:
    """A program with the place of everything in it, and the words that the template brings along.

    `places` has for each instruction (line, the columns of the tokens of each of its expressions).
    """

    __slots__ = ("_ends", "places", "program", "words")

    def __init__(self) -> None:
        self.program: list[list[object]] = []
        self.places: list[tuple[int, list[list[int]]]] = []
        self.words: dict[str, dict[str, str]] = {}
        # How many ends each open block needs: an elif opens one more inside.
        self._ends: list[tuple[int, int]] = []

    def add(self, line: int, instruction: list[object], columns: list[list[int]]) -> None:
        """Append one instruction; ConfigError "template-too-long"."""
        if len(self.program) >= MAX_TEMPLATE_INSTRUCTIONS:
            raise wrong(
                "template-too-long",
                line,
                1,
                f"more than {MAX_TEMPLATE_INSTRUCTIONS} lines that do something",
                "use a for, or leave something out",
            )
        self.program.append(instruction)
        self.places.append((line, columns))

    def open(self, line: int) -> None:
        """An if or for begins."""
        self._ends.append((line, 1))

    def open_inside(self, line: int, column: int) -> None:
        """An elif begins: one more end is needed."""
        if not self._ends:
            raise wrong("template-block-wrong", line, column, "elif without if", "write an if before it")
        opened, ends = self._ends[-1]
        self._ends[-1] = (opened, ends + 1)

    def close(self, line: int, column: int) -> None:
        """An end: it ends the block and the elifs in it."""
        if not self._ends:
            raise wrong(
                "template-block-wrong",
                line,
                column,
                "end without if or for",
                "remove it, or write what it ends",
            )
        for _ in range(self._ends.pop()[1]):
            self.add(line, ["end"], [])

    def finish(self) -> None:
        """Every block must have ended."""
        if self._ends:
            raise wrong(
                "template-block-unclosed",
                self._ends[-1][0],
                1,
                "this if or for has no end",
                "write {% end %} below it",
            )


def parse(source: str) -> Parsed:
    """Read the text of a template.

    Errors, all ConfigError with line and column: "template-too-long", "template-control-character",
    "template-tag-unclosed", "template-tag-unknown", "template-tag-wrong", "template-block-wrong",
    "template-block-unclosed", and those of `expressions.read_expression`.
    """
    if len(source) > MAX_TEMPLATE_CHARS:
        raise ConfigError(
            "template-too-long",
            f"the template has {len(source)} characters, {MAX_TEMPLATE_CHARS} are allowed",
            "shorten it",
        )
    parsed = Parsed()
    for number, raw in enumerate(source.split("\n"), 1):
        text = raw.rstrip("\r \t")
        body = text.lstrip(" \t")
        column = len(text) - len(body) + 1
        if not is_plain(body):
            at = [is_plain(c) for c in body].index(False)
            raise wrong(
                "template-control-character",
                number,
                column + at,
                "a control or direction character",
                "remove it: a template commands no printer",
            )
        pieces = cut_line(body, number, column)
        if len(pieces) == 1 and pieces[0][0] == "{%":
            _statement(parsed, pieces[0], number)
        elif pieces:
            parsed.add(number, *read_line(pieces, number))
    parsed.finish()
    return parsed


def _statement(parsed: Parsed, piece: tuple[str, str, int], line: int) -> None:
    keyword, rest, column, rest_column = keyword_of(piece)
    if keyword in BARE_TAGS and rest:
        raise wrong(
            "template-tag-wrong", line, rest_column, f"{keyword} takes nothing", "remove what follows it"
        )
    if keyword in STYLES:
        raise wrong(
            "template-tag-wrong",
            line,
            column,
            "a style without text",
            "write the text behind it, in its line",
        )
    if keyword == "end":
        parsed.close(line, column)
    elif keyword in BARE_TAGS:
        parsed.add(line, [keyword], [])
    elif keyword in VALUE_TAGS:
        _with_value(parsed, keyword, rest, line, rest_column)
    elif keyword in _STATEMENTS:
        _STATEMENTS[keyword](parsed, rest, line, rest_column)
    else:
        raise unknown_tag(keyword, line, column)


def _with_value(parsed: Parsed, keyword: str, rest: str, line: int, column: int) -> None:
    tokens, columns = read_expression(rest, line, column)
    parsed.add(line, [keyword, tokens], [columns])


def _if(parsed: Parsed, rest: str, line: int, column: int) -> None:
    parsed.open(line)
    _with_value(parsed, "if", rest, line, column)


def _elif(parsed: Parsed, rest: str, line: int, column: int) -> None:
    parsed.open_inside(line, column)
    parsed.add(line, ["else"], [])
    _with_value(parsed, "if", rest, line, column)


def _feed(parsed: Parsed, rest: str, line: int, column: int) -> None:
    lines = rest or "1"
    if lines.strip("123456789") or len(lines) > 1:
        raise wrong("template-tag-wrong", line, column, "feed takes 1 to 9 lines", "write feed 3")
    parsed.add(line, ["feed", int(lines)], [])


def _for(parsed: Parsed, rest: str, line: int, column: int) -> None:
    name, _, after = rest.partition(" ")
    word, _, source = after.lstrip(" ").partition(" ")
    if word != "in" or not is_name(name):
        raise wrong(
            "template-tag-wrong",
            line,
            column,
            "this is no for",
            "write for NAME in LIST, as for line in sale.lines",
        )
    start = column + rest.rfind(source) if source else column
    tokens, columns = read_expression(source, line, start)
    parsed.open(line)
    parsed.add(line, ["for", name, tokens], [columns])


def _word(parsed: Parsed, rest: str, line: int, column: int) -> None:
    """`word NAME en "text" zh "text"`: the template's own words."""
    name, _, after = rest.partition(" ")
    if not is_name(name):
        raise wrong(
            "template-tag-wrong", line, column, "a word needs a name of a to z, 0 to 9 and _", _WORD_FORM
        )
    after = after.lstrip(" ")
    while after:
        language, _, after = after.partition(" ")
        after = after.lstrip(" ")
        end = after.find(after[:1], 1) if after[:1] in ('"', "'") and after else -1
        if end < 0:
            raise wrong("template-tag-wrong", line, column, "this is no word", _WORD_FORM)
        if name in parsed.words.get(language, {}):
            raise wrong(
                "template-tag-wrong", line, column, f"{name} has a word already", "remove one of them"
            )
        parsed.words.setdefault(language, {})[name] = after[1:end]
        after = after[end + 1 :].lstrip(" ")


_WORD_FORM = 'write word NAME en "TEXT" zh "TEXT"'
_STATEMENTS = {"if": _if, "elif": _elif, "for": _for, "feed": _feed, "word": _word}
