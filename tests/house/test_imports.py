"""Imports point one way: main -> adapters -> ports -> flows / rules -> protocol."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.source import PRODUCT, Source, faults_of, imported_modules

# Which rooms a room may never import.
FORBIDDEN_ROOMS = {
    "protocol": ("edge", "cloud", "simulators", "tests"),
    "edge": ("cloud", "simulators", "tests"),
    "cloud": ("edge", "simulators", "tests"),
    "simulators": ("edge", "cloud", "tests"),
}
# The parts of simulators that start or drive the product itself.
MAY_DRIVE_PRODUCT = (
    "simulators/commandline.py",  # the `tillbox` command starts every part
    "simulators/commands",  # its subcommands
    "simulators/replay",  # feeds the agent's event port instead of a serial line
    "simulators/bench",  # measures the product's parts one by one
    "simulators/world",  # runs the product's parts on one loop with a virtual clock
)
# What a pure decision never needs: it gets the time and hands back effects.
IMPURE = {
    "asyncio", "socket", "os", "pathlib", "sqlite3", "time", "random", "secrets", "subprocess", "logging",
    "threading", "tempfile", "shutil", "serial", "aiomqtt", "starlette", "asyncpg", "uvicorn",
}  # fmt: skip
# The pure core of the box, and the adapters around it.
EDGE_CORE = ("edge/flows", "edge/ports.py", "edge/events.py", "edge/effects.py", "edge/uplink/outbox.py")
EDGE_ADAPTERS = (
    "edge.main", "edge.agent", "edge.peripherals", "edge.journal", "edge.secure", "edge.screen",
    "edge.uplink.link", "edge.documents",
)  # fmt: skip


def rooms_keep_apart(source: Source) -> list[str]:
    room = source.path.split("/")[0]
    if source.is_in(*MAY_DRIVE_PRODUCT):
        return []
    return [
        source.fault(node, f"{room} must not import {module}")
        for node, module in imported_modules(source)
        if module.split(".")[0] in FORBIDDEN_ROOMS[room]
    ]


def services_keep_their_stores(source: Source) -> list[str]:
    parts = source.path.split("/")
    is_in_a_service = (
        parts[0] == "cloud" and len(parts) > 2
    )  # files beside the services are the shell around them
    return [
        source.fault(node, f"{module} belongs to another service; listen to its messages")
        for node, module in imported_modules(source)
        if is_in_a_service and re.match(rf"cloud\.(?!{parts[1]}\.)\w+\.store\b", module)
    ]


def core_is_pure(source: Source) -> list[str]:
    is_rules = re.fullmatch(r"cloud/\w+/rules\.py", source.path) is not None
    if not is_rules and not source.is_in(*EDGE_CORE):
        return []
    faults = []
    for node, module in imported_modules(source):
        reaches_up = module.startswith(EDGE_ADAPTERS) or re.search(r"\.(store|handlers)\b", module)
        is_for_types_only = source.is_in("edge/ports.py") and module.startswith("asyncio")
        if (module.split(".")[0] in IMPURE and not is_for_types_only) or reaches_up:
            faults.append(source.fault(node, f"a pure decision must not import {module}"))
    return faults


def main_is_on_top(source: Source) -> list[str]:
    # A command is a door: it parses words and hands them to main.
    is_door = re.search(r"(^|/)(__main__|commands|\w+_command)\.py$", source.path)
    if source.is_in(*MAY_DRIVE_PRODUCT) or is_door:
        return []
    return [
        source.fault(node, f"nothing imports {module}: it builds everything else")
        for node, module in imported_modules(source)
        if re.match(r"(edge|cloud)\.main\b", module)
    ]


RULES = (rooms_keep_apart, services_keep_their_stores, core_is_pure, main_is_on_top)


@pytest.mark.parametrize("rule", RULES)
def test_every_import_follows_the_arrows(rule):
    found = faults_of(rule, *PRODUCT)

    assert not found, f"\n{found}"


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (rooms_keep_apart, "protocol/a.py", "import edge.agent"),
        (rooms_keep_apart, "edge/a.py", "from cloud import main"),
        (rooms_keep_apart, "edge/flows/a.py", "def f():\n    from simulators.clock import Clock"),
        (rooms_keep_apart, "cloud/a.py", "from ..edge import agent"),
        (rooms_keep_apart, "simulators/checker.py", "from cloud.ledger import rules"),
        (services_keep_their_stores, "cloud/orders/handlers.py", "from cloud.ledger.store import post"),
        (services_keep_their_stores, "cloud/orders/handlers.py", "from cloud.ledger import store"),
        (core_is_pure, "edge/flows/payment.py", "import time"),
        (core_is_pure, "edge/flows/payment.py", "from edge.journal import writer"),
        (core_is_pure, "cloud/orders/rules.py", "from cloud.orders.store import save"),
        (main_is_on_top, "edge/agent.py", "from edge.main import build"),
    ],
)
def test_a_wrong_arrow_is_found(rule, path, text):
    source = Source(path, text)

    assert isinstance(source.tree, ast.Module)
    assert rule(source) != []
