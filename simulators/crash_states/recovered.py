"""The disk on which a crash state is recovered: in memory, with as little work for each call as can be.

Hundreds of thousands of recoveries run on it, so it has no power switch and its room never ends. It still knows what
is durable, to see whether a recovery lives through one more power cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.world.disk import File, MemoryDisk

if TYPE_CHECKING:
    from collections.abc import Mapping


class RecoveredDisk(MemoryDisk):
    """These files, all of them durable."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__()
        for path, data in files.items():
            self.entries[path] = self.durable[path] = File(bytearray(data), len(data))

    def step(self) -> None:
        """Nothing is cut here."""

    def list(self, directory: str) -> list[str]:
        """See Files."""
        start, cut = directory + "/", len(directory) + 1
        found = [path[cut:] for path in self.entries if path.startswith(start)]
        return sorted(name for name in found if "/" not in name)

    def sync_directory(self, directory: str) -> None:
        """See Files."""
        start, cut = directory + "/", len(directory) + 1
        durable, entries = self.durable, self.entries
        for path in [path for path in durable if path not in entries and path.startswith(start)]:
            if "/" not in path[cut:]:
                del durable[path]
        for path, file in entries.items():
            if path.startswith(start) and "/" not in path[cut:]:
                durable[path] = file

    def free_bytes(self, directory: str) -> int:
        """See Files."""
        del directory
        return self.room

    def after_cut(self) -> dict[str, bytes]:
        """What is left when the power goes now and everything unsynced is lost."""
        return {path: bytes(file.data[: file.synced]) for path, file in self.durable.items()}
