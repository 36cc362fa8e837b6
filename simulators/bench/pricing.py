"""A basket with promotions: time in CPython and MicroPython, by rules and by lines, and the heap of 200 rules.

The three rules are a percentage of a category, 3 for 2 of a brand, and an amount off the whole order; all match.
Of larger sets twelve rules match, whatever their number. Trace and tax are part of each pricing.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from protocol.basket import Line
from protocol.facts import Facts
from protocol.pricing.engine import price_basket
from protocol.pricing.sale import price
from protocol.pricing.tax import TaxTable
from protocol.promotions.occasion import Occasion
from protocol.promotions.promotion_set import PromotionSet
from simulators.bench.rows import Row
from simulators.source_tree import make_tests_importable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

THREE_BAR_US, TWELVE_BAR_US, LINES_BAR, MICROPYTHON_BAR_MS, HEAP_BAR_KIB = 40, 300, 10, 2, 96
SIZES = (10, 100, 1_000, 10_000)
MATCHING = 12
REPEATS = 400  # the quickest counts: whatever else the machine does only adds
ROUNDS = 250  # in MicroPython, whose clock counts milliseconds and which collects no garbage within a step
WARM_UP_STEPS = 6  # as many rounds each, until Node has compiled the interpreter well
NS_A_US, BYTES_A_KIB = 1_000, 1024

TAXES = TaxTable("included", "line", {"A": 200_000, "B": 50_000, "Z": 0})
OCCASION = Occasion({"at": "2026-11-22T09:30", "store": "north"})
THREE: list[dict[str, Any]] = [
    {
        "id": "r1",
        "name": "10 % off",
        "then": {"percent_off": {"ppm": 100_000, "lines": {"category": ["food/c1"]}}},
    },
    {
        "id": "r2",
        "name": "3 for 2",
        "then": {"buy_get": {"buy": 2, "get": 1, "lines": {"brand": ["brand3"]}}},
    },
    {
        "id": "r3",
        "name": "5 off 50",
        "if": {"amount_minor": {"min": 5_000}},
        "then": {"amount_off": {"amount_minor": 500}},
    },
]

IN_MICROPYTHON = """
import gc, json, time
from protocol.basket import Line
from protocol.facts import Facts
from protocol.pricing.engine import price_basket
from protocol.pricing.sale import price
from protocol.pricing.tax import TaxTable
from protocol.promotions.occasion import Occasion
from protocol.promotions.promotion_set import PromotionSet
TAXES = TaxTable("included", "line", {"A": 200000, "B": 50000, "Z": 0})
OCCASION = Occasion({"at": "2026-11-22T09:30", "store": "north"})
FACTS = [Facts("food/c%d" % (n % 10), "brand%d" % (n % 7)) for n in range(20)]
LINES = [
    Line(n + 1, "%014d" % (1000 + n), "item", "unit", 1 + n % 3, 0, 99 + 37 * (n % 20), "ABZ"[n % 3], facts=FACTS[n])
    for n in range(20)
]
with open("/app/three.json") as file:
    THREE = PromotionSet(json.load(file))
"""
PLAIN = f"""
began = time.ticks_ms()
for _ in range({ROUNDS}):
    price_basket(LINES, TAXES)
print("took", time.ticks_diff(time.ticks_ms(), began))
"""
TIMED = f"""
price(LINES, TAXES, OCCASION, THREE)
began = time.ticks_ms()
for _ in range({ROUNDS}):
    price(LINES, TAXES, OCCASION, THREE)
print("took", time.ticks_diff(time.ticks_ms(), began))
"""
HEAP = """
with open("/app/many.json") as file:
    TOLD = json.load(file)
gc.collect()
"""
HEAP_BEFORE = "before = gc.mem_alloc()"
HEAP_SET = "MANY = PromotionSet(TOLD)"
HEAP_AFTER = "gc.collect()"
HEAP_TOLD = 'price(LINES, TAXES, OCCASION, MANY)\ngc.collect()\nprint("heap", gc.mem_alloc() - before)'


async def measure(work: Path) -> list[Row]:
    """Rows for CPython, then for the worse of the two MicroPython versions."""
    del work
    make_tests_importable()
    rows = await asyncio.to_thread(_in_cpython)
    try:
        from tests.micropython import host  # noqa: PLC0415 - only in a source tree
    except ImportError:
        why = "not measured: needs the source tree with its development requirements"
        return [
            *rows,
            Row("pricing-micropython", None, "ms", MICROPYTHON_BAR_MS, floor_name=why),
            Row("pricing-micropython-heap", None, "KiB", HEAP_BAR_KIB, floor_name=why),
        ]
    return [*rows, *await asyncio.to_thread(_in_micropython, host)]


def basket(count: int) -> list[Line]:
    """So many lines of items in ten categories and of seven brands."""
    facts = [Facts(f"food/c{n % 10}", f"brand{n % 7}") for n in range(20)]
    return [
        Line(
            n + 1,
            f"{1000 + n:014d}",
            "item",
            "unit",
            1 + n % 3,
            0,
            99 + 37 * (n % 20),
            "ABZ"[n % 3],
            facts=facts[n % 20],
        )
        for n in range(count)
    ]


def document(rules: list[dict[str, Any]]) -> dict[str, Any]:
    """A promotion set of these rules."""
    return {"v": 1, "currency": "EUR", "number": 1, "rules": rules}


def many(count: int) -> list[dict[str, Any]]:
    """So many rules of four kinds in their time, of which the first twelve match the basket."""
    rules = []
    for number in range(count):
        if number < MATCHING:
            near = (
                {"category": [f"food/c{number % 10}"]},
                {"brand": [f"brand{number % 7}"]},
                {"gtin": [f"{1000 + number:014d}"]},
            )
            lines: dict[str, Any] = near[number % 3]
        else:
            far = (
                {"category": [f"other/c{number}"]},
                {"brand": [f"x{number}"]},
                {"gtin": [f"{500_000 + number:014d}"]},
            )
            lines = far[number % 3]
        effects: tuple[dict[str, Any], ...] = (
            {"percent_off": {"ppm": 50_000, "lines": lines}},
            {"buy_get": {"buy": 2, "get": 1, "lines": lines}},
            {"amount_off": {"amount_minor": 20, "lines": lines, "is_each": True}},
            {"ladder": {"steps": [[3, 1000], [5, 1500]], "lines": lines}},
        )
        when = {"from": "2026-01-01T00:00", "until": "2027-01-01T00:00"}
        rules.append(
            {"id": f"r{number:05d}", "name": f"Rule {number}", "when": when, "then": effects[number % 4]}
        )
    return rules


def _in_cpython() -> list[Row]:
    lines, long = basket(20), basket(200)
    three = PromotionSet(document(THREE))
    floor = _quickest(lambda: price_basket(lines, TAXES))
    told = "the same basket by engine 1, without any rule, us"
    short_us = _quickest(lambda: price(lines, TAXES, OCCASION, three))
    long_us = _quickest(lambda: price(long, TAXES, OCCASION, three))
    two_hundred = PromotionSet(document(many(200)))
    rows = [
        Row("pricing-3-rules", short_us, "us", THREE_BAR_US, floor, told),
        Row(
            "pricing-200-rules",
            _quickest(lambda: price(lines, TAXES, OCCASION, two_hundred)),
            "us",
            TWELVE_BAR_US,
            floor,
            told,
        ),
        Row("pricing-200-lines", long_us / short_us, "x", LINES_BAR, 10, "ten times the lines, x"),
    ]
    for size in SIZES:
        rules = PromotionSet(document(many(size)))
        took = _quickest(lambda rules=rules: price(lines, TAXES, OCCASION, rules))  # type: ignore[misc]  # bound at once
        rows.append(Row(f"pricing-of-{size}-rules", took, "us", None, floor, told))
    return rows


def _quickest(task: Callable[[], object]) -> float:
    """The time of the quickest of many runs, in us."""
    best = 0
    for _ in range(REPEATS):
        began = time.perf_counter_ns()
        task()
        took = time.perf_counter_ns() - began
        best = min(best, took) if best else took
    return best / NS_A_US


def _in_micropython(host: ModuleType) -> list[Row]:
    host.set_up()
    files = {
        **host.compiled_protocol_files(),
        "three.json": json.dumps(document(THREE)).encode(),
        "many.json": json.dumps(document(many(200))).encode(),
    }
    took, floor = [
        max(
            _told(host, version, [IN_MICROPYTHON, *[step] * WARM_UP_STEPS], files)
            for version in host.VERSIONS
        )
        / ROUNDS
        for step in (TIMED, PLAIN)
    ]
    steps = [IN_MICROPYTHON, HEAP, HEAP_BEFORE, HEAP_SET, HEAP_AFTER, HEAP_TOLD]
    heap = max(_told(host, version, steps, files) for version in host.VERSIONS)
    size = len(files["many.json"]) / BYTES_A_KIB
    return [
        Row(
            "pricing-micropython", took, "ms", MICROPYTHON_BAR_MS, floor, "by engine 1, without any rule, ms"
        ),
        Row(
            "pricing-micropython-heap",
            heap / BYTES_A_KIB,
            "KiB",
            HEAP_BAR_KIB,
            size,
            "the same 200 rules as JSON, KiB",
        ),
    ]


def _told(host: ModuleType, version: str, steps: list[str], files: dict[str, bytes]) -> int:
    outcome = host.run_steps(version, steps, files)
    if outcome.exit_code:
        message = f"MicroPython {version} failed: {outcome.errors}"
        raise RuntimeError(message)
    return int(outcome.output.split()[-1])
