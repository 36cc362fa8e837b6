"""Compares our prices with the totals that written scenarios state: python -m tests.peers.promotions PATH [--json].

The exit code is 0 when every mapped scenario comes out equal, 1 when one differs, 2 when PATH holds no scenario.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from tests.peers.promotions.compare import Verdict, compare


@click.command(help=(__doc__ or "").partition("\n\n")[0])
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object: mapped, unmapped, equal, different, details.",
)
def main(path: Path, *, as_json: bool) -> None:
    """Compare and print."""
    verdicts = compare(path)
    if not verdicts:
        raise click.UsageError(f"there is no scenario at {path}")
    told = told_of(verdicts, path)
    click.echo(json.dumps(told, indent=2, ensure_ascii=False) if as_json else text_of(told))
    sys.exit(1 if told["different"] else 0)


def told_of(verdicts: list[Verdict], path: Path) -> dict[str, Any]:
    """The figures and, for each scenario that is not equal, why."""
    mapped = [verdict for verdict in verdicts if verdict.is_mapped]
    different = [verdict for verdict in mapped if verdict.different]
    return {
        "mapped": len(mapped),
        "unmapped": len(verdicts) - len(mapped),
        "equal": len(mapped) - len(different),
        "different": len(different),
        "expectations": sum(len(verdict.stated) for verdict in mapped),
        "scenarios_with_amounts": sum(verdict.amounts > 0 for verdict in mapped),
        "amounts": sum(verdict.amounts for verdict in mapped),
        "passed_over": sum(verdict.passed_over for verdict in mapped),
        "details": {
            "different": [_different(verdict, path) for verdict in different],
            "unmapped": [
                _place(verdict, path) | {"reason": verdict.reason} for verdict in verdicts if verdict.reason
            ],
        },
    }


def text_of(told: dict[str, Any]) -> str:
    """The same for people."""
    amounts = f"{told['amounts']} of them amounts of money, in {told['scenarios_with_amounts']} scenarios"
    lines = [
        f"mapped {told['mapped']}, unmapped {told['unmapped']}; equal {told['equal']}, different {told['different']}",
        f"{told['expectations']} expectations compared, {amounts}",
        f"{told['passed_over']} sentences about pages and messages passed over",
    ]
    for one in told["details"]["different"]:
        lines.append(f"different: {one['place']} {one['scenario']}")
        lines += [
            f"    {said['step']}: expected {said['expected']}, came {said['came']}" for said in one["steps"]
        ]
    for reason, count in Counter(one["reason"] for one in told["details"]["unmapped"]).most_common():
        lines.append(f"unmapped, {count} x: {reason}")
        lines += [
            f"    {one['place']} {one['scenario']}"
            for one in told["details"]["unmapped"]
            if one["reason"] == reason
        ]
    return "\n".join(lines)


def _different(verdict: Verdict, path: Path) -> dict[str, Any]:
    steps = [
        {"step": said.step, "expected": str(said.expected), "came": str(said.came)}
        for said in verdict.different
    ]
    return _place(verdict, path) | {"steps": steps}


def _place(verdict: Verdict, path: Path) -> dict[str, Any]:
    scenario = verdict.scenario
    base = path if path.is_dir() else path.parent
    return {
        "place": f"{scenario.path.relative_to(base).as_posix()}:{scenario.line}",
        "scenario": scenario.name,
    }


if __name__ == "__main__":
    main()
