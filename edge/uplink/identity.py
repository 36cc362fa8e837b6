"""Who this box is on the wire: its topics and the two keys that seal what it says and open what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.seal import Sealer
from protocol.topics import DOWN, UP, box_subscription, build

if TYPE_CHECKING:
    from edge.config import BoxConfig


class Identity:
    """One box's names and message keys; `repr` hides the keys."""

    def __init__(
        self, *, shard: str, tenant: str, store: str, box: str, up_key: bytes, down_key: bytes
    ) -> None:
        self.shard, self.tenant, self.store, self.box = shard, tenant, store, box
        self._sealer = Sealer(up_key)
        self._opener = Sealer(down_key)

    def __repr__(self) -> str:
        return f"Identity({self.tenant}/{self.store}/{self.box}, keys hidden)"

    @property
    def subscription(self) -> str:
        """The one filter that this box may subscribe to."""
        return box_subscription(self.shard, self.tenant, self.store, self.box)

    def topic(self, lane: str) -> str:
        """The topic of an upward lane."""
        return build(self.shard, self.tenant, self.store, self.box, UP, lane)

    def seal(self, lane: str, payload: bytes) -> tuple[str, bytes]:
        """(topic, sealed payload) of a message to the cloud."""
        topic = self.topic(lane)
        return topic, self._sealer.seal(topic, payload)

    def open(self, lane: str, sealed: bytes) -> bytes:
        """The payload of a message from the cloud; PeerError seal-wrong when it is not from there."""
        return self._opener.open(build(self.shard, self.tenant, self.store, self.box, DOWN, lane), sealed)


def identity_of(config: BoxConfig) -> Identity:
    """The identity that a provisioning directory holds."""
    return Identity(
        shard=config.shard,
        tenant=config.tenant,
        store=config.store,
        box=config.box,
        up_key=config.up_key,
        down_key=config.down_key,
    )
