"""The configuration of a running box: takes what the fleet signed, applies it between sales, goes back when it hurts.

One version at a time is under way: offered to the flows, then promoted on trial when they say that no sale is open,
then confirmed, or reverted and refused for ever. The slots on disk (`config_slots`) make each step one atomic change;
`configuration_check` says what is genuine. The journal is only ever appended to, through `record`. A newer document
that comes meanwhile waits in memory: the broker retains it.

An end of validity is judged by the cloud's sealed time and the monotonic clock, never by the box's wall clock. Until
the cloud was heard a document waits; what is in force stays in force, also beyond its own end.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from edge import configuration_check as checks
from edge.configuration_check import Genuine, Refusal
from edge.events import SellingBlocked, SellingUnblocked, SettingsOffered
from edge.settings import Settings
from protocol.errors import DeviceError
from protocol.faults import declare, fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config_slots import ConfigSlots
    from edge.ports import Clock
    from edge.uplink.identity import Identity

SOAK_MS = 15_000  # the uplink notices a dead cloud within 12 s: after this a link that looks up is up
TRIAL_MS = (
    600_000  # a broker's restart or a router's reboot passes within it; beyond it the box lost its fleet
)
SICK_MS = 10_000  # a screen that reloads or a journal that waits for its disk is back sooner
UNTOLD_MAX = 8  # answers kept while the link is down; older ones the retained document brings again
RESTARTS = "restarts"
LINK_LOST = "link-lost"
HEALTH_CHECK = "health-check"
UNREADABLE = "configuration-unreadable"

OFFERED = declare("configuration.offered", "a document is staged and offered to the flows")
APPLIED = declare("configuration.applied", "the flows use the new settings, the slots say so")
ANSWERED = declare("configuration.answered", "the fleet was told what became of a version")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Trial:
    """A version in force whose health is not known; `verdict` is why it goes, once that is decided."""

    since_ms: int
    sick_since_ms: int | None = None
    verdict: str = ""
    is_out_of_use: bool = False  # the flows are back on the settings before


class Configuration:
    """One box's configuration. All calls on the event loop's thread; none of them raises for what came from outside.

    `post` takes events for the flows; `cloud_time_ms` is 0 until the cloud was heard; `answer` publishes on up/cfg;
    `record` appends the fields of a `config_applied` record; `health` returns "" or what is wrong with the box:
    flows that do not answer, a screen that is down, a journal that cannot be written.
    """

    def __init__(  # noqa: PLR0913 - the parts that it stands between
        self,
        *,
        slots: ConfigSlots,
        signer: bytes,
        identity: Identity,
        clock: Clock,
        cloud_time_ms: Callable[[], int],
        post: Callable[[Any], None],
        answer: Callable[[dict[str, Any]], None],
        health: Callable[[], str],
        record: Callable[[dict[str, Any]], None],
        defaults: Settings | None = None,
    ) -> None:
        self._slots = slots
        self._signer = signer
        self._target = (identity.tenant, identity.box)
        self._clock = clock
        self._cloud_time_ms = cloud_time_ms
        self._post = post
        self._answer = answer
        self._health = health
        self._record = record
        self._defaults = defaults or Settings()
        self._waiting: Genuine | None = None
        self._offered: Genuine | None = None
        self._trial: _Trial | None = None
        self._link_since_ms: int | None = None
        self._untold: deque[dict[str, Any]] = deque(maxlen=UNTOLD_MAX)
        self._recorded: dict[str, Any] = {}
        self._in_force: Genuine | None = None
        self._is_unreadable = False
        self._at_first_tick: list[Callable[[], None]] = []

    @property
    def active_version(self) -> int:
        """The version in force, 0 for the settings that the software came with."""
        return self._in_force.version if self._in_force is not None else 0

    @property
    def is_on_trial(self) -> bool:
        """Whether the version in force may still be reverted."""
        return self._trial is not None

    def start(self) -> Settings:
        """The settings in force, before anything else runs; what is to be said of them is said at the first tick.

        A trial goes on where a power cut left it, unless it was started too often. A document that this software
        cannot read any more (another signer, an older version) blocks selling rather than sell by other taxes.
        """
        is_often = self._count_start()
        settings, digest = self._load()
        version = self._slots.active_version
        if self._slots.state.is_on_trial and (is_often or settings is None):
            reason = UNREADABLE if settings is None else RESTARTS
            self._slots.revert(reason)
            self._at_first_tick.append(partial(self._tell, version, "reverted", reason, digest))
            settings, digest = self._load()
        if self._slots.state.is_on_trial:
            self._trial = _Trial(self._clock.monotonic_ms())
        if settings is None:
            self._is_unreadable = True
            version = self._slots.active_version
            self._at_first_tick.append(partial(self._post, SellingBlocked(UNREADABLE)))
            self._at_first_tick.append(partial(self._tell, version, "refused", UNREADABLE, digest))
        return settings or self._defaults

    def received(self, payload: bytes) -> None:
        """A document came on down/cfg, genuine or not, for the first time or again."""
        found = checks.check(payload, self._signer, *self._target)
        if isinstance(found, Refusal):
            _log.warning("a configuration is refused: %s", found.reason)
            self._tell(found.version, "refused", found.reason, found.digest)
        elif found.version == self.active_version and checks.is_held(found, self._slots):
            if self._trial is None:
                self._tell(found.version, "applied", "", found.digest)
        elif self._offered is None or found.payload != self._offered.payload:
            self._take(found)

    def applied(self, version: int) -> None:
        """The flows took these settings into use between two sales; they offered none of their own."""
        if self._offered is not None and version == self._offered.version:
            self._promote(self._offered)
        elif self._trial is not None and self._trial.verdict and version != self.active_version:
            self._trial.is_out_of_use = True
            self._finish_revert(self._trial)

    def link_changed(self, is_up: bool) -> None:  # noqa: FBT001 - called back with the plain fact
        """The cloud answers, or stopped answering."""
        self._link_since_ms = self._clock.monotonic_ms() if is_up else None
        while is_up and self._untold:
            self._answer(self._untold.popleft())
        self._judge()

    def tick(self) -> None:
        """One look at the clock, about once a second."""
        while self._at_first_tick:
            self._at_first_tick.pop(0)()
        if self._trial is not None:
            self._watch(self._trial)
        self._judge()

    def _count_start(self) -> bool:
        """Count this start against a trial; True when there were too many."""
        try:
            return not self._slots.started()
        except DeviceError as failed:
            _log.error("the start on trial is not counted: %s", failed)
            return False

    def _load(self) -> tuple[Settings | None, str]:
        """Read the slot in force: (settings, digest of the document); None when it cannot be read."""
        version, payload = self._slots.load_active()
        self._in_force = None
        if not version:
            return self._defaults, ""
        found = checks.check(payload, self._signer, *self._target)
        if isinstance(found, Refusal):
            _log.error("the configuration in force cannot be read: %s", found.reason)
            return None, ""
        settings = checks.read(found)
        if isinstance(settings, Refusal):
            _log.error("the configuration in force cannot be read: %s", settings.reason)
            return None, found.digest
        self._in_force = found
        return settings, found.digest

    def _take(self, found: Genuine) -> None:
        """Refuse what can never come now; let the newest of the rest wait for its turn."""
        reason = checks.order_fault(found, self._slots)
        if reason:
            self._tell(found.version, "refused", reason, found.digest)
        elif self._waiting is None or found.version >= self._waiting.version:
            self._waiting = found
            self._judge()

    def _judge(self) -> None:
        """Stage and offer the waiting document, once nothing else is under way and the present is known."""
        found = self._waiting
        if found is None or self._offered is not None or self._trial is not None or not self._cloud_time_ms():
            return
        self._waiting = None
        reason = checks.order_fault(found, self._slots)
        now_ms = max(self._cloud_time_ms(), self._in_force.issued_ms if self._in_force is not None else 0)
        if not reason and now_ms >= found.expires_ms:
            reason = checks.EXPIRED
        settings = checks.read(found)
        if not reason and isinstance(settings, Refusal):
            reason = settings.reason
        if reason or isinstance(settings, Refusal):
            self._tell(found.version, "refused", reason, found.digest)
            return
        try:
            self._slots.stage(found.version, found.payload)
        except DeviceError as failed:
            self._tell(found.version, "refused", failed.code, found.digest)
            return
        self._offered = found
        self._post(SettingsOffered(settings, found.version))
        fault(OFFERED)

    def _promote(self, found: Genuine) -> None:
        self._offered = None
        try:
            self._slots.promote()
        except DeviceError as failed:
            self._tell(found.version, "refused", failed.code, found.digest)
            settings, _ = self._load()
            self._post(SettingsOffered(settings or self._defaults, self.active_version))
            return
        self._in_force = found
        self._trial = _Trial(self._clock.monotonic_ms())
        fault(APPLIED)
        if self._is_unreadable:
            self._is_unreadable = False
            self._post(SellingUnblocked(UNREADABLE))

    def _watch(self, trial: _Trial) -> None:
        """Confirm a trial that soaked in health, end one that ran out of time."""
        now_ms = self._clock.monotonic_ms()
        if trial.is_out_of_use:
            self._finish_revert(trial)
        if trial.verdict:
            return
        trouble = self._health()
        if not trouble:
            trial.sick_since_ms = None
        elif trial.sick_since_ms is None:
            trial.sick_since_ms = now_ms
        if trial.sick_since_ms is not None:
            if now_ms - trial.sick_since_ms >= SICK_MS:
                self._go_back(trial, f"{HEALTH_CHECK}: {trouble}")
        elif self._link_since_ms is not None and now_ms - max(trial.since_ms, self._link_since_ms) >= SOAK_MS:
            self._confirm()
        elif now_ms - trial.since_ms >= TRIAL_MS:
            self._go_back(trial, LINK_LOST)

    def _confirm(self) -> None:
        try:
            self._slots.confirm()
        except DeviceError as failed:
            _log.error("the configuration on trial is not confirmed yet: %s", failed)
            return
        self._trial = None
        if self._in_force is not None:
            self._tell(self._in_force.version, "applied", "", self._in_force.digest)

    def _go_back(self, trial: _Trial, reason: str) -> None:
        """Offer the settings before; the slots follow when the flows took them, so an open sale keeps its version."""
        trial.verdict = checks.shown(reason)
        _log.error("configuration %d fails its trial: %s", self.active_version, trial.verdict)
        version, settings = self._before()
        self._post(SettingsOffered(settings, version))

    def _before(self) -> tuple[int, Settings]:
        version, payload = self._slots.load_before()
        found = checks.check(payload, self._signer, *self._target) if version else None
        settings = checks.read(found) if isinstance(found, Genuine) else None
        return (version, settings) if isinstance(settings, Settings) else (0, self._defaults)

    def _finish_revert(self, trial: _Trial) -> None:
        failed = self._in_force
        try:
            self._slots.revert(trial.verdict)
        except DeviceError as broken:
            _log.error("the configuration is not reverted on disk yet: %s", broken)
            return
        self._trial = None
        self._load()
        if failed is not None:
            self._tell(failed.version, "reverted", trial.verdict, failed.digest)
        self._judge()

    def _tell(self, version: int, outcome: str, reason: str, digest: str) -> None:
        """Record and answer. What comes again is answered again, and recorded once; what is unproven never is."""
        fields = {"version": version, "hash": digest, "outcome": outcome, "reason": reason}
        if version and fields != self._recorded:
            self._recorded = fields
            self._record(fields)
        if self._link_since_ms is not None:
            self._answer({"v": 1, **fields})
        else:
            self._untold.append({"v": 1, **fields})
        fault(ANSWERED)
