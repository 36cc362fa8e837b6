"""The price versions that a box holds: immutable files under their hashes, and one small file that says what counts.

A version comes under a temporary name, is synced, verified, renamed, and is whole from then on. `state.json` names the
plan that was accepted and the set in force; it alone is ever replaced, in one atomic step, so after a power cut a box
sells by the set before or by the set after, never by a mixture. Who decides what comes and goes is `keeper`.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from edge.journal.files import join, read_if_there, replace_file
from protocol.catalogue import HASHED_HEADER_BYTES, HEADER_BYTES
from protocol.errors import DeviceError, PeerError
from protocol.faults import declare, fault
from protocol.publication import PARTS
from protocol.strict_json import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Generator

    from edge.journal.files import Files

STATE_NAME = "state.json"
PART_SUFFIX = ".part"  # of a version that is still coming
SUFFIXES = {
    "catalogue": ".tbc",
    "overlay": ".overlay.json",
    "promotions": ".promotions.json",
    "taxes": ".taxes.json",
}
READ_BYTES = 1 << 18  # of a version at a time: 256 KiB are hashed in a fraction of a millisecond
ROOM_KEPT_BYTES = 64 << 20  # a version never takes the room that the journal needs for the sales of a day

ARRIVED = declare(
    "versions.arrived", "a version is synced under its temporary name, nothing says that it is here"
)
STORED = declare("versions.stored", "a version is here under its hash, no set that names it is in force")
ACCEPTED = declare("versions.accepted", "a publication is accepted and recorded, nothing of it is in force")
CHANGED_OVER = declare("versions.changed_over", "another set is in force on the disk, the cloud was not told")


@dataclass(frozen=True, slots=True)
class VersionSet:
    """What a box sells by from an instant on: hashes, "" for a part that there is none of."""

    number: int  # of the publication
    from_ms: int
    catalogue: str
    overlay: str = ""
    promotions: str = ""
    taxes: str = ""

    def parts(self) -> list[Wanted]:
        """The versions that it consists of, in the order of their fetching."""
        return [Wanted(part, digest) for part in PARTS if (digest := getattr(self, part))]


class Wanted(NamedTuple):
    """One version: which part of a set it is, and its hash."""

    part: str
    digest: str


@dataclass(frozen=True, slots=True)
class ShelfState:
    """Everything that must survive: the last publication accepted, the set in force, the one before."""

    number: int = 0
    digest: str = ""  # of the publication's document
    source: str = ""
    plan: tuple[VersionSet, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    in_force: VersionSet | None = None
    before: VersionSet | None = None


class VersionShelf:
    """The directory. Every change is durable when its call returns; DeviceError when it cannot be made."""

    def __init__(self, files: Files, directory: str) -> None:
        self._files = files
        self.directory = directory
        files.make_directory(directory)
        self.state = _decode_state(read_if_there(files, join(directory, STATE_NAME)))

    def path(self, wanted: Wanted) -> str:
        """Where a version lies, or will."""
        return join(self.directory, wanted.digest + SUFFIXES[wanted.part])

    def missing(self, versions: VersionSet) -> list[Wanted]:
        """What of a set is not here yet."""
        return [wanted for wanted in versions.parts() if self._files.size(self.path(wanted)) < 0]

    def read(self, wanted: Wanted) -> bytes:
        """All bytes of a small version; OSError when it is not here."""
        return self._files.read(self.path(wanted))

    def accept(self, state: ShelfState) -> None:
        """Record a publication; what is in force stays in force."""
        self._save(replace(state, in_force=self.state.in_force, before=self.state.before))
        fault(ACCEPTED)

    def put_in_force(self, versions: VersionSet) -> None:
        """Change over, in one step; the set that was in force becomes the one before."""
        before = self.state.in_force if self.state.in_force != versions else self.state.before
        self._save(replace(self.state, in_force=versions, before=before))
        fault(CHANGED_OVER)

    def arrival(self, wanted: Wanted, size: int) -> Arrival:
        """Begin to take a version in, or go on where it was left. DeviceError "versions-no-room"."""
        path = self.path(wanted) + PART_SUFFIX
        try:
            here = max(self._files.size(path), 0)
            if here > size:
                self._files.unlink(path)
                here = 0
            if self._files.free_bytes(self.directory) < size - here + ROOM_KEPT_BYTES:
                raise DeviceError(
                    "versions-no-room",
                    f"A version of {size} bytes does not fit beside the room that the journal needs",
                    "Free the disk",
                )
            return Arrival(self._files, path, here, self._files.open_append(path))
        except OSError as error:
            raise _unwritable(error) from error

    def verify(self, path: str, wanted: Wanted) -> Generator[None, None, bool]:
        """Read a file piece by piece and return whether its bytes have the hash; between two pieces the box works."""
        digest = hashlib.sha256()
        at, told = 0, b""
        while chunk := self._piece(path, at):
            if wanted.part == "catalogue" and at == 0:
                told = chunk[HASHED_HEADER_BYTES:HEADER_BYTES]
                digest.update(chunk[:HASHED_HEADER_BYTES] + chunk[HEADER_BYTES:])
            else:
                digest.update(chunk)
            at += len(chunk)
            yield
        is_named = wanted.part != "catalogue" or told.hex() == wanted.digest
        return is_named and digest.hexdigest() == wanted.digest

    def _piece(self, path: str, at: int) -> bytes:
        """The next bytes of a file; none where it cannot be read, which is then found wrong by its hash."""
        try:
            return self._files.read(path, at, READ_BYTES)
        except OSError:
            return b""

    def is_right(self, path: str, wanted: Wanted) -> bool:
        """The same without a pause."""
        steps = self.verify(path, wanted)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return bool(end.value)

    def drop_damaged(self, versions: VersionSet) -> None:
        """Remove those files of a set that do not have their hash: they are fetched again."""
        for wanted in versions.parts():
            path = self.path(wanted)
            if self._files.size(path) >= 0 and not self.is_right(path, wanted):
                self.drop(wanted, is_arriving=False)

    def store(self, wanted: Wanted) -> None:
        """A version that arrived was verified: give it its name."""
        path = self.path(wanted)
        try:
            self._files.rename(path + PART_SUFFIX, path)
            self._files.sync_directory(self.directory)
        except OSError as error:
            raise _unwritable(error) from error
        fault(STORED)

    def drop(self, wanted: Wanted, *, is_arriving: bool) -> None:
        """Remove a version whose bytes are wrong."""
        path = self.path(wanted) + (PART_SUFFIX if is_arriving else "")
        try:
            if self._files.size(path) >= 0:
                self._files.unlink(path)
        except OSError as error:
            raise _unwritable(error) from error

    def tidy(self) -> None:
        """Remove what no set names any more: what counts is the plan, what is in force, and what was before it."""
        state = self.state
        sets = [*state.plan, *(one for one in (state.in_force, state.before) if one is not None)]
        kept = {STATE_NAME} | {
            wanted.digest + SUFFIXES[wanted.part] for one in sets for wanted in one.parts()
        }
        for name in self._files.list(self.directory):
            if name.removesuffix(PART_SUFFIX) not in kept:
                self._files.unlink(join(self.directory, name))

    def _save(self, state: ShelfState) -> None:
        try:
            whole = {"v": 1, **asdict(state), "plan": [asdict(one) for one in state.plan]}
            replace_file(self._files, join(self.directory, STATE_NAME), dumps(whole))
        except OSError as error:
            raise _unwritable(error) from error
        self.state = state


class Arrival:
    """A version that is coming: its bytes are appended, then synced."""

    def __init__(self, files: Files, path: str, here: int, handle: int) -> None:
        self._files, self.path, self.here = files, path, here
        self._handle = handle

    def take(self, chunk: bytes) -> None:
        """Append what came."""
        try:
            self._files.write(self._handle, chunk)
        except OSError as error:
            raise _unwritable(error) from error
        self.here += len(chunk)

    def sync(self) -> None:
        """All of it is here: make it durable."""
        try:
            self._files.fdatasync(self._handle)
        except OSError as error:
            raise _unwritable(error) from error
        fault(ARRIVED)

    def close(self) -> None:
        """Let go of the file, whatever is in it."""
        self._files.close(self._handle)


def _decode_state(data: bytes | None) -> ShelfState:
    """What the file says; nothing where there is none or it is damaged: the publication comes again by itself."""
    if data is None:
        return ShelfState()
    try:
        told: Any = loads(data, max_bytes=1 << 20)
        known = {name: told[name] for name in ("number", "digest", "source", "sizes")}
        plan = tuple(VersionSet(**entry) for entry in told["plan"])
        in_force, before = (
            VersionSet(**one) if (one := told[name]) else None for name in ("in_force", "before")
        )
        return ShelfState(plan=plan, in_force=in_force, before=before, **known)
    except (PeerError, KeyError, TypeError):
        return ShelfState()


def _unwritable(error: OSError) -> DeviceError:
    return DeviceError(
        "versions-write-failed", f"A price version could not be stored ({error.strerror})", "Check the disk"
    )
