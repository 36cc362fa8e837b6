"""Nothing reads a clock, a random source or the environment but main, which hands them in."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.source import PRODUCT, Source, dotted, faults_of, imported_modules

READS_THE_WORLD = re.compile(
    r"time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|localtime|gmtime|sleep)"
    r"|datetime\.(now|utcnow|today)|date\.today"
    r"|random\.\w+|secrets\.\w+|uuid\.uuid\w+"
    r"|os\.(urandom|environ|environb|getenv|getrandom)"
)
# Where the real world is allowed in, each with its reason. Main files are the rule, not an exception.
ALLOWED = {
    "simulators/clock.py": "the real and the virtual clock live here",
    "simulators/commandline.py": "the main of the command line",
    "simulators/commands": "the subcommands are mains of their own",
    "simulators/bench": "measures real time",
    "simulators/replay": "measures real time",
    "simulators/world/seeds.py": "makes the generators of a world from its one seed",
    "simulators/world/command.py": "measures real time",
    "simulators/torture": "the main of the torture: real processes, faults from its one seed",
    "simulators/demo": "the main of the demonstration: real processes, real time",
}


def asks_main_for_the_world(source: Source) -> list[str]:
    if source.path.endswith(("/main.py", "/__main__.py")) or source.is_in(*ALLOWED):
        return []
    used = [(node, dotted(node)) for node in source.walk(ast.Attribute)]
    # The type of a generator that is handed in says where randomness goes; it draws nothing.
    return [
        source.fault(node, f"{name}: let main hand it in")
        for node, name in [*used, *imported_modules(source)]
        if READS_THE_WORLD.fullmatch(".".join(name.split(".")[-2:])) and not _is_type_of(node, name)
    ]


def _is_type_of(node: ast.AST, name: str) -> bool:
    """Whether this is `from random import Random` for annotations alone (under TYPE_CHECKING, so indented)."""
    return name == "random.Random" and isinstance(node, ast.ImportFrom) and node.col_offset > 0


def test_only_main_reads_clock_random_and_environment():
    found = faults_of(asks_main_for_the_world, *PRODUCT)

    assert not found, f"\n{found}"


def test_no_exception_is_made_for_the_product():
    assert all(path.startswith("simulators/") for path in ALLOWED)


@pytest.mark.parametrize(
    "text",
    [
        "import time\na = time.time()",
        "from time import monotonic",
        "def f(clock=time.monotonic): pass",
        "import datetime\na = datetime.datetime.now()",
        "from random import choice",
        "import os\na = os.environ['A']",
        "import uuid\na = uuid.uuid4()",
        "import os\na = os.urandom(8)",
    ],
)
def test_a_read_of_the_world_is_found(text):
    assert asks_main_for_the_world(Source("edge/agent.py", text)) != []
