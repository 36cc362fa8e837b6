"""How receipts and screens look, from a tenant's files over a signed push to a box that sells with them."""

from __future__ import annotations

import json
import sqlite3

import pytest
from PIL import Image

from cloud.fleet.looks import read_looks
from edge import configuration_check as checks
from edge.config import read_box
from edge.configuration_check import Genuine
from edge.effects import PrintReceipt
from edge.events import AttendantActed, SettingsOffered
from edge.settings import Settings
from protocol.document import to_plain
from protocol.errors import ConfigError
from protocol.settings import settings_faults
from tests.builders import BREAD, Play, idle_box
from tests.cloud.test_main_process import make_directory, tillbox
from tests.edge.test_checkout_flow import scan, touch

TEMPLATE = """\
{% word thanks en "Come again" zh "欢迎再来" %}
{% logo %}
{% center bold wide %}{{ store.name }}
{% if copy %}COPY {{ copy }}{% end %}{% if is_refund %}REFUND{% end %}
{% for line in sale.lines %}
{{ line.name }} || {{ line.amount_minor | money }}
{% end %}
{{ en.total }} {{ zh.total }} || {{ sale.total_minor | money }}
{% center %}{{ words.thanks }}
{% ean sale.ean %}
{{ sale.order }}
"""
SCREEN = {
    "colours": {"brand": "#7a1f5c"},
    "quick_keys": [{"gtin": BREAD.gtin, "label": {"en": "Bread", "zh": "面包"}}],
}


@pytest.fixture
async def cloud(tmp_path):
    directory = tmp_path / "cloud"
    await make_directory(directory)
    box = tmp_path / "box"
    enrolled = await tillbox(
        "fleet", "enroll", "--cloud", directory, "--tenant", "acme", "--store", "north", "--box", "till-1",
        "--currency", "GBP", "--out", box,
    )  # fmt: skip
    assert enrolled[0] == 0, enrolled[2]
    return directory, box


def write(folder, template=TEMPLATE, screen=SCREEN):
    (folder / "settings.json").write_text(json.dumps({"store_name": "North"}))
    (folder / "shop.tpl").write_text(template, encoding="utf-8")
    (folder / "screen.json").write_text(json.dumps(screen), encoding="utf-8")
    Image.new("RGB", (200, 50), "black").save(folder / "logo.png")
    return [
        folder / "settings.json", "--template", folder / "shop.tpl", "--logo", folder / "logo.png",
        "--screen", folder / "screen.json", "--screen-logo", folder / "logo.png",
    ]  # fmt: skip


async def test_a_pushed_template_prints_from_the_next_sale_on(cloud, tmp_path):
    directory, box = cloud
    pushed = await tillbox(
        "fleet", "push", *write(tmp_path), "--cloud", directory, "--tenant", "acme", "--box", "till-1"
    )
    assert pushed[0] == 0, pushed[2]

    settings = received(directory, box)
    play = Play(box=idle_box()).play(scan(BREAD), SettingsOffered(settings, 1))
    during = receipt_of(play)
    after = receipt_of(play.play(scan(BREAD)))

    assert during[0].strip() == "Corner Shop", "a sale keeps the look that it began with"
    assert after[0].strip() == "[logo]"
    assert after[1].strip() == "North"
    assert any(line.startswith("TOTAL 合计") for line in after)
    assert any(line.strip() == "Come again" for line in after)
    assert settings.screen is not None
    assert "#7a1f5c" in str(settings.screen.look["colours"])
    assert settings.screen.logo.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("template", "screen", "told"),
    [
        (
            TEMPLATE.replace("sale.total_minor", "sale.totl"),
            SCREEN,
            "template-name-unknown: line 8, column 37",
        ),
        (TEMPLATE.replace("| money", ""), SCREEN, "template-kind-wrong: line 6"),
        (TEMPLATE.replace("is_refund", "copy"), SCREEN, "template-lacks"),
        (TEMPLATE, {"colours": {"brand": "#ffff00"}}, "screen-wrong: colours: on_brand on brand"),
        (TEMPLATE, {"buttons": ["pay"]}, "screen-wrong: buttons"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_signed(tmp_path, template, screen, told):
    write(tmp_path, template, screen)

    with pytest.raises(ConfigError) as refused:
        read_looks(template=tmp_path / "shop.tpl", screen=tmp_path / "screen.json")

    assert told in str(refused.value)


async def test_a_refused_look_reaches_no_box(cloud, tmp_path):
    directory, _ = cloud
    files = write(tmp_path, screen={"colours": {"brand": "#ffff00"}})

    code, _, said = await tillbox(
        "fleet", "push", *files, "--cloud", directory, "--tenant", "acme", "--box", "till-1"
    )

    assert code == 1
    assert "screen-wrong: colours: on_brand on brand has a contrast of 1.07" in said
    assert documents(directory) == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"logo": "logo.png"}, "logo-without-template"),
        ({"template": "none.tpl"}, "push-file-wrong"),
        ({"template": "logo.png"}, "template-not-text"),
        ({"screen": "shop.tpl"}, "push-file-wrong"),
        ({"screen_logo": "shop.tpl"}, "picture-wrong"),
        ({"template": "shop.tpl", "logo": "shop.tpl"}, "picture-wrong"),
    ],
)
def test_files_of_the_wrong_kind_are_named(tmp_path, options, code):
    write(tmp_path)

    with pytest.raises(ConfigError) as refused:
        read_looks(**{name: tmp_path / file for name, file in options.items()})

    assert refused.value.code == code


def test_a_screen_that_has_only_a_logo_is_taken(tmp_path):
    write(tmp_path)

    settings = read_looks(screen_logo=tmp_path / "logo.png")

    assert settings_faults(settings) == []


def documents(directory):
    with sqlite3.connect(directory / "cloud.db") as database:
        return [row[0] for row in database.execute("SELECT payload FROM configuration_document")]


def received(directory, box) -> Settings:
    config = read_box(box)
    (payload,) = documents(directory)
    found = checks.check(payload, config.configuration_signer, config.tenant, config.box)
    assert isinstance(found, Genuine)
    settings = checks.read(found)
    assert isinstance(settings, Settings), settings
    return settings


def receipt_of(play):
    play.play(touch("pay"), touch("method", choice="cash"))
    play.play(AttendantActed("cash_counted", "anna", amount_minor=1000), touch("receipt", choice="print"))
    document = play.told(PrintReceipt)[-1].document
    play.play(touch("done"))
    return to_plain(document, 48)
