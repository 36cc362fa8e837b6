"""Writes the page of figures from evidence. It reports and does not hide: what is not zero is printed in bold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulators.checker.report import MUST_BE_ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from simulators.published.evidence import Evidence

FIVE = MUST_BE_ZERO[:5]
NOT_MEASURED = "Not measured for this page."

HEAD = """# Nothing lost: the figures

What was done to tillbox, how often, and what came of it. The five counters of the [promises](promises.md) must be 0
whatever fails and whenever; a [checker](../reference/five-counters.md) that shares no code with the product counts.
How it is done: [the simulated world](simulated-world.md), [planted bugs](planted-bugs.md),
[what a disk may do](fault-model.md), [torture](../how-to/torture-your-installation.md). What is not promised:
[the edges](not-promised.md).

This page is made from what the commands below printed on one machine. Make it again on yours:

```
tillbox world --seeds 300 --json > world.json
tillbox world --planted --json > planted.json
tillbox torture --minutes 10 --json > torture.json
tillbox bench crash-states --json > crash-states.json
tillbox bench acknowledged --json > acknowledged.json
tillbox figures world.json planted.json torture.json crash-states.json acknowledged.json > nothing-lost.md
```
"""


def page(evidence: Evidence) -> str:
    """The whole page as Markdown."""
    sections = (
        ("Simulated worlds", _world(evidence.world)),
        ("Real processes", _torture(evidence.torture)),
        ("Is the checker awake?", _planted(evidence.planted)),
        ("Power cuts, exactly", _crash_states(evidence.rows)),
        ("Who acknowledges, and loses", _acknowledged(evidence.rows)),
    )
    return HEAD + "".join(f"\n## {title}\n{body}" for title, body in sections)


def _world(told: dict[str, Any] | None) -> str:
    if told is None:
        return f"\n{NOT_MEASURED}\n"
    facts = [
        ("seeds", told["seeds"]),
        ("hours of a box", told["box_hours"]),
        ("sales begun", told.get("sales_started", 0)),
        ("sales paid", told.get("sales_paid", 0)),
        ("sales declined", told.get("sales_declined", 0)),
        ("sales given up", told.get("sales_voided", 0)),
        ("seeds that are not clean", _must_be_none(told["bad_seeds"])),
    ]
    open_ends = [
        ("sales neither completed nor given up", told.get("sales_open", 0)),
        ("unknown outcomes still open", told.get("unknown_open", 0)),
        ("records that the cloud does not hold", told.get("receipts_outstanding", 0)),
        ("journals with a bit that a fault turned", told["evidence_damaged"] if _turned_bits(told) else 0),
        *_resolving(told),
    ]
    return (
        _table(("lived through", ""), facts)
        + _counters(told)
        + "\nAnd what is no loss, but open at the end:\n"
        + _table(("open", ""), open_ends)
        + "\nWhat went wrong, by kind; faults of messages count messages:\n"
        + _table(("fault", "times"), told["faults"].items())
        + _crashes(told.get("crashes_at", {}))
    )


def _crashes(points: Mapping[str, int]) -> str:
    """Where processes crashed, as far as it was at a named fault point."""
    if not points:
        return ""
    title = "\nOf the crashes those at a named fault point, by point:\n"
    return title + _table(("crash at", "times"), ((f"`{name}`", count) for name, count in points.items()))


def _resolving(told: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """How long an outcome stayed unknown, where the worlds told it."""
    return [
        (f"seconds until an unknown outcome was known, {name.rpartition('_')[2]}", told[name])
        for name in ("resolve_s_p50", "resolve_s_p99", "resolve_s_max")
        if name in told
    ]


def _torture(told: dict[str, Any] | None) -> str:
    if told is None:
        return f"\n{NOT_MEASURED}\n"
    facts = [
        ("minutes under load", told["minutes"]),
        ("rounds", told["rounds"]),
        ("sales paid", told["sales_paid"]),
        *((f"rounds with {name}", count) for name, count in told["brokers"].items()),
        *((f"rounds with {name}", count) for name, count in told["databases"].items()),
    ]
    harms = [
        *((f"kill -9 of {name}", count) for name, count in told["kills"].items()),
        *((f"stopped and continued: {name}", count) for name, count in told["stops"].items()),
        *((f"link cut: {name}", count) for name, count in told["cuts"].items()),
        *((f"restored from an old copy: {name}", count) for name, count in told["restores"].items()),
        ("client id taken over", told["takeovers"]),
        ("disk filled", told["disk_fills"]),
        *((f"syncs made to fail: {name}", count) for name, count in told["sync_failures"].items()),
    ]
    missed = [(one["what"], f"{one['count']}: {one['why']}") for one in told["not_tried"]]
    return (
        _table(("lived through", ""), facts)
        + _counters(told)
        + _table(("harm", "times"), harms)
        + (_table(("could not be tried here", "times, and why"), missed) if missed else "")
    )


def _planted(told: list[dict[str, Any]]) -> str:
    if not told:
        return f"\n{NOT_MEASURED}\n"
    found = [one for one in told if one["found"]]
    worst = max((one["seeds"] for one in found), default=0)
    missed = ", ".join(f"`{one['name']}`" for one in told if not one["found"])
    lines = f"\n{len(found)} of {len(told)} planted bugs were found, the last of them at seed {worst}.\n"
    return lines + (f"\n**Not found: {missed}.**\n" if missed else "")


def _crash_states(rows: Mapping[str, dict[str, Any]]) -> str:
    if "crash-states-tried" not in rows:
        return f"\n{NOT_MEASURED}\n"
    tried, broken, speed = (rows[f"crash-states{end}"] for end in ("-tried", "-broken", ""))
    return (
        f"\nOf {_number(tried['floor'])} states that a disk may hold after a power cut, {_number(tried['value'])} are "
        f"distinct. Each was recovered with the product's own code: {_zero(broken['value'])} broke a promise. "
        f"{_number(speed['value'])} a minute on this machine.\n"
    )


def _acknowledged(rows: Mapping[str, dict[str, Any]]) -> str:
    told = [row for name, row in rows.items() if name.startswith("acknowledged-")]
    if not told:
        return f"\n{NOT_MEASURED}\n"
    lines = [
        (
            row["name"].removeprefix("acknowledged-").replace("-", " "),
            _number(row["floor"]),
            _number(row["value"]),
        )
        for row in told
    ]
    return (
        "\nRecords were published and acknowledged while the receiver was killed (`kill -9`) and started again; "
        "then they were looked for.\n" + _table(("who acknowledged", "acknowledged", "of them lost"), lines)
    )


def _turned_bits(told: Mapping[str, Any]) -> bool:
    """Whether damage was done on purpose: then damaged evidence is no finding; the sales count all the same."""
    return bool(told.get("faults", {}).get("bit-flip"))


def _counters(told: Mapping[str, Any]) -> str:
    harmless = {"evidence_damaged"} if _turned_bits(told) else set()
    five = [(name.replace("_", " "), _zero(told[name])) for name in FIVE]
    others = [
        (name.replace("_", " "), _zero(told[name])) for name in MUST_BE_ZERO[5:] if name not in harmless
    ]
    return _table(("counter", "must be 0"), five) + _table(("also counted", "must be 0"), others)


def _table(head: tuple[str, ...], lines: Iterable[tuple[Any, ...]]) -> str:
    numbers = "|".join(["---"] + ["---:"] * (len(head) - 1))
    body = "".join("| " + " | ".join(_number(cell) for cell in line) + " |\n" for line in lines)
    return f"\n| {' | '.join(head)} |\n|{numbers}|\n{body}"


def _zero(value: Any) -> str:
    return _number(value) if not value else f"**{_number(value)}**"


def _must_be_none(values: list[int]) -> str:
    return f"**{', '.join(map(str, values))}**" if values else "none"


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
