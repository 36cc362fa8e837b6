"""Whatever is pushed, lost, cut and started again: a box runs a version that was valid, and never an older one.

Stated in full: after every step and every power cut the version in force is 0 or one that the fleet signed for this
box with valid settings; its settings are exactly those; it is not below the highest version that was ever confirmed;
and a version that was reverted is never in force again.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge.configuration import SICK_MS, SOAK_MS, TRIAL_MS
from tests.builders import NOON_MS
from tests.edge.configured_box import HOUR_MS, STRANGER, ConfiguredBox, document, pushed, sign
from tests.edge.disk import MemoryDisk, PowerCut


class PushesAndCrashes(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.box = ConfiguredBox(MemoryDisk())
        self.newest = 0
        self.valid = {0}
        self.confirmed = 0
        self.reverted: set[int] = set()

    @rule(step=st.integers(1, 3))
    def push_the_next(self, step: int) -> None:
        self.newest += step
        self.valid.add(self.newest)
        self._do(lambda: self.box.receive(self._payload(self.newest)))

    @precondition(lambda self: self.newest > 0)
    @rule(data=st.data())
    def replay(self, data: Any) -> None:
        version = data.draw(st.sampled_from(sorted(self.valid - {0}) or [1]))
        self._do(lambda: self.box.receive(self._payload(version)))

    @rule(kind=st.sampled_from(["stranger", "expired", "unreadable", "torn"]))
    def attack(self, kind: str) -> None:
        version = self.newest + 1
        payload = {
            "stranger": sign(b"{}", STRANGER),
            "expired": pushed(version, issued_ms=NOON_MS - HOUR_MS, expires_ms=NOON_MS - 1),
            "unreadable": pushed(version, settings={"thanks_ms": -1}),
            "torn": self._payload(version)[:-3],
        }[kind]
        self._do(lambda: self.box.receive(payload))

    @rule(is_up=st.booleans())
    def change_link(self, is_up: bool) -> None:  # noqa: FBT001 - hypothesis calls it by name
        if is_up != self.box.is_linked:
            self._do(lambda: self.box.link(is_up=is_up))

    @rule(trouble=st.sampled_from(["", "screen-down"]))
    def change_health(self, trouble: str) -> None:
        self.box.trouble = trouble

    @rule(ms=st.sampled_from([1_000, SICK_MS + 1_000, SOAK_MS, TRIAL_MS]))
    def pass_time(self, ms: int) -> None:
        self._do(lambda: self.box.pass_ms(ms))

    @rule()
    def shop(self) -> None:
        self._do(self.box.scan if self.box.box.sale is None else self.box.finish_sale)

    @rule()
    def restart(self) -> None:
        self._do(self.box.start)

    @rule(after=st.integers(0, 12), seed=st.integers(0, 1000))
    def cut_power_soon(self, after: int, seed: int) -> None:
        """The lights go out at one of the next operations of the disk, or right now when there are none."""
        self.newest += 1
        self.valid.add(self.newest)
        disk = self.box.files
        assert isinstance(disk, MemoryDisk)
        disk.cut_at = disk.operations + after
        try:
            self.box.receive(self._payload(self.newest))
            self.box.pass_ms(SOAK_MS)
        except PowerCut:
            pass
        self._note()
        self.box.files = disk.after_power_cut(seed)
        self._do(self.box.start)

    @invariant()
    def what_is_in_force_was_valid_and_never_goes_back(self) -> None:
        active = self.box.slots.active_version
        assert active in self.valid
        assert active >= self.confirmed
        assert active not in self.reverted
        assert self.box.slots.load_active()[1] == (self._payload(active) if active else b"")

    def teardown(self) -> None:
        self.box.start()
        active = self.box.slots.active_version
        name = f"Shop {active}" if active else "Corner Shop"
        assert self.box.settings_at_start.store_name == name

    @staticmethod
    def _payload(version: int) -> bytes:
        fields = document(version)
        return pushed(version, expires_ms=fields["issued_ms"] + 300 * 24 * HOUR_MS)

    def _do(self, step: Any) -> None:
        step()
        self._note()

    def _note(self) -> None:
        """Learn from the answers, as the fleet does."""
        for answer in self.box.answers:
            if answer["outcome"] == "applied":
                self.confirmed = max(self.confirmed, answer["version"])
            if answer["outcome"] == "reverted":
                self.reverted.add(answer["version"])
        self.box.answers.clear()


TestPushesAndCrashes = PushesAndCrashes.TestCase
TestPushesAndCrashes.settings = hypothesis_settings(max_examples=60, stateful_step_count=25, deadline=None)
