"""Basket lines a second through the whole path, and where the CPU time goes."""

from __future__ import annotations

import asyncio
import csv
import json
import random
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol.errors import OutcomeUnknown
from simulators.bench.journal import RECORD
from simulators.bench.rows import Row
from simulators.replay.invoices import COLUMNS
from simulators.replay.report import BAR_LINES_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterator

# Beside the project in its development place; elsewhere invoices of the same kind are made up.
REAL_FILE = (
    Path(__file__).resolve().parents[3] / "shared/data/online_retail/invoices_2010-12_to_2011-01.csv.gz"
)
MADE_UP_INVOICES = 1_500
MADE_UP_ITEMS = 3_000
FLOOR_LINES = 30_000
FLOOR_LINES_A_COMMIT = 400  # about what the consumer commits at once
FLOOR = "the same bytes into SQLite (WAL, FULL) and nothing else, lines/s"


async def measure(work: Path) -> list[Row]:
    """Run `tillbox replay` and read its report."""
    file = REAL_FILE if REAL_FILE.exists() else _made_up(work / "invoices.csv")
    told = await _replay(file, work / "data")
    floor = sqlite_lines_per_s(work / "floor.db")
    rows = [
        Row(
            "replay",
            told["lines_per_s"],
            "lines/s",
            BAR_LINES_PER_S,
            floor,
            f"{FLOOR} ({told['broker']})",
            is_at_least=True,
        ),
        Row("replay-sales", told["sales_per_s"], "sales/s"),
    ]
    rows += [Row(f"replay-cpu-{part}", spent, "ms/sale") for part, spent in told["cpu_ms_per_sale"].items()]
    return rows


async def _replay(file: Path, data: Path) -> dict[str, Any]:
    arguments = ("-m", "simulators.commandline", "replay", str(file), "--json", "--data", str(data))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, errors = await process.communicate()
    if process.returncode:
        words = (said or errors).decode(errors="replace").strip().splitlines()[-1:]
        raise OutcomeUnknown("replay-failed", " ".join(words), f"Run tillbox replay {file.name} by hand.")
    told: dict[str, Any] = json.loads(said)
    return told


def _made_up(path: Path) -> Path:
    choices = random.Random(20_101_201)  # noqa: S311 - baskets, not keys
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for invoice in range(MADE_UP_INVOICES):
            rows.writerows(_made_up_lines(choices, str(500_000 + invoice)))
    return path


def _made_up_lines(choices: random.Random, invoice: str) -> Iterator[tuple[str, ...]]:
    for _ in range(choices.randint(1, 56)):
        item = choices.randrange(MADE_UP_ITEMS)
        price = f"{item % 19}.{item % 89 + 10}"
        quantity = str(choices.randint(1, 24))
        yield (
            invoice,
            f"{10_000 + item}",
            f"MADE UP ITEM NUMBER {item}",
            quantity,
            "2010-12-01 08:26",
            price,
            "",
            "",
        )


def sqlite_lines_per_s(path: Path) -> float:
    """How many of our records a second this machine's SQLite takes, with nothing around it."""
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(
            "CREATE TABLE frame (box TEXT, seq INTEGER, body BLOB, PRIMARY KEY (box, seq)) WITHOUT ROWID"
        )
        began = time.perf_counter()
        for start in range(0, FLOOR_LINES, FLOOR_LINES_A_COMMIT):
            database.execute("BEGIN IMMEDIATE")
            rows = [("till-1", seq, RECORD) for seq in range(start, start + FLOOR_LINES_A_COMMIT)]
            database.executemany("INSERT INTO frame VALUES (?, ?, ?)", rows)
            database.execute("COMMIT")
        return FLOOR_LINES / (time.perf_counter() - began)
    finally:
        database.close()
