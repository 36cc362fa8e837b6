"""How receipts and screens look, read from the files that a person pushes beside the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud.templates.pictures import MAX_PICTURE_BYTES
from cloud.templates.rules import MAX_SOURCE_BYTES, compile_receipt, compile_screen
from protocol.errors import ConfigError, PeerError
from protocol.limits import MAX_CONFIGURATION_BYTES
from protocol.strict_json import loads

if TYPE_CHECKING:
    from pathlib import Path


def read_looks(
    template: Path | None = None,
    logo: Path | None = None,
    screen: Path | None = None,
    screen_logo: Path | None = None,
) -> dict[str, Any]:
    """The settings `receipt_template` and `screen` of these files; none for files that are not named.

    Errors: ConfigError "push-file-wrong", "logo-without-template", and those of `cloud.templates.rules`.
    """
    settings: dict[str, Any] = {}
    if logo is not None and template is None:
        raise ConfigError(
            "logo-without-template", "a logo of receipts needs a template", "Give --template too"
        )
    if template is not None:
        picture = _bytes(logo, MAX_PICTURE_BYTES) if logo is not None else None
        settings["receipt_template"] = compile_receipt(_bytes(template, MAX_SOURCE_BYTES), picture)
    if screen is not None or screen_logo is not None:
        picture = _bytes(screen_logo, MAX_PICTURE_BYTES) if screen_logo is not None else None
        settings["screen"] = compile_screen(_object(screen) if screen is not None else {}, picture)
    return settings


def _bytes(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(most + 1)
    except OSError as error:
        raise ConfigError(
            "push-file-wrong", f"{file.name} cannot be read: {error.strerror}", "Name another file"
        ) from error


def _object(file: Path) -> dict[str, Any]:
    try:
        found = loads(_bytes(file, MAX_CONFIGURATION_BYTES), MAX_CONFIGURATION_BYTES)
    except PeerError as error:
        raise ConfigError(
            "push-file-wrong", f"{file.name} cannot be read: {error}", "Correct the file"
        ) from error
    if not isinstance(found, dict):
        raise ConfigError("push-file-wrong", f"{file.name} is no JSON object", "Write one object")
    return found
