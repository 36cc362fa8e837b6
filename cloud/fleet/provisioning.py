"""The directory that makes a machine a certain box; `edge/config.py` reads it.

box.json (identity, broker, devices), box.cert.pem, box.key.pem, ca.pem, message_keys.json. Whoever has it is the box:
carry it as you would carry cash, and revoke it when it is lost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloud.files import make_private_directory, write_private
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from cloud.fleet.authority import Issued


@dataclass(frozen=True, slots=True)
class Provision:
    """Everything that a box is told once."""

    identity: dict[str, Any]  # the content of box.json
    certificate: Issued = field(repr=False)
    root: bytes  # PEM
    up_key: bytes = field(repr=False)
    down_key: bytes = field(repr=False)


def check_free(directory: Path) -> None:
    """Refuse a directory that is a box already: its journal belongs to the old enrolment's number."""
    if (directory / "box.json").exists():
        raise ConfigError(
            "box-directory-taken",
            f"{directory.name} holds a box already",
            "Choose a new directory for the box",
        )


def write_provision(directory: Path, provision: Provision) -> None:
    """Write the files, box.json last: a directory without it is no box."""
    make_private_directory(directory)
    keys = {"up": provision.up_key.hex(), "down": provision.down_key.hex()}
    write_private(directory / "ca.pem", provision.root)
    write_private(directory / "box.cert.pem", provision.certificate.chain)
    write_private(directory / "box.key.pem", provision.certificate.key)
    write_private(directory / "message_keys.json", _text(keys))
    write_private(directory / "box.json", _text(provision.identity))


def _text(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
