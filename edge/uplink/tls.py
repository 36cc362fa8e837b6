"""The TLS context of a box: version 1.3 only, both sides show a certificate, the broker's name is checked."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from protocol.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def client_context(authority: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """A context for this box; ConfigError("certificate-unusable") when a file is missing or does not fit."""
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(authority))
        context.load_cert_chain(str(certificate), str(key))
    except (OSError, ssl.SSLError) as broken:
        raise ConfigError("certificate-unusable", str(broken), "Enrol the box again.") from broken
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
