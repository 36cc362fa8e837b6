"""The installation of a replay: a cloud with its broker, an acquirer, and a few enrolled boxes with the image.

Made with the commands that an operator would use, each as a process of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edge.settings import Settings
from protocol.strict_json import dumps
from simulators.acquirer.books import Books
from simulators.acquirer.host import Acquirer, HostTimes
from simulators.demo.estate import free_port, tillbox
from simulators.demo.processes import Process
from simulators.replay.invoices import CURRENCY

if TYPE_CHECKING:
    from simulators.replay.files import ReplayFiles

TENANT, STORE = "replay", "online-retail"
PATIENT_MS = 600_000  # nobody leaves here; a slow machine must not look like a shopper who left
LONG_PAY_MS = 60_000  # the same for an answer of the acquirer


class Estate:
    """Cloud, broker and acquirer of one replay, running between `start` and `stop`."""

    def __init__(self, files: ReplayFiles) -> None:
        self._files = files
        self._books = Books(files.acquirer_books)
        self._acquirer = Acquirer(self._books, HostTimes(), {})
        self._acquirer.has_magic_amounts = False
        self._cloud: Process | None = None
        self.broker = ""
        self.broker_pids: list[int] = []

    async def lay_out(self, image: bytes, boxes: int, *, has_readers: bool) -> None:
        """Make the cloud's directory, enrol the boxes, put the image where both find it."""
        self._files.image.write_bytes(image)
        acquirer = f"127.0.0.1:{await self._acquirer.start()}"
        cloud = str(self._files.cloud)
        port = str(free_port())
        await tillbox("cloud", "--data", cloud, "--init", "--port", port, "--acquirer", acquirer)
        shelf = self._files.cloud / "catalogue"
        (shelf / "invoices.tbc").write_bytes(image)
        (shelf / "invoices.taxes.json").write_bytes(dumps(Settings().taxes.document()))
        for number in range(1, boxes + 1):
            await self._enrol(number, image, has_reader=has_readers)

    async def start(self) -> None:
        """Start the cloud, with broker and card zone as its children."""
        arguments = ["cloud", "--data", str(self._files.cloud)]
        self._cloud = Process("cloud", arguments, self._files.log("cloud"))
        broker = (await self._cloud.start())["broker"]
        self.broker = broker["kind"]
        self.broker_pids = [broker["pid"]] if broker["pid"] else []

    @property
    def cloud_pid(self) -> int:
        """The cloud's process."""
        return 0 if self._cloud is None else self._cloud.pid

    async def stop(self) -> None:
        """Stop everything."""
        if self._cloud is not None:
            await self._cloud.stop()
        await self._acquirer.stop()
        self._books.close()

    def captured_minor(self) -> int:
        """What the acquirer captured and did not give back."""
        return sum(self._books.net().values())

    async def _enrol(self, number: int, image: bytes, *, has_reader: bool) -> None:
        directory = self._files.box(number)
        devices = {"reader": {"port": str(self._files.reader_line(number))}} if has_reader else {}
        who = ("--tenant", TENANT, "--store", STORE, "--box", directory.name, "--currency", CURRENCY)
        where = ("--cloud", str(self._files.cloud), "--out", str(directory))
        await tillbox("fleet", "enroll", *where, *who, "--devices", json.dumps(devices))
        (directory / "catalogue").mkdir()
        (directory / "catalogue" / "active.tbc").write_bytes(image)
        patient = {"inactivity_ms": PATIENT_MS, "pay_budget_ms": LONG_PAY_MS}
        (directory / "settings.json").write_text(json.dumps(patient))
