"""The NATS server as an MQTT broker: configuration and command.

Measured with 2.15.1: it speaks MQTT 3.1.1 only, keeps no revocation list (a revoked box is no user any more, and is
cut off by the reload) and accepts keepalive 0 and any client id. MQTT needs JetStream, for retained messages.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cloud.broker.access import nats_users
from cloud.broker.plan import HANDSHAKE_TIMEOUT_S, MAX_CONNECTIONS, MAX_PAYLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloud.broker.access import Grant
    from cloud.broker.plan import Plan

CONFIGURATION = "nats.conf"
MAX_SUBSCRIPTIONS = 256  # of one connection: the cloud has 64, each may count twice; a box has one
MAX_STORE_BYTES = 1_073_741_824  # retained configurations and presence of 20,000 boxes are a tenth of it


def files(plan: Plan, grants: Iterable[Grant]) -> dict[str, bytes]:
    """Give the files to write into the plan's directory."""
    return {CONFIGURATION: (_configuration(plan) + nats_users(grants)).encode()}


def command(plan: Plan) -> list[str]:
    """Give the command that runs it in the foreground."""
    return [plan.program, "-c", str(plan.directory / CONFIGURATION)]


def _configuration(plan: Plan) -> str:
    """NATS's own port cannot be closed: it is on loopback, wants a certificate, and no user may use it."""
    text = json.dumps  # paths are quoted as JSON is
    tls = (
        f"{{ cert_file: {text(str(plan.directory / 'server.cert.pem'))},"
        f" key_file: {text(str(plan.directory / 'server.key.pem'))},"
        f" ca_file: {text(str(plan.root))}, verify_and_map: true,"
        f' min_version: "1.3", timeout: {HANDSHAKE_TIMEOUT_S} }}'
    )
    return f"""\
server_name: "tillbox"
listen: "127.0.0.1:-1"
tls: {tls}
max_payload: {MAX_PAYLOAD_BYTES}
max_connections: {MAX_CONNECTIONS}
max_subscriptions: {MAX_SUBSCRIPTIONS}
max_pending: {plan.max_waiting_bytes}
write_deadline: "5s"
jetstream {{
  store_dir: {text(str(plan.directory / "jetstream"))}
  max_memory_store: {MAX_STORE_BYTES}
  max_file_store: {MAX_STORE_BYTES}
}}
mqtt {{
  host: {text(plan.host)}
  port: {plan.port}
  tls: {tls}
}}
"""
