"""`tillbox sim NAME`: each simulator alone as a process, where it listens on the first line, commands on the next."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30


async def sim(*arguments: str, stdin: bytes = b"") -> tuple[int, list[dict[str, Any]], str]:
    """Run one simulator to its end: (exit code, the JSON lines, standard error)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulators.commandline",
        "sim",
        *arguments,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.mark.parametrize(
    ("name", "command", "result"),
    [
        ("scanner", {"do": "plug"}, None),
        ("scale", {"do": "questions"}, 0),
        ("display", {"do": "lines"}, ["", ""]),
        ("reader", {"do": "present", "card": "visa"}, None),
    ],
)
async def test_a_serial_device_says_where_its_line_is_and_takes_commands(tmp_path, name, command, result):
    line = str(tmp_path / name)

    code, said, _ = await sim(name, "--path", line, "--follow", stdin=json.dumps(command).encode() + b"\n")

    assert code == 0
    assert (said[0]["sim"], said[0]["path"]) == (name, line)
    assert command["do"] in said[0]["actions"]
    assert said[1] == {"ok": True, "result": result}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "command", "result"),
    [("printer", "text", []), ("drawer", "state", "closed"), ("acquirer", "net", [])],
)
async def test_a_network_device_says_its_port_and_takes_commands(name, command, result):
    code, said, _ = await sim(name, "--port", "0", "--follow", stdin=b'{"do": "%s"}\n' % command.encode())

    assert code == 0
    assert said[0]["port"] > 0
    assert said[1] == {"ok": True, "result": result}


async def test_a_control_socket_works_a_simulator_from_outside(tmp_path):
    line, socket = tmp_path / "scanner", tmp_path / "control"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.commandline", "sim", "scanner",
        "--path", str(line), "--control", str(socket),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None

    async with asyncio.timeout(PATIENCE_S):
        first = json.loads(await process.stdout.readline())
        reader, writer = await asyncio.open_unix_connection(str(socket))
        writer.write(b'{"do": "scan", "text": "4006381333931"}\n')
        answer = json.loads(await reader.readline())
        with line.open("rb", buffering=0) as far_end:
            scanned = far_end.read(100)
        writer.close()
        process.terminate()
        code = await process.wait()

    assert first["control"] == str(socket)
    assert answer["ok"]
    assert scanned == b"4006381333931\r"
    assert code == 0


@pytest.mark.parametrize("source", ["file", "nothing"])
async def test_commands_are_taken_from_a_file_and_from_nothing(tmp_path, source):
    commands = tmp_path / "commands"
    commands.write_text('{"do": "put", "weight_g": 335}\n{"do": "questions"}\n' if source == "file" else "")
    given = commands if source == "file" else Path("/dev/null")

    with given.open("rb") as stdin:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "simulators.commandline", "sim", "scale", "--follow"),
            *("--path", str(tmp_path / "scale")),
            cwd=ROOT, stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()

    answers = [json.loads(line) for line in out.splitlines()][1:]
    assert (process.returncode, err) == (0, b"")
    assert answers == ([{"ok": True, "result": None}, {"ok": True, "result": 0}] if source == "file" else [])


@pytest.mark.parametrize("option", ["--path", "--control"])
async def test_a_file_in_the_way_is_left_alone_and_named(tmp_path, option):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    places = {"--path": str(tmp_path / "line"), "--control": str(tmp_path / "control"), option: str(taken)}

    code, said, errors = await sim("scanner", *(word for pair in places.items() for word in pair))

    assert (code, said) == (1, [])
    assert errors.startswith(f"tillbox: {'line' if option == '--path' else 'control'}-taken: {taken}")
    assert len(errors.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


async def test_a_taken_port_is_one_named_line_and_no_traceback():
    taken = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]

    code, said, errors = await sim("acquirer", "--port", str(port))

    taken.close()
    assert (code, said) == (1, [])
    assert errors.startswith("tillbox: sim-not-started: acquirer:")
    assert len(errors.splitlines()) == 1


async def test_a_missing_path_is_a_usage_error():
    code, said, errors = await sim("scale")

    assert (code, said) == (2, [])
    assert "--path" in errors


async def test_bare_it_lists_every_simulator_with_examples():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.commandline", "sim", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()

    told = out.decode()
    assert told.startswith("Examples:")
    assert [name for name in ("scanner", "scale", "printer", "drawer", "display", "reader", "acquirer")
            if f"  {name} " not in told] == []  # fmt: skip


@pytest.mark.parametrize("screen", ["http://127.0.0.1:1/", "127.0.0.1:8080", "nonsense", "http://[bad/"])
async def test_a_shopper_without_a_page_says_what_to_do(screen):
    code, said, errors = await sim("shopper", "--screen", screen, "--control", "nowhere")

    assert (code, said) == (1, [])
    assert errors.startswith(f"tillbox: page-not-there: There is no box's page at {screen} (")
    assert errors.endswith('Start the box, and give the address that it tells as "screen".\n')
    assert len(errors.splitlines()) == 1
