"""The source tree around an installation, where there is one: the tests are in it, and what only they bring along."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def make_tests_importable() -> None:
    """Let `import tests` find the source tree from any directory; where there is none, do nothing."""
    if (ROOT / "tests" / "conftest.py").is_file() and str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
