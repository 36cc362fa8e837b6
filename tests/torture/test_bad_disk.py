"""The launcher makes every sync of a program fail while its flag is there, and none before and after."""

from __future__ import annotations

import errno
import subprocess

from simulators.torture.bad_disk import launcher

EIO = str(errno.EIO)


def said(flag, path) -> list[str]:
    *start, _ = launcher(flag)
    done = subprocess.run(
        [*start, "tests.torture.syncing", str(path)], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.split()


def test_syncs_fail_only_while_the_flag_is_there(tmp_path):
    flag, path = tmp_path / "flag", tmp_path / "file"

    before = said(flag, path)
    flag.touch()
    meanwhile = said(flag, path)
    flag.unlink()

    assert before == ["synced", "synced"]
    assert meanwhile == [EIO, EIO]
    assert said(flag, path) == ["synced", "synced"]
