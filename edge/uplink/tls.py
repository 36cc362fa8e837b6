"""The TLS context of a box: version 1.3 only, both sides show a certificate, the broker's name is checked."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from protocol.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


class _NamedContext(ssl.SSLContext):
    """Checks the certificate against the name that was enrolled, whatever address the broker is reached by."""

    server_name = ""

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**kwargs, "server_hostname": self.server_name})


def client_context(authority: Path, certificate: Path, key: Path, server_name: str) -> ssl.SSLContext:
    """A context for this box; ConfigError("certificate-unusable") names the file that is missing or does not fit."""
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = server_name
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    tried = authority.name
    try:
        context.load_verify_locations(cafile=str(authority))
        tried = f"{certificate.name} with {key.name}"
        context.load_cert_chain(str(certificate), str(key))
    except (OSError, ssl.SSLError) as broken:
        raise ConfigError(
            "certificate-unusable", f"{tried} cannot be used ({broken})", "Enrol the box again."
        ) from broken
    return context
