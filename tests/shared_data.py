"""Where other people's data lies, for tests; absent outside the development place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


def shared(path: str) -> Path:
    """The file or folder `path` under ../shared; skips by name when it is absent, fails when CI=true."""
    found = SHARED / path
    if found.exists():
        return found
    reason = f"needs ../shared/{path}, which is not beside this checkout"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
