"""A provisioned box on disk for the doctor's tests: certificate and keys of a real authority, catalogue, journal."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from cloud.fleet.authority import Authority
from cloud.fleet.provisioning import Provision, write_provision
from edge.diagnosis.main import Patient, examine
from edge.journal.files import OsFiles
from edge.journal.journal import Journal
from edge.journal.opening import Birth
from protocol.catalogue import build
from protocol.records import encode_record
from tests.builders import ITEMS

if TYPE_CHECKING:
    from pathlib import Path

    from edge.diagnosis.main import Diagnosis

CLIENT_ID = "acme_north_till-1"


class Ward:
    """One box that lies in a directory; `look` lets the doctor look at it."""

    def __init__(self, directory: Path, now_ms: int) -> None:
        self.directory = directory / "box"
        self.now_ms = now_ms
        self.authority = Authority(
            directory / "authority", now_ms=lambda: self.now_ms, random_bytes=secrets.token_bytes
        )
        self.authority.make_root()

    def provision(self, client_id: str = CLIENT_ID, **changed: Any) -> None:
        """Write the provisioning and a catalogue."""
        box = {
            "v": 1, "tenant": "acme", "store": "north", "box": "till-1", "box_number": 1, "shard": "0a",
            "client_id": CLIENT_ID, "broker": {"host": "127.0.0.1", "port": 1, "server_name": "localhost"},
            "card_zone_key": "04" + "11" * 64, "configuration_signer": "22" * 32, "currency": "GBP", "devices": {},
        }  # fmt: skip
        certificate = self.authority.issue_box("acme", client_id)
        root = self.authority.root_path.read_bytes()
        write_provision(
            self.directory, Provision({**box, **changed}, certificate, root, bytes(32), bytes(32))
        )
        (self.directory / "catalogue").mkdir(exist_ok=True)
        (self.directory / "catalogue" / "active.tbc").write_bytes(build(ITEMS, "GBP"))

    def change(self, **changed: Any) -> None:
        """Change box.json."""
        path = self.directory / "box.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))

    def record(self, kind: str, **fields: Any) -> bytes:
        return encode_record({"v": 1, "t": kind, "at": self.now_ms, "boot": "00000001", **fields})

    def open_journal(self, box: str = "till-1") -> Journal:
        def opened(previous: str, previous_seq: int, reason: str) -> bytes:
            told = {"previous": previous, "previous_seq": previous_seq, "reason": reason}
            return self.record("generation_opened", **told)

        birth = Birth("acme", box, lambda: secrets.token_bytes(8), opened)
        return Journal(OsFiles(), str(self.directory / "journal"), birth)

    def write_records(self, count: int = 5) -> None:
        """Write and close a small journal."""
        journal = self.open_journal()
        for number in range(count):
            state = "failed" if number == count - 1 else "ready"
            journal.append(self.record("device_changed", device="scanner", state=state, reason=f"n{number}"))
            journal.sync()
        journal.close()

    async def look(self, **options: Any) -> Diagnosis:
        """Examine the box; offline unless told otherwise."""
        offline = {"is_offline": True, "screen_port": options.pop("screen_port", 1)}
        return await examine(Patient(self.directory, self.directory, **{**offline, **options}))


def codes(told: Diagnosis, state: str = "broken") -> set[str]:
    """The troubles of one weight."""
    return {found.code for found in told.findings if found.state == state}


def said(told: Diagnosis, part: str) -> str:
    """What was said of one part."""
    return "; ".join(found.what for found in told.findings if found.part == part)
