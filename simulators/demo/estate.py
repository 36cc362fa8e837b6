"""Laying out a whole installation in one directory: cloud, catalogue, boxes with their devices, staff and settings.

Everything goes through the commands that a real operator would use (`tillbox cloud`, `tillbox fleet`, ...), each as a
process of its own, so that the demonstration proves them on every run.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from protocol.errors import ConfigError
from simulators.goods import CURRENCY, GOODS, TAX_PPM

if TYPE_CHECKING:
    from pathlib import Path

TENANT = "demo"
STORE = "corner-shop"
STAFF_ID = "anna"
STAFF_PIN = "2468"
# A demonstration PIN; real ones are made with a random salt and more rounds by whoever writes the settings.
_STAFF_SALT = "00112233445566778899aabbccddeeff"
_STAFF_ROUNDS = 20_000

COMMAND_S = 60.0  # the slowest of them makes a certificate authority
CATALOGUE_COLUMNS = ("gtin", "name", "price", "tax_class", "kind", "age_min", "category")


@dataclass(frozen=True, slots=True)
class Estate:
    """Where everything of one demonstration lies."""

    directory: Path
    broker_port: int
    acquirer_port: int

    @property
    def cloud(self) -> Path:
        """The cloud's data directory."""
        return self.directory / "cloud"

    @property
    def catalogue(self) -> Path:
        """The image that every box sells from."""
        return self.directory / "goods.tbc"

    @property
    def books(self) -> Path:
        """The acquirer's books."""
        return self.directory / "acquirer-books.jsonl"

    def box(self, name: str) -> Path:
        """A box's provisioning and working directory."""
        return self.directory / "boxes" / name


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def tillbox(*arguments: str) -> str:
    """Run one `tillbox` command to its end; its standard output. ConfigError with its words when it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulators.commandline",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(COMMAND_S):
        out, err = await process.communicate()
    if process.returncode:
        told = err.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise ConfigError(
            "command-failed", f"tillbox {' '.join(arguments[:2])}: {told[0]}", "Run it by hand."
        )
    return out.decode()


def _serve_files_at(config: Path, port: int) -> None:
    """Beside its broker's port, which is the default, another demonstration may listen already."""
    said = json.loads(config.read_text())
    said["files"] = {"run": True, "url": f"https://127.0.0.1:{port}"}
    config.write_text(json.dumps(said))


async def lay_out(estate: Estate) -> None:
    """Make the cloud's directory and the catalogue."""
    write_goods(estate.directory / "goods.csv")
    acquirer = f"127.0.0.1:{estate.acquirer_port}"
    await tillbox(
        "cloud",
        "--data",
        str(estate.cloud),
        "--init",
        "--port",
        str(estate.broker_port),
        "--acquirer",
        acquirer,
    )
    _serve_files_at(estate.cloud / "cloud.json", free_port())
    image = str(estate.catalogue)
    await tillbox(
        "catalogue", "build", str(estate.directory / "goods.csv"), "--currency", CURRENCY, "--out", image
    )
    shelf = estate.cloud / "catalogue"
    (shelf / "goods.tbc").write_bytes(estate.catalogue.read_bytes())
    (shelf / "goods.taxes.json").write_text(json.dumps(taxes(), sort_keys=True, separators=(",", ":")))


async def import_goods(estate: Estate) -> None:
    """Put items, prices and taxes into the cloud's database, for the store to sell by once they are published."""
    of_demo = ("--cloud", str(estate.cloud), "--tenant", TENANT)
    goods, table = str(estate.directory / "goods.csv"), estate.directory / "taxes.json"
    table.write_text(json.dumps(taxes()))
    await tillbox("catalogue", "import", goods, *of_demo, "--currency", CURRENCY)
    await tillbox("catalogue", "rule", "taxes", str(table), *of_demo)


async def publish_goods(estate: Estate) -> int:
    """Publish what was imported, and wait until every box of the store sells by it; the number of the publication."""
    shop = ("--cloud", str(estate.cloud), "--tenant", TENANT, "--store", STORE, "--currency", CURRENCY)
    told = json.loads(await tillbox("catalogue", "publish", *shop, "--wait", "--json"))
    number: int = told["number"]
    return number


async def enrol(estate: Estate, name: str, devices: dict[str, Any]) -> Path:
    """Enrol one box and put catalogue and settings in place; its directory."""
    directory = estate.box(name)
    who = ("--tenant", TENANT, "--store", STORE, "--box", name, "--currency", CURRENCY)
    files = ("--cloud", str(estate.cloud), "--out", str(directory), "--devices", json.dumps(devices))
    await tillbox("fleet", "enroll", *files, *who, "--json")
    (directory / "catalogue").mkdir(exist_ok=True)
    (directory / "catalogue" / "active.tbc").write_bytes(estate.catalogue.read_bytes())
    (directory / "settings.json").write_text(json.dumps(settings(), ensure_ascii=False))
    return directory


def write_goods(path: Path) -> None:
    """The goods as a CSV file that `tillbox catalogue build` reads."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(CATALOGUE_COLUMNS)
        for good in GOODS:
            price = f"{good.price_minor // 100}.{good.price_minor % 100:02d}"
            kind = "weight" if good.is_weighed else "unit"
            rows.writerow((good.gtin, good.name, price, good.tax_class, kind, good.age_min, good.category))


def taxes() -> dict[str, Any]:
    """The tax table of the demonstration shop."""
    return {"v": 1, "mode": "included", "rounding": "line", "rates": TAX_PPM}


def settings() -> dict[str, Any]:
    """Settings of the demonstration shop: short patience, so that a person sees how unknown outcomes end."""
    salt = bytes.fromhex(_STAFF_SALT)
    pin = hashlib.pbkdf2_hmac("sha256", STAFF_PIN.encode(), salt, _STAFF_ROUNDS).hex()
    return {
        "store_name": "Corner Shop 街角小店",
        "store_lines": ["12 Market Street, Harbour Town", "VAT GB 000 0000 00"],
        "receipt_footer": ["Thank you and good-bye!", "谢谢光临"],
        "thanks_ms": 4_000,
        "inactivity_ms": 20_000,
        "more_time_ms": 10_000,
        "pay_budget_ms": 6_000,
        "query_interval_ms": 1_000,
        "unknown_patience_ms": 5_000,
        "taxes": taxes(),
        "staff": [{"id": STAFF_ID, "name": "Anna", "pin": f"{_STAFF_SALT}:{_STAFF_ROUNDS}:{pin}"}],
    }
