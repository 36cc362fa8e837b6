"""The one seed of a world, and the generators that come from it: one a purpose, so that none disturbs another."""

from __future__ import annotations

from random import Random


class Seeds:
    """Named generators of one seed; the same name gives an equal generator every time."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def chance(self, name: str) -> Random:
        """A generator for one purpose."""
        return Random(f"tillbox world {self.seed} {name}")  # noqa: S311 - a world must be repeatable, not secret
