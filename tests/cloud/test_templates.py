"""What the cloud makes of tenants' files: templates, logos, and the values of a sale for a preview."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from cloud.templates.pictures import MAX_PICTURE_BYTES, SIGNATURE, logo_of, size_of
from cloud.templates.rules import MAX_SOURCE_BYTES, check_values, compile_receipt
from protocol.errors import ConfigError
from protocol.template.bounds import MAX_LOGO_HEIGHT, MAX_LOGO_WIDTH
from protocol.template.builtin import RECEIPT
from protocol.template.template import read_template
from simulators.commands.receipt_samples import samples

MODES = ["1", "L", "LA", "P", "RGB", "RGBA"]


def png(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def drawn(width: int, height: int) -> Image.Image:
    """A black bar at the left, a black disc, on white."""
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width // 8, height), fill="black")
    pen.ellipse((width // 2, height // 4, width // 2 + height // 2, height // 4 * 3), fill="black")
    return image


def dots_of(logo: dict[str, Any]) -> Image.Image:
    data = base64.b64decode(logo["dots"])
    return Image.frombytes("1", (logo["width"], logo["height"]), data)


@pytest.mark.parametrize("mode", MODES)
def test_every_kind_of_png_becomes_the_same_black_dots(mode):
    picture = drawn(128, 64)
    wanted = picture.convert("1", dither=Image.Dither.NONE).point(lambda dot: not dot)

    logo = logo_of(png(picture.convert(mode)))

    assert (logo["width"], logo["height"]) == (128, 64)
    assert dots_of(logo).tobytes() == wanted.tobytes()


def test_what_is_transparent_stays_white():
    picture = Image.new("RGBA", (16, 8), (0, 0, 0, 0))
    picture.putpixel((3, 2), (0, 0, 0, 255))

    logo = logo_of(png(picture))

    assert [dots_of(logo).getpixel((x, 2)) for x in (2, 3, 4)] == [0, 255, 0]


@pytest.mark.parametrize(("width", "height"), [(1000, 200), (200, 1000), (1000, 1000), (9, 3), (1, 1)])
def test_a_logo_is_made_smaller_until_it_fits_every_paper(width, height):
    logo = logo_of(png(drawn(width, height)))

    assert logo["width"] % 8 == 0
    assert 8 <= logo["width"] <= MAX_LOGO_WIDTH
    assert 1 <= logo["height"] <= MAX_LOGO_HEIGHT
    read_template(compile_receipt(RECEIPT.encode(), png(drawn(width, height))))


def test_grey_becomes_a_pattern_as_dark_as_it_is():
    logo = logo_of(png(Image.new("L", (256, 128), 128)))

    share = int.from_bytes(dots_of(logo).tobytes(), "big").bit_count() / (256 * 128)

    assert 0.45 < share < 0.55


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def made(width=8, height=8, depth=8, colour=0, interlace=0, pixels=None) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    body = zlib.compress(b"\x00" * ((width + 1) * height)) if pixels is None else pixels
    return SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("picture-wrong", b""),
        ("picture-wrong", b"GIF89a"),
        ("picture-wrong", SIGNATURE),
        ("picture-wrong", made()[:-20]),
        ("picture-wrong", made()[:40] + b"\xff" + made()[41:]),
        ("picture-wrong", made(depth=16)),
        ("picture-wrong", made(colour=5)),
        ("picture-wrong", made(interlace=1)),
        ("picture-wrong", made(colour=3)),
        ("picture-wrong", made(pixels=b"no zlib")),
        ("picture-wrong", made(pixels=zlib.compress(b"\x00"))),
        ("picture-wrong", made(pixels=zlib.compress(b"\x07" * 72))),
        ("picture-too-large", made(width=0)),
        ("picture-too-large", made(width=2**31 - 1, height=2**31 - 1, pixels=b"")),
        ("picture-too-large", b"x" * (MAX_PICTURE_BYTES + 1)),
    ],
)
def test_a_wrong_picture_is_refused_by_name(code, data):
    with pytest.raises(ConfigError) as refused:
        logo_of(data)

    assert refused.value.code == code


def test_pixels_beyond_the_head_are_never_inflated():
    bomb = made(pixels=zlib.compress(b"\x00" * 50_000_000))

    assert size_of(bomb) == (8, 8)
    assert logo_of(bomb)["height"] == 8


@given(st.binary(max_size=200))
def test_garbage_behind_the_signature_is_refused(data):
    with pytest.raises(ConfigError):
        logo_of(SIGNATURE + data)


def test_a_template_that_is_no_text_or_too_long_is_refused():
    with pytest.raises(ConfigError) as no_text:
        compile_receipt(b"\xff\xfe")
    with pytest.raises(ConfigError) as too_long:
        compile_receipt(b"x" * (MAX_SOURCE_BYTES + 1))

    assert no_text.value.code == "template-not-text"
    assert too_long.value.code == "template-too-long"


def test_values_of_a_sale_are_taken_when_every_name_and_kind_is_right():
    for name, values in samples().items():
        assert check_values(values)["sale"] == values["sale"], name


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([], "the file is no object"),
        ({"sale": {"totl": 1}}, "sale.totl is no value of a sale"),
        ({"sale": {"total_minor": "1"}}, "sale.total_minor is no money"),
        ({"sale": {"total_minor": True}}, "sale.total_minor is no money"),
        ({"sale": {"lines": {}}}, "sale.lines is no list"),
        ({"sale": {"lines": [{"name": 1}]}}, "sale.lines.name is no text"),
        ({"sale": {"lines": [{}] * 1001}}, "sale.lines is no list of at most 1000"),
        ({"words": {"total": "x"}}, "words is no value of a sale"),
        ({"member": "7"}, "member is no object"),
    ],
)
def test_a_wrong_value_is_named(values, told):
    with pytest.raises(ConfigError) as refused:
        check_values(values)

    assert refused.value.code == "receipt-values-wrong"
    assert told in refused.value.what
