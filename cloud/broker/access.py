"""Who may publish and subscribe where, and how the two brokers write it down. Pure.

A box publishes in its own `up/#` and subscribes to its own `down/#`; the cloud the other way round, for all boxes.
Whoever is not named gets nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from protocol.topics import DOWN, ROOT, UP, box_publication, box_subscription

if TYPE_CHECKING:
    from collections.abc import Iterable


class Admitted(NamedTuple):
    """A box that the broker lets in."""

    client_id: str
    shard: str
    tenant: str
    store: str
    box: str


class Grant(NamedTuple):
    """The topic filters of one client, who is named by the common name of its certificate."""

    client_id: str
    publish: str
    subscribe: str


def box_grant(box: Admitted) -> Grant:
    """Grant a box its own two branches."""
    return Grant(box.client_id, box_publication(*box[1:]), box_subscription(*box[1:]))


def cloud_grant(client_id: str) -> Grant:
    """Grant the cloud every box's other end."""
    return Grant(client_id, f"{ROOT}/+/+/+/+/{DOWN}/#", f"{ROOT}/+/+/+/+/{UP}/#")


def mosquitto_acl(grants: Iterable[Grant]) -> str:
    """Write mosquitto's access file; what is not granted is denied."""
    entries = [
        f"user {grant.client_id}\ntopic write {grant.publish}\ntopic read {grant.subscribe}\n"
        for grant in grants
    ]
    return "\n".join(entries)


def nats_users(grants: Iterable[Grant]) -> str:
    """Write the users of a NATS server: matched by certificate, MQTT only, all else denied.

    A trailing `#` means the branch itself too in MQTT; NATS needs it as a second subject. Without
    `allowed_connection_types` the same name without a password would open NATS's own port.
    """
    entries = []
    for grant in grants:
        publish, subscribe = (_subjects(text) for text in (grant.publish, grant.subscribe))
        entries.append(
            f'  {{ user: "CN={grant.client_id}", allowed_connection_types: ["MQTT"], permissions: {{'
            f" publish: {{ allow: {publish} }}, subscribe: {{ allow: {subscribe} }} }} }}"
        )
    return "authorization {\n timeout: 5\n users: [\n" + "\n".join(entries) + "\n ]\n}\n"


def _subjects(topic_filter: str) -> str:
    subject = topic_filter.replace("/", ".").replace("+", "*")
    branch = subject.removesuffix(".#")
    return f'["{branch}.>"]' if branch == subject else f'["{branch}.>", "{branch}"]'
