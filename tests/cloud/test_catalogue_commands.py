"""`tillbox catalogue`: a table becomes an image, each bad row is named, and an image is searched and checked."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from cloud.catalogue_rows import read_table
from protocol.errors import PeerError, TillboxError
from simulators.commandline import tillbox

HEADER = "gtin,name,price,tax_class,kind,age_min,category\n"
GOOD = (
    HEADER
    + "4006381333931,Rye bread,2.49,A,unit,,bakery\n"
    + '04011200296908,"Apples, ""sweet""",2.99,Z,weight,,fruit\n'
    + "4011,Bananas,1.10,Z,weight,0,fruit\n"
    + "3017620422003,Red wine,8.99,A,,18,drinks\n"
)


@pytest.fixture
def run():
    def run(*args):
        result = CliRunner().invoke(tillbox, ["catalogue", *map(str, args), "--json"])
        if isinstance(result.exception, TillboxError):
            return 1, result.exception.code
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, json.loads(result.stdout)

    return run


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "items.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_a_table_becomes_an_image_in_which_its_items_are_found(run, table, tmp_path):
    code, built = run("build", table(GOOD), "--currency", "GBP", "--out", tmp_path / "shop.tbc")

    found = run("find", tmp_path / "shop.tbc", "4006381333931")[1]
    wine = run("find", tmp_path / "shop.tbc", "03017620422003")[1]
    loose = run("find", tmp_path / "shop.tbc", "4011")[1]
    checked = run("check", tmp_path / "shop.tbc")

    assert (code, built["items"], built["rejected"]) == (0, 4, 0)
    assert (found["name"], found["unit_price_minor"], found["currency"]) == ("Rye bread", 249, "GBP")
    assert wine["age_min"] == 18
    assert (loose["kind"], loose["kind_of_code"]) == ("weight", "plu")
    assert checked == (0, {"items": 4, "currency": "GBP", "hash": built["hash"], "is_good": True})


def test_a_code_that_is_not_in_the_image_ends_with_code_one(run, table, tmp_path):
    run("build", table(GOOD), "--currency", "GBP", "--out", tmp_path / "shop.tbc")

    assert run("find", tmp_path / "shop.tbc", "5000112637922") == (1, {"found": False})
    assert run("find", tmp_path / "shop.tbc", "5000112637923")[1] == "check-digit-wrong"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("4006381333930,Bread,1.00,A,,,", "check-digit-wrong"),
        ("4006381333931,Bread,1.005,A,,,", "amount-spelling-wrong"),
        ("4006381333931,Bread,1.00,A", "row-length-wrong"),
        ("4006381333931,Bread,1.00,A,,200,", "item-age-wrong"),
        ("4006381333931,Bread,1.00,A,,-1,", "item-age-wrong"),
        ("4006381333931,Bread,1.00,AA,,,", "item-tax-class-wrong"),
        ("4006381333931,Bread,1.00,A,litre,,", "item-kind-wrong"),
        ("4006381333931,,1.00,A,,,", "item-name-wrong"),
        ("4006381333931,Bread,-1.00,A,,,", "item-price-out-of-range"),
        ('4006381333931,"Bread"x,1.00,A,,,', "row-malformed"),
        ("=HYPERLINK(1),Bread,1.00,A,,,", None),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_the_others_are_read(run, table, row, code):
    text = HEADER + "4006381333931,Rye bread,2.49,A,unit,,bakery\n".replace("4006381333931", "5000112637922")

    exit_code, checked = run("check", table(text + row + "\n3017620422003,Wine,8.99,A,,18,drinks\n"))

    (rejected,) = checked["rejected_rows"]
    assert (exit_code, checked["items"], rejected["line"]) == (1, 2, 3)
    assert code is None or rejected["code"] == code


def test_an_item_that_stands_twice_is_rejected_once(run, table):
    _, checked = run("check", table(HEADER + "4011,A,1.00,A,,,\n00000000004011,B,2.00,A,,,\n"))

    assert [(row["line"], row["code"]) for row in checked["rejected_rows"]] == [(3, "item-twice")]


def test_nothing_is_written_when_a_row_is_rejected_unless_asked_for(run, table, tmp_path):
    path = table(GOOD + "1,Broken,1.00,A,,,\n")
    image = tmp_path / "shop.tbc"

    strict = run("build", path, "--currency", "GBP", "--out", image)
    was_written = image.exists()
    lenient = run("build", path, "--currency", "GBP", "--out", image, "--skip-rejected")

    assert (strict[0], strict[1]["file"], was_written) == (1, "", False)
    assert (lenient[0], lenient[1]["items"], lenient[1]["rejected"]) == (0, 4, 1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "items-header-wrong"),
        ("gtin,name,price\n", "items-header-wrong"),
        ("gtin,name,price,tax_class,colour\n", "items-header-wrong"),
        ("gtin,gtin,name,price,tax_class\n", "items-header-wrong"),
        (b"gtin,name,price,tax_class\n4011,\xff,1,A\n", "items-not-utf8"),
    ],
)
def test_a_file_that_is_no_table_of_items_is_named(run, table, text, code):
    assert run("check", table(text)) == (1, code)


def test_a_table_saved_by_a_spreadsheet_with_a_byte_order_mark_is_read(run, table):
    assert run("check", table("\ufeff" + GOOD))[0] == 0


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text"])
def test_a_damaged_image_is_named(run, table, tmp_path, damage):
    image = tmp_path / "shop.tbc"
    run("build", table(GOOD), "--currency", "GBP", "--out", image)
    data = bytearray(image.read_bytes())
    data[-1] ^= 1
    image.write_bytes({"cut": data[:-3], "flipped": data, "empty": b"", "text": b"hello"}[damage])

    code, error = run("check", image)

    assert code == 1
    assert error.startswith("catalogue-")


def test_a_currency_without_decimals_counts_whole_units():
    read = read_table(["gtin,name,price,tax_class\n", "4011,Bananas,110,A\n", "4012,Pears,1.10,A\n"], "JPY")

    assert read.items["00000000004011"].unit_price_minor == 110
    assert read.rejected_count == 1


def test_only_so_many_rejected_rows_are_kept_and_all_are_counted():
    read = read_table(["gtin,name,price,tax_class\n", *(["x,y,z,A\n"] * 1500)], "GBP")

    assert (len(read.rejected), read.rejected_count) == (1000, 1500)


def test_an_unknown_currency_is_refused_once_and_by_name(run, table, tmp_path):
    checked = run("check", table(GOOD), "--currency", "XXQ")
    built = run("build", table(GOOD), "--currency", "XXXX", "--out", tmp_path / "shop.tbc")

    assert checked == built == (1, "currency-unknown")


def test_a_table_without_items_is_neither_good_nor_an_image(run, table, tmp_path):
    checked, told = run("check", table(HEADER))
    built, _ = run("build", table(HEADER), "--currency", "GBP", "--out", tmp_path / "shop.tbc")

    assert (checked, told["is_good"]) == (1, False)
    assert built == 1
    assert not (tmp_path / "shop.tbc").exists()


def test_reading_wrong_headers_names_every_fault():
    with pytest.raises(PeerError) as refusal:
        read_table(["gtin,colour\n"], "GBP")

    assert (
        refusal.value.what == "'colour' is not known; name is missing; price is missing; tax_class is missing"
    )


@pytest.mark.parametrize("name", ["none/shop.tbc", "file/shop.tbc"])
def test_an_image_that_cannot_be_written_is_a_named_error(run, table, tmp_path, name):
    (tmp_path / "file").write_text("")

    told = run("build", table(GOOD), "--currency", "GBP", "--out", tmp_path / name)

    assert told == (1, "image-not-written")
