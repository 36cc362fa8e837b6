"""The page of error codes, made from the code: `python -m tests.house.error_codes` writes it, a test compares it.

A code is the first argument of an error of ours, or of a function that hands its own argument on to one.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from tests.house.source import PRODUCT, ROOT, Source, dotted, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "reference" / "error-codes.md"
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# Whose fault, in the order of the page: class, heading, what it means for whoever reads it.
KINDS = {
    "PeerError": (
        "Wrong bytes from outside",
        "A code, message, file or device said something that it may not say. It is set aside, the sale goes on.",
    ),
    "DeviceError": (
        "Hardware",
        "Something that staff can mend: plug in, make room, restart. The box says which device.",
    ),
    "ConfigError": (
        "Settings",
        "A setting, file or binding is missing or wrong. Named when a program starts or a command runs.",
    ),
    "OutcomeUnknown": (
        "Nobody knows",
        "Money may have moved, or work may not be finished: ask or reverse, never assume.",
    ),
    "CallerError": (
        "Whoever called",
        "A command that was given wrong, or a fault of our own program. Report it when no command was at fault.",
    ),
}
HEAD = """\
# Error codes

Every error has a code, one sentence and what to do. It is shown as `CODE: what. What to do.`, and no error shows a
card number, a key or bytes from outside. A business "no" (declined, paper out) is no error.

This page is made from the code by `python -m tests.house.error_codes`; a test compares them. `...` stands for what is
filled in. Made up of a name and an ending, and therefore not below: `record-...` ([records](records.md#refusals)),
`message-...` ([lane messages](messages.md)), `order-`, `payment-` and `fulfilment-event-out-of-place` (a pair that the
lifecycle table does not have). Reasons of payments and of the card zone: [card zone](card-zone.md#socket). Refusals
of devices: [peripherals](peripherals.md). Answers to a configuration: [configuration](configuration.md#answers).
Notices on the shopper's screen are codes too; the page's words for them are in `edge/screen/static/words.js`.
"""


class ErrorCode(NamedTuple):
    """One code: whose fault, what it says, what to do, in which file it is raised first."""

    kind: str
    code: str
    what: str
    action: str
    path: str


def error_codes() -> list[ErrorCode]:
    """Every code of the product, each once for each kind, by kind and name."""
    product = sources(*PRODUCT)
    makers = {name: kind for source in product for name, kind in _makers(source)}
    found: dict[tuple[str, str], ErrorCode] = {}
    for source in product:
        for one in _codes(source, makers):
            found.setdefault((one.kind, one.code), one)
    order = list(KINDS)
    return sorted(found.values(), key=lambda one: (order.index(one.kind), one.code))


def page() -> str:
    """The page as it must stand."""
    parts = [HEAD]
    codes = error_codes()
    for kind, (heading, meaning) in KINDS.items():
        parts.append(
            f"\n## {heading} (`{kind}`)\n\n{meaning}\n\n| code | what | what to do | raised in |\n|---|---|---|---|\n"
        )
        parts += [
            f"| `{one.code}` | {one.what} | {one.action} | `{one.path}` |\n"
            for one in codes
            if one.kind == kind
        ]
    return "".join(parts)


def _makers(source: Source) -> Iterator[tuple[str, str]]:
    """Functions whose first argument is the code of the error that they make."""
    for node in source.walk(ast.FunctionDef):
        assert isinstance(node, ast.FunctionDef)
        first = node.args.args[0].arg if node.args.args else ""
        for call in ast.walk(node):
            is_an_error = isinstance(call, ast.Call) and call.args and _name(call) in KINDS
            if is_an_error and isinstance(call, ast.Call) and dotted(call.args[0]) == first:
                yield node.name, _name(call)


def _codes(source: Source, makers: dict[str, str]) -> list[ErrorCode]:
    found = []
    for call in source.walk(ast.Call):
        assert isinstance(call, ast.Call)
        name = _name(call)
        kind = name if name in KINDS else makers.get(name)
        code = call.args[0] if call.args else None
        if kind is None or not isinstance(code, ast.Constant) or not CODE.fullmatch(str(code.value)):
            continue
        texts = [_cell(argument) for argument in call.args[1:3]]
        what, action = (*texts, "-", "-")[:2] if name in KINDS else (next(iter(texts[::-1]), "-"), "-")
        found.append(ErrorCode(kind, str(code.value), what, action, source.path))
    return found


def _name(call: ast.Call) -> str:
    return dotted(call.func).rsplit(".", 1)[-1]


def _cell(node: ast.AST) -> str:
    """A text of the code as a cell of a table."""
    return _text(node).rstrip(".").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ") or "-"


def _text(node: ast.AST) -> str:
    """A text of the code, `...` for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "..." for part in node.values)
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return str(node.value) if isinstance(node, ast.Constant) else "..."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
