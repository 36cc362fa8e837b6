"""The agent over a journal that is not only slow or full, but damaged."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from edge.events import CodeScanned, ShopperActed
from edge.journal.files import OsFiles
from protocol.errors import DeviceError
from tests.hostile.small_box import SmallBox

if TYPE_CHECKING:
    from pathlib import Path

CODE = "4006381333931"


async def test_a_box_whose_synced_records_do_not_read_back_ends_and_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = SmallBox(tmp_path)
    await box.play(CodeScanned(CODE), ShopperActed("pay"))
    await box.committer.sync()
    path = next((tmp_path / "journal").glob("*.tbj"))
    damaged = bytearray(path.read_bytes())
    damaged[200] ^= 1
    path.write_bytes(bytes(damaged))

    def fail(files: OsFiles, handle: int) -> None:
        raise OSError(errno.EIO, f"Input/output error of {files} at {handle}")

    with monkeypatch.context() as broken:
        broken.setattr(OsFiles, "fdatasync", fail)
        with pytest.raises(DeviceError, match="journal-damaged"):
            await box.play(ShopperActed("method", choice="cash"))
    await box.acts.stop()
    box.journal._release()

    again = SmallBox(tmp_path)
    assert again.journal.opened_because == "salvaged"
    await again.close()
