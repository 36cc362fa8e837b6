"""`tillbox cloud --init`: what is wrong is refused before anything is made, and no option is passed over."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from cloud.config import read_config
from protocol.errors import TillboxError
from simulators.commandline import tillbox


@pytest.fixture
def cloud(tmp_path):
    """Run the command on one directory; its exit code, or the code of its fault with what was said."""

    def run(*arguments):
        result = CliRunner().invoke(
            tillbox, ["cloud", "--data", str(tmp_path / "cloud"), *map(str, arguments)]
        )
        if isinstance(result.exception, TillboxError):
            return result.exception.code, str(result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    return run


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--port", "99999"), 2),
        (("--port", "0"), 2),
        (("--database", "mysql://x"), "cloud-config-wrong"),
        (("--broker", "mqtt://in.the.clear:1883"), "cloud-config-wrong"),
        (("--broker", "mqtts://a:99999"), "cloud-config-wrong"),
        (("--host", ""), "server-name-wrong"),
        (("--name", ""), "server-name-wrong"),
        (("--name", "b\u00fccher.example"), "server-name-wrong"),
        (("--name", "two names"), "server-name-wrong"),
        (("--acquirer", "nowhere"), "acquirer-wrong"),
        (("--acquirer", "host:99999"), "acquirer-wrong"),
        (("--acquirer", "host:0"), "acquirer-wrong"),
    ],
)
def test_what_the_cloud_would_refuse_at_its_start_is_refused_before_anything_is_made(
    cloud, tmp_path, options, code
):
    assert cloud("--init", *options)[0] == code
    assert not (tmp_path / "cloud").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--port", 7777),
        ("--host", "0.0.0.0"),
        ("--broker", "mqtts://other.example:8883"),
        ("--database", "sqlite:///other.db"),
        ("--name", "other.example"),
        ("--acquirer", "other.example:7000"),
    ],
)
def test_an_option_that_a_directory_was_not_made_with_is_refused_by_name(cloud, tmp_path, options):
    cloud("--init", "--port", 18_883)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    code, told = cloud("--init", *options)

    assert code == "cloud-already-made"
    assert options[0] in told
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_same_options_again_and_none_at_all_are_taken_and_make_what_is_missing(cloud, tmp_path):
    options = (
        "--init",
        "--port",
        18_883,
        "--acquirer",
        "a.example:7000",
        "--name",
        "localhost",
        "--host",
        "127.0.0.1",
    )
    first = cloud(*options)
    for missing in ("cardzone/cardzone.json", "broker/server.cert.pem", "broker/server.key.pem"):
        (tmp_path / "cloud" / missing).unlink()

    again = [cloud(*options)[0], cloud("--init")[0]]

    assert (first[0], again) == (0, [0, 0])
    assert read_config(tmp_path / "cloud" / "cloud.json").broker.port == 18_883
    assert (tmp_path / "cloud" / "broker" / "server.key.pem").exists()


def test_an_option_of_init_is_not_passed_over_when_the_cloud_is_to_run(cloud):
    code, told = cloud("--port", 7777)

    assert code == 2
    assert "--port is for --init" in told
