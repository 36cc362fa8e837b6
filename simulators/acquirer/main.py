"""The acquirer as a process: `python -m simulators.acquirer.main --port 0 --books FILE --control SOCKET`.

The first line of standard output is {"port": N}. The control socket takes one JSON object a line, as every
simulated device does: books, net, counts, next (case, count), drop_links, pause, resume, refuse_sign_on
(is_wanted).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators.acquirer.books import Books
from simulators.acquirer.host import Acquirer, HostTimes
from simulators.cards import host_cases
from simulators.device_control import stay

if TYPE_CHECKING:
    from simulators.device_control import Actions


@dataclass(frozen=True, slots=True)
class AcquirerSettings:
    """Where the host listens and writes; port 0 takes any free one."""

    port: int = 0
    books: str = ""
    control: str = ""
    times: HostTimes = field(default_factory=HostTimes)
    has_magic_amounts: bool = True


def actions(acquirer: Acquirer) -> Actions:
    """Name what a control line may do."""

    def net() -> list[list[Any]]:
        return [[tenant, attempt, amount] for (tenant, attempt), amount in acquirer.books.net().items()]

    def switch(name: str, *, is_on: bool) -> None:
        setattr(acquirer, name, is_on)

    return {
        "books": acquirer.books.lines,
        "net": net,
        "counts": lambda: dict(acquirer.counts),
        "links": acquirer.links,
        "next": acquirer.use_next,
        "drop_links": acquirer.drop_links,
        "pause": lambda: switch("is_paused", is_on=True),
        "resume": lambda: switch("is_paused", is_on=False),
        "refuse_sign_on": lambda is_wanted=True: switch("refuses_sign_on", is_on=bool(is_wanted)),
    }


async def run_acquirer(settings: AcquirerSettings) -> None:
    """Be an acquirer until cancelled."""
    books = Books(Path(settings.books) if settings.books else None)
    acquirer = Acquirer(books, settings.times, host_cases())
    acquirer.has_magic_amounts = settings.has_magic_amounts
    port = await acquirer.start(port=settings.port)
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    try:
        await stay(actions(acquirer), settings.control, follows_input=False)
    finally:
        await acquirer.stop()
        books.close()


def main() -> int:
    """Read the command line and run."""
    usual = HostTimes()
    parser = argparse.ArgumentParser(description="A simulated acquirer.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--books", default="")
    parser.add_argument("--control", default="")
    parser.add_argument("--no-magic-amounts", action="store_true")
    parser.add_argument("--late-ms", type=int, default=usual.late_ms)
    parser.add_argument("--answer-ms", type=int, default=usual.answer_ms)
    said = parser.parse_args()
    times = HostTimes(answer_ms=said.answer_ms, late_ms=said.late_ms)
    settings = AcquirerSettings(said.port, said.books, said.control, times, not said.no_magic_amounts)
    with suppress(KeyboardInterrupt):
        asyncio.run(run_acquirer(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
