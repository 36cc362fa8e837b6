"""`tillbox world`: let seeded worlds live, with everything that can go wrong, and have each judged."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulators.checker.unknowns import spread
from simulators.world.scene import CRASH_AT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulators.world.run import Outcome
    from simulators.world.world import Wishes

DEFAULT_SEEDS, DEFAULT_HOURS, DEFAULT_BOXES = 10, 1.0, 3
LONG_SEEDS = 3_000  # about a night
FINDINGS_SHOWN = 8  # of one seed; all of them come with --keep and the checker


@click.command()
@click.option("--seeds", type=click.IntRange(1), help=f"How many worlds.  [default: {DEFAULT_SEEDS}]")
@click.option("--first", type=int, default=1, show_default=True, help="The first seed; the others follow.")
@click.option("--hours", type=click.FloatRange(0.01, 720), default=DEFAULT_HOURS, show_default=True)
@click.option("--boxes", type=click.IntRange(1, 64), default=DEFAULT_BOXES, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.01), help="Begin no further world after this real time.")
@click.option("--jobs", type=click.IntRange(1, 64), help="How many at once.  [default: one for each core]")
@click.option("--peace", is_flag=True, help="Nothing goes wrong.")
@click.option("--only", type=str, help="Of its faults only those of these numbers, as 3,17,40; 0 is none.")
@click.option(
    "--shrink", "is_shrinking", is_flag=True, help="Cut failing worlds down to the faults that matter."
)
@click.option("--planted", "is_planted", is_flag=True, help="Look for each planted bug, seed by seed.")
@click.option("--long", "is_long", is_flag=True, help="As many worlds as fit into a night.")
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the evidence of one seed here."
)
@click.option("--json", "as_json", is_flag=True, help="Print the sums as one JSON object.")
def world(  # noqa: PLR0913 - one argument an option
    *,
    seeds: int | None,
    first: int,
    hours: float,
    boxes: int,
    minutes: float | None,
    jobs: int | None,
    peace: bool,
    only: str | None,
    is_shrinking: bool,
    is_planted: bool,
    is_long: bool,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Run simulated worlds, each from one seed; exit code 1 when anything was lost, wrong or left open."""
    from simulators.world.world import Wishes  # noqa: PLC0415 - a command loads only what it runs

    if is_planted:
        from simulators.world.planted import find_planted  # noqa: PLC0415

        sys.exit(0 if find_planted(seeds, jobs or os.cpu_count() or 1, as_json=as_json) else 1)
    wishes = Wishes(boxes=boxes, hours=hours, has_faults=not peace, only=_numbers(only))
    count = seeds or (LONG_SEEDS if is_long else DEFAULT_SEEDS)
    sums = Sums(wishes)
    for outcome, cpu_s in _outcomes(sums.until(range(first, first + count), minutes), wishes, keep, jobs):
        sums.take(outcome, cpu_s)
        if not outcome.is_clean:
            _tell(outcome, replay(outcome.seed, wishes))
            if is_shrinking:
                sums.shrunk.append(_shrink(outcome.seed, wishes))
    told = sums.as_json()
    click.echo(json.dumps(told, sort_keys=True) if as_json else "\n".join(_in_words(told)))
    if sums.bad_seeds:
        sys.exit(1)


def _outcomes(
    seeds: Iterator[int], wishes: Wishes, keep: Path | None, jobs: int | None
) -> Iterator[tuple[Outcome, float]]:
    from simulators.world.many import run_many, run_timed  # noqa: PLC0415 - a command loads only what it runs

    if keep is not None:
        return (run_timed(seed, wishes, keep) for seed in seeds)
    return run_many(seeds, wishes, jobs or os.cpu_count() or 1)


class Sums:
    """What all worlds came to together."""

    def __init__(self, wishes: Wishes) -> None:
        self.bad_seeds: list[int] = []
        self.shrunk: list[dict[str, Any]] = []
        self._wishes = wishes
        self._seeds: list[int] = []
        self._traces: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._points: Counter[str] = Counter()
        self._resolved_ms: list[int] = []
        self._box_hours = 0.0
        self._cpu_s = 0.0
        self._began_s = time.monotonic()

    def until(self, seeds: range, minutes: float | None) -> Iterator[int]:
        """These seeds, until the real time is over."""
        for seed in seeds:
            if minutes is not None and time.monotonic() - self._began_s > minutes * 60:
                return
            yield seed

    def take(self, outcome: Outcome, cpu_s: float) -> None:
        """Add one world and the CPU seconds that it took."""
        self._cpu_s += cpu_s
        self._seeds.append(outcome.seed)
        self._traces[str(outcome.seed)] = outcome.trace
        self._counts.update({name: n for name, n in outcome.report.items() if isinstance(n, int)})
        self._faults.update(outcome.faults)
        self._points.update(outcome.points)
        self._resolved_ms += outcome.resolved_ms
        self._box_hours += outcome.box_hours
        if not outcome.is_clean:
            self.bad_seeds.append(outcome.seed)

    def as_json(self) -> dict[str, Any]:
        """Everything to print."""
        resolved = spread(sorted(self._resolved_ms))
        return {
            **dict(self._counts),
            "seeds": len(self._seeds),
            "bad_seeds": sorted(self.bad_seeds),
            "replay": [replay(seed, self._wishes) for seed in self.bad_seeds],
            **({"shrunk": self.shrunk} if self.shrunk else {}),
            "boxes_released": self._points["box.released"],
            "crashes_at": {
                name.removeprefix(CRASH_AT): count
                for name, count in sorted(self._points.items())
                if name.startswith(CRASH_AT)
            },
            "unknown_resolved": resolved.total,
            "resolve_s_p50": resolved.p50_ms / 1000,
            "resolve_s_p99": resolved.p99_ms / 1000,
            "resolve_s_max": resolved.max_ms / 1000,
            "box_hours": self._box_hours,
            "box_hours_per_s": round(self._box_hours / self._cpu_s, 3) if self._cpu_s else 0.0,
            "faults": dict(sorted(self._faults.items())),
            "traces": self._traces,
        }


def replay(seed: int, wishes: Wishes) -> str:
    """The one command that runs this world again."""
    peace = "" if wishes.has_faults else " --peace"
    only = "" if wishes.only is None else f" --only {','.join(map(str, wishes.only)) or '0'}"
    where = f"--first {seed} --seeds 1 --hours {wishes.hours} --boxes {wishes.boxes}"
    return f"tillbox world {where}{peace}{only}"


def _numbers(only: str | None) -> tuple[int, ...] | None:
    if only is None:
        return None
    try:
        return tuple(int(number) for number in only.split(",") if number)
    except ValueError as wrong:
        raise click.BadParameter("numbers and commas, as in 3,17,40", param_hint="--only") from wrong


def _shrink(seed: int, wishes: Wishes) -> dict[str, Any]:
    from simulators.world.many import run_timed  # noqa: PLC0415 - a command loads only what it runs
    from simulators.world.shrink import shrink  # noqa: PLC0415

    shrunk = shrink(wishes, lambda smaller: run_timed(seed, smaller)[0])
    assert shrunk is not None, "it failed a moment ago, and a seed is one world"
    command = replay(seed, shrunk.wishes)
    click.echo(f"  {shrunk.kind} needs, found in {shrunk.runs} worlds:", err=True)
    for deed in shrunk.deeds:
        click.echo(f"  {deed}", err=True)
    click.echo(f"  {command}", err=True)
    return {
        "seed": seed,
        "kind": shrunk.kind,
        "runs": shrunk.runs,
        "faults": [deed._asdict() for deed in shrunk.deeds],
        "replay": command,
    }


def _tell(outcome: Outcome, replay: str) -> None:
    click.echo(f"seed {outcome.seed} is not clean; again with: {replay}", err=True)
    if outcome.restless:
        click.echo(f"  it did not come to rest: {', '.join(outcome.restless)}", err=True)
    for failure in outcome.failures[:FINDINGS_SHOWN]:
        click.echo(f"  {failure}", err=True)
    for finding in outcome.report["findings"][:FINDINGS_SHOWN]:
        click.echo(f"  {finding['counter']}: {finding['subject']}: {finding['what']}", err=True)


def _in_words(told: dict[str, Any]) -> list[str]:
    shown = {
        name: value
        for name, value in told.items()
        if name not in ("traces", "faults", "crashes_at", "replay", "shrunk")
    }
    lines = [f"{name.replace('_', ' '):<24}{value}" for name, value in shown.items()]
    for title in ("faults", "crashes_at"):
        counts = [f"  {kind:<30}{count:>8}" for kind, count in told[title].items()]
        lines += [f"{title.replace('_', ' ')}:", *counts]
    return lines
