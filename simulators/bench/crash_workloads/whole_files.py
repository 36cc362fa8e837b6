"""Files that are replaced as a whole under the enumerator: documents, catalogue with overlay, configuration slots.

After a crash each is what it was before the step under way, or what it is after it, never a third state.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from edge.catalogue_file import IMAGE_NAME, OVERLAY_NAME, check_image, open_shop
from edge.config_slots import ConfigSlots
from edge.documents import CrashSafeStorage, open_documents
from edge.journal.files import join, replace_file
from protocol.catalogue import Catalogue, build
from protocol.errors import ConfigError
from protocol.item import Item
from protocol.overlay import Overlay
from simulators.crash_states.examine import Broken
from simulators.crash_states.recovered import RecoveredDisk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from simulators.crash_states.recording import RecordingDisk
    from simulators.world.disk import MemoryDisk

    Step = Callable[[MemoryDisk], None]

DIRECTORY = "/box/whole"
DOCUMENTS = "documents.json"
CURRENCY = "GBP"


class WholeFiles(ABC):
    """Steps on a disk; each may show after a crash entirely or not at all. Subclasses say steps and `recover`."""

    name = ""

    @abstractmethod
    def steps(self) -> list[Step]:
        """What is done, one durable step after the other."""

    @abstractmethod
    def recover(self, disk: RecoveredDisk) -> Any:
        """See Workload: what the product's code reads."""

    def found(self) -> Mapping[str, bytes]:
        """See Workload."""
        return {}

    def run(self, disk: RecordingDisk) -> None:
        """See Workload. The steps run on another disk first, to know what each leads to."""
        rehearsal = RecoveredDisk({})
        seen = [self.recover(rehearsal)]
        for step in self.steps():
            step(rehearsal)
            seen.append(self.recover(rehearsal))
        for step, before, after in zip(self.steps(), seen, seen[1:], strict=False):
            disk.promise((before, after))
            step(disk)
            disk.promise((after,))

    def judge(self, came_back: Any, promise: tuple[Any, ...]) -> str:
        """See Workload."""
        if came_back in promise:
            return ""
        return f"a third state: {str(came_back)[:200]!r}, neither of {[str(one)[:200] for one in promise]}"

    def remark(self, came_back: Any) -> str:
        """See Workload."""
        del came_back
        return ""


class DocumentsWorkload(WholeFiles):
    """Insertions, changes and removals in TinyDB, of a size of several sectors."""

    name = "documents"

    def __init__(self, documents: int = 12) -> None:
        self._count = documents

    def steps(self) -> list[Step]:
        """See WholeFiles."""
        changes: list[Step] = [self._insertion(number) for number in range(self._count)]
        changes.append(self._update)
        changes.append(_truncate)
        changes.append(self._insertion(self._count))
        return changes

    def recover(self, disk: RecoveredDisk) -> Any:
        """See WholeFiles."""
        storage = CrashSafeStorage(disk, join(DIRECTORY, DOCUMENTS))
        state = storage.read()
        if storage.is_set_aside:
            return Broken("the documents were set aside as damaged")
        return json.dumps(state, sort_keys=True)

    def _insertion(self, number: int) -> Step:
        note = hashlib.sha256(str(number).encode()).hexdigest() * (1 + number % 3)

        def insert(disk: MemoryDisk) -> None:
            open_documents(disk, DIRECTORY).table("settings").insert({"number": number, "note": note})

        return insert

    def _update(self, disk: MemoryDisk) -> None:
        open_documents(disk, DIRECTORY).table("settings").update({"note": "short"}, doc_ids=[1, 2, 3])


class SlotsWorkload(WholeFiles):
    """Configuration: staged, promoted, confirmed, staged again, reverted, refused, and counted starts on trial."""

    name = "config-slots"

    def steps(self) -> list[Step]:
        """See WholeFiles."""
        return [
            lambda disk: _slots(disk).stage(1, _document(1)),
            lambda disk: (_slots(disk).promote(), None)[1],
            lambda disk: (_slots(disk).started(), None)[1],
            lambda disk: _slots(disk).confirm(),
            lambda disk: _slots(disk).stage(2, _document(2)),
            lambda disk: _slots(disk).stage(3, _document(3)),
            lambda disk: (_slots(disk).promote(), None)[1],
            lambda disk: (_slots(disk).revert("unhealthy"), None)[1],
            lambda disk: _slots(disk).refuse(4, "wrong-signature"),
            lambda disk: _slots(disk).stage(5, _document(5)),
            lambda disk: (_slots(disk).promote(), None)[1],
            lambda disk: _slots(disk).confirm(),
        ]

    def recover(self, disk: RecoveredDisk) -> Any:
        """See WholeFiles. Both documents that the state relies on: in force, and to go back to while on trial."""
        slots = _slots(disk)
        state = slots.state
        before = slots.load_before() if state.is_on_trial else None
        return json.dumps(
            [
                slots.load_active(),
                before,
                slots.staged_version,
                state.is_on_trial,
                state.trial_starts,
                state.highest_version,
                sorted(state.refused.items()),
                "damaged" if slots.state != state else "whole",
            ],
            default=lambda data: data.hex(),
        )


class CatalogueWorkload(WholeFiles):
    """Images and overlays put in place one after the other; an overlay goes before the image that it was made for.

    `scratch` is a real directory: images are mapped.
    """

    name = "catalogue"

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def steps(self) -> list[Step]:
        """See WholeFiles."""
        first, second = _image(10), _image(24)
        return [
            lambda disk: disk.make_directory(DIRECTORY),
            lambda disk: replace_file(disk, join(DIRECTORY, IMAGE_NAME), first),
            lambda disk: replace_file(disk, join(DIRECTORY, OVERLAY_NAME), _overlay(first, 2)),
            lambda disk: replace_file(disk, join(DIRECTORY, OVERLAY_NAME), _overlay(first, 9)),
            _remove_overlay,
            lambda disk: replace_file(disk, join(DIRECTORY, IMAGE_NAME), second),
            lambda disk: replace_file(disk, join(DIRECTORY, OVERLAY_NAME), _overlay(second, 5)),
        ]

    def recover(self, disk: RecoveredDisk) -> Any:
        """See WholeFiles."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        for name in (IMAGE_NAME, OVERLAY_NAME):
            path = self._scratch / name
            path.unlink(missing_ok=True)  # an older one may be mapped still
            if disk.size(join(DIRECTORY, name)) >= 0:
                path.write_bytes(disk.read(join(DIRECTORY, name)))
        try:
            shop = open_shop(self._scratch, CURRENCY)
        except ConfigError as refused:
            if refused.code == "catalogue-missing":
                return "missing"
            raise
        check_image(self._scratch / IMAGE_NAME)
        return (shop.catalogue, shop.overlay)


def _slots(disk: MemoryDisk) -> ConfigSlots:
    return ConfigSlots(disk, DIRECTORY)


def _truncate(disk: MemoryDisk) -> None:
    open_documents(disk, DIRECTORY).table("settings").truncate()


def _document(version: int) -> bytes:
    return b"".join(hashlib.sha256(b"%d %d" % (version, part)).digest() for part in range(40 + version))


def _gtin(place: int) -> str:
    digits = f"0500011263{place:03d}"
    odd_even = sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(digits))
    return digits + str(-odd_even % 10)


def _overlay(image: bytes, count: int) -> bytes:
    blocked: dict[str, Item | None] = {_gtin(place): None for place in range(count)}
    return Overlay(blocked, Catalogue(image).hash).encode()


def _remove_overlay(disk: MemoryDisk) -> None:
    disk.unlink(join(DIRECTORY, OVERLAY_NAME))
    disk.sync_directory(DIRECTORY)


def _image(count: int) -> bytes:
    return build([Item(_gtin(place), f"Item {place}", 100 + place, "A") for place in range(count)], CURRENCY)
