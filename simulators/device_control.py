"""The hand that works a simulated device from outside.

One JSON object a line, over a Unix socket or standard input.

A command is {"do": NAME, ...arguments}; the answer is {"ok": true, "result": ...} or {"ok": false, "error":
...}. Which names exist is decided by each simulator's table of actions.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol.errors import CallerError, PeerError, TillboxError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    Actions = Mapping[str, Callable[..., Any]]

# A command is a few words; a raw byte stream for a printer goes over its own transport.
MAX_COMMAND_BYTES = 65536


async def perform(line: bytes, actions: Actions) -> dict[str, Any]:
    """Carry out one command line; a wrong command is an answer, not an exception."""
    try:
        command = json.loads(line)
        if not isinstance(command, dict) or not isinstance(command.get("do"), str):
            raise CallerError("command-malformed", "A command is an object with a text `do`")
        name = command.pop("do")
        if name not in actions:
            raise CallerError(
                "command-unknown", f"No action {name}", f"Choose one of {', '.join(sorted(actions))}."
            )
        result = actions[name](**command)
        if inspect.isawaitable(result):
            result = await result
    except (ValueError, TypeError, TillboxError) as fault:
        return {"ok": False, "error": str(fault)}
    return {"ok": True, "result": result}


async def serve_control(path: str, actions: Actions) -> asyncio.Server:
    """Listen for commands on a Unix socket at `path`; close the returned server to stop."""
    Path(path).unlink(missing_ok=True)  # noqa: ASYNC240  (once, before anything listens)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                writer.write(json.dumps(await perform(line, actions), ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # ValueError: a line longer than the limit
            pass
        finally:
            writer.close()

    return await asyncio.start_unix_server(serve, path, limit=MAX_COMMAND_BYTES)


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
    reader = asyncio.StreamReader(limit=MAX_COMMAND_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield line


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
