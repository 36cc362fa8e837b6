"""Attacks on the configuration of a box (rows 6, 68 and 69 of the hostile cases): each has a name, and the last good
configuration stays.

Whoever attacks here is past the seal: a broker that lies, a stolen message key, a console with stolen documents.
"""

from __future__ import annotations

import struct

import pytest

from edge.configuration import SOAK_MS
from protocol.configuration import encode_document, pack
from protocol.errors import PeerError
from protocol.limits import MAX_CONFIGURATION_BYTES, MAX_CONFIGURATION_STEP, MAX_CONFIGURATION_VERSION
from protocol.strict_json import dumps
from tests.builders import NOON_MS
from tests.edge.configured_box import (
    FLEET,
    HOUR_MS,
    IDENTITY,
    STRANGER,
    ConfiguredBox,
    document,
    pushed,
    sign,
)
from tests.edge.disk import MemoryDisk
from tests.edge.journal_builders import open_journal, write

IN_FORCE = 50
NEXT = encode_document(document(IN_FORCE + 1))


def mixed(first: bytes, second: bytes) -> bytes:
    """The signature of one document over the content of another."""
    return pack(first[8:72], second[72:])


ATTACKS = {
    "unsigned": ("unsigned", NEXT),
    "unsigned, in our envelope": ("signature-wrong", pack(bytes(64), NEXT)),
    "wrong key": ("signature-wrong", sign(NEXT, STRANGER)),
    "changed after signing": (
        "signature-wrong",
        pushed(IN_FORCE + 1).replace(b"Shop", b"Shed"),
    ),
    "signed by us for another purpose": ("signature-wrong", pack(FLEET.sign(NEXT), NEXT)),
    "other tenant": ("wrong-target", pushed(IN_FORCE + 1, tenant="rival")),
    "other box": ("wrong-target", pushed(IN_FORCE + 1, box="till-2")),
    "expired": (
        "expired",
        pushed(IN_FORCE + 1, issued_ms=NOON_MS - 2 * HOUR_MS, expires_ms=NOON_MS - HOUR_MS),
    ),
    "rollback": ("rollback", pushed(IN_FORCE - 1)),
    "same number, other content": ("not-newer", pushed(IN_FORCE, settings={"store_name": "Evil"})),
    "fast-forward": ("fast-forward", pushed(MAX_CONFIGURATION_VERSION)),
    "fast-forward by a little": ("fast-forward", pushed(IN_FORCE + MAX_CONFIGURATION_STEP + 1)),
    "mix-and-match": ("signature-wrong", mixed(pushed(IN_FORCE + 1), pushed(IN_FORCE + 2))),
    "endless data": ("too-large", pushed(IN_FORCE + 1) + bytes(200_000)),
    "endless data, as promised": (
        "too-large",
        struct.pack(">4sI64s", b"TBD1", MAX_CONFIGURATION_BYTES + 1, bytes(64))
        + bytes(MAX_CONFIGURATION_BYTES + 1),
    ),
    "partial head": ("incomplete", pushed(IN_FORCE + 1)[:50]),
    "partial document": ("incomplete", pushed(IN_FORCE + 1)[:-1]),
    "empty": ("unsigned", b""),
    "unknown field": ("unknown-field", sign(dumps({**document(IN_FORCE + 1), "shell": "rm"}))),
    "unknown setting": ("unknown-field", pushed(IN_FORCE + 1, settings={"devices": {}})),
    "setting out of bounds": ("settings-wrong", pushed(IN_FORCE + 1, settings={"closing_time_min": 1440})),
    "doubled key": ("document-wrong", sign(NEXT.replace(b'{"box"', b'{"v":1,"box"'))),
    "not canonical": ("document-wrong", sign(NEXT + b" ")),
    "deep": ("document-wrong", sign(b"[" * 5_000)),
    "never ends": (
        "document-wrong",
        sign(dumps(document(IN_FORCE + 1, expires_ms=NOON_MS + 400 * 24 * HOUR_MS))),
    ),
    "number below one": ("document-wrong", sign(dumps(document(0)))),
}


def settled_box() -> ConfiguredBox:
    box = ConfiguredBox()
    box.receive(pushed(IN_FORCE))
    box.pass_ms(SOAK_MS)
    assert box.last_answer == (IN_FORCE, "applied", "")
    return box


def taxes_of_sale(box: ConfiguredBox) -> str:
    assert box.box.sale is not None
    return box.box.sale.taxes_hash


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_is_refused_by_name_and_the_last_good_stays(attack):
    code, payload = ATTACKS[attack]
    box = settled_box()

    box.receive(payload)
    box.pass_ms(SOAK_MS)

    version, outcome, reason = box.last_answer
    assert (outcome, reason.split(":")[0]) == ("refused", code)
    assert version == 0 or IN_FORCE - 1 <= version <= MAX_CONFIGURATION_VERSION
    assert (box.active, box.settings.store_name) == (IN_FORCE, f"Shop {IN_FORCE}")
    box.start()
    assert box.settings_at_start.store_name == f"Shop {IN_FORCE}"


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_keeps_the_next_genuine_document_out(attack):
    box = settled_box()

    box.receive(ATTACKS[attack][1])
    box.receive(pushed(IN_FORCE + 1))
    box.pass_ms(SOAK_MS)

    assert box.last_answer == (IN_FORCE + 1, "applied", "")


@pytest.mark.parametrize("attack", [name for name, (code, _) in ATTACKS.items() if code == "signature-wrong"])
def test_what_nobody_proved_is_never_written_to_the_journal(attack):
    box = settled_box()

    box.receive(ATTACKS[attack][1])

    assert [record["version"] for record in box.records] == [IN_FORCE]


def test_a_freeze_ends_with_the_validity_of_what_is_frozen():
    """Slow delivery is the same: what was held back is worth nothing after its end."""
    box = settled_box()
    held_back = pushed(IN_FORCE + 1)

    box.pass_ms(1_000)
    box.cloud_ms += HOUR_MS
    box.receive(held_back)

    assert box.last_answer == (IN_FORCE + 1, "refused", "expired")
    assert box.active == IN_FORCE


def test_a_wall_clock_that_was_turned_back_does_not_revive_a_document():
    box = settled_box()

    box.cloud_ms += HOUR_MS
    box.receive(pushed(IN_FORCE + 1))

    assert box.clock.utc_ms() < NOON_MS
    assert box.last_answer == (IN_FORCE + 1, "refused", "expired")


def test_replayed_cloud_time_never_goes_behind_what_is_in_force():
    box = settled_box()

    box.cloud_ms = NOON_MS - 3 * HOUR_MS
    stale = {"issued_ms": NOON_MS - 2 * HOUR_MS, "expires_ms": NOON_MS - HOUR_MS}
    box.receive(pushed(IN_FORCE + 1, **stale))

    assert box.last_answer == (IN_FORCE + 1, "refused", "expired")


def test_a_box_that_never_heard_the_cloud_takes_nothing():
    box = ConfiguredBox(is_linked=False)

    box.receive(pushed(1))
    box.pass_ms(HOUR_MS)

    assert box.active == 0
    assert box.answers == []


def test_a_message_for_one_box_cannot_be_opened_by_another():
    with pytest.raises(PeerError) as refused:
        IDENTITY.open("cfg", bytes(32) + pushed(1))

    assert refused.value.code == "seal-wrong"


def test_a_thousand_forgeries_cost_no_disk():
    disk = MemoryDisk()
    box = ConfiguredBox(disk)
    before = disk.operations

    for _ in range(1_000):
        box.receive(sign(NEXT, STRANGER))

    assert disk.operations == before
    assert box.records == []


def test_applying_in_the_middle_of_a_sale_waits_for_its_end():
    box = settled_box()
    box.scan()
    priced_with = taxes_of_sale(box)

    box.receive(
        pushed(
            IN_FORCE + 1,
            settings={"taxes": {"v": 1, "mode": "excluded", "rounding": "total", "rates": {"A": 1, "Z": 2}}},
        )
    )
    box.scan()
    during = (taxes_of_sale(box), box.active)
    box.finish_sale()

    assert during == (priced_with, IN_FORCE)
    assert box.active == IN_FORCE + 1
    assert box.settings.taxes.hash.hex() != priced_with


def test_the_unsent_journal_is_never_touched():
    disk = MemoryDisk()
    journal = open_journal(disk, "journal")
    write(journal, *range(1, 40))
    before = {path: bytes(file.data) for path, file in disk.entries.items()}
    box = ConfiguredBox(disk)

    for version in range(1, 4):
        box.receive(pushed(version))
        box.trouble = "screen-down" if version == 2 else ""
        box.pass_ms(2 * SOAK_MS)
        box.trouble = ""
        box.start()
    for code, payload in ATTACKS.values():
        if code not in {"rollback", "not-newer"}:  # those are not newer than 50, this box has 3
            box.receive(payload)

    assert box.active == 3
    assert {path: bytes(disk.entries[path].data) for path in before} == before
    assert {path.split("/")[0] for path in set(disk.entries) - set(before)} == {"config"}
