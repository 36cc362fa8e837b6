"""The cloud's configuration, read once from `cloud.json` into a frozen object; all faults are reported together.

{"v": 1, "database": URL, "broker": {"run": "auto|nats|mosquitto|none", "url": "mqtts://HOST:PORT", "server_name"},
 "card_zone": {"run": true|false}, "acceptors": {"TENANT/BOX": {"merchant", "terminal"}},
 "files": {"run": true|false, "url": "https://HOST:PORT"}}
`files` may be left out: beside a broker of our own, the file service then listens one port above it.
A relative SQLite path counts from the file's directory. Other paths are fixed: `installation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from cloud.channels.card import Acceptor
from cloud.installation import Installation
from protocol.errors import ConfigError, PeerError
from protocol.strict_json import loads
from protocol.topics import check_name

MAX_FILE_BYTES = 1_048_576  # ten thousand assigned terminals
MERCHANT_CHARS, TERMINAL_CHARS = 15, 8  # fields 42 and 41 of ISO 8583
BrokerChoice = Literal["auto", "nats", "mosquitto", "none"]

_CHOICES = ("auto", "nats", "mosquitto", "none")
_FIELDS = {"v", "database", "broker", "card_zone", "acceptors"}
_MAY_BE = {"files"}
MAX_PORT = 65_535  # a TCP port has sixteen bits
_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """Which broker to run as a child, if any, and where it is spoken to."""

    run: BrokerChoice
    host: str
    port: int
    server_name: str


@dataclass(frozen=True, slots=True)
class FilesConfig:
    """Where boxes fetch published versions, "" for nowhere, and whether this cloud serves them itself."""

    run: bool
    url: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the URL."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 443


@dataclass(frozen=True, slots=True)
class CloudConfig:
    """See the module."""

    installation: Installation
    database: str
    broker: BrokerConfig
    runs_card_zone: bool
    acceptors: dict[tuple[str, str], Acceptor]
    files: FilesConfig = FilesConfig(run=False, url="")


def read_config(path: Path) -> CloudConfig:
    """Read and check; ConfigError "cloud-config-wrong" names every fault."""
    return check_config(_read(path), path)


def check_config(said: Any, path: Path) -> CloudConfig:
    """Check what a file at `path` says, or is to say; ConfigError "cloud-config-wrong" names every fault."""
    if not isinstance(said, dict):
        raise ConfigError("cloud-config-wrong", f"{path.name} is no object", "Correct the file")
    faults = [f"{name} is not known" for name in sorted(set(said) - _FIELDS - _MAY_BE)]
    faults += [f"{name} is missing" for name in sorted(_FIELDS - set(said))]
    if said.get("v") != 1:
        faults.append("v is not 1")
    broker = _broker(said.get("broker"), faults)
    acceptors = _acceptors(said.get("acceptors"), faults)
    database = _database(said.get("database"), path.parent, faults)
    files = _files(said.get("files"), broker, faults)
    zone = said.get("card_zone")
    runs_card_zone = zone.get("run") if isinstance(zone, dict) and set(zone) == {"run"} else None
    if type(runs_card_zone) is not bool:
        faults.append("card_zone has not exactly run, true or false")
    if faults or broker is None:
        raise ConfigError("cloud-config-wrong", "; ".join(faults), f"Correct {path.name}")
    there = Installation(path.parent)
    return CloudConfig(there, database, broker, runs_card_zone is True, acceptors, files)


def _read(path: Path) -> Any:
    try:
        return loads(path.read_bytes()[: MAX_FILE_BYTES + 1], MAX_FILE_BYTES)
    except FileNotFoundError as error:
        raise ConfigError(
            "cloud-config-wrong", f"There is no {path}", "Make the directory with tillbox cloud --init"
        ) from error
    except OSError as error:
        raise ConfigError(
            "cloud-config-wrong", f"{path} cannot be read: {error.strerror}", "Let its owner run the cloud"
        ) from error
    except PeerError as error:
        raise ConfigError(
            "cloud-config-wrong", f"{path} is no JSON: {error.what}", "Correct the file"
        ) from error


def read_broker_url(url: str) -> tuple[str, int]:
    """Take `mqtts://HOST[:PORT]` apart; ConfigError "broker-url-wrong". Nothing is spoken in clear."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme != "mqtts" or not host or parts.path not in ("", "/") or parts.username or parts.query:
        raise ConfigError(
            "broker-url-wrong", "The broker is not mqtts://host:port", "Correct the broker's URL"
        )
    return host, port or 8883


def _broker(said: Any, faults: list[str]) -> BrokerConfig | None:
    if not isinstance(said, dict) or set(said) != {"run", "url", "server_name"}:
        faults.append("broker has not exactly run, url and server_name")
        return None
    if said["run"] not in _CHOICES:
        faults.append(f"broker.run is none of {', '.join(_CHOICES)}")
    if not isinstance(said["server_name"], str) or not said["server_name"]:
        faults.append("broker.server_name is no name")
    try:
        host, port = read_broker_url(str(said["url"]))
    except ConfigError as error:
        faults.append(f"broker.url: {error.what}")
        return None
    return BrokerConfig(cast("BrokerChoice", said["run"]), host, port, str(said["server_name"]))


def _files(said: Any, broker: BrokerConfig | None, faults: list[str]) -> FilesConfig:
    """What is said of the file service; beside a broker of our own it needs no word."""
    if said is None:
        is_ours = broker is not None and broker.run != "none"
        if broker is None or not is_ours:
            return FilesConfig(run=False, url="")
        host = f"[{broker.host}]" if ":" in broker.host else broker.host
        return FilesConfig(
            run=True, url=f"https://{host}:{broker.port + (1 if broker.port < MAX_PORT else -1)}"
        )
    if not isinstance(said, dict) or set(said) != {"run", "url"} or type(said["run"]) is not bool:
        faults.append("files has not exactly run, true or false, and url")
        return FilesConfig(run=False, url="")
    try:
        parts = urlsplit(str(said["url"]))
        is_right = (
            parts.scheme == "https" and bool(parts.hostname) and parts.path in {"", "/"} and parts.port != 0
        )
    except ValueError:
        is_right = False
    if not is_right:
        faults.append("files.url is not https://HOST:PORT")
    return FilesConfig(said["run"], str(said["url"]).rstrip("/"))


def _database(said: Any, base: Path, faults: list[str]) -> str:
    if not isinstance(said, str) or not said.startswith((_SQLITE, "postgresql://", "postgres://")):
        faults.append("database is neither sqlite:///path nor postgresql://")
        return ""
    if not said.startswith(_SQLITE):
        return said
    return _SQLITE + str(base.resolve() / Path(said.removeprefix(_SQLITE)))


def _acceptors(said: Any, faults: list[str]) -> dict[tuple[str, str], Acceptor]:
    if not isinstance(said, dict):
        faults.append("acceptors is no object")
        return {}
    found = {}
    for name, one in said.items():
        tenant, _, box = name.partition("/")
        try:
            check_name(tenant)
            check_name(box)
        except PeerError:
            faults.append(f"acceptors: {name[:80]!r} is not TENANT/BOX")
            continue
        if not isinstance(one, dict) or set(one) != {"merchant", "terminal"}:
            faults.append(f"acceptors: {name} has not exactly merchant and terminal")
        elif not _fits(one["merchant"], MERCHANT_CHARS) or not _fits(one["terminal"], TERMINAL_CHARS):
            faults.append(
                f"acceptors: {name} needs {MERCHANT_CHARS} and {TERMINAL_CHARS} printable characters"
            )
        else:
            found[tenant, box] = Acceptor(one["merchant"], one["terminal"])
    return found


def _fits(value: Any, length: int) -> bool:
    return isinstance(value, str) and len(value) == length and value.isascii() and value.isprintable()
