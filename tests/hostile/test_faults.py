"""Row 72: names that nobody resolves, links that are cut one way, a broker and a database from yesterday.

Killed processes: `tests/journeys`. Half-open connections, full disks and the rest on real processes: `tests/torture`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from cloud.broker_link import BrokerLink
from edge.uplink.link import Link
from simulators.world import schedule
from simulators.world.run import run_seed
from simulators.world.world import Wishes
from tests.brokers import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HANGS_S = 60.0  # a resolver that does not answer; nothing below waits for it
TRIES = 5
TURNS = 1_000


def box_end(sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> Link:
    return Link(
        host="broker.example",
        port=8883,
        tls=None,
        client_id="acme_1_aa",
        subscription="tb1/3e/acme/north/till-1/down/#",
        last_will=("tb1/3e/acme/north/till-1/up/state", b"gone"),
        on_message=lambda *_: None,
        on_change=lambda _: None,
        sleep=sleep,
    )


def cloud_end(sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> BrokerLink:
    return BrokerLink(
        host="broker.example", port=8883, tls=None, client_id="cloud", server_name="broker", sleep=sleep
    )


@pytest.mark.parametrize("end", [box_end, cloud_end])
async def test_row_72_a_name_that_nobody_resolves_is_tried_again_at_growing_intervals(end, monkeypatch):
    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    delays: list[float] = []
    enough = asyncio.Event()

    async def sleep(delay_s: float) -> None:
        delays.append(delay_s)
        if len(delays) == TRIES:
            enough.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    link = end(sleep)

    running = asyncio.create_task(link.run())
    async with asyncio.timeout(HANGS_S):
        await enough.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert delays == sorted(set(delays))
    assert "name resolution" in link.trouble


@pytest.mark.parametrize("end", [box_end, cloud_end])
async def test_row_72_a_resolver_that_never_answers_holds_up_nothing_else(end, monkeypatch):
    asked, answers, waited_in_vain = threading.Event(), threading.Event(), threading.Event()

    def resolve(*_: Any, **__: Any) -> None:
        asked.set()
        if not answers.wait(HANGS_S):
            waited_in_vain.set()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    running = asyncio.create_task(end().run())
    await eventually(asked.is_set, "the question")

    for _ in range(TURNS):  # whatever else the process does
        await asyncio.sleep(0)
    answers.set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert not waited_in_vain.is_set()


@pytest.mark.parametrize("kind", ["partition-one-way", "broker-restart", "old-database"])
def test_row_72_links_cut_one_way_and_brokers_and_databases_that_forget_cost_no_sale(
    kind, monkeypatch, tried
):
    monkeypatch.setattr(schedule, "SORTS", ((kind,),))
    monkeypatch.setattr(schedule, "WEIGHTS", (1,))

    outcome = run_seed(1, Wishes(boxes=2, hours=0.3))

    assert outcome.wrongs == []
    assert outcome.faults[kind] >= 1
    tried(outcome.faults[kind])
