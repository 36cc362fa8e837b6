"""Group commit: who waits for which sync, on the loop and off it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from edge.journal.bounds import SHARED_SYNC_S
from edge.journal.commit import Committer
from protocol.errors import DeviceError
from tests.edge.disk import FailingFiles
from tests.edge.journal_builders import body, numbers, open_journal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from edge.journal.journal import Journal


class CountingFiles(FailingFiles):
    """Counts syncs, remembers their threads, and can hold them until released."""

    def __init__(self) -> None:
        super().__init__()
        self.syncs = 0
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()

    def fdatasync(self, handle: int) -> None:
        self.syncs += 1
        self.threads.add(threading.get_ident())
        assert self.gate.wait(10)
        super().fdatasync(handle)


class Bench:
    def __init__(
        self, directory: Path, executor: ThreadPoolExecutor | None, *, is_inline_for_waiters: bool = False
    ) -> None:
        self.files = CountingFiles()
        self.journal: Journal = open_journal(self.files, directory)
        self.files.syncs = 0
        self.files.threads.clear()
        self.told: list[int] = []
        self.errors: list[DeviceError] = []
        self.committer = Committer(
            self.journal,
            lambda: self.told.append(self.journal.synced_through),
            self.errors.append,
            executor,
            is_inline_for_waiters=is_inline_for_waiters,
        )


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_true():  # noqa: ASYNC110 - what is awaited happens on a disk, which sets no event
            await asyncio.sleep(0.001)


@pytest.fixture(params=["inline", "thread", "as in a box"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    with ThreadPoolExecutor(1) as executor:
        made = Bench(
            tmp_path,
            None if request.param == "inline" else executor,
            is_inline_for_waiters=request.param == "as in a box",
        )
        yield made
        made.files.sync_fails = 0
        await made.committer.close()


async def test_basket_lines_share_one_sync(bench: Bench) -> None:
    for number in range(10):
        bench.committer.append(body(number))
    assert bench.journal.synced_through == 1

    await until(lambda: bench.journal.synced_through == 11)

    assert bench.files.syncs == 1
    assert bench.told == [11]


async def test_a_tender_does_not_wait_for_the_shared_sync(bench: Bench) -> None:
    loop = asyncio.get_running_loop()
    bench.committer.append(body(1))
    began = loop.time()

    await bench.committer.sync()

    assert bench.journal.synced_through == 2
    assert bench.files.syncs == 1
    assert loop.time() - began < SHARED_SYNC_S or bench.told == [2]


async def test_many_waiters_share_what_is_under_way(bench: Bench) -> None:
    async def one(number: int) -> int:
        seq = bench.committer.append(body(number))
        await bench.committer.sync()
        assert bench.journal.synced_through >= seq
        return seq

    await asyncio.gather(*(one(number) for number in range(20)))

    assert bench.files.syncs <= 20
    assert numbers(bench.journal) == list(range(20))


async def test_a_dead_disk_is_told_to_whoever_waits_and_to_the_listener_when_nobody_does(
    bench: Bench,
) -> None:
    bench.committer.append(body(1))
    bench.files.sync_fails = 100

    with pytest.raises(DeviceError, match="journal-not-durable"):
        await bench.committer.sync()
    bench.committer.append(body(2))
    await until(lambda: bool(bench.errors))

    assert bench.errors[0].code == "journal-not-durable"
    assert bench.told == []


async def test_the_loop_goes_on_while_a_thread_syncs(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        bench = Bench(tmp_path, executor)
        bench.files.gate.clear()
        bench.committer.append(body(1))
        first = asyncio.create_task(bench.committer.sync())
        await until(lambda: bench.files.syncs == 1)

        bench.committer.append(body(2))  # the loop runs, and what comes now waits for the next sync
        second = asyncio.create_task(bench.committer.sync())
        bench.files.gate.set()
        await asyncio.gather(first, second)

        assert threading.get_ident() not in bench.files.threads
        assert bench.files.syncs == 2
        assert bench.told == [2, 3]
        await bench.committer.close()


async def test_a_scan_never_waits_for_the_disk_and_a_tender_takes_the_shortest_way(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        bench = Bench(tmp_path, executor, is_inline_for_waiters=True)
        bench.files.gate.clear()
        bench.committer.append(body(1))
        await until(lambda: bench.files.syncs == 1)  # the loop runs while the shared sync is held up

        bench.committer.append(body(2))
        tender = asyncio.create_task(bench.committer.sync())
        bench.files.gate.set()
        await tender

        assert bench.journal.synced_through == 3
        assert bench.told == [2, 3]
        assert bench.files.syncs == 2
        assert threading.get_ident() in bench.files.threads
        assert len(bench.files.threads) == 2
        await bench.committer.close()


async def test_a_tender_hears_of_a_shared_sync_that_failed_while_it_waited(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        bench = Bench(tmp_path, executor, is_inline_for_waiters=True)
        bench.files.gate.clear()
        bench.committer.append(body(1))
        await until(lambda: bench.files.syncs == 1)
        bench.files.sync_fails = 100

        tender = asyncio.create_task(bench.committer.sync())
        bench.files.gate.set()
        with pytest.raises(DeviceError, match="journal-not-durable"):
            await tender

        bench.files.sync_fails = 0
        await bench.committer.sync()
        assert bench.journal.synced_through == 2
        await bench.committer.close()


@pytest.mark.parametrize("is_inline_for_waiters", [False, True])
async def test_a_shared_sync_whose_records_a_tender_took_along_is_no_failure(
    tmp_path: Path, *, is_inline_for_waiters: bool
) -> None:
    with ThreadPoolExecutor(1) as executor:
        bench = Bench(tmp_path, executor, is_inline_for_waiters=is_inline_for_waiters)
        bench.files.gate.clear()
        bench.committer.append(body(1))
        await until(lambda: bench.files.syncs == 1)
        tender = asyncio.create_task(bench.committer.sync())
        await asyncio.sleep(0)
        bench.committer.append(body(2))
        second = asyncio.create_task(bench.committer.sync())
        await until(lambda: bench.committer._timer is None)  # its time has come while the first is held up

        bench.files.gate.set()
        await asyncio.gather(tender, second)
        await until(lambda: bench.committer._under_way is None)
        bench.committer.append(body(3))
        await until(lambda: bench.journal.synced_through == 4)

        assert bench.errors == []
        await bench.committer.close()
