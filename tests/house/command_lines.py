"""Command lines that stand in documents, and whether the programs would take them. Nothing is run."""

from __future__ import annotations

import re
import shlex

import click

from simulators.commandline import Beside, tillbox
from tests.house.source import ROOT

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELLS = ("", "sh", "console")
START = re.compile(r"(?:\$ )?((?:\.venv/bin/)?tillbox|\./run|\./check|(?:\.venv/bin/)?python -m)(?= |$)")
SPAN = re.compile(r"`((?:tillbox|\./run|\./check)(?: [^`\n]+)?)`")
# What stands for something in a command line: FILE, DIR, HOST:PORT, <id>, ...
PLACEHOLDER = re.compile(r"[A-Z][A-Z_:./-]*|<.*>|\.\.\.")
CHECK_OPTIONS = {"--fast"}
RUN_ARGUMENTS = ["demo"]


def command_lines(text: str) -> list[str]:
    """Every command line of ours in a document: those of fenced blocks, and spans in the running text."""
    blocks = "\n".join(block for language, block in FENCE.findall(text) if language in SHELLS)
    lines = [line.strip().removeprefix("$ ") for line in re.sub(r"\\\n\s*", "", blocks).splitlines()]
    spans = SPAN.findall(re.sub(FENCE, "", text))
    return [line for line in lines if START.match(line)] + [
        f"{span} ..." for span in spans if " | " not in span
    ]


def faults_of_command(line: str) -> list[str]:
    """Why a command line would be refused; none when it would be taken.

    `...` at its end: more would follow. `[--option]` may be left out, `one|other` stands for either. What comes behind
    two spaces is explanation.
    """
    line = re.sub(r"\[(-[^\]]*)\]", r"\1", line)
    either = re.search(r"(?<= )[a-z]+(\|[a-z]+)+(?= |$)", line)
    if either:
        choices = either.group().split("|")
        return [fault for one in choices for fault in faults_of_command(line.replace(either.group(), one))]
    words = shlex.split(re.split(r" {2}| [|>&] ?", line)[0], comments=True)
    program, arguments = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "python":
        return [] if _has_module(arguments[1]) else [f"{line}: there is no module {arguments[1]}"]
    if program == "./check":
        return [f"{line}: {word}" for word in arguments if word not in {*CHECK_OPTIONS, "..."}]
    if program == "./run":
        arguments = RUN_ARGUMENTS + arguments
    try:
        _take(tillbox, arguments)
    except click.UsageError as refused:
        return [f"{line}: {refused.format_message()}"]
    return []


def _has_module(name: str) -> bool:
    place = ROOT / name.replace(".", "/")
    return place.with_suffix(".py").exists() or (place / "__main__.py").exists() or "." not in name


def _take(group: click.Group, arguments: list[str]) -> None:
    """Follow the groups to a command and let it read the rest."""
    context = click.Context(group)
    if not arguments or arguments[0].startswith("-") or PLACEHOLDER.fullmatch(arguments[0]):
        return
    command = group.get_command(context, arguments[0])
    if command is None:
        raise click.UsageError(f"{arguments[0]} is no command")
    if isinstance(command, Beside):
        is_itself = command.get_command(context, (arguments[1:] or [""])[0]) is None
        _read(command.meant(arguments[1:]), arguments[1 if is_itself else 2 :])
    elif isinstance(command, click.Group):
        _take(command, arguments[1:])
    else:
        _read(command, arguments[1:])


def _read(command: click.Command, arguments: list[str]) -> None:
    is_open = arguments[-1:] == ["..."]
    context = click.Context(command, info_name=command.name)
    if {"-h", "--help"}.intersection(arguments):
        return
    given, rest, _ = command.make_parser(context).parse_args(
        args=[word for word in arguments if word != "..."]
    )
    if rest:
        raise click.UsageError(f"{rest[0]} is too much")
    for parameter in command.params:
        value = given.get(parameter.name or "")
        is_absent = value is None or not isinstance(value, (str, tuple, list, bool))
        if is_absent and parameter.required and not is_open:
            raise click.UsageError(f"{parameter.human_readable_name} is missing")
        is_bounded = isinstance(parameter.type, (click.Choice, click.IntRange))
        if is_bounded and isinstance(value, str) and not PLACEHOLDER.fullmatch(value):
            parameter.type_cast_value(context, value)
