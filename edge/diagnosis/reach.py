"""What a box reaches: its devices, the broker, the cloud behind it, the port of its screen.

A running box is never disturbed: its devices are not opened, and nobody else speaks under its name, for a broker
closes the older of two connections of one name. Then the checks go as far as they can and say where they stopped.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import aiomqtt

from edge.diagnosis.finding import broken, good, of_error, unknown, warning
from edge.diagnosis.visit import as_this_box
from edge.peripherals.connection import SerialSettings, TcpSettings, open_link
from edge.uplink.identity import identity_of
from edge.uplink.tls import client_context
from protocol import messages
from protocol.errors import ConfigError, DeviceError, PeerError
from protocol.topics import parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge.bindings import Bindings
    from edge.config import BoxConfig
    from edge.diagnosis.finding import Finding
    from edge.uplink.identity import Identity

CONNECT_S = 5.0  # a slow mobile line takes three
REFUSAL_S = 0.5  # a TLS 1.3 server refuses a certificate after the handshake, one way of the line later
ANSWER_S = 5.0  # broker and cloud answer within milliseconds; a busy cloud within a second or two
NOBODYS_ATTEMPT = "1"  # a number that no box makes: the cloud says that it never saw it
MOST_SKEW_MS = 60_000  # a record's time is off by as much; beyond a minute reports look wrong


async def check_devices(
    bindings: Bindings, last_told: dict[str, tuple[str, str]], *, is_running: bool
) -> AsyncIterator[Finding]:
    """Each bound device can be opened; those of a running box are told as it told them last."""
    bound = bindings.links
    if not bound:
        yield warning("devices", "no-devices", "no device is bound", "Bind them in box.json.")
    for name, link in bound.items():
        part = f"device {name}"
        if is_running:
            yield _as_told(part, *last_told.get(name, ("", "")))
            continue
        try:
            opened = await open_link(link, name)
            opened.close()
        except DeviceError as error:
            yield of_error(part, error)
        else:
            yield good(part, f"opens at {_place(link)}")


def _as_told(part: str, state: str, reason: str) -> Finding:
    if not state:
        return unknown(part, "in use by the box, which has not told its state yet")
    told = f"in use by the box, {state}" + (f" ({reason})" if reason else "")
    if state in ("absent", "failed"):
        return broken(part, f"device-{state}", told, "Check its cable, its power and its binding.")
    return good(part, told) if state == "ready" else warning(part, f"device-{state}", told, "Look at it.")


def _place(link: SerialSettings | TcpSettings) -> str:
    return f"{link.host}:{link.port}" if isinstance(link, TcpSettings) else link.path


async def check_broker(config: BoxConfig) -> Finding:
    """TCP, TLS 1.3, the broker's name, our certificate; no MQTT is spoken, so nobody is pushed out."""
    place = f"{config.broker.host}:{config.broker.port}"
    try:
        context = client_context(*config.certificate, config.broker.server_name)
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(
                config.broker.host,
                config.broker.port,
                ssl=context,
                server_hostname=config.broker.server_name,
            )
    except ConfigError as error:
        return of_error("broker", error)
    except ssl.SSLError as error:
        what = f"{place}: no TLS with it ({error.reason or error})"
        return broken(
            "broker", "broker-tls-refused", what, "Check the clock, server_name in box.json, ca.pem."
        )
    except (OSError, TimeoutError) as error:
        what = f"{place} does not answer ({getattr(error, 'strerror', None) or 'no answer in time'})"
        return broken("broker", "broker-absent", what, "Check network, firewall and the broker's address.")
    try:
        return await _judge_handshake(place, reader, writer)
    finally:
        writer.transport.abort()


async def _judge_handshake(place: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Finding:
    version = writer.get_extra_info("ssl_object").version()
    try:
        async with asyncio.timeout(REFUSAL_S):
            await reader.read(1)
    except TimeoutError:
        return good("broker", f"{place}, {version} with this box's certificate")
    except OSError:
        pass
    what = f"{place} refuses this box's certificate"
    return broken("broker", "certificate-refused", what, "Was the box revoked? See tillbox fleet list.")


async def check_cloud(config: BoxConfig, now_ms: int) -> Finding:
    """Ask the cloud, as this box, what became of an attempt that never was: the answer proves the whole path.

    Only for a box that does not run. A question changes nothing in the cloud.
    """
    identity = identity_of(config)
    try:
        async with asyncio.timeout(CONNECT_S + ANSWER_S):
            return await _ask(config, identity, now_ms)
    except TimeoutError:
        what = "the broker took a question, no answer came"
        return broken("cloud", "cloud-silent", what, "Check that the cloud runs and knows this box.")
    except (aiomqtt.MqttError, ConfigError, OSError) as error:
        what = f"the broker does not let this box in ({getattr(error, 'what', error)})"
        return broken("cloud", "broker-refuses", what, "Was the box revoked? See tillbox fleet list.")


async def _ask(config: BoxConfig, identity: Identity, now_ms: int) -> Finding:
    request: dict[str, Any] = {
        "v": 1,
        "kind": "query",
        "payment": NOBODYS_ATTEMPT,
        "attempt": NOBODYS_ATTEMPT,
    }
    request |= {"frame": "", "blobs": {}, "deadline_ms": now_ms + int(ANSWER_S * 1000)}
    async with as_this_box(config, CONNECT_S) as client:
        topic, sealed = identity.seal("req", messages.encode_request(request))
        await client.publish(topic, sealed, qos=0)
        async for message in client.messages:
            try:
                if parse(message.topic.value).lane != "res" or not isinstance(message.payload, bytes):
                    continue
                answer = messages.decode_response(identity.open("res", message.payload))
            except PeerError as error:
                return broken("cloud", error.code, error.what, "Enrol the box again: the keys do not fit.")
            return _judge_answer(answer, now_ms)
    raise TimeoutError


def _judge_answer(answer: dict[str, Any], now_ms: int) -> Finding:
    ahead_ms = now_ms - int(answer["cloud_time_ms"])
    if abs(ahead_ms) > MOST_SKEW_MS:
        what = f"it answers; its time and this clock differ by {abs(ahead_ms) // 1000} s"
        return warning("cloud", "clock-skew", what, "Let the machine's time service set the clock.")
    return good("cloud", "it answers this box's question")


async def check_screen_port(port: int, *, is_running: bool) -> Finding:
    """The screen's loopback port: served by the running box, or free for the next start."""
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        if is_running:
            what = f"nobody listens on port {port}, though the box runs"
            return warning(
                "screen", "screen-silent", what, "Name the right --screen-port, or restart the box."
            )
        return good("screen", f"port {port} is free")
    del reader
    writer.close()
    if is_running:
        return good("screen", f"answers on port {port}")
    what = f"another program has port {port}"
    return broken(
        "screen", "screen-port-taken", what, "Stop it, or start the box with another --screen-port."
    )


def is_reachable(findings: list[Finding]) -> bool:
    """Whether nothing before the cloud is broken."""
    return all(found.state != "broken" for found in findings if found.part in ("broker", "certificate"))
