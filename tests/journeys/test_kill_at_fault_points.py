"""kill -9 of the box at every fault point of a sale, at each of its passings: nothing is lost, doubled or hidden.

A real estate: broker, cloud, card zone, acquirer, devices, boxes as processes. A customer shops until the box dies,
looks at the page after the restart and goes on, or gives up. At the end the checker judges everything.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from protocol import faults
from protocol.errors import ConfigError, OutcomeUnknown, TillboxError
from simulators.customer import BANANAS, MILK
from tests.edge.disk import MemoryDisk, PowerCut
from tests.edge.journal_builders import body, numbers, open_journal, write
from tests.journeys.stage import Orders, declared, stage, until, wrong

if TYPE_CHECKING:
    from simulators.customer import Customer
    from simulators.demo.world import Lane
    from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow

LANES = 6  # boxes that die side by side
DIES_S = (
    30.0  # the last passings come after the customer has left; a loaded machine starts a box in some seconds
)
VISITS_MAX = 2  # records may share a sync or a batch, so a late passing may fall into the next visit
GIVES_UP_EVERY = 4  # of the customers whose sale a restart brought back
# A process that dies while it is being told to end may lose its code to asyncio's other waiter, which says 255.
KILLED = (-signal.SIGKILL, 255)
TESTS = Path(__file__).resolve().parents[1]

# How often each point is passed, at least, in a sale of two goods paid by card with a receipt.
CARD = {
    "agent.recorded": 5,
    "agent.synced": 3,
    "agent.acted": 26,
    "journal.appended": 8,
    "journal.shared_sync": 1,
    "journal.written": 4,
    "journal.synced": 4,
    "uplink.sent": 4,
    "uplink.receipted": 3,
    "secure.blob_written": 1,
    "secure.blob_stored": 1,
    "secure.blob_overwritten": 1,
    "secure.blob_forgotten": 1,
}
# The same for one weighed good and another, paid in cash.
CASH = {"agent.recorded": 4, "agent.synced": 3, "agent.acted": 14, "journal.written": 3, "uplink.sent": 2}
# With a card whose outcome nobody tells: from the intention to the reversal and the second try.
SILENT = {"agent.recorded": 8, "agent.synced": 5, "uplink.sent": 6}
SILENT_FROM = {"agent.recorded": 4, "agent.synced": 2, "uplink.sent": 3}
# The secure module dies by itself while the agent lives on.
ALONE = ("secure.blob_written", "secure.blob_stored", "secure.blob_overwritten", "secure.blob_forgotten")

# The box dies with the card's intention durable, and again while it starts: where, and at which passing.
AGAIN = [
    ("journal.continued", 1),
    ("files.replacement_written", 1),
    ("files.replacement_synced", 1),
    ("files.replacement_renamed", 1),
    ("journal.appended", 1),
    ("journal.written", 1),
    ("agent.recorded", 1),
    ("agent.synced", 1),
    ("agent.acted", 1),
    ("uplink.receipted", 1),
]

# Points that no sale passes: where they are passed and tried instead.
KILLED_WRITING, CONFIGURED = "edge/test_journal_killed.py", "journeys/test_configuration.py"
CHANGED_OVER = "journeys/test_publications.py"
ELSEWHERE = {
    "journal.generation_opened": KILLED_WRITING,
    "journal.generation_closed": KILLED_WRITING,
    "journal.receipt_noted": KILLED_WRITING,
    "journal.pruned": KILLED_WRITING,
    "journal.mended": "journeys/test_kill_at_fault_points.py",  # it takes a disk that fails
    "configuration.offered": CONFIGURED,
    "configuration.applied": CONFIGURED,
    "configuration.answered": CONFIGURED,
    "config.document_staged": CONFIGURED,
    "config.staged": CONFIGURED,
    "config.promoted": CONFIGURED,
    "config.confirmed": CONFIGURED,
    "config.reverted": CONFIGURED,
    "versions.accepted": CHANGED_OVER,
    "versions.arrived": CHANGED_OVER,
    "versions.stored": CHANGED_OVER,
    "versions.changed_over": CHANGED_OVER,
}


@dataclass(slots=True)
class Case:
    """One death: where, and in what kind of visit."""

    point: str
    nth: int
    habits: dict[str, Any]
    is_alone: bool = False
    again: tuple[str, int] | None = None  # where it dies once more, while it starts
    after: str = ""  # the first page after the restart
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        how = "alone " if self.is_alone else f"again at {self.again} after " if self.again else ""
        habits = {name: habit for name, habit in self.habits.items() if name != "goods"}
        return f"{how}{self.point} {self.nth} {habits}"


def every_case() -> list[Case]:
    cash = {"method": "cash", "goods": (BANANAS, MILK)}
    silent = {"card": "silent-captured"}
    cases = [Case(point, nth, {}) for point, most in CARD.items() for nth in range(1, most + 1)]
    cases += [Case(point, nth, cash) for point, most in CASH.items() for nth in range(1, most + 1)]
    cases += [
        Case(point, nth, silent)
        for point, most in SILENT.items()
        for nth in range(SILENT_FROM[point], most + 1)
    ]
    for number, case in enumerate(cases):
        case.habits = {**case.habits, "gives_up": number % GIVES_UP_EVERY == 0}
    cases += [Case("agent.synced", 1, {}, again=again) for again in AGAIN]
    return cases + [Case(point, 1, {}, is_alone=True) for point in ALONE]


def test_every_fault_point_of_the_box_is_tried():
    tried = {case.point for case in every_case()} | {point for point, _ in AGAIN}

    assert tried | ELSEWHERE.keys() == declared("edge")
    assert not tried & ELSEWHERE.keys()
    for point, file in ELSEWHERE.items():
        assert point in (TESTS / file).read_text(), f"{file} does not try {point}"


async def test_a_box_killed_anywhere_in_a_sale_resumes_reverses_or_says_unknown(tmp_path):
    orders = Orders(tmp_path / "orders")
    cases = every_case()
    waiting = iter(cases)

    async with stage(tmp_path / "world", boxes=LANES, launcher=orders.launcher) as there:

        async def kill_in_turn(lane: Lane) -> None:
            for case in waiting:
                await kill_once(there, orders, lane, case)

        async with asyncio.TaskGroup() as lanes:
            for lane in there.world.lanes:
                lanes.create_task(kill_in_turn(lane))
        report = await there.settle_and_judge()
        await no_card_is_left(there)

    told = [f"{case}: {fault}" for case in cases for fault in case.faults]
    assert not told, "\n".join(told)
    assert wrong(report) == {}
    pages = {case.after for case in cases if not case.is_alone}
    assert {"basket", "cash", "unknown", "paid", "attract"} <= pages


def test_power_that_goes_right_after_a_mended_write_costs_no_record():
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    write(journal, 1)
    journal.append(body(2))
    disk.sync_fails = 1

    def cut(name: str) -> None:
        if name == "journal.mended":
            raise PowerCut

    faults.set_hook(cut)
    try:
        with pytest.raises(PowerCut):
            journal.sync()
    finally:
        faults.set_hook(None)

    assert numbers(open_journal(disk.after_power_cut(0), "/j")) == [1, 2]


async def kill_once(there: Stage, orders: Orders, lane: Lane, case: Case) -> None:
    """Let customers shop until the box dies as the case says, bring it up again, let the last one go on."""
    orders.give(lane.name, point=case.point, nth=case.nth, is_alone=case.is_alone)
    try:
        customer = await shop_until_killed(there, orders, lane, case)
        if not case.is_alone:
            await look_after_restart(there, orders, lane, case, customer)
        if not customer.is_over:
            await customer.shop()
        if customer.memory.ending not in ("paid", "voided", "declined"):
            case.faults.append(f"the visit ended as {customer.memory.ending} after {customer.memory.pages}")
    except (TillboxError, AssertionError, TimeoutError) as fault:
        case.faults.append(f"{fault!r} {fault}; the page after the restart was {case.after or 'none'}")
        await bring_up_anew(there, orders, lane, case)


async def shop_until_killed(there: Stage, orders: Orders, lane: Lane, case: Case) -> Customer:
    for _ in range(VISITS_MAX):
        customer = there.customer(lane, **case.habits)
        try:
            await customer.shop()
        except OutcomeUnknown as lost:
            if lost.code != "page-lost":
                raise
            break
        if not orders.is_open(lane.name):
            break
    await until(lambda: not orders.is_open(lane.name), f"the {case.nth}. passing of {case.point}", DIES_S)
    return customer


async def look_after_restart(
    there: Stage, orders: Orders, lane: Lane, case: Case, customer: Customer
) -> None:
    """Restart, and compare the first page with what the customer saw last."""
    before = customer.page.view
    async with asyncio.timeout(DIES_S):
        code = await lane.process.wait()
    assert code in KILLED, f"the box ended with {code}"
    await there.world.leave(lane)
    if case.again:
        await die_again(there, orders, lane, *case.again)
    view = await there.world.bring_up(lane)
    case.after = view["page"]
    customer.was_here = True
    told_paid = customer.memory.ending == "paid"
    if told_paid and view["page"] not in ("paid", "attract"):
        case.faults.append(f"she was told paid, and now the page shows {view['page']}")
    if before["page"] in ("authorizing", "unknown") and view["page"] == "attract":
        case.faults.append("her payment was under way, and the page shows nothing of it")
    if before["page"] == "basket" and view["page"] == "basket":
        kept, seen = names_of(view), names_of(before)
        if kept != seen[: len(kept)] and seen != kept[: len(seen)]:
            case.faults.append(f"{kept} is left of {seen}")


def names_of(view: dict[str, Any]) -> list[str]:
    return [line["name"] for line in view["sale"]["lines"]]


async def die_again(there: Stage, orders: Orders, lane: Lane, point: str, nth: int) -> None:
    """Start the box so that it dies on its way, before it says that it is ready or after that."""
    orders.give(lane.name, point=point, nth=nth, is_alone=False)
    with suppress(ConfigError, OutcomeUnknown, httpx.HTTPError):
        await there.world.bring_up(lane)
    async with asyncio.timeout(DIES_S):
        code = await lane.process.wait()
    assert code in KILLED, f"the starting box ended with {code}"
    await there.world.leave(lane)


async def no_card_is_left(there: Stage) -> None:
    """After one more start no box keeps a sealed card of what is over."""
    for lane in there.world.lanes:
        await there.world.leave(lane)
        await lane.process.stop()
        await there.world.bring_up(lane)
        sealed = lane.directory / "secure" / "blobs"
        await until(lambda sealed=sealed: not list(sealed.glob("*.card")), f"{lane.name} to forget its cards")


async def bring_up_anew(there: Stage, orders: Orders, lane: Lane, case: Case) -> None:
    """After a fault: clear the lane for the next case, as far as that goes."""
    orders.take_back(lane.name)
    await there.world.leave(lane)
    await lane.process.stop()
    await there.world.bring_up(lane)
    try:
        await there.customer(lane, gives_up=True, was_here=True).shop()
    except (TillboxError, AssertionError) as fault:
        case.faults.append(f"nor did the next visit work: {fault}")
