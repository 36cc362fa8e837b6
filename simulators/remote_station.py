"""The devices of a box somewhere else on this machine, worked over their control socket as `Station` works its own.

It has just what a shopper touches: scanner, scale and reader. A command that the devices refuse is a PeerError.
"""

from __future__ import annotations

import asyncio
from typing import Any

from protocol.errors import PeerError
from simulators.device_control import tell


class RemoteStation:
    """The hands of a shopper at a control socket, such as the demonstration's `control.sock`."""

    def __init__(self, control: str) -> None:
        self._control = control
        self._weighing: asyncio.Task[None] | None = None
        self.scanner = _Scanner(self)
        self.scale = _Scale(self)
        self.reader = _Reader(self)

    async def tell(self, action: str, **values: Any) -> None:
        """One command, after the weight before it has arrived. PeerError "device-refused"."""
        if self._weighing is not None and self._weighing is not asyncio.current_task():
            await self._weighing
        answer = await tell(self._control, {"do": action, **values})
        if not answer.get("ok"):
            raise PeerError(
                "device-refused", str(answer.get("error", "no reason given")), "Look at the simulator."
            )

    def weigh(self, weight_g: int) -> None:
        """Put something on the pan; the next command waits for it."""
        self._weighing = asyncio.get_running_loop().create_task(self.tell("scale.put", weight_g=weight_g))

    async def rest(self) -> None:
        """Return when the last weight is on the pan."""
        if self._weighing is not None:
            await self._weighing


class _Scanner:
    def __init__(self, station: RemoteStation) -> None:
        self._station = station

    async def scan(self, text: str) -> None:
        """Show one code."""
        await self._station.tell("scanner.scan", text=text)


class _Scale:
    def __init__(self, station: RemoteStation) -> None:
        self._station = station

    def put(self, weight_g: int) -> None:
        """Put this weight on the pan; 0 takes it off."""
        self._station.weigh(weight_g)


class _Reader:
    def __init__(self, station: RemoteStation) -> None:
        self._station = station

    async def present(self, card: str) -> None:
        """Put a test card in or on the reader."""
        await self._station.tell("reader.present", card=card)

    async def remove(self) -> None:
        """Take the card away."""
        await self._station.tell("reader.remove")
