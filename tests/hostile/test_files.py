"""Rows 78 to 80: files of a box that somebody changed, swapped or filled with garbage."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from edge.catalogue_file import check_image, open_shop
from edge.config import first_settings, read_box
from edge.journal.files import OsFiles
from protocol.catalogue import build
from protocol.errors import ConfigError, DeviceError, PeerError
from protocol.item import Item
from protocol.overlay import Overlay
from tests.builders import BREAD, ITEMS, NOON_MS
from tests.edge.doctor_ward import Ward, codes
from tests.edge.journal_builders import open_journal, write

if TYPE_CHECKING:
    from pathlib import Path

    from edge.flows.state import Shop

IMAGE = build(ITEMS, "GBP")
GARBAGE = {
    "empty": b"",
    "one byte": b"{",
    "null": b"null",
    "a list": b"[]",
    "a number": b"7",
    "deep": b"[" * 50_000,
    "huge": b'{"a":"' + b"x" * 200_000 + b'"}',
    "not utf-8": b"\xff\xfe\x00",
    "zeros": bytes(4_096),
    "doubled keys": b'{"v":1,"v":1}',
    "markup": b"<html><body>404</body></html>",
    "nan": b'{"inactivity_ms":NaN}',
    "floats": b'{"inactivity_ms":60000.0}',
    "unknown": b'{"shell":"rm -rf /"}',
}


def shop_of(directory: Path, image: bytes) -> Shop:
    (directory / "active.tbc").write_bytes(image)
    return open_shop(directory, "GBP")


CUT = [b"", b"TBC1", IMAGE[:-1], IMAGE[: len(IMAGE) // 2], IMAGE + b"x", bytes(4_096), b"TBC2" + IMAGE[4:]]
CUT += [IMAGE[:4] + b"\xff" * 40 + IMAGE[44:], b"PK\x03\x04" * 99]


@pytest.mark.parametrize("image", CUT)
def test_row_78_an_image_that_is_cut_or_none_is_refused_by_name(image, tmp_path) -> None:
    with pytest.raises(ConfigError, match="catalogue-unreadable"):
        shop_of(tmp_path, image)


def test_row_78_a_missing_image_and_one_of_another_currency_are_refused_by_name(tmp_path) -> None:
    with pytest.raises(ConfigError, match="catalogue-missing"):
        open_shop(tmp_path, "GBP")
    with pytest.raises(ConfigError, match="catalogue-currency-wrong"):
        shop_of(tmp_path, build(ITEMS, "JPY"))


def test_row_78_no_changed_bit_passes_the_check_before_an_image_is_put_in_place(tmp_path, tried) -> None:
    path = tmp_path / "new.tbc"
    accepted = []

    for place in range(len(IMAGE)):
        path.write_bytes(IMAGE[:place] + bytes([IMAGE[place] ^ (1 << place % 8)]) + IMAGE[place + 1 :])
        try:
            check_image(path)
        except PeerError:
            continue
        accepted.append(place)

    assert accepted == []
    tried(len(IMAGE))


def test_row_78_a_bit_that_changes_under_a_running_box_gives_an_item_or_a_named_error_never_a_crash(
    tmp_path, tried
) -> None:
    for place in range(0, len(IMAGE), 3):
        changed = IMAGE[:place] + bytes([IMAGE[place] ^ 0xFF]) + IMAGE[place + 1 :]
        try:
            shop = shop_of(tmp_path, changed)
            for item in ITEMS:
                found = shop.prices.find(item.gtin)
                assert found is None or isinstance(found, Item)
        except (ConfigError, PeerError):
            continue
    tried(len(IMAGE) // 3)


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_row_79_an_overlay_of_garbage_is_refused_by_name(content, tmp_path) -> None:
    (tmp_path / "overlay.json").write_bytes(content)

    with pytest.raises(ConfigError, match="overlay-unreadable"):
        shop_of(tmp_path, IMAGE)


def test_row_79_an_overlay_of_another_catalogue_is_refused_by_name(tmp_path) -> None:
    (tmp_path / "overlay.json").write_bytes(Overlay({BREAD.gtin: None}, bytes(32)).encode())

    with pytest.raises(ConfigError, match="overlay"):
        shop_of(tmp_path, IMAGE)


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("name", ["box.json", "message_keys.json"])
def test_row_79_provisioning_of_garbage_stops_the_start_by_name(name, content, tmp_path) -> None:
    ward = Ward(tmp_path, NOON_MS)
    ward.provision()
    (ward.directory / name).write_bytes(content)

    with pytest.raises(ConfigError, match="box-config-"):
        read_box(ward.directory)


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_row_79_settings_of_garbage_stop_the_start_by_name(content, tmp_path) -> None:
    (tmp_path / "settings.json").write_bytes(content)

    with pytest.raises(ConfigError, match=r"settings-wrong|box-config-unreadable"):
        first_settings(tmp_path)


WORD = {"devices": "scanner|robot|printer"}


@pytest.mark.parametrize(
    "changed",
    [
        {"box_number": 0},
        {"box_number": 65_024},
        {"box_number": True},
        {"box": "../../etc"},
        {"tenant": "acme/+/#"},
        {"store": "north\n"},
        {"shard": "zz"},
        {"currency": "XXXX"},
        {"currency": ""},
        {"broker": {"host": "h", "port": "1", "server_name": "h"}},
        {"broker": {"host": "h", "port": 70_000, "server_name": "h"}},
        {"broker": {"host": 7, "port": 1, "server_name": "h"}},
        {"configuration_signer": "zz" * 32},
        {"card_zone_key": "garbage"},
        {"devices": {"scanner": "/dev/sda"}},
        {"devices": {"robot": {"port": "/dev/x"}}},
        {"devices": {"printer": {"host": "h", "port": "9100"}}},
        {"admin": True},
        {"v": 2},
    ],
)
def test_row_79_each_wrong_field_of_box_json_stops_the_start_by_name(changed, tmp_path) -> None:
    ward = Ward(tmp_path, NOON_MS)
    ward.provision()
    ward.change(**changed)

    with pytest.raises(
        ConfigError, match=rf"(?s)box-config-wrong: .*{WORD.get(next(iter(changed)), next(iter(changed)))}"
    ):
        read_box(ward.directory)


async def test_row_80_the_journal_of_another_box_is_refused_untouched_and_the_doctor_says_so(
    tmp_path,
) -> None:
    ward = Ward(tmp_path, NOON_MS)
    ward.provision()
    ward.open_journal(box="till-2").close()
    before = {path: path.read_bytes() for path in (ward.directory / "journal").iterdir()}

    with pytest.raises((ConfigError, DeviceError, PeerError)):
        ward.open_journal()
    told = await ward.look()

    assert {path: path.read_bytes() for path in (ward.directory / "journal").iterdir()} == before
    assert any(code.startswith("journal-") for code in codes(told))


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 3_000, b"TBJ1", b"garbage" * 500, secrets.token_bytes(5_000)]
)
def test_row_80_garbage_among_the_segments_costs_no_record_and_is_not_overwritten(content, tmp_path) -> None:
    journal = open_journal(OsFiles(), tmp_path / "journal")
    write(journal, 1, 2, 3)
    journal.close()
    strange = tmp_path / "journal" / "stranger.bin"
    strange.write_bytes(content)

    again = open_journal(OsFiles(), tmp_path / "journal")
    write(again, 4)

    bodies = [json.loads(stored.body) for stored in again.records()]
    assert [body["n"] for body in bodies if "n" in body] == [1, 2, 3, 4]
    assert strange.read_bytes() == content
    again.close()
