"""The card zone's process: `python -m cloud.cardzone.main --config FILE`. Builds everything.

`--make-keys` makes the missing key files first. The process ends with code 1 when its file can no longer be
written: its supervisor starts it again, and it finds its attempts and reversals where they were.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import signal
import sys
from contextlib import AbstractContextManager, closing
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.cardzone.config import ZoneConfig, read_config
from cloud.cardzone.keys import Keys, make_keys
from cloud.cardzone.links import Links
from cloud.cardzone.lockdown import lock_down
from cloud.cardzone.reversals import Reversals
from cloud.cardzone.server import Server
from cloud.cardzone.store import Store
from cloud.cardzone.zone import Zone
from cloud.files import held
from protocol.errors import ConfigError
from protocol.masking import scrub
from protocol.plain_text import one_line

if TYPE_CHECKING:
    from cloud.cardzone.iso8583 import Fields

LOG = logging.getLogger("cloud.cardzone")
POISON_CHECK_S = 0.5  # how soon a failed file ends the process


class _Scrubbed(logging.Formatter):
    """The last net: no card number leaves in a log line or traceback, nor anything that commands a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        told = copy(record)
        told.msg, told.args = one_line(record.getMessage()), ()
        return str(scrub("\n  ".join(one_line(line) for line in super().format(told).split("\n"))))


async def serve(config: ZoneConfig, store: Store) -> None:
    """Serve until cancelled, or until the store fails."""
    keys = Keys(config.keys, secrets.token_bytes)

    async def on_answer(fields: Fields) -> None:
        await zone.take(fields)

    links = Links(list(config.acquirers), config.link_times, _de7_now, on_answer)
    zone = Zone(store, links, keys, _de7_now)
    reversals = Reversals(store, links, keys, zone.settled, config.reversal_times)
    zone.attach(reversals)
    open_attempts = await zone.recover()
    server = await Server(zone, store, keys, links).listen(config.socket)
    LOG.info("serving; %d attempts were open", open_attempts)
    async with server, asyncio.TaskGroup() as group:
        tasks = [group.create_task(links.run()), group.create_task(reversals.run())]
        while not store.is_poisoned:  # noqa: ASYNC110 - a failed file is met in a callback; half a second is soon enough
            await asyncio.sleep(POISON_CHECK_S)
        for task in tasks:
            task.cancel()


def main() -> int:
    """Run the process; the exit code is 0 when asked to stop, 1 after a failed store, 2 for wrong settings."""
    parser = argparse.ArgumentParser(description="The card zone of tillbox.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--make-keys", action="store_true")
    said = parser.parse_args()
    _log_to_standard_error()
    missing = lock_down()
    if missing:
        LOG.warning("not protected against: %s", ", ".join(missing))
    try:
        config = read_config(said.config)
        if said.make_keys:
            make_keys(config.keys, secrets.token_bytes)
        with _held(config.store), _held(config.socket), closing(Store(config.store)) as store:
            return asyncio.run(_until_stopped(config, store))
    except ConfigError as error:
        LOG.critical("%s", error)
        return 2


def _held(path: Path) -> AbstractContextManager[None]:
    """Two card zones on one store would each send what the other has sent; on one socket, one would be cut off."""
    taken = ConfigError(
        "card-zone-in-use",
        f"Another card zone has {path.name}",
        "Stop that one first, or give this one its own",
    )
    return held(path.with_name(path.name + ".lock"), taken)


async def _until_stopped(config: ZoneConfig, store: Store) -> int:
    serving = asyncio.create_task(serve(config, store))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    return 1


def _de7_now() -> str:
    return datetime.now(UTC).strftime("%m%d%H%M%S")


def _log_to_standard_error() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Scrubbed("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
