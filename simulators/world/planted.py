"""`tillbox world --planted`: is every bug of the catalogue found? The catalogue stands in the tests.

The bugs are patches from outside, so they ship with the source tree and not with the product.
"""

from __future__ import annotations

import json

import click

from protocol.errors import ConfigError
from simulators.source_tree import make_tests_importable


def find_planted(seeds_max: int | None, jobs: int, *, as_json: bool) -> bool:
    """Search worlds for each planted bug, print name, found and seeds of each; say whether all were found.

    ConfigError("source-tree-missing"): the catalogue is not here.
    """
    make_tests_importable()
    try:
        from tests.world.planted import catalogue  # noqa: PLC0415 - only in a source tree
        from tests.world.planted.search import SEEDS_MAX, search_all  # noqa: PLC0415
    except ImportError as missing:
        raise ConfigError(
            "source-tree-missing",
            "The planted bugs stand in the tests, and those are not here",
            "Run this in the source tree, with its development requirements",
        ) from missing
    told = []
    for found in search_all(catalogue.CATALOGUE, seeds_max or SEEDS_MAX, jobs):
        told.append(found.as_json())
        if not as_json:
            verdict = f"{found.seeds:>4}  {', '.join(found.shown_by)}" if found.found else " not found"
            click.echo(f"{found.name:<36}{verdict}")
    if as_json:
        names = [bug.name for bug in catalogue.CATALOGUE]
        click.echo(json.dumps(sorted(told, key=lambda one: names.index(one["name"]))))
    return all(one["found"] for one in told)
