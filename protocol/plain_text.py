"""Text that may be shown and printed: what is taken out of it, and how many columns it takes.

Names come from outside. A control byte in one could open a drawer, cut paper or turn the writing direction,
so text is cleaned where a document is built, and printers clean it again where bytes leave.
"""

# First and last of each range that never reaches paper or glass: C0 controls, DEL and C1, soft hyphen,
# direction marks, zero-width space, line and paragraph separators, direction embeddings, invisible operators
# and isolates, surrogates, byte order mark, interlinear marks, tags.
_FORBIDDEN = (
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x61C, 0x61C),
    (0x200B, 0x200B),
    (0x200E, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),
)
# Two columns: East Asian Wide and Fullwidth of Unicode, taken together into few ranges;
# pictographs only roughly, since no receipt printer has them.
_WIDE = (
    (0x1100, 0x115F),
    (0x231A, 0x231B),
    (0x2329, 0x232A),
    (0x2E80, 0x303E),
    (0x3041, 0x4DBF),
    (0x4E00, 0xA4CF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFE10, 0xFE19),
    (0xFE30, 0xFE6F),
    (0xFF01, 0xFF60),
    (0xFFE0, 0xFFE6),
    (0x16FE0, 0x18D08),
    (0x1AFF0, 0x1B2FF),
    (0x1F18E, 0x1F64F),
    (0x1F680, 0x1F6FF),
    (0x1F900, 0x1F9FF),
    (0x1FA70, 0x1FAFF),
    (0x20000, 0x3FFFD),
)
# No column: combining marks, joiners and variation selectors.
_NARROWEST = (
    (0x300, 0x36F),
    (0x200C, 0x200D),
    (0x20D0, 0x20FF),
    (0x302A, 0x302D),
    (0x3099, 0x309A),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
)


def is_plain(text: str) -> bool:
    """Tell whether `text` has nothing that `strip_controls` would take out."""
    return strip_controls(text) == text


def strip_controls(text: str) -> str:
    """Take out every control, direction and invisible character; what is left may be shown."""
    if _is_simple(text):
        return text
    return "".join([c for c in text if not _is_in(ord(c), _FORBIDDEN)])


def one_line(text: str) -> str:
    """Put a blank for every character that `strip_controls` takes out, so that a log shows one line as it is meant.

    >>> one_line("tea" + chr(27) + "[2J")
    'tea [2J'
    """
    if _is_simple(text):
        return text
    return "".join([" " if _is_in(ord(c), _FORBIDDEN) else c for c in text])


def columns(text: str) -> int:
    """Count the columns that `text` takes in a fixed pitch: 2 for wide East Asian characters, 0 for marks.

    >>> columns("茶 tea")
    6
    """
    if _is_simple(text):
        return len(text)
    return sum([_columns_of(c) for c in text])


def cut(text: str, width: int) -> str:
    """Return the longest beginning of `text` that fits `width` columns; a cut text ends in two dots."""
    if columns(text) <= width:
        return text
    dots = ".." if width >= 4 else ""
    return _beginning(text, width - len(dots)) + dots


def wrap(text: str, width: int) -> list[str]:
    """Break `text` into lines of at most `width` columns, at spaces where there are any."""
    lines = []
    rest = text
    while columns(rest) > width:
        line = _beginning(rest, width) or rest[0]
        space = line.rfind(" ")
        if 0 < space and rest[len(line) : len(line) + 1] != " ":
            line = line[:space]
        lines.append(line.rstrip(" "))
        rest = rest[len(line) :].lstrip(" ")
    if rest or not lines:
        lines.append(rest)
    return lines


def _is_simple(text: str) -> bool:
    """Tell whether all is printable ASCII: nothing to take out, one column each. Most text is."""
    return not text or (min(text) >= " " and max(text) <= "~")


def _beginning(text: str, width: int) -> str:
    if _is_simple(text):
        return text[: max(width, 0)]
    used = 0
    for at, c in enumerate(text):
        used += _columns_of(c)
        if used > width:
            return text[:at]
    return text


def _columns_of(c: str) -> int:
    code = ord(c)
    if code < 0x300:
        return 1
    if _is_in(code, _NARROWEST):
        return 0
    return 2 if _is_in(code, _WIDE) else 1


def _is_in(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    for first, last in ranges:
        if code < first:
            return False
        if code <= last:
            return True
    return False
