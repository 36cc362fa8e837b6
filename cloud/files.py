"""Files that must be whole or absent, and private: keys, certificates, configuration."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

PRIVATE_MODE = 0o600
PRIVATE_DIRECTORY_MODE = 0o700
LOCK_LOOK_S = 0.02  # an enrolment holds the lock for about as long


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads: whole after any power cut, old or new."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync_directory(path.parent)


def make_private_directory(path: Path) -> None:
    """Make a directory that only its owner enters; an existing one is kept as it is."""
    path.mkdir(mode=PRIVATE_DIRECTORY_MODE, parents=True, exist_ok=True)


def sync_directory(path: Path) -> None:
    """Make renames and new names in a directory durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the lock of this name; others who want it, here or in another process, wait."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, PRIVATE_MODE)
    try:
        while not _is_locked(handle):  # noqa: ASYNC110 - the holder may be another process
            await asyncio.sleep(LOCK_LOOK_S)
        yield
    finally:
        os.close(handle)


@contextmanager
def held(path: Path, taken: ConfigError) -> Iterator[None]:
    """Hold the lock of this name for as long as the process serves; `taken` is raised when another process has it.

    The kernel lets go of it when the process ends, however it ends. Children do not inherit it. ConfigError
    "lock-not-writable".
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, PRIVATE_MODE)
    except OSError as error:
        raise ConfigError(
            "lock-not-writable",
            f"{path} cannot be made: {error.strerror}",
            "Make its directory, and writable",
        ) from error
    try:
        if not _is_locked(handle):
            raise taken
        yield
    finally:
        os.close(handle)


def _is_locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
