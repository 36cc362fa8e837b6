"""Running a checked program over the values of one sale, into the abstract document of a receipt.

Pure and bounded. Whatever stands in a name, a value only ever becomes text of a block, and a document takes every
control character out of that: no value can become an instruction here, or a command of the printer later.
"""

from protocol.document import Document
from protocol.errors import ConfigError
from protocol.limits import MAX_RECEIPT_TEXT_CHARS
from protocol.template.bounds import MAX_TEMPLATE_STEPS
from protocol.template.filters import FILTERS
from protocol.template.program import Program

INDENT = "  "


def render(
    program: Program, context: dict[str, object], logo: tuple[int, int, str] | None = None
) -> Document:
    """Run `program` with `context` (see `names`); `logo` is (width, height, dots in base64) for `logo`.

    Errors: ConfigError "template-runs-too-long", CallerError "receipt-too-long".
    """
    return _Run(program, context, logo).run()


class _Run:
    __slots__ = ("_code", "_context", "_document", "_jumps", "_logo", "_loops", "_scope", "_steps")

    def __init__(
        self, program: Program, context: dict[str, object], logo: tuple[int, int, str] | None
    ) -> None:
        self._code = program.code
        self._jumps = program.jumps
        self._context = context
        self._logo = logo
        self._document = Document()
        self._scope: dict[str, object] = {}
        # Open fors: [its members, the place of the present one].
        self._loops: list[tuple[list[object], list[int]]] = []
        self._steps = 0

    def run(self) -> Document:
        """Go through the instructions once."""
        at, code = 0, self._code
        while at < len(code):
            instruction = code[at]
            word = instruction[0]
            if word == "if":
                at = at + 1 if _is_true(self._value(instruction[1])) else self._jumps[at]
                continue
            if word == "else":
                at = self._jumps[at]
                continue
            if word == "for":
                at = self._enter(at)
                continue
            if word == "end":
                at = self._again(at)
                continue
            self._print(word, instruction)
            at += 1
        return self._document

    def _enter(self, at: int) -> int:
        _, name, tokens = self._code[at]
        members = self._value(tokens)
        if type(members) is not list or not members:
            return self._jumps[at] + 1
        self._loops.append((members, [0]))
        self._scope[str(name)] = members[0]
        return at + 1

    def _again(self, at: int) -> int:
        start = self._jumps[at]
        if start < 0:
            return at + 1
        members, place = self._loops[-1]
        name = str(self._code[start][1])
        place[0] += 1
        if place[0] < len(members):
            self._scope[name] = members[place[0]]
            return start + 1
        self._loops.pop()
        del self._scope[name]
        return at + 1

    def _print(self, word: object, instruction: tuple[object, ...]) -> None:
        document = self._document
        if word in ("text", "columns"):
            styles = str(instruction[1])
            first = self._text(instruction[2])
            if "i" in styles:
                first = INDENT + first
            is_bold, is_wide = "b" in styles, "w" in styles
            if word == "columns":
                document.columns(first, self._text(instruction[3]), is_bold=is_bold, is_wide=is_wide)
            else:
                align = "center" if "c" in styles else "right" if "r" in styles else "left"
                document.text(first, align, is_bold=is_bold, is_wide=is_wide)
        elif word == "rule":
            document.rule()
        elif word == "feed":
            document.feed(int(str(instruction[1])))
        elif word == "cut":
            document.cut()
        elif word == "logo":
            if self._logo is not None:
                document.image(*self._logo)
        else:
            self._symbol(word, self._text(instruction[1]))

    def _symbol(self, word: object, text: str) -> None:
        """Without a text there is no symbol: a coupon that has no code prints none."""
        if not text:
            return
        if word == "qr":
            self._document.qr(text)
        elif word == "ean":
            self._document.ean(text)
        else:
            self._document.barcode(text)

    def _text(self, tokens: object) -> str:
        return _shown(self._value(tokens))[:MAX_RECEIPT_TEXT_CHARS]

    def _value(self, tokens: object) -> object:
        """Run the tokens of one expression."""
        stack: list[object] = []
        for token in tokens if type(tokens) is list else ():
            if type(token) is tuple:
                stack.append(self._find(token))
            elif type(token) is int:
                stack.append(token)
            elif token[0] == "'":
                stack.append(token[1:])
            elif token[0] == "|":
                _, arguments, _, function = FILTERS[token[1:]]
                given = [_fitting(stack.pop(), kind) for kind in reversed(arguments)]
                given.reverse()
                stack.append(function(stack.pop(), self._context, *given))  # type: ignore[operator]  # of many forms
            else:
                _operate(stack, token)
        self._steps += 1 + len(stack)
        self._count(len(tokens) if type(tokens) is list else 0)
        return stack.pop() if stack else None

    def _count(self, tokens: int) -> None:
        self._steps += tokens
        if self._steps > MAX_TEMPLATE_STEPS:
            raise ConfigError(
                "template-runs-too-long",
                f"the template takes more than {MAX_TEMPLATE_STEPS} steps for this sale",
                "remove a for inside a for",
            )

    def _find(self, path: tuple[str, ...]) -> object:
        value = self._scope[path[0]] if path[0] in self._scope else self._context.get(path[0])
        for step in path[1:]:
            if type(value) is not dict:
                return None
            value = value.get(step)
        return value


def _operate(stack: list[object], sign: str) -> None:
    right = stack.pop()
    if sign == "not":
        stack.append(not _is_true(right))
        return
    left = stack.pop()
    if sign == "?":
        stack.append(_shown(left) if _is_true(stack.pop()) else _shown(right))
    elif sign == "+":
        stack.append((_shown(left) + _shown(right))[:MAX_RECEIPT_TEXT_CHARS])
    elif sign == "and":
        stack.append(_is_true(left) and _is_true(right))
    elif sign == "or":
        stack.append(_is_true(left) or _is_true(right))
    else:
        stack.append(_compare(left, right, sign))


def _compare(left: object, right: object, sign: str) -> bool:
    if type(left) is str or type(right) is str:  # an absent text is an empty one
        is_same = _shown(left) == _shown(right)
        return is_same if sign == "==" else not is_same
    one, two = _number(left), _number(right)
    if sign == "==":
        return one == two
    if sign == "!=":
        return one != two
    if sign == "<":
        return one < two
    if sign == "<=":
        return one <= two
    return one > two if sign == ">" else one >= two


def _is_true(value: object) -> bool:
    return bool(value)


def _number(value: object) -> int:
    return value if type(value) is int else 0


def _fitting(value: object, kind: str) -> object:
    """An argument of a filter; what a sale does not have counts as 0 or as no text."""
    return _number(value) if kind == "number" else _shown(value)


def _shown(value: object) -> str:
    if type(value) is str:
        return value
    return str(value) if type(value) is int else ""
