"""A short visit to the broker in the name of the box that is looked at: for one question and its answer."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiomqtt

from edge.uplink.identity import identity_of
from edge.uplink.tls import client_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge.config import BoxConfig


@asynccontextmanager
async def as_this_box(config: BoxConfig, timeout_s: float) -> AsyncIterator[aiomqtt.Client]:
    """A connection that hears what is sent to this box; each step of the protocol has `timeout_s`.

    Errors: aiomqtt.MqttError, OSError, ConfigError "certificate-unusable".
    """
    client = aiomqtt.Client(
        config.broker.host,
        config.broker.port,
        identifier=config.client_id,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=True,
        timeout=timeout_s,
        tls_context=client_context(*config.certificate, config.broker.server_name),
    )
    async with client:
        await client.subscribe(identity_of(config).subscription, qos=0)
        yield client
