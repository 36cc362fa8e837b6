"""A program that syncs a file in both ways and says what came of it, for the launcher that makes syncs fail."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def syncs(path: Path) -> list[str]:
    found = []
    with path.open("wb") as file:
        file.write(b"x")
        for sync in (os.fsync, getattr(os, "fdatasync", os.fsync)):  # macOS has one only
            try:
                sync(file.fileno())
                found.append("synced")
            except OSError as error:
                found.append(str(error.errno))
    return found


if __name__ == "__main__":
    sys.stdout.write(" ".join(syncs(Path(sys.argv[1]))) + "\n")
