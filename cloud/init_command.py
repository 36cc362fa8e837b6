"""What `tillbox cloud --init` takes: everything is checked before anything is made, and nothing is passed over.

The directory itself is made by `installation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from cloud.cardzone.config import read_config as read_card_zone
from cloud.config import check_config, read_config
from cloud.installation import Installation, Wishes, config_of, make_installation
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from cloud.config import CloudConfig
    from cloud.installation import World

MAX_PORT = 65_535  # a TCP port has sixteen bits
MAX_NAME_CHARS = 253  # the longest name that the DNS has


def initialise(directory: Path, wishes: Wishes, said: Collection[str], world: World) -> Installation:
    """Make a data directory, or what is missing of one; `said` names the options that were given.

    ConfigError: "cloud-config-wrong", "server-name-wrong", "cloud-already-made" (an option says otherwise than the
    directory that is there, which is never changed), and those of `make_installation`.
    """
    for name in wishes.server_names:
        if not (
            0 < len(name) <= MAX_NAME_CHARS and name.isascii() and name.isprintable() and " " not in name
        ):
            raise ConfigError("server-name-wrong", f"{name!r} is no name of a server", "Correct --name")
    there = Installation(directory)
    try:
        told = check_config(config_of(wishes), there.config)
    except ConfigError as fault:
        raise ConfigError(fault.code, fault.what, "Correct the options") from fault
    if there.config.exists():
        other = ", ".join(f"--{name}" for name in _differing(there, wishes, told) if name in said)
        if other:
            raise ConfigError(
                "cloud-already-made",
                f"{directory} was made with another {other}, and --init changes nothing that is there",
                "Change cloud.json and cardzone/cardzone.json by hand, or choose a new directory",
            )
    return make_installation(directory, wishes, world)


def read_acquirers(texts: Collection[str]) -> tuple[tuple[str, str, int], ...]:
    """Take HOST:PORT apart; ConfigError "acquirer-wrong"."""
    found = []
    for number, text in enumerate(texts, 1):
        host, _, port = text.rpartition(":")
        if not host or not (port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= MAX_PORT):
            raise ConfigError("acquirer-wrong", f"--acquirer {text} is not HOST:PORT", "Correct it")
        found.append((f"acquirer-{number}", host, int(port)))
    return tuple(found)


def _differing(there: Installation, wishes: Wishes, told: CloudConfig) -> list[str]:
    """The options by which a directory that is there was made otherwise; what is missing of it will be made."""
    has = read_config(there.config)
    acquirers = [(host, port) for _, host, port in wishes.acquirers]
    differing = {
        "broker": (has.broker.run == "none") != bool(wishes.broker)
        or (has.broker.host, has.broker.port) != (told.broker.host, told.broker.port),
        "host": has.broker.host != told.broker.host,
        "port": has.broker.port != told.broker.port,
        "name": not set(wishes.server_names) <= _certified(there, wishes),
        "database": has.database != told.database,
        "acquirer": _linked(there, acquirers) != acquirers,
    }
    return [name for name, is_other in differing.items() if is_other]


def _certified(there: Installation, wishes: Wishes) -> set[str]:
    """The names in the certificate of our own broker."""
    path = there.broker / "server.cert.pem"
    if not path.exists():
        return set(wishes.server_names)
    certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def _linked(there: Installation, wanted: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Where the card zone links to."""
    path = there.card_zone / "cardzone.json"
    return [(link.host, link.port) for link in read_card_zone(path).acquirers] if path.exists() else wanted
