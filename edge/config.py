"""What a box is told once, at start: its provisioning directory and its working directory.

`read_box` reads `box.json` with the key files beside it into one frozen object and reports every fault together.
The layout stands in docs/reference/box-directory.md. What a store may change while running is `edge/settings.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge.bindings import Bindings, read_bindings
from edge.settings import Settings, read_settings
from protocol.errors import ConfigError, PeerError
from protocol.money import exponent
from protocol.strict_json import loads
from protocol.topics import check_name, shard_number

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES = 64 * 1024  # a provisioning file is a few hundred bytes
MAX_BOX_NUMBER = 65_023  # numbers above belong to the cloud's own id makers
KEY_BYTES = 32
POINT_BYTES = 65  # an uncompressed point of P-256
MAX_PORT = 65_535  # a TCP port has sixteen bits

_FIELDS = {
    "v": int,
    "tenant": str,
    "store": str,
    "box": str,
    "box_number": int,
    "shard": str,
    "client_id": str,
    "broker": dict,
    "card_zone_key": str,
    "configuration_signer": str,
    "currency": str,
    "devices": dict,
}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker listens and the name in its certificate."""

    host: str
    port: int
    server_name: str


@dataclass(frozen=True, slots=True)
class BoxConfig:
    """One box's identity, keys and devices; `repr` shows no key."""

    directory: Path
    tenant: str
    store: str
    box: str
    box_number: int
    shard: str
    client_id: str
    broker: BrokerAddress
    currency: str
    card_zone_key: str
    configuration_signer: bytes
    devices: Bindings
    up_key: bytes = field(repr=False)
    down_key: bytes = field(repr=False)

    @property
    def certificate(self) -> tuple[Path, Path, Path]:
        """(authority, certificate, private key) as PEM files."""
        return self.directory / "ca.pem", self.directory / "box.cert.pem", self.directory / "box.key.pem"


def read_box(directory: Path) -> BoxConfig:
    """The box of a provisioning directory; ConfigError("box-config-wrong") names every fault at once."""
    told = _read_object(directory / "box.json")
    keys = _read_object(directory / "message_keys.json")
    faults = [f"{name} is missing or of the wrong type" for name in _FIELDS if not _is_a(told, name)]
    faults += [f"{name} is not known" for name in sorted(set(told) - set(_FIELDS))]
    faults += [
        f"message key {name} is not 32 bytes in hex" for name in ("up", "down") if _key(keys, name) is None
    ]
    faults += [
        f"{name} is missing"
        for name in ("ca.pem", "box.cert.pem", "box.key.pem")
        if not _is_file(directory, name)
    ]
    if not faults:
        faults = _deeper_faults(told)
    if faults:
        raise ConfigError("box-config-wrong", "; ".join(faults), "Enrol the box again, or correct box.json.")
    return _built(directory, told, keys)


def first_settings(directory: Path) -> Settings:
    """The settings that a box comes with, from `settings.json` beside box.json; the software's own without it."""
    path = directory / "settings.json"
    if not path.exists():
        return Settings()
    try:
        return read_settings(_read_object(path))
    except ConfigError as wrong:  # their own mends are for a box that runs, and for its identity
        what = wrong.what.removeprefix(f"{path.name}: ")
        raise ConfigError(
            "settings-wrong",
            f"settings.json: {what}",
            "Correct settings.json, or remove it, and start the box.",
        ) from wrong


def _built(directory: Path, told: dict[str, Any], keys: dict[str, Any]) -> BoxConfig:
    broker = told["broker"]
    return BoxConfig(
        directory=directory,
        tenant=told["tenant"],
        store=told["store"],
        box=told["box"],
        box_number=told["box_number"],
        shard=told["shard"],
        client_id=told["client_id"],
        broker=BrokerAddress(broker["host"], broker["port"], broker["server_name"]),
        currency=told["currency"],
        card_zone_key=told["card_zone_key"],
        configuration_signer=bytes.fromhex(told["configuration_signer"]),
        devices=read_bindings(told["devices"]),
        up_key=_key(keys, "up") or b"",
        down_key=_key(keys, "down") or b"",
    )


def _deeper_faults(told: dict[str, Any]) -> list[str]:
    faults = []
    broker = told["broker"]
    if told["v"] != 1:
        faults.append("v is not 1")
    if set(broker) != {"host", "port", "server_name"} or type(broker.get("port")) is not int:
        faults.append("broker needs exactly host, port and server_name")
    elif not (type(broker["host"]) is type(broker["server_name"]) is str and 1 <= broker["port"] <= MAX_PORT):
        faults.append(
            f"broker has a host or server_name that is no text, or a port that is not 1 to {MAX_PORT}"
        )
    if _bytes_of(told["card_zone_key"], POINT_BYTES) is None:
        faults.append(f"card_zone_key is not {POINT_BYTES} bytes in hex")
    if not 1 <= told["box_number"] <= MAX_BOX_NUMBER:
        faults.append(f"box_number is not 1 to {MAX_BOX_NUMBER}")
    if _bytes_of(told["configuration_signer"]) is None:
        faults.append("configuration_signer is not 32 bytes in hex")
    for check, name in (
        (check_name, "tenant"),
        (check_name, "store"),
        (check_name, "box"),
        (shard_number, "shard"),
        (exponent, "currency"),
    ):
        try:
            check(told[name])
        except PeerError as fault:
            faults.append(f"{name}: {fault.what}")
    try:
        read_bindings(told["devices"])
    except ConfigError as fault:
        faults.append(fault.what)
    return faults


def _read_object(path: Path) -> dict[str, Any]:
    try:
        found = loads(path.read_bytes()[: MAX_FILE_BYTES + 1], MAX_FILE_BYTES)
    except (OSError, PeerError) as error:
        raise ConfigError(
            "box-config-unreadable",
            f"{path.name}: {getattr(error, 'what', error)}",
            "Enrol the box, or restore its directory.",
        ) from error
    if not isinstance(found, dict):
        raise ConfigError("box-config-unreadable", f"{path.name}: it holds no object", "Enrol the box again.")
    return found


def _is_a(told: dict[str, Any], name: str) -> bool:
    return type(told.get(name)) is _FIELDS[name]


def _is_file(directory: Path, name: str) -> bool:
    return (directory / name).is_file()


def _key(keys: dict[str, Any], name: str) -> bytes | None:
    return _bytes_of(keys.get(name))


def _bytes_of(text: object, length: int = KEY_BYTES) -> bytes | None:
    try:
        key = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        return None
    return key if len(key) == length else None
