"""The protocol on real MicroPython (WASM, both pinned versions): time of a basket, heap of a part and of the whole.

Node and MicroPython come with the development requirements and the tests' own runner; without a source tree these
rows have no value and say why.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from simulators.bench.rows import Row
from simulators.source_tree import make_tests_importable

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

BASKET_BAR_MS, PART_BAR_KIB, WHOLE_BAR_KIB = 1, 16, 96
BYTES_A_KIB = 1024
ROUNDS = 2_000  # its clock counts milliseconds, so many baskets are timed together
PART = ["protocol.money", "protocol.basket"]

SET_UP = """
import time
from protocol.basket import Basket
from protocol.item import Item
from protocol.pricing.engine import price_basket
from protocol.pricing.tax import TaxTable
taxes = TaxTable("included", "line", {"A": 200000, "B": 50000, "Z": 0})
basket = Basket()
for number in range(20):
    item = Item("0240000000000" + str(number % 10), "Item", 100 + number, "ABZ"[number % 3])
    basket.add(item, 1 + number % 4)
lines = basket.open_lines()
"""
TIMED = f"""
began = time.ticks_ms()
for _ in range({ROUNDS}):
    price_basket(lines, taxes)
print("took", time.ticks_diff(time.ticks_ms(), began))
"""
# The same number of additions: what the interpreter takes for going round.
FLOOR = f"""
began = time.ticks_ms()
for _ in range({ROUNDS}):
    total = 0
    for line in lines:
        total += line.amount_minor
print("took", time.ticks_diff(time.ticks_ms(), began))
"""


async def measure(work: Path) -> list[Row]:
    """Three rows; the worse of the two versions counts."""
    del work
    make_tests_importable()
    try:
        from tests.micropython import host  # noqa: PLC0415 - only in a source tree
    except ImportError:
        why = "not measured: needs the source tree with its development requirements"
        return [
            Row("micropython-basket", None, "ms", BASKET_BAR_MS, floor_name=why),
            Row("micropython-heap-money-basket", None, "KiB", PART_BAR_KIB, floor_name=why),
            Row("micropython-heap-protocol", None, "KiB", WHOLE_BAR_KIB, floor_name=why),
        ]
    return await asyncio.to_thread(_measure, host)


def _measure(host: ModuleType) -> list[Row]:
    host.set_up()
    whole = sorted(_module(path) for path in host.protocol_files())
    basket = max(_took_ms(host, version, TIMED) for version in host.VERSIONS)
    adding = max(_took_ms(host, version, FLOOR) for version in host.VERSIONS)
    sizes = {path: len(data) for path, data in host.compiled_protocol_files().items()}
    compiled = {_module(path): size for path, size in sizes.items()}
    return [
        Row("micropython-basket", basket, "ms", BASKET_BAR_MS, adding, "summing the 20 amounts, ms"),
        _heap_row("micropython-heap-money-basket", host, PART, PART_BAR_KIB, compiled),
        _heap_row("micropython-heap-protocol", host, whole, WHOLE_BAR_KIB, compiled),
    ]


def _heap_row(name: str, host: ModuleType, modules: list[str], bar: float, compiled: dict[str, int]) -> Row:
    heap = max(host.heap_of(version, modules) for version in host.VERSIONS)
    code = sum(compiled[module] for module in modules)
    return Row(
        name, heap / BYTES_A_KIB, "KiB", bar, code / BYTES_A_KIB, "compiled files of these modules, KiB"
    )


def _took_ms(host: ModuleType, version: str, step: str) -> float:
    outcome = host.run_steps(version, [SET_UP, step], host.compiled_protocol_files())
    if outcome.exit_code:
        message = f"MicroPython {version} failed: {outcome.errors}"
        raise RuntimeError(message)
    return int(outcome.output.split()[-1]) / ROUNDS


def _module(path: str) -> str:
    return path.rpartition(".")[0].replace("/", ".").removesuffix(".__init__")
