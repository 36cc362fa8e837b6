"""`tillbox torture`: real processes under load, killed, stopped, cut off, restored, filled up by seed, and judged."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import signal
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from protocol.errors import ConfigError
from simulators.checker.report import MUST_BE_ZERO
from simulators.torture import failing_syncs
from simulators.torture.plan import BROKERS, draw

if TYPE_CHECKING:
    from simulators.torture.plan import Round
    from simulators.torture.run import Outcome

DEFAULT_MINUTES = 3.0
DEFAULT_SEED = 1
ROUND = "round-{}"  # a directory each
SHOWN_MAX = 20  # findings and troubles on the screen and in the report: more of them tell nothing new


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(0.1, 1_440),
    default=DEFAULT_MINUTES,
    show_default=True,
    help="Of load, over all rounds; starting, healing and judging come on top.",
)
@click.option(
    "--seed", type=int, default=DEFAULT_SEED, show_default=True, help="Chooses every fault and sale."
)
@click.option(
    "--broker",
    "brokers",
    multiple=True,
    type=click.Choice(BROKERS),
    help="Only this broker; both without it.",
)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Keep everything in this directory."
)
@click.option(
    "--libfiu", is_flag=True, help="Let syncs of cloud and card zone fail too, with libfiu below them."
)
@click.option("--verbose", is_flag=True, help="Tell each fault on standard error.")
@click.option("--json", "as_json", is_flag=True, help="The last line on standard output is one JSON object.")
def torture(  # noqa: PLR0913 - one argument an option
    *,
    minutes: float,
    seed: int,
    brokers: tuple[str, ...],
    data: Path | None,
    libfiu: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Break real brokers, clouds and boxes for some minutes while people shop; exit code 1 if anything was lost."""
    if verbose:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
        logging.getLogger("httpx").setLevel(logging.WARNING)
    console = Console(stderr=True)
    directory = (data or Path(tempfile.mkdtemp(prefix="tillbox-"))).resolve()
    _check(directory, has_libfiu=libfiu)
    plan = draw(seed, minutes, brokers or BROKERS)
    outcomes: list[Outcome] = []
    with suppress(asyncio.CancelledError):
        asyncio.run(_rounds(directory, plan, outcomes, console, has_libfiu=libfiu))
    told = summary(outcomes, seed, minutes)
    if len(outcomes) < len(plan):
        told["failures"].append(f"interrupted: {len(outcomes)} of {len(plan)} rounds were lived through")
    is_clean = verdict(told)
    _tell(told, console, as_json=as_json)
    if data is None and is_clean:
        shutil.rmtree(directory, ignore_errors=True)
    if not is_clean:
        only = "".join(f" --broker {broker}" for broker in brokers)
        deep = " --libfiu" if libfiu else ""
        again = f"tillbox torture --seed {seed} --minutes {minutes:g}{only}{deep}"
        console.print(f"evidence kept in {directory}; the same faults again: {again}", soft_wrap=True)
        sys.exit(1)


def _check(directory: Path, *, has_libfiu: bool) -> None:
    """Refuse what could not be carried out."""
    if has_libfiu and not failing_syncs.is_installed():
        raise ConfigError(
            "libfiu-missing", failing_syncs.NOT_INSTALLED, "Install it, or leave --libfiu away."
        )
    if (directory / ROUND.format(1)).exists():
        raise ConfigError("directory-in-use", f"{directory} holds another torture", "Choose a new directory.")


def summary(outcomes: list[Outcome], seed: int, minutes: float) -> dict[str, Any]:
    """The sums over all rounds: the checker's counters, then what was done to whom, then what went wrong."""
    counts: Counter[str] = Counter(dict.fromkeys((*MUST_BE_ZERO, "sales_paid"), 0))
    done = {
        name: Counter[str]() for name in ("kills", "stops", "cuts", "restores", "sync_failures", "missed")
    }
    not_tried: dict[str, dict[str, Any]] = {}
    restarts: Counter[str] = Counter()
    for outcome in outcomes:
        counts.update({name: n for name, n in outcome.report.items() if isinstance(n, int)})
        for name, counted in done.items():
            counted.update(getattr(outcome.tally, name))
        restarts.update(outcome.restarts)
        for what, entry in outcome.tally.not_tried.items():
            known = not_tried.setdefault(what, {**entry, "count": 0})
            known["count"] += entry["count"]
    tallies = [outcome.tally for outcome in outcomes]
    return {
        **counts,
        "minutes": minutes,
        "seed": seed,
        "rounds": len(outcomes),
        "brokers": dict(Counter(outcome.broker for outcome in outcomes)),
        "databases": dict(Counter(outcome.database for outcome in outcomes)),
        **{name: dict(sorted(counted.items())) for name, counted in done.items()},
        "takeovers": sum(tally.takeovers for tally in tallies),
        "disk_fills": sum(tally.disk_fills for tally in tallies),
        "restarts": dict(sorted(restarts.items())),
        "not_tried": list(not_tried.values()),
        "failures": [f"round {o.plan.number + 1}: {failure}" for o in outcomes for failure in o.failures],
        "visits_given_up": sum(len(outcome.troubles) for outcome in outcomes),
        "trouble": [trouble for outcome in outcomes for trouble in outcome.troubles][:SHOWN_MAX],
        "findings": [one for o in outcomes for one in o.report.get("findings", ())][:SHOWN_MAX],
    }


def verdict(told: dict[str, Any]) -> bool:
    """Whether nothing is wrong: every counter that must be 0 is, and every round started, healed and settled."""
    return not told["failures"] and not any(told[name] for name in MUST_BE_ZERO)


async def _rounds(
    directory: Path, plan: list[Round], outcomes: list[Outcome], console: Console, *, has_libfiu: bool
) -> None:
    from simulators.torture.run import run_round  # noqa: PLC0415 - a command loads only what it runs

    task = asyncio.current_task()
    assert task is not None, "it runs in one"
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    for one in plan:
        place = directory / ROUND.format(one.number + 1)
        outcomes.append(await run_round(place, one, console.print, has_libfiu=has_libfiu))


def _tell(told: dict[str, Any], console: Console, *, as_json: bool) -> None:
    for entry in told["not_tried"]:
        console.print(
            f"[bold red]NOT TRIED[/bold red] {entry['what']}, {entry['count']} times: {entry['why']}"
        )
    for failure in told["failures"]:
        console.print(f"[bold red]FAILED[/bold red] {failure}")
    if as_json:
        click.echo(json.dumps(told, sort_keys=True, ensure_ascii=False))
        return
    for name, value in told.items():
        console.print(f"{name:<24} {value}")
