"""The cloud's process: `python -m cloud.main --config FILE`. Reads the configuration once and builds everything.

Started here: the consumer with its link to the broker, the poller, the watch over the fleet, the card channel, and
as supervised children the broker and the card zone, unless others run them. When every subscription stands, one line
of JSON on standard output says so. SIGTERM and SIGINT end it with code 0; a wrong setting with 2.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import resource
import secrets
import signal
import ssl
import sys
import time
from contextlib import AsyncExitStack, suppress
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.broker.plan import Plan
from cloud.broker.supervisor import Broker, find_broker
from cloud.broker_link import BrokerLink
from cloud.cardzone.client import CardZoneClient
from cloud.catalogue.announcer import PublicationAnnouncer
from cloud.catalogue.file_service import FileService, server_tls
from cloud.catalogue.handlers import PublicationAnswers
from cloud.catalogue_shelf import DirectoryShelf
from cloud.channels.card import Acceptors, CardChannel
from cloud.child import Child
from cloud.config import CloudConfig, read_config
from cloud.consumer import Consumer
from cloud.database import open_database
from cloud.files import held
from cloud.fleet import store as fleet_store
from cloud.fleet.authority import CLOUD_CLIENT_ID, Authority
from cloud.fleet.configuration_handlers import ConfigurationAnswers, StateReports
from cloud.fleet.configuration_publisher import ConfigurationPublisher
from cloud.fleet.watch import FleetWatch
from cloud.flood import FloodWatch
from cloud.installation import World
from cloud.intake_boxes import BoxTable
from cloud.poller import Poller
from cloud.publisher import Publisher
from protocol.errors import ConfigError, TillboxError
from protocol.masking import scrub
from protocol.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from cloud.database import Database

FAILED, WRONG_SETTINGS = 1, 2

WORLD = World(now_ms=lambda: time.time_ns() // 1_000_000, random_bytes=secrets.token_bytes)


class RealClock:
    """UTC from the operating system."""

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        return WORLD.now_ms()


class Cloud:
    """Everything of one process, built from one configuration."""

    def __init__(
        self, config: CloudConfig, database: Database, tell: Callable[[dict[str, object]], None]
    ) -> None:
        self._config = config
        self._database = database
        self._tell = tell
        self._clock = RealClock()
        self._directory = BoxTable(database)
        self._broker = _broker(config)
        self._link = _link(config)
        self._channel = CardChannel(Acceptors(config.acceptors))
        self._zone = CardZoneClient(config.installation.card_zone / "zone.sock", self._channel.hear)
        self._channel.attach(self._zone)
        publisher = Publisher(outbound=self._link, directory=self._directory, clock=self._clock)
        self._consumer = Consumer(
            database=database,
            intake=self._link,
            publisher=publisher,
            directory=self._directory,
            shelf=DirectoryShelf(config.installation.catalogue),
            channel=self._channel,
            clock=self._clock,
            lanes={"cfg": ConfigurationAnswers(), "state": StateReports(), "ver": PublicationAnswers()},
        )

    async def run(self) -> None:
        """Run until cancelled. Children start first and end last."""
        poller = Poller(database=self._database, consumer=self._consumer, clock=self._clock)
        watch = FleetWatch(
            database=self._database,
            directory=self._directory,
            clock=self._clock,
            on_change=self._refresh_broker,
        )
        configurations = ConfigurationPublisher(
            database=self._database, outbound=self._link, directory=self._directory, clock=self._clock
        )
        announcer = PublicationAnnouncer(
            database=self._database, outbound=self._link, directory=self._directory, clock=self._clock
        )
        floods = FloodWatch(
            database=self._database, directory=self._directory, clock=self._clock, guard=self._link.flood
        )
        async with AsyncExitStack() as stack:
            for child in await self._children():
                stack.push_async_callback(_ended, asyncio.create_task(child.run()))
            if self._broker is not None:
                await self._broker.wait_until_listening()
            stack.push_async_callback(self._zone.close)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._link.run())
                group.create_task(self._zone.listen())
                await self._link.wait_until_up()
                for part in (self._consumer, poller, watch, configurations, announcer, floods):
                    group.create_task(part.run())
                if self._config.files.run:
                    group.create_task(self._file_service().run(*self._config.files.address))
                self._tell(await self._ready())

    def _file_service(self) -> FileService:
        there = self._config.installation
        tls = server_tls(
            there.authority / "root.cert.pem",
            there.broker / "server.cert.pem",
            there.broker / "server.key.pem",
        )
        return FileService(database=self._database, shelf=there.catalogue, tls=tls)

    async def _children(self) -> list[Child]:
        children = []
        if self._broker is not None:
            self._broker.write(await fleet_store.admitted(self._database))
            children.append(self._broker.child)
        if self._config.runs_card_zone:
            children.append(_card_zone(self._config))
        return children

    async def _refresh_broker(self) -> None:
        if self._broker is not None:
            self._broker.refresh(await fleet_store.admitted(self._database))

    async def _ready(self) -> dict[str, object]:
        broker = self._config.broker
        return {
            "ready": True,
            "broker": {
                "kind": self._broker.kind if self._broker is not None else "other",
                "host": broker.host,
                "port": broker.port,
                "pid": self._broker.child.pid if self._broker is not None else None,
            },
            "database": self._database.engine,
            "files": self._config.files.url if self._config.files.run else "",
            "boxes": len(await fleet_store.admitted(self._database)),
        }


async def run(config: CloudConfig, tell: Callable[[dict[str, object]], None]) -> None:
    """Run a cloud until cancelled; `tell` hears once that it is ready. ConfigError "cloud-in-use"."""
    there = config.installation
    taken = ConfigError(
        "cloud-in-use",
        f"Another cloud runs from {there.directory}",
        "Stop that one first, or make a directory of its own for this one",
    )
    with held(there.running, taken):
        database = await open_database(config.database)
        try:
            await Cloud(config, database, tell).run()
        finally:
            await database.close()


def serve(path: Path) -> int:
    """Run until a signal; the exit code tells how it ended. A known fault is one line, as of every command."""
    _log_to_standard_error()
    _allow_many_connections()
    try:
        return asyncio.run(_until_stopped(run(read_config(path), _tell_on_standard_output)))
    except TillboxError as error:
        sys.stderr.write(f"tillbox: {scrub(one_line(str(error)))}\n")
        return WRONG_SETTINGS if isinstance(error, ConfigError) else FAILED


def _allow_many_connections() -> None:
    """Raise the number of files that the broker, our child, may open: many systems begin at 1,024, a box takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems name a limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> int:
    """Run the process from its arguments."""
    parser = argparse.ArgumentParser(description="The cloud of tillbox.")
    parser.add_argument("--config", type=Path, required=True)
    return serve(parser.parse_args().config)


async def _until_stopped(work: Coroutine[None, None, None]) -> int:
    running = asyncio.create_task(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        return 0
    except ExceptionGroup as group:
        raise _first_cause(group) from group
    return FAILED


def _first_cause(group: ExceptionGroup[Exception]) -> Exception:
    """Give the first fault among tasks that ended each other."""
    first = group.exceptions[0]
    return _first_cause(first) if isinstance(first, ExceptionGroup) else first


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _broker(config: CloudConfig) -> Broker | None:
    if config.broker.run == "none":
        return None
    kind, program = find_broker(config.broker.run)
    there = config.installation
    authority = Authority(there.authority, now_ms=WORLD.now_ms, random_bytes=WORLD.random_bytes)
    directory = there.broker.resolve()
    plan = Plan(program, config.broker.host, config.broker.port, directory, authority.root_path.resolve())
    return Broker(kind, plan, authority)


def _link(config: CloudConfig) -> BrokerLink:
    there = config.installation
    return BrokerLink(
        host=config.broker.host,
        port=config.broker.port,
        tls=client_tls(
            there.authority / "root.cert.pem", there.client / "cloud.cert.pem", there.client / "cloud.key.pem"
        ),
        client_id=CLOUD_CLIENT_ID,
        server_name=config.broker.server_name,
    )


def client_tls(root: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 with our certificate, trusting our root alone; ConfigError "certificate-unusable"."""
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(root))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(str(certificate), str(key))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            "certificate-unusable",
            f"{certificate.name} or its key cannot be used",
            "Restore the data directory",
        ) from error
    return context


def _card_zone(config: CloudConfig) -> Child:
    there = config.installation.card_zone.resolve()
    command = [sys.executable, "-m", "cloud.cardzone.main", "--config", str(there / "cardzone.json")]
    return Child(name="cardzone", command=command, log=there / "cardzone.log")


def _tell_on_standard_output(told: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


class _Scrubbed(logging.Formatter):
    """The last net: no card number leaves in a log line or traceback, nor anything that commands a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        told = copy(record)
        told.msg, told.args = one_line(record.getMessage()), ()
        return str(scrub("\n  ".join(one_line(line) for line in super().format(told).split("\n"))))


def _log_to_standard_error() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Scrubbed("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
