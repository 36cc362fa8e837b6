"""One line of a template that prints: plain text, values, ifs within the line, a style before it, two ends.

Pieces are (mark, text, column): mark "" for plain text, "{{" for a value, "{%" for a tag, "||" between the two ends.
What a tag on a line of its own does is in `syntax`.
"""

from protocol.errors import ConfigError
from protocol.template.expressions import read_expression, wrong
from protocol.template.names import nearest

STYLES = ("left", "center", "right", "bold", "wide", "indent")
VALUE_TAGS = ("qr", "barcode", "ean")
BARE_TAGS = ("rule", "cut", "logo", "else", "end")
TAGS = STYLES + VALUE_TAGS + BARE_TAGS + ("if", "elif", "for", "feed", "word")
_LETTERS = {"center": "c", "right": "r", "bold": "b", "wide": "w", "indent": "i", "left": ""}
_MARKS = ("{{", "{%", "{#", "||")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}


def cut_line(text: str, line: int, column: int) -> list[tuple[str, str, int]]:
    """Cut a line into (mark, text, column): mark "" for plain text; comments are left out."""
    pieces: list[tuple[str, str, int]] = []
    at = 0
    while at < len(text):
        places = [place for place in [text.find(mark, at) for mark in _MARKS] if place >= 0]
        start = min(places) if places else len(text)
        if start > at:
            pieces.append(("", text[at:start], column + at))
        if start == len(text):
            break
        mark = text[start : start + 2]
        if mark == "||":
            pieces.append((mark, "", column + start))
            at = start + 2
            continue
        end = _closing(text, start + 2, _CLOSING[mark])
        if end < 0:
            raise wrong(
                "template-tag-unclosed",
                line,
                column + start,
                f"{mark} is not closed in its line",
                f"close it with {_CLOSING[mark]}, and close every quote in it",
            )
        if mark != "{#":
            pieces.append((mark, text[start + 2 : end], column + start + 2))
        at = end + 2
    return pieces


def _closing(text: str, at: int, mark: str) -> int:
    """Where the closing mark stands outside of quoted texts; -1 for nowhere."""
    quote = ""
    while at < len(text):
        c = text[at]
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'" and mark != "#}":
            quote = c
        elif text[at : at + 2] == mark:
            return at
        at += 1
    return -1


def read_line(pieces: list[tuple[str, str, int]], line: int) -> tuple[list[object], list[list[int]]]:
    """Read styles, text and values, perhaps with a right end; (instruction, columns of its expressions)."""
    styles = ""
    while pieces and pieces[0][0] == "{%" and _is_style(pieces[0]):
        for style in pieces[0][1].split():
            styles += _style(style, line, pieces[0][2])
        pieces = pieces[1:]
    splits = [at for at, piece in enumerate(pieces) if piece[0] == "||"]
    if len(splits) > 1:
        raise wrong(
            "template-tag-wrong",
            line,
            pieces[splits[1]][2],
            "a line has two ends only",
            "remove one of the ||",
        )
    flags = "".join([flag for flag in "cribw" if flag in styles])
    if not splits:
        tokens, columns = _inline(pieces, line)
        return ["text", flags, tokens], [columns]
    if "c" in flags or "r" in flags:
        raise wrong(
            "template-tag-wrong",
            line,
            pieces[splits[0]][2],
            "a line of two ends is neither centred nor at the right",
            "remove the style or the ||",
        )
    left, left_columns = _inline(_trimmed(pieces[: splits[0]], -1), line)
    right, right_columns = _inline(_trimmed(pieces[splits[0] + 1 :], 0), line)
    return ["columns", flags, left, right], [left_columns, right_columns]


def _trimmed(pieces: list[tuple[str, str, int]], at: int) -> list[tuple[str, str, int]]:
    """Blanks around the || belong to the writing, not to the paper."""
    if not pieces or pieces[at][0]:
        return pieces
    mark, text, column = pieces[at]
    kept = text.rstrip(" ") if at else text.lstrip(" ")
    pieces = list(pieces)
    pieces[at] = (mark, kept, column + len(text) - len(kept) if not at else column)
    return [piece for piece in pieces if piece[0] or piece[1]]


def _inline(pieces: list[tuple[str, str, int]], line: int) -> tuple[list[object], list[int]]:
    """Join text, values and ifs of a line into one expression."""
    stream = _Stream(pieces)
    tokens, columns = _joined(stream, line, "")
    if stream.piece() is not None:
        raise wrong("template-block-wrong", line, stream.column(), "this has no if in its line", "remove it")
    return tokens, columns


class _Stream:
    """The pieces of a line, taken one by one."""

    __slots__ = ("_at", "_pieces")

    def __init__(self, pieces: list[tuple[str, str, int]]) -> None:
        self._pieces = pieces
        self._at = 0

    def piece(self) -> tuple[str, str, int] | None:
        """The next piece; None at the end."""
        return self._pieces[self._at] if self._at < len(self._pieces) else None

    def column(self) -> int:
        """Where the next piece stands."""
        piece = self.piece()
        return piece[2] if piece is not None else 1

    def skip(self) -> None:
        """Take it."""
        self._at += 1


def _joined(stream: _Stream, line: int, inside: str) -> tuple[list[object], list[int]]:
    tokens: list[object] = []
    columns: list[int] = []
    count = 0
    while True:
        piece = stream.piece()
        if piece is None:
            break
        mark, text, column = piece
        if mark == "{%":
            keyword, rest, _, rest_column = keyword_of(piece)
            if keyword != "if":
                if keyword in ("else", "end") and inside:
                    break
                raise _not_inline(keyword, line, column)
            stream.skip()
            more, places = _inline_if(stream, rest, line, rest_column)
        elif mark == "{{":
            more, places = read_expression(text, line, column)
            stream.skip()
        else:
            more, places = ["'" + text], [column]
            stream.skip()
        tokens += more
        columns += places
        count += 1
        if count > 1:
            tokens.append("+")
            columns.append(column)
    if not count:
        return ["'"], [1]
    return tokens, columns


def _inline_if(stream: _Stream, condition: str, line: int, column: int) -> tuple[list[object], list[int]]:
    tokens, columns = read_expression(condition, line, column)
    for part in ("then", "else"):
        piece = stream.piece()
        if part == "else" and not (piece is not None and keyword_of(piece)[0] == "else"):
            more: list[object] = ["'"]
            places = [column]
        else:
            if part == "else":
                stream.skip()
            more, places = _joined(stream, line, part)
        tokens += more
        columns += places
    piece = stream.piece()
    if piece is None or keyword_of(piece)[0] != "end":
        raise wrong(
            "template-block-unclosed",
            line,
            column,
            "this if has no end in its line",
            "write {% end %} behind it",
        )
    stream.skip()
    return tokens + ["?"], columns + [column]  # noqa: RUF005 - no star in a list there


def keyword_of(piece: tuple[str, str, int]) -> tuple[str, str, int, int]:
    """Take a tag apart: (keyword, rest, its column, the column of the rest)."""
    _, text, column = piece
    body = text.strip(" ")
    start = column + len(text) - len(text.lstrip(" "))
    keyword, _, rest = body.partition(" ")
    gap = len(rest) - len(rest.lstrip(" "))
    return keyword, rest.lstrip(" "), start, start + len(keyword) + 1 + gap


def _is_style(piece: tuple[str, str, int]) -> bool:
    return keyword_of(piece)[0] in STYLES


def _style(word: str, line: int, column: int) -> str:
    if word not in STYLES:
        raise wrong(
            "template-tag-wrong", line, column, f"{word} is no style", "choose from " + ", ".join(STYLES)
        )
    return _LETTERS[word]


def _not_inline(keyword: str, line: int, column: int) -> ConfigError:
    if keyword not in TAGS:
        return unknown_tag(keyword, line, column)
    return wrong(
        "template-tag-wrong",
        line,
        column,
        f"{keyword} does not belong into a line of text",
        "give it a line of its own",
    )


def unknown_tag(keyword: str, line: int, column: int) -> ConfigError:
    """The refusal of a tag that nobody knows."""
    meant = nearest(keyword, list(TAGS))
    return wrong(
        "template-tag-unknown",
        line,
        column,
        f"there is no tag {keyword or 'without a word'}",
        f"did you mean {meant}?" if meant else "choose from " + ", ".join(TAGS),
    )
