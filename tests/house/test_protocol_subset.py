"""protocol/ keeps to what every MicroPython has, and away from what gives silently wrong answers there.

A line that knows better says so: ``# subset: why this line is right on MicroPython too``.
"""

from __future__ import annotations

import ast

import pytest

from tests.house.source import Source, dotted, faults_of, imported_modules

ALLOWED_MODULES = {
    "protocol",
    "struct",
    "binascii",
    "hashlib",
    "json",
    "collections",
    "sys",
    "io",
    "micropython",
}
TEST_MODULES = ALLOWED_MODULES | {"tests", "gc"}

# Syntax that MicroPython lacks or gets wrong.
FORBIDDEN_NODES = {
    ast.Match: "match is missing there",
    ast.TryStar: "except* is missing there",
    ast.AsyncFunctionDef: "protocol/ is pure: nothing in it waits",
    ast.Await: "protocol/ is pure: nothing in it waits",
}
FORBIDDEN_NAMES = {
    "FileNotFoundError": "missing there; catch OSError",
    "TimeoutError": "missing there; catch OSError",
    "dataclass": "missing there; write a class with __slots__",
    "namedtuple": "has no _replace there; write a class with __slots__",
    "float": "integers only",
    "round": "works on floats; see protocol/money.py",
    "__init_subclass__": "not called there",
}
FORBIDDEN_METHODS = {
    **dict.fromkeys(
        ("removeprefix", "removesuffix", "zfill", "ljust", "rjust", "bit_length", "hexdigest", "casefold",
         "compare_digest", "isascii", "maketrans", "translate", "format_map", "expandtabs", "swapcase",
         "title"),
        "is missing there",
    ),
    **dict.fromkeys(
        ("isdigit", "isdecimal", "isnumeric", "isalnum", "isalpha"),
        "knows other alphabets on CPython; compare with '0' <= c <= '9'",
    ),
}  # fmt: skip
DECORATORS = {"property", "staticmethod", "classmethod"}
# int.from_bytes(data, order) and value.to_bytes(size, order): further arguments are ignored or refused there.
INT_BYTES_ARGUMENTS = 2


def only_allowed_modules(source: Source) -> list[str]:
    allowed = TEST_MODULES if source.is_in("tests/protocol") else ALLOWED_MODULES
    return [
        source.fault(node, f"{module} is not in every MicroPython")
        for node, module in imported_modules(source)
        if module.split(".")[0] not in allowed
    ]


def only_known_syntax(source: Source) -> list[str]:
    faults = [
        source.fault(node, why)
        for kind, why in FORBIDDEN_NODES.items()
        for node in source.walk(kind)
    ]  # fmt: skip
    for node in source.nodes:
        faults += [source.fault(node, why) for why in _unknown_form(node)]
    return without_excused(source, faults)


def only_known_names(source: Source) -> list[str]:
    faults = []
    for node in source.nodes:
        if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
            faults.append(source.fault(node, f"{node.id}: {FORBIDDEN_NAMES[node.id]}"))
        if isinstance(node, ast.FunctionDef) and node.name in FORBIDDEN_NAMES:
            faults.append(source.fault(node, f"{node.name}: {FORBIDDEN_NAMES[node.name]}"))
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_METHODS:
            faults.append(source.fault(node, f".{node.attr} {FORBIDDEN_METHODS[node.attr]}"))
    return without_excused(source, faults)


def no_silently_wrong_calls(source: Source) -> list[str]:
    faults = []
    for node in source.walk(ast.Call):
        assert isinstance(node, ast.Call)
        faults += [source.fault(node, why) for why in _wrong_call(source, node)]
    return without_excused(source, faults)


def no_reliance_on_dict_order(source: Source) -> list[str]:
    faults = []
    iterables: list[ast.expr] = []
    for node in source.nodes:
        if isinstance(node, ast.For):
            iterables.append(node.iter)
        elif isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            iterables += [part.iter for part in node.generators]
    for iterable in iterables:
        called = dotted(iterable.func) if isinstance(iterable, ast.Call) else ""
        is_view = called.rsplit(".", 1)[-1] in {"items", "keys", "values"}
        if is_view and "any order" not in source.lines[iterable.lineno - 1]:
            message = "a dict has no order there: sort, or say `# in any order` on this line"
            faults.append(source.fault(iterable, message))
    return faults


def without_excused(source: Source, faults: list[str]) -> list[str]:
    """Drop the faults of lines that say why they are right."""
    return [fault for fault in faults if "# subset: " not in source.lines[int(fault.split(":")[1]) - 1]]


def plain_test_functions(source: Source) -> list[str]:
    faults = []
    for node in source.walk(ast.FunctionDef, ast.ClassDef):
        assert isinstance(node, (ast.FunctionDef, ast.ClassDef))
        is_test = node.name.lower().startswith("test")
        if is_test and isinstance(node, ast.ClassDef):
            faults.append(source.fault(node, "tests that run on MicroPython are plain functions"))
        elif is_test and isinstance(node, ast.FunctionDef):
            arguments = node.args.args + node.args.kwonlyargs
            if arguments or node.decorator_list or node not in source.tree.body:
                faults.append(source.fault(node, f"{node.name}: no fixture, no decorator, top level only"))
    return faults


def public_names_have_a_contract(source: Source) -> list[str]:
    is_empty = not source.tree.body  # a package may have nothing to say
    faults = (
        []
        if is_empty or ast.get_docstring(source.tree)
        else [f"{source.path}:1: the module has no docstring"]
    )
    for owner in [source.tree, *source.walk(ast.ClassDef)]:
        for node in getattr(owner, "body", []):
            is_named = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
            if is_named and not ast.get_docstring(node):
                faults.append(source.fault(node, f"{node.name} has no docstring"))
    return faults


SUBSET_RULES = (only_allowed_modules, only_known_syntax, only_known_names, no_silently_wrong_calls)


@pytest.mark.parametrize("rule", [*SUBSET_RULES, no_reliance_on_dict_order, public_names_have_a_contract])
def test_protocol_keeps_to_its_subset(rule):
    found = faults_of(rule, "protocol")

    assert not found, f"\n{found}"


@pytest.mark.parametrize("rule", [only_allowed_modules, only_known_syntax, plain_test_functions])
def test_the_tests_of_protocol_run_on_micropython_too(rule):
    found = faults_of(rule, "tests/protocol")

    assert not found, f"\n{found}"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (only_allowed_modules, "import typing"),
        (only_allowed_modules, "from __future__ import annotations"),
        (only_known_syntax, "match a:\n    case 1: pass"),
        (only_known_syntax, "def f(a, /): pass"),
        (only_known_syntax, "{**a}"),
        (only_known_syntax, "[*a]"),
        (only_known_syntax, "a[::2]"),
        (only_known_syntax, "class A(B, C): pass"),
        (only_known_syntax, "@cache\ndef f(): pass"),
        (only_known_names, "a.zfill(3)"),
        (only_known_names, "c.isdigit()"),
        (only_known_names, "float(a)"),
        (no_silently_wrong_calls, "int.from_bytes(b, 'big', True)"),
        (no_silently_wrong_calls, "int.from_bytes(b, 'big', signed=True)"),
        (no_silently_wrong_calls, "a.encode('ascii')"),
        (no_silently_wrong_calls, "json.dumps(a)"),
        (no_reliance_on_dict_order, "for k, v in a.items(): pass"),
        (no_reliance_on_dict_order, "[k for k in a.keys()]"),
        (plain_test_functions, "def test_a(tmp_path): assert tmp_path"),
        (plain_test_functions, "class TestA: pass"),
        (public_names_have_a_contract, "'''A.'''\ndef f(): pass"),
    ],
)
def test_code_outside_the_subset_is_found(rule, text):
    assert rule(Source("protocol/bad.py", text)) != []


def test_a_line_that_says_why_it_is_right_is_excused():
    text = "a = b.split()[::2]  # subset: a list\nc = d[::2]\n"

    assert len(only_known_syntax(Source("protocol/a.py", text))) == 1


def _unknown_form(node: ast.AST) -> list[str]:
    """Say why the form of this node fails on MicroPython."""
    why = []
    if isinstance(node, ast.arguments) and node.posonlyargs:
        why.append("`/` in a signature is missing there")
    if isinstance(node, ast.Dict) and None in node.keys:
        why.append("{**a} is missing there; use a | b")
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)) and isinstance(
        getattr(node, "ctx", ast.Load()), ast.Load
    ):
        why += ["[*a] is missing there" for item in node.elts if isinstance(item, ast.Starred)]
    if isinstance(node, ast.Slice) and node.step is not None:
        why.append("a slice with a step works on lists only")
    if isinstance(node, ast.ClassDef) and len(node.bases) > 1:
        why.append("more than one base class goes wrong there")
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        names = [dotted(decorator) for decorator in node.decorator_list]
        why += [f"@{name} is outside the subset" for name in names if not _is_decorator_known(name)]
    return why


def _is_decorator_known(name: str) -> bool:
    return name in DECORATORS or name.endswith(".setter")


def _wrong_call(source: Source, node: ast.Call) -> list[str]:
    """Say why this call gives another answer on MicroPython."""
    name = dotted(node.func).rsplit(".", 1)[-1]
    if name in {"from_bytes", "to_bytes"} and (node.keywords or len(node.args) > INT_BYTES_ARGUMENTS):
        return [f"{name}: only (bytes or size, order); a sign is ignored there"]
    codecs = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    if name in {"encode", "decode"} and any(str(codec).lower() not in {"utf-8", "utf8"} for codec in codecs):
        return [f"{name}: only UTF-8; other codecs are missing or unchecked there"]
    if dotted(node.func) == "json.dumps" and not source.is_in("protocol/strict_json.py"):
        return ["json.dumps writes junk for bytes and sets there; use strict_json.dumps"]
    return []
