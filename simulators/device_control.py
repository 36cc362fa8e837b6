"""The hand that works a simulated device from outside.

One JSON object a line, over a Unix socket or standard input.

A command is {"do": NAME, ...arguments}; the answer is {"ok": true, "result": ...} or {"ok": false, "error":
...}. Which names exist is decided by each simulator's table of actions.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import socket
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol.errors import CallerError, ConfigError, PeerError, TillboxError
from protocol.strict_json import loads
from simulators.device_arguments import checked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    Actions = Mapping[str, Callable[..., Any]]

# A command is a few words; a raw byte stream for a printer goes over its own transport.
MAX_COMMAND_BYTES = 65536


async def perform(line: bytes, actions: Actions) -> dict[str, Any]:
    """Carry out one command line; a wrong command is an answer, not an exception."""
    try:
        command = loads(line, MAX_COMMAND_BYTES)
        if not isinstance(command, dict) or not isinstance(command.get("do"), str):
            raise CallerError("command-malformed", "A command is an object with a text `do`")
        name = command.pop("do")
        if name not in actions:
            raise CallerError(
                "command-unknown", f"No action {name}", f"Choose one of {', '.join(sorted(actions))}."
            )
        return {"ok": True, "result": await _perform(name, actions[name], command)}
    except TillboxError as fault:
        return {"ok": False, "error": str(fault)}


async def serve_control(path: str, actions: Actions) -> asyncio.Server:
    """Listen for commands on a Unix socket at `path`; close the returned server to stop.

    A socket that nobody listens at any more is replaced, and nothing else. ConfigError: "control-taken".
    """
    _make_room(Path(path))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                writer.write(json.dumps(await perform(line, actions), ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # ValueError: a line longer than the limit
            pass
        finally:
            writer.close()

    try:
        return await asyncio.start_unix_server(serve, path, limit=MAX_COMMAND_BYTES)
    except OSError as error:
        raise ConfigError(
            "control-not-made", f"No socket at {path} ({error.strerror or error})", "Choose another path."
        ) from error


async def tell(path: str, command: dict[str, Any]) -> dict[str, Any]:
    """Send one command to a control socket; its answer. PeerError "device-not-there" when nobody listens."""
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=MAX_COMMAND_BYTES)
    except OSError as error:
        raise PeerError(
            "device-not-there", f"Nobody listens at {path}", "Start the simulator first"
        ) from error
    try:
        writer.write(json.dumps(command, ensure_ascii=False).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
    finally:
        writer.close()
    return answer


async def follow_standard_input(actions: Actions) -> None:
    """Carry out commands from standard input until it ends; answers go to standard output."""
    async for line in _standard_input():
        if line.strip():
            answer = await perform(line, actions)
            sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
            sys.stdout.flush()


async def _standard_input() -> AsyncIterator[bytes]:
    """Lines of a pipe or a terminal as they come; those of a file at once. PeerError("command-too-long")."""
    reader = asyncio.StreamReader(limit=MAX_COMMAND_BYTES)
    loop = asyncio.get_running_loop()
    if _is_there_at_once(loop):
        while line := sys.stdin.buffer.readline(MAX_COMMAND_BYTES):
            yield line
        return
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        async for line in reader:
            yield line
    except ValueError as error:
        raise PeerError(
            "command-too-long", f"A command is longer than {MAX_COMMAND_BYTES} bytes", "Send shorter lines."
        ) from error


def _is_there_at_once(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether standard input is a file or nothing at all, for which no system tells when more comes."""
    if stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        return True
    try:
        loop.add_reader(sys.stdin.fileno(), lambda: None)
    except PermissionError:
        return True
    loop.remove_reader(sys.stdin.fileno())
    return False


async def _perform(name: str, action: Callable[..., Any], given: dict[str, Any]) -> Any:
    """What an action gives. CallerError: "command-arguments-wrong", "command-value-wrong"."""
    arguments = checked(name, action, given)
    try:
        result = action(**arguments)
        return await result if inspect.isawaitable(result) else result
    except (ValueError, TypeError, OSError) as wrong:
        raise CallerError(
            "command-value-wrong", f"{name} cannot be done with that ({wrong})", "Correct it."
        ) from wrong


def _make_room(path: Path) -> None:
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except OSError:
        return  # nothing is there; whatever else is wrong is told when the socket is made
    if not is_socket or _is_listened_at(path):
        what = "another simulator listens there" if is_socket else "it is no socket"
        raise ConfigError("control-taken", f"{path} is taken: {what}", "Choose another path.")
    path.unlink()


def _is_listened_at(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


async def stay(actions: Actions, control: str, *, follows_input: bool) -> None:
    """Keep a simulator alive, with a control socket if named, until standard input ends or for ever."""
    server = await serve_control(control, actions) if control else None
    try:
        if follows_input:
            await follow_standard_input(actions)
        else:
            await asyncio.Event().wait()
    finally:
        if server is not None:
            server.close()
