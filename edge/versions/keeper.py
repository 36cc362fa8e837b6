"""The price versions of a running box: takes what the cloud announced, fetches, verifies, changes over between sales.

A publication is accepted as soon as it is genuine and newer, and recorded; its versions are then fetched by hash, the
ones needed first, from wherever the last try ended. A set that is whole is opened and offered to the flows when its
time has come; they take it when no sale is open, and only then the disk says so, in one step. A box that cannot fetch
sells on by what is in force. Times are the cloud's sealed time, and the box's own clock until the cloud is heard.
"""

from __future__ import annotations

import logging
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

from edge.configuration_check import shown
from edge.events import SellingBlocked, SellingUnblocked, VersionsOffered
from edge.versions import check as checks
from protocol.errors import DeviceError, PeerError, TillboxError
from protocol.publication import in_force

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from edge.flows.state import Shop
    from edge.ports import Clock
    from edge.uplink.identity import Identity
    from edge.versions.check import Genuine
    from edge.versions.shelf import VersionSet, VersionShelf, Wanted

    Fetch = Callable[[str, str, int], AsyncGenerator[bytes, None]]

LOOK_MS = 250  # how late the beginning of a set or a publication may be noticed
FIRST_DELAY_MS = 1_000  # after a fetch that failed; a broker's restart takes about as long
LONGEST_DELAY_MS = 60_000  # a file service that is away for hours costs each box one try a minute
UNUSABLE = "version-unusable"
DAMAGED = "versions-damaged"

_log = logging.getLogger(__name__)


class VersionKeeper:
    """See the module. All calls on the event loop's thread; none but `start` raises for what came from outside.

    `cloud_time_ms` is 0 until the cloud was heard; `answer` publishes on up/ver; `fetch` gives the bytes of a version
    from an offset on; `open_set` opens a set whose files are all here.
    """

    def __init__(  # noqa: PLR0913 - the parts that it stands between
        self,
        *,
        shelf: VersionShelf,
        signer: bytes,
        identity: Identity,
        clock: Clock,
        cloud_time_ms: Callable[[], int],
        post: Callable[[Any], None],
        answer: Callable[[dict[str, Any]], None],
        fetch: Fetch,
        open_set: Callable[[VersionShelf, VersionSet], Shop],
    ) -> None:
        self._shelf = shelf
        self._signer = signer
        self._target = (identity.tenant, identity.store)
        self._clock, self._cloud_time_ms = clock, cloud_time_ms
        self._post, self._answer = post, answer
        self._fetch, self._open_set = fetch, open_set
        self._waiting: Genuine | None = None
        self._selling: VersionSet | None = None
        self._offered: VersionSet | None = None
        self._ready: dict[VersionSet, Shop] = {}
        self._unusable: dict[VersionSet, str] = {}
        self._told: tuple[int, str, str] = (0, "", "")
        self._is_linked = False
        self._is_untold = self._is_damaged = False
        self._delay_ms = 0
        self._not_before_ms = 0

    @property
    def number(self) -> int:
        """The publication that the box sells by, 0 for what it was provisioned with."""
        return self._selling.number if self._selling is not None else 0

    def start(self) -> Shop | None:
        """What to sell by, before anything else runs; None where no set was ever in force or none can be read."""
        state = self._shelf.state
        for versions in (state.in_force, state.before):
            if versions is None:
                continue
            try:
                shop = self._open_set(self._shelf, versions)
            except (TillboxError, OSError, ValueError) as wrong:
                _log.error("the versions of publication %d cannot be used: %s", versions.number, wrong)
                with suppress(TillboxError, OSError):
                    self._shelf.drop_damaged(versions)
                continue
            self._selling, self._ready[versions] = versions, shop
            return shop
        return None

    def received(self, payload: bytes) -> None:
        """A publication came on down/ver, genuine or not, for the first time or again."""
        found = checks.check(payload, self._signer, *self._target)
        if isinstance(found, str):
            self._refuse(0, found)
            return
        state = self._shelf.state
        if (found.number, found.digest) == (state.number, state.digest):
            self._tell_again()
            return
        reason = checks.order_fault(found, self._shelf)
        if reason:
            self._refuse(found.number, reason)
        elif self._waiting is None or found.number >= self._waiting.number:
            self._waiting = found
            self._judge()

    def applied(self, number: int, from_ms: int) -> None:
        """The flows changed over between two sales: now the disk says so too.

        Where the disk cannot, the flows are offered what it says, and a later look tries again.
        """
        offered, self._offered = self._offered, None
        if offered is None or (offered.number, offered.from_ms) != (number, from_ms):
            return
        try:
            self._shelf.put_in_force(offered)
        except DeviceError as failed:
            _log.error("publication %d is not in force: %s", number, failed)
            self._tell(number, "delayed", failed.code)
            self._back_off()
            if self._selling is not None and self._selling in self._ready:
                self._post(VersionsOffered(self._ready[self._selling], 0, 0))
            return
        self._selling = offered
        if self._is_damaged:
            self._is_damaged = False
            self._post(SellingUnblocked(DAMAGED))
        self._tell_state()
        self._tidy()

    def link_changed(self, is_up: bool) -> None:  # noqa: FBT001 - called back with the plain fact
        """The cloud answers, or stopped answering."""
        self._is_linked = is_up
        if is_up:
            self._not_before_ms = 0
            if self._is_untold:
                self._tell_again()

    async def run(self) -> None:
        """Verify what is in force, once; then fetch, open, offer: for ever."""
        await self.verify_in_force()
        while True:
            await self.look()
            await self._clock.sleep_ms(LOOK_MS)

    async def verify_in_force(self) -> None:
        """Read the set in force once a start: where a bit turned, nothing is sold by it until it was fetched again."""
        versions = self._selling
        for wanted in versions.parts() if versions is not None else ():
            if await self._is_right(self._shelf.path(wanted), wanted):
                continue
            _log.error("the %s of publication %d is damaged: it is fetched again", wanted.part, self.number)
            self._is_damaged = True
            self._post(SellingBlocked(DAMAGED))
            with suppress(DeviceError):
                self._shelf.drop(wanted, is_arriving=False)
        if self._is_damaged and versions is not None:
            self._ready.pop(versions, None)
            self._selling = None

    async def look(self) -> None:
        """Do what can be done now; what fails is told, and tried again later."""
        try:
            await self.step()
        except TillboxError as failed:
            _log.warning("versions wait: %s", failed)
            self._tell(self._shelf.state.number, "delayed", failed.code)
            self._back_off()

    async def step(self) -> None:
        """Accept, fetch, open and offer, as far as it goes; TillboxError where it does not go on."""
        self._judge()
        wanted = self._wanted()
        if not wanted or self._clock.monotonic_ms() < self._not_before_ms:
            return
        for versions in wanted:
            if versions not in self._ready and versions not in self._unusable:
                await self._bring(versions)
        if wanted != self._wanted():
            return  # a newer publication came meanwhile
        self._delay_ms = 0
        now = wanted[0]
        if now != self._selling and now in self._ready and self._is_due(now) and self._offered != now:
            self._offered = now
            self._post(VersionsOffered(self._ready[now], now.number, now.from_ms))
            return
        self._tell_state()

    def _judge(self) -> None:
        """Accept the publication that waits, once the present is known."""
        found = self._waiting
        if found is None or not self._cloud_time_ms():
            return
        self._waiting = None
        reason = checks.order_fault(found, self._shelf)
        if not reason and self._cloud_time_ms() >= found.expires_ms:
            reason = checks.EXPIRED
        if not reason:
            try:
                self._shelf.accept(found.state())
            except DeviceError as failed:
                reason = failed.code
        if reason:
            self._refuse(found.number, reason)
            return
        self._ready = {one: shop for one, shop in self._ready.items() if one == self._selling}
        self._unusable.clear()
        self._not_before_ms = self._delay_ms = 0

    def _wanted(self) -> list[VersionSet]:
        """The set that counts now, then those to come; none where nothing has begun."""
        plan = self._shelf.state.plan
        place = in_force([{"from_ms": one.from_ms} for one in plan], self._now_ms())
        return list(plan[max(place, 0) :])

    def _is_due(self, versions: VersionSet) -> bool:
        return versions.from_ms <= self._now_ms()

    def _now_ms(self) -> int:
        return self._cloud_time_ms() or self._clock.utc_ms()

    async def _bring(self, versions: VersionSet) -> None:
        """Have all of a set here, verified, and open it."""
        for wanted in self._shelf.missing(versions):
            if wanted.digest not in self._shelf.state.sizes:
                return  # another publication was accepted meanwhile
            await self._bring_one(wanted)
        if versions not in self._shelf.state.plan:
            return
        try:
            self._ready[versions] = self._open_set(self._shelf, versions)
        except (TillboxError, OSError, ValueError) as wrong:
            reason = getattr(wrong, "code", UNUSABLE)
            _log.error("the versions of publication %d cannot be used: %s", versions.number, wrong)
            self._unusable[versions] = reason
            self._tell(versions.number, "refused", shown(f"{UNUSABLE}: {reason}"))

    async def _bring_one(self, wanted: Wanted) -> None:
        state = self._shelf.state
        size = state.sizes[wanted.digest]
        arrival = self._shelf.arrival(wanted, size)
        try:
            if arrival.here < size:
                async with aclosing(self._fetch(state.source, wanted.digest, arrival.here)) as body:
                    async for chunk in body:
                        if wanted.digest not in self._shelf.state.sizes:
                            return  # a newer publication does without it
                        if arrival.here + len(chunk) > size:
                            raise PeerError(
                                "versions-too-large", "More came than was announced", "Publish again"
                            )
                        arrival.take(chunk)
            if arrival.here < size:
                raise DeviceError("versions-unreachable", "A part is missing", "It is tried again")
            arrival.sync()
            is_right = await self._is_right(arrival.path, wanted)
        finally:
            arrival.close()
        if not is_right:
            self._shelf.drop(wanted, is_arriving=True)
            raise PeerError(
                "versions-hash-wrong", f"A {wanted.part} came with another hash", "It is tried again"
            )
        self._shelf.store(wanted)

    async def _is_right(self, path: str, wanted: Wanted) -> bool:
        steps = self._shelf.verify(path, wanted)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return bool(end.value)
            await self._clock.sleep_ms(0)

    def _tidy(self) -> None:
        self._ready = {one: shop for one, shop in self._ready.items() if one in self._shelf.state.plan}
        try:
            self._shelf.tidy()
        except OSError as failed:
            _log.warning("old versions are not removed yet: %s", failed)

    def _back_off(self) -> None:
        self._delay_ms = min(max(self._delay_ms * 2, FIRST_DELAY_MS), LONGEST_DELAY_MS)
        self._not_before_ms = self._clock.monotonic_ms() + self._delay_ms

    def _tell_state(self) -> None:
        """What became of the publication that is held: taken, or applied."""
        state, selling = self._shelf.state, self._selling
        if not state.number:
            return
        is_applied = selling is not None and selling.number == state.number
        if is_applied or all(one in self._ready for one in state.plan):
            self._tell(state.number, "applied" if is_applied else "taken", "")

    def _tell_again(self) -> None:
        self._told = (0, "", "")
        self._is_untold = False
        self._tell_state()

    def _refuse(self, number: int, reason: str) -> None:
        """Answer to what is not taken; it changes nothing about what is."""
        _log.warning("publication %d is refused: %s", number, reason)
        if self._is_linked:
            self._say(number, "refused", reason)

    def _tell(self, number: int, outcome: str, reason: str) -> None:
        """Answer about what is held, each answer once; what cannot be told now is told later."""
        if (number, outcome, reason) == self._told:
            return
        if not self._is_linked:
            self._is_untold = True
            return
        self._told = (number, outcome, reason)
        self._say(*self._told)

    def _say(self, number: int, outcome: str, reason: str) -> None:
        selling = self._selling
        self._answer(
            {
                "v": 1,
                "number": number,
                "held": self._shelf.state.number,
                "outcome": outcome,
                "reason": reason,
                "catalogue": selling.catalogue if selling is not None else "",
                "overlay": selling.overlay if selling is not None else "",
            }
        )
