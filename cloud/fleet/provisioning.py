"""The directory that makes a machine a certain box; `edge/config.py` reads it.

box.json (identity, broker, devices), box.cert.pem, box.key.pem, ca.pem, message_keys.json. Whoever has it is the box:
carry it as you would carry cash, and revoke it when it is lost. box.json comes last: a directory without it is no box.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloud.files import make_private_directory, sync_directory, write_private
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cloud.fleet.authority import Issued


_IDENTITY = "box.json"
_UNFINISHED = "box.json.unfinished"
_FILES = ("ca.pem", "box.cert.pem", "box.key.pem", "message_keys.json", _UNFINISHED)


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
    if (directory / _IDENTITY).exists():
        raise ConfigError(
            "box-directory-taken",
            f"{directory.name} holds a box already",
            "Choose a new directory for the box",
        )


def write_provision(directory: Path, provision: Provision, identity: str = _IDENTITY) -> None:
    """Write the files, the one called `identity` last."""
    make_private_directory(directory)
    keys = {"up": provision.up_key.hex(), "down": provision.down_key.hex()}
    write_private(directory / "ca.pem", provision.root)
    write_private(directory / "box.cert.pem", provision.certificate.chain)
    write_private(directory / "box.key.pem", provision.certificate.key)
    write_private(directory / "message_keys.json", _text(keys))
    write_private(directory / identity, _text(provision.identity))


class Place:
    """A directory that becomes a box: made and tried, filled, then finished by one rename, which needs no room."""

    def __init__(self, directory: Path) -> None:
        """Make the directory. ConfigError: "box-directory-taken", "box-directory-not-writable"."""
        self._directory = directory
        with self._writing():
            check_free(directory)
            self._is_ours = not directory.exists()
            make_private_directory(directory)
            write_private(directory / _UNFINISHED, b"")

    def fill(self, provision: Provision) -> None:
        """Write everything, box.json under another name; ConfigError "box-directory-not-writable"."""
        with self._writing():
            write_provision(self._directory, provision, _UNFINISHED)

    def finish(self) -> None:
        """Make it a box; ConfigError "box-directory-not-writable"."""
        with self._writing():
            (self._directory / _UNFINISHED).rename(self._directory / _IDENTITY)
            sync_directory(self._directory)

    def clear(self) -> None:
        """Take away what was written, as far as that goes: the keys of a box that never was are nobody's."""
        with suppress(OSError):
            for name in _FILES:
                (self._directory / name).unlink(missing_ok=True)
            if self._is_ours:
                self._directory.rmdir()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigError(
                "box-directory-not-writable",
                f"The box's files cannot be written to {self._directory}: {error.strerror}",
                "Choose a directory that can be made and written",
            ) from error


def _text(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
