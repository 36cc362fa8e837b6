"""Money is an integer: no float literal, no true division, no float() and no round() comes near it."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import Source, faults_of

# All of protocol/ is integers; so is every place that adds, shares or posts money.
MONEY_CODE = (
    "protocol",
    "edge/flows",
    "cloud/orders",
    "cloud/payments/rules.py",  # its adapters also turn milliseconds into seconds
    "cloud/payments/store.py",
    "cloud/payments/handlers.py",
    "cloud/ledger",
    "cloud/settlement",
    "cloud/reconciliation",
)


def integers_only(source: Source) -> list[str]:
    faults = []
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
            faults.append(source.fault(node, f"the float {node.value}"))
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            faults.append(source.fault(node, "`/` makes a float; use divide_round or `//`"))
        if isinstance(node, ast.Name) and node.id in {"float", "round", "Decimal"}:
            faults.append(source.fault(node, f"{node.id} has no place in money code"))
    return faults


def test_no_float_comes_near_money():
    found = faults_of(integers_only, *MONEY_CODE)

    assert not found, f"\n{found}"


@pytest.mark.parametrize(
    "text", ["a = 1.5", "a = b / 2", "a /= 2", "a = float(b)", "a = round(b)", "a: float = b"]
)
def test_a_float_in_money_code_is_found(text):
    assert integers_only(Source("cloud/ledger/rules.py", text)) != []
