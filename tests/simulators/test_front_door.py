"""The front door of the command line: words that name no command, and help that stands by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from simulators.commandline import BESIDE, COMMANDS, Beside, tillbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ("foo", "foo"),
        ("box foo", "foo"),
        ("cloud alarm", "alarm"),
        ("cloud foo --data x", "foo"),
        ("fleet lst", "lst"),
    ],
)
def test_a_word_that_names_no_command_is_named(words, word):
    ran = CliRunner().invoke(tillbox, words.split())

    assert ran.exit_code == 2
    assert f"No such command '{word}'" in ran.output


@pytest.mark.parametrize("name", BESIDE)
def test_what_is_no_word_is_for_the_command_itself(name):
    bare = CliRunner().invoke(tillbox, [name])
    told = CliRunner().invoke(tillbox, [name, "--help"])

    assert (bare.exit_code, told.exit_code) == (2, 0)
    assert "Missing option" in bare.output
    assert "Usage: tillbox " in told.output


def test_no_option_points_to_another_one_that_a_reader_of_the_help_cannot_find():
    options = [
        (command.name, option)
        for command in every_command()
        for option in command.params
        if isinstance(option, click.Option)
    ]

    lost = [(name, option.name) for name, option in options if "as above" in (option.help or "").lower()]

    assert len(options) > 50
    assert lost == []


def every_command() -> Iterator[click.Command]:
    """Every command of the command line, also those beside another."""
    context = click.Context(tillbox)
    for name in COMMANDS:
        command = tillbox.get_command(context, name)
        assert command is not None
        yield from below(command)


def below(command: click.Command) -> Iterator[click.Command]:
    if isinstance(command, Beside):
        yield command.meant([])
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from below(found)
    else:
        yield command
