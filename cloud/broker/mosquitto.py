"""mosquitto as the broker: configuration, access file, revocation list and command.

Measured with 2.0.11: it reads access file and revocation list again on SIGHUP; it grants a subscription that the
access file forbids, and then delivers nothing on it; for QoS 0 it counts the messages that wait for a slow reader and
not their bytes, so the bound is counted in full batches; topic aliases up to 10 cannot be turned off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.broker.access import mosquitto_acl
from cloud.broker.plan import (
    MAX_CONNECTIONS,
    MAX_KEEPALIVE_S,
    MAX_MEMORY_BYTES,
    MAX_PACKET_BYTES,
    MAX_PAYLOAD_BYTES,
)
from protocol.limits import MAX_BATCH_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloud.broker.access import Grant
    from cloud.broker.plan import Plan

CONFIGURATION, ACCESS, REVOKED = "mosquitto.conf", "mosquitto.acl", "revoked.crl.pem"
MAX_INFLIGHT = 64  # nobody of ours uses QoS 1; others get this much
AUTOSAVE_S = 60  # retained configurations are published again by the cloud anyway


def files(plan: Plan, grants: Iterable[Grant], revocations: bytes) -> dict[str, bytes]:
    """Give the files to write into the plan's directory."""
    return {
        ACCESS: mosquitto_acl(grants).encode(),
        REVOKED: revocations,
        CONFIGURATION: _configuration(plan).encode(),
    }


def command(plan: Plan) -> list[str]:
    """Give the command that runs it in the foreground."""
    return [plan.program, "-c", str(plan.directory / CONFIGURATION)]


def _configuration(plan: Plan) -> str:
    there = plan.directory
    return f"""\
per_listener_settings false
user root
allow_anonymous false
acl_file {there / ACCESS}
set_tcp_nodelay true
persistence true
persistence_location {there}/
autosave_interval {AUTOSAVE_S}
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true
max_packet_size {MAX_PACKET_BYTES}
message_size_limit {MAX_PAYLOAD_BYTES}
memory_limit {MAX_MEMORY_BYTES}
max_keepalive {MAX_KEEPALIVE_S}
max_inflight_messages {MAX_INFLIGHT}
max_queued_messages {plan.max_waiting_bytes // MAX_BATCH_BYTES}
max_queued_bytes {plan.max_waiting_bytes}
sys_interval 0
listener {plan.port} {plan.host}
max_connections {MAX_CONNECTIONS}
max_topic_alias 0
require_certificate true
use_identity_as_username true
use_username_as_clientid true
tls_version tlsv1.3
cafile {plan.root}
certfile {there / "server.cert.pem"}
keyfile {there / "server.key.pem"}
crlfile {there / REVOKED}
"""
