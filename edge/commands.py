"""`tillbox box`: run one box from its provisioning directory."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from contextlib import suppress
from copy import copy
from pathlib import Path

import click

from protocol.masking import scrub
from protocol.plain_text import one_line


class _Scrubbed(logging.Formatter):
    """The last net: no card number leaves in a log line or anything that commands a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        told = copy(record)
        told.msg, told.args = one_line(record.getMessage()), ()
        return scrub("\n  ".join(one_line(line) for line in super().format(told).split("\n")))


@click.command(epilog="Beside it: tillbox box renew.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Provisioning directory made by `tillbox fleet enroll`.",
)
@click.option(
    "--work", type=click.Path(path_type=Path, file_okay=False), help="Journal, catalogue and documents."
)
@click.option("--screen-port", type=click.IntRange(0, 65_535), default=8080, show_default=True)
@click.option("--second-journal", type=str, default="", help="A copy of the journal on another device.")
@click.option("--verbose", is_flag=True, help="Log what happens, not only what goes wrong.")
def box(directory: Path, work: Path | None, screen_port: int, second_journal: str, *, verbose: bool) -> None:
    """Run one box. The first line on standard output is one JSON object once the box is ready."""
    from edge.config import read_box  # noqa: PLC0415 - a command loads only what it runs
    from edge.main import Options, run_box  # noqa: PLC0415

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Scrubbed("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
    config = read_box(directory)
    options = Options(work or directory, screen_port, second_journal)

    def ready(address: str) -> None:
        click.echo(json.dumps({"ready": True, "box": config.box, "screen": address}))
        sys.stdout.flush()

    async def run() -> None:
        task = asyncio.ensure_future(run_box(config, options, ready))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
