"""The cloud's data directory: where everything lies, and making one.

The layout stands in docs/reference/cloud-directory.md. `cloud.json` is written last: a directory without it is no
installation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud.cardzone.keys import make_keys
from cloud.files import make_private_directory, write_private
from cloud.fleet.authority import Authority
from cloud.fleet.signer import make_signer
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOCKET_PATH_BYTES_MAX = 103  # of a Unix socket: macOS takes 104 with the closing zero, Linux 108
DEFAULT_PORT = 8883  # MQTT over TLS, as registered


class World(NamedTuple):
    """What only a main may take from outside."""

    now_ms: Callable[[], int]
    random_bytes: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Installation:
    """Paths within a data directory."""

    directory: Path

    @property
    def config(self) -> Path:
        """The one configuration file."""
        return self.directory / "cloud.json"

    @property
    def authority(self) -> Path:
        """Keys, certificates and revocation lists of the authority."""
        return self.directory / "authority"

    @property
    def running(self) -> Path:
        """Held while a cloud runs from this directory."""
        return self.directory / "running.lock"

    @property
    def lock(self) -> Path:
        """Held while boxes are enrolled or revoked."""
        return self.authority / "lock"

    @property
    def signer(self) -> Path:
        """The key that signs configurations."""
        return self.authority / "configuration.key"

    @property
    def client(self) -> Path:
        """The cloud's own certificate and key: cloud.cert.pem and cloud.key.pem."""
        return self.directory / "client"

    @property
    def broker(self) -> Path:
        """Certificate, generated configuration and state of the broker that runs as a child."""
        return self.directory / "broker"

    @property
    def card_zone(self) -> Path:
        """The card zone's own directory; only its process reads the keys in it."""
        return self.directory / "cardzone"

    @property
    def catalogue(self) -> Path:
        """The shelf of price versions."""
        return self.directory / "catalogue"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What may be chosen when a directory is made."""

    broker: str = ""  # an URL; empty: a broker of our own runs as a child
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    server_names: tuple[str, ...] = ("localhost", "127.0.0.1")
    database: str = "sqlite:///cloud.db"
    acquirers: tuple[tuple[str, str, int], ...] = (("acquirer", "127.0.0.1", 7000),)


def make_installation(directory: Path, wishes: Wishes, world: World) -> Installation:
    """Make what is missing of a data directory; keys and files that exist are kept.

    ConfigError: "directory-path-too-long", "cloud-directory-not-writable".
    """
    there = Installation(directory)
    socket = there.card_zone.resolve() / "zone.sock"
    excess = len(bytes(socket)) - SOCKET_PATH_BYTES_MAX
    if excess > 0:
        raise ConfigError(
            "directory-path-too-long",
            f"The path of the data directory is {excess} bytes too long for a socket",
            "Choose a shorter one",
        )
    try:
        _make(there, wishes, world)
    except OSError as error:
        raise ConfigError(
            "cloud-directory-not-writable",
            f"{error.filename or directory} cannot be made: {error.strerror}",
            "Choose a directory that can be made and written",
        ) from error
    return there


def _make(there: Installation, wishes: Wishes, world: World) -> None:
    for path in (
        *(there.directory, there.authority, there.client),
        *(there.broker, there.card_zone, there.catalogue),
    ):
        make_private_directory(path)
    authority = Authority(there.authority, now_ms=world.now_ms, random_bytes=world.random_bytes)
    authority.make_root()
    make_signer(there.signer, world.random_bytes)
    make_keys(there.card_zone / "keys", world.random_bytes)
    _certify(there, authority, wishes)
    if not (there.card_zone / "cardzone.json").exists():
        write_private(there.card_zone / "cardzone.json", _text(_card_zone(there, wishes)))
    if not there.config.exists():
        write_private(there.config, _text(config_of(wishes)))


def config_of(wishes: Wishes) -> dict[str, Any]:
    """Return what cloud.json is to say."""
    broker = {
        "run": "none" if wishes.broker else "auto",
        "url": wishes.broker or f"mqtts://{wishes.host}:{wishes.port}",
        "server_name": wishes.server_names[0],
    }
    return {
        "v": 1,
        "database": wishes.database,
        "broker": broker,
        "card_zone": {"run": True},
        "acceptors": {},
    }


def _certify(there: Installation, authority: Authority, wishes: Wishes) -> None:
    if not (there.client / "cloud.key.pem").exists():
        issued = authority.issue_cloud()
        write_private(there.client / "cloud.cert.pem", issued.chain)
        write_private(there.client / "cloud.key.pem", issued.key)
    if not (there.broker / "server.key.pem").exists():
        issued = authority.issue_server(wishes.server_names)
        write_private(there.broker / "server.cert.pem", issued.chain)
        write_private(there.broker / "server.key.pem", issued.key)


def _card_zone(there: Installation, wishes: Wishes) -> dict[str, Any]:
    zone = there.card_zone.resolve()
    return {
        "v": 1,
        "socket": str(zone / "zone.sock"),
        "store": str(zone / "zone.store"),
        "keys": str(zone / "keys"),
        "acquirers": [{"name": name, "host": host, "port": port} for name, host, port in wishes.acquirers],
    }


def _text(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
