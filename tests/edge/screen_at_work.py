"""A real screen server fed by real flows: what is touched is played, what is played is shown."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from edge.badge import BadgeCheck, make_pin
from edge.screen.server import ScreenServer
from edge.screen.view import view_of
from edge.settings import StaffMember
from tests.builders import Play, idle_box

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PIN = "2468"
STAFF = StaffMember("17", "Ada", make_pin(PIN, bytes(range(8)), 1_000))
WAIT_S_MAX = 10


@dataclass
class ScreenAtWork:
    play: Play
    posted: list[Any] = field(default_factory=list)
    now_ms: int = 0
    server: ScreenServer = field(init=False)

    def __post_init__(self) -> None:
        badge = BadgeCheck(lambda: self.play.box.settings.staff, lambda: self.now_ms)
        self.server = ScreenServer(self.post, badge=badge, look=lambda: self.play.box.settings.screen)

    @property
    def address(self) -> str:
        return self.server.address

    @property
    def host(self) -> tuple[str, int]:
        name, _, port = self.address.removeprefix("http://").rstrip("/").partition(":")
        return name, int(port)

    def post(self, event: Any) -> None:
        self.posted.append(event)
        self.do(event)

    def do(self, *events: Any) -> None:
        self.play.play(*events)
        self.show()

    def show(self) -> None:
        self.server.changed(partial(view_of, self.play.box))

    def view(self) -> dict[str, Any]:
        return view_of(self.play.box)


@contextlib.asynccontextmanager
async def screen_at_work(play: Play | None = None) -> AsyncIterator[ScreenAtWork]:
    screen = ScreenAtWork(play or Play(box=idle_box(staff=(STAFF,))))
    running = asyncio.create_task(screen.server.run())
    await screen.server.started()
    screen.show()
    try:
        yield screen
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def until(condition: Any, what: str) -> None:
    """Wait, bounded, until a condition of the running loop holds."""
    for _ in range(WAIT_S_MAX * 200):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"never came: {what}")
