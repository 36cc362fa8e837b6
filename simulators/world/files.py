"""The cloud's file service in the world: versions come in pieces, or the line breaks, or a broken cache gives others.

It serves while the cloud lives and the box's way is open. What a cache between gives under the name of a version is
sometimes another version of the same kind and size: the box must find out.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from protocol.errors import DeviceError, PeerError
from simulators.world.price_desk import SHELF

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from random import Random

    from simulators.world.cloud import WorldCloud
    from simulators.world.ground import Ground
    from simulators.world.wire import Wire

PIECE_BYTES = 512
PIECE_S = (0.002, 0.08)  # for one piece on its way
BREAKS = 0.02  # chance of a line to break at a piece
IS_STALE = 0.08  # chance of an answer to be another version


class WorldFiles:
    """See the module."""

    def __init__(self, ground: Ground, cloud: WorldCloud) -> None:
        self._ground, self._cloud = ground, cloud

    def fetch(self, wire: Wire, chance: Random) -> Callable[[str, str, int], AsyncGenerator[bytes, None]]:
        """How one box fetches; `chance` decides what goes wrong."""

        def fetch(source: str, digest: str, offset: int) -> AsyncGenerator[bytes, None]:
            del source
            return self._body(wire, chance, digest, offset)

        return fetch

    async def _body(
        self, wire: Wire, chance: Random, digest: str, offset: int
    ) -> AsyncGenerator[bytes, None]:
        data = self._found(digest, chance)
        for at in range(offset, len(data), PIECE_BYTES):
            await asyncio.sleep(chance.uniform(*PIECE_S))
            if wire.cut or not self._cloud.is_alive or chance.random() < BREAKS:
                raise DeviceError("versions-unreachable", "The line broke", "It is tried again")
            yield data[at : at + PIECE_BYTES]

    def _found(self, digest: str, chance: Random) -> bytes:
        shelf = self._ground.path(SHELF)
        named = sorted(shelf.glob(f"{digest}.*"))
        if not named or not self._cloud.is_alive:
            raise PeerError("versions-absent", "The cloud does not have this version", "Publish again")
        data = named[0].read_bytes()
        others = [
            path
            for path in sorted(shelf.glob("?" * len(digest) + named[0].name[len(digest) :]))
            if path != named[0] and path.stat().st_size == len(data)
        ]
        if others and chance.random() < IS_STALE:
            self._ground.trace.note("files.stale", "cloud")
            return chance.choice(others).read_bytes()
        return data
