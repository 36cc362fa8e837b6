"""The names of MQTT topics: `tb1/<shard>/<tenant>/<store>/<box>/<up|down>/<lane>`.

Only spelling lives here; who may publish where is the ACL of the broker, made from these filters. A name is
one to 32 of `a-z 0-9 -`, so that it means the same to MQTT, to a NATS subject, to a certificate and to a file
system. A shard is two lower-case hex digits, 00 to 3f.
"""

import binascii

from protocol.errors import PeerError
from protocol.limits import MAX_NAME_CHARS, MAX_TOPIC_CHARS, SHARDS

ROOT = "tb1"
UP = "up"
DOWN = "down"
UP_LANES = ("evt", "req", "state", "cfg", "ver", "cmd")
DOWN_LANES = ("res", "receipt", "cfg", "ver", "cmd")

_LANES = {UP: UP_LANES, DOWN: DOWN_LANES}
_NAME_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_HEX = "0123456789abcdef"


class Topic:
    """One topic, taken apart. All parts are texts; equal when all parts are."""

    __slots__ = ("box", "direction", "lane", "shard", "store", "tenant")

    def __init__(self, shard: str, tenant: str, store: str, box: str, direction: str, lane: str) -> None:
        self.shard = shard
        self.tenant = tenant
        self.store = store
        self.box = box
        self.direction = direction
        self.lane = lane

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Topic) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __str__(self) -> str:
        return build(self.shard, self.tenant, self.store, self.box, self.direction, self.lane)

    def __repr__(self) -> str:
        return "Topic(" + "/".join(self._parts()) + ")"

    def _parts(self) -> tuple[str, str, str, str, str, str]:
        return (self.shard, self.tenant, self.store, self.box, self.direction, self.lane)


def build(shard: str, tenant: str, store: str, box: str, direction: str, lane: str) -> str:
    """Spell a topic; the same checks as `parse`.

    >>> build("2a", "acme", "north", "box-1", "up", "evt")
    'tb1/2a/acme/north/box-1/up/evt'
    """
    base = _box_base(shard, tenant, store, box)
    if lane not in _LANES.get(direction, ()):
        raise PeerError(
            "topic-lane-wrong", "No such direction and lane of a topic", "Use one of the fixed lanes"
        )
    return base + "/" + direction + "/" + lane


def parse(text: str) -> Topic:
    """Take a topic apart; PeerError names the rule that it breaks. Wildcards are refused."""
    if len(text) > MAX_TOPIC_CHARS:
        raise PeerError("topic-too-long", "A topic is longer than any of ours", "Ignore the message")
    parts = text.split("/")
    if len(parts) != 7 or parts[0] != ROOT:
        raise PeerError(
            "topic-shape-wrong", "A topic has seven levels and starts with " + ROOT, "Ignore the message"
        )
    topic = Topic(parts[1], parts[2], parts[3], parts[4], parts[5], parts[6])
    str(topic)  # The checks of `build` are the checks of `parse`.
    return topic


def shard_of(tenant: str) -> str:
    """Return the shard of a tenant that has no assigned one: `crc32(tenant) % 64` as two hex digits."""
    check_name(tenant)
    return shard_text(binascii.crc32(tenant.encode()) % SHARDS)


def shard_text(number: int) -> str:
    """Return a shard number, 0 to 63, as its two hex digits."""
    if not 0 <= number < SHARDS:
        raise PeerError("topic-shard-wrong", "A shard is a number from 0 to 63", "Look up the tenant's shard")
    return _HEX[number >> 4] + _HEX[number & 15]


def shard_number(text: str) -> int:
    """Return the number of a shard given as two lower-case hex digits."""
    if len(text) != 2 or text[0] not in "0123" or text[1] not in _HEX:
        raise PeerError(
            "topic-shard-wrong", "A shard is two hex digits, 00 to 3f", "Look up the tenant's shard"
        )
    return int(text, 16)


def check_name(text: str) -> str:
    """Return the name of a tenant, store or box if it is well formed, else PeerError("topic-name-wrong")."""
    if not 1 <= len(text) <= MAX_NAME_CHARS or not all(c in _NAME_CHARS for c in text):
        raise PeerError(
            "topic-name-wrong",
            "A name is 1 to 32 lower-case letters, digits and hyphens",
            "Choose another name",
        )
    return text


def box_subscription(shard: str, tenant: str, store: str, box: str) -> str:
    """Return the one filter that a box subscribes to: everything in its own `down/`."""
    return _box_base(shard, tenant, store, box) + "/" + DOWN + "/#"


def box_publication(shard: str, tenant: str, store: str, box: str) -> str:
    """Return the one filter under which a box may publish: everything in its own `up/`."""
    return _box_base(shard, tenant, store, box) + "/" + UP + "/#"


def cloud_subscription(shard: str) -> str:
    """Return the filter by which the owner of a shard hears all of its boxes."""
    shard_number(shard)
    return ROOT + "/" + shard + "/+/+/+/" + UP + "/+"


def cloud_publication(shard: str) -> str:
    """Return the filter under which the owner of a shard may publish."""
    shard_number(shard)
    return ROOT + "/" + shard + "/+/+/+/" + DOWN + "/+"


def _box_base(shard: str, tenant: str, store: str, box: str) -> str:
    shard_number(shard)
    return "/".join((ROOT, shard, check_name(tenant), check_name(store), check_name(box)))
