"""Two slots on disk for configuration documents: the one in force and the one before it or after it.

A new version is staged into the free slot, promoted on trial between sales, then confirmed, or reverted and from
then on refused. One small file, replaced as a whole, says which slot is which: every step is one atomic change, so a
power cut leaves the step done or not begun. Whether a document is genuine and healthy is decided elsewhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from edge.journal.files import join, read_if_there, replace_file
from protocol.errors import CallerError, DeviceError, PeerError
from protocol.faults import declare, fault
from protocol.strict_json import dumps, loads

if TYPE_CHECKING:
    from edge.journal.files import Files

STATE_NAME = "slots.json"
SLOTS = ("a", "b")
REFUSED_MAX = (
    16  # versions only rise, and a retained message repeats only the last: older refusals cannot return
)
TRIAL_STARTS_MAX = (
    3  # starts of the box on trial without a confirmation: two could be power cuts, three is the version
)
DOCUMENT_BYTES_MAX = 256 * 1024  # the largest configuration; the wire allows less

DOCUMENT_STAGED = declare(
    "config.document_staged", "a new document is in the free slot, nothing points to it"
)
STAGED = declare("config.staged", "the staged version is recorded, the old one is in force")
PROMOTED = declare("config.promoted", "the staged version is in force on trial, its health is not known")
CONFIRMED = declare("config.confirmed", "the version on trial is confirmed")
REVERTED = declare("config.reverted", "the version before is in force again, the failed one is refused")


@dataclass(frozen=True, slots=True)
class Slot:
    """What a slot holds: version 0 is nothing."""

    version: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class SlotsState:
    """Everything that must survive: which slot is in force, what both hold, whether the one in force is on trial."""

    active: str = "a"
    slots: dict[str, Slot] = field(default_factory=lambda: {name: Slot() for name in SLOTS})
    is_on_trial: bool = False
    trial_starts: int = 0
    highest_version: int = 0
    refused: dict[int, str] = field(default_factory=dict)


class ConfigSlots:
    """The two slots in a directory. Every change is durable when the call returns; DeviceError when it cannot be."""

    def __init__(self, files: Files, directory: str) -> None:
        self._files = files
        self._directory = directory
        files.make_directory(directory)
        self._state = _decode_state(read_if_there(files, join(directory, STATE_NAME)))

    @property
    def state(self) -> SlotsState:
        """The present state, for status and the doctor."""
        return self._state

    @property
    def active_version(self) -> int:
        """The version in force; 0 when none ever was."""
        return self._state.slots[self._state.active].version

    @property
    def staged_version(self) -> int:
        """The version that waits for its promotion; 0 when none does."""
        waiting = self._state.slots[_other(self._state.active)].version
        return waiting if waiting > self.active_version and waiting not in self._state.refused else 0

    def load_active(self) -> tuple[int, bytes]:
        """(version, document) in force; (0, b"") when none is.

        A slot whose bytes do not match their digest is not used: its version is refused as "slot-damaged" and the
        other slot is put in force when it is whole; the fleet will send the newest again.
        """
        name = self._state.active
        damaged = self._state.slots[name].version
        document = self._read(name)
        if document is not None or not damaged:
            return damaged, document or b""
        other = _other(name)
        document = self._read(other)
        slots = {**self._state.slots, name: Slot()}
        if document is None or self.staged_version or self._state.slots[other].version in self._state.refused:
            self._save(replace(self._state, slots=slots, is_on_trial=False, trial_starts=0))
            return 0, b""
        refused = _with_refusal(self._state.refused, damaged, "slot-damaged")
        self._save(
            replace(
                self._state, active=other, slots=slots, is_on_trial=False, trial_starts=0, refused=refused
            )
        )
        return self._state.slots[other].version, document

    def load_before(self) -> tuple[int, bytes]:
        """(version, document) that `revert` would put in force; (0, b"") when there is none or it is damaged."""
        name = _other(self._state.active)
        document = self._read(name)
        return (self._state.slots[name].version, document) if document is not None else (0, b"")

    def refusal(self, version: int) -> str:
        """Why this version is not taken: "" (it may be), a remembered reason, or "rollback" when it is not newer."""
        if version in self._state.refused:
            return self._state.refused[version]
        return "" if version > self._state.highest_version else "rollback"

    def stage(self, version: int, document: bytes) -> None:
        """Put a newer document into the free slot. The one in force stays in force; staging again replaces.

        CallerError: "config-too-large", "config-refused" (ask `refusal` first), "config-on-trial" (the slot before is
        still needed to go back to).
        """
        if len(document) > DOCUMENT_BYTES_MAX:
            raise CallerError(
                "config-too-large", f"{len(document)} bytes of configuration", "Refuse it earlier"
            )
        if self._state.is_on_trial:
            raise CallerError(
                "config-on-trial", f"Version {self.active_version} is on trial", "Confirm or revert it"
            )
        if self.refusal(version) and version != self.staged_version:
            raise CallerError(
                "config-refused", f"Version {version}: {self.refusal(version)}", "Ask refusal() first"
            )
        name = _other(self._state.active)
        self._write(join(self._directory, name), document)
        fault(DOCUMENT_STAGED)
        slots = {**self._state.slots, name: Slot(version, hashlib.sha256(document).hexdigest())}
        highest = max(version, self._state.highest_version)
        self._save(replace(self._state, slots=slots, highest_version=highest))
        fault(STAGED)

    def promote(self) -> bytes:
        """Put the staged version in force, on trial, and return its document. CallerError("config-not-staged")."""
        name = _other(self._state.active)
        document = self._read(name) if self.staged_version else None
        if document is None:
            raise CallerError("config-not-staged", "No whole document is staged", "Stage one first")
        self._save(replace(self._state, active=name, is_on_trial=True, trial_starts=0))
        fault(PROMOTED)
        return document

    def started(self) -> bool:
        """The box starts: count it when a version is on trial. False: it started too often, revert it now."""
        if not self._state.is_on_trial:
            return True
        self._save(replace(self._state, trial_starts=self._state.trial_starts + 1))
        return self._state.trial_starts <= TRIAL_STARTS_MAX

    def confirm(self) -> None:
        """The version in force is healthy; safe to repeat."""
        if self._state.is_on_trial:
            self._save(replace(self._state, is_on_trial=False, trial_starts=0))
            fault(CONFIRMED)

    def revert(self, reason: str) -> tuple[int, bytes]:
        """Refuse the version on trial for ever and return (version, document) of the one before, now in force.

        (0, b"") when there was none before. CallerError("config-not-on-trial") when nothing is on trial.
        """
        if not self._state.is_on_trial:
            raise CallerError(
                "config-not-on-trial", "No version is on trial", "Only a version on trial is reverted"
            )
        refused = _with_refusal(self._state.refused, self.active_version, reason)
        active = _other(self._state.active)
        self._save(replace(self._state, active=active, is_on_trial=False, trial_starts=0, refused=refused))
        fault(REVERTED)
        return self.load_active()

    def refuse(self, version: int, reason: str) -> None:
        """Remember why this version is not wanted, so that its repeat gets the same answer."""
        self._save(replace(self._state, refused=_with_refusal(self._state.refused, version, reason)))

    def _read(self, name: str) -> bytes | None:
        slot = self._state.slots[name]
        document = read_if_there(self._files, join(self._directory, name)) if slot.version else None
        return (
            document if document is not None and hashlib.sha256(document).hexdigest() == slot.digest else None
        )

    def _save(self, state: SlotsState) -> None:
        whole: dict[str, Any] = asdict(state)
        whole["refused"] = {str(version): reason for version, reason in state.refused.items()}
        self._write(join(self._directory, STATE_NAME), dumps({"v": 1, **whole}))
        self._state = state

    def _write(self, path: str, data: bytes) -> None:
        try:
            replace_file(self._files, path, data)
        except OSError as error:
            raise DeviceError(
                "config-write-failed",
                f"The configuration could not be stored ({error.strerror})",
                "Check the disk",
            ) from error


def _other(name: str) -> str:
    return SLOTS[1] if name == SLOTS[0] else SLOTS[0]


def _with_refusal(refused: dict[int, str], version: int, reason: str) -> dict[int, str]:
    kept = sorted({**refused, version: reason}.items())
    return dict(kept[-REFUSED_MAX:])


def _decode_state(data: bytes | None) -> SlotsState:
    if data is None:
        return SlotsState()
    try:
        found: Any = loads(data)
        slots = {name: Slot(**found["slots"][name]) for name in SLOTS}
        refused = {int(version): str(reason) for version, reason in found["refused"].items()}
        known = {name: found[name] for name in ("active", "is_on_trial", "trial_starts", "highest_version")}
    except (PeerError, KeyError, TypeError, ValueError):
        return SlotsState()  # the fleet's retained message brings the configuration back
    if known["active"] not in SLOTS:
        return SlotsState()
    return SlotsState(slots=slots, refused=refused, **known)
