"""`./run`: sets up in its own directory and works in the caller's."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
END_S = 30.0


async def test_run_takes_directories_from_where_the_caller_stands(tmp_path):
    home, caller = tmp_path / "home", tmp_path / "caller"
    for place in (home / "deploy", home / ".venv" / "bin", caller):
        place.mkdir(parents=True)
    shutil.copy(ROOT / "run", home / "run")
    (home / "deploy" / "setup.sh").write_text('install_lock() { echo "lock $1 in $PWD"; }\n')
    command = home / ".venv" / "bin" / "tillbox"
    command.write_text('#!/bin/sh\necho "tillbox $* in $PWD"\n')
    command.chmod(0o700)

    running = await asyncio.create_subprocess_exec(
        home / "run", "--data", "here", cwd=caller, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(running.communicate(), END_S)

    assert said.decode().splitlines() == [
        f"lock run in {home}",
        f"tillbox demo --data here in {caller}",
    ]


async def test_run_ends_where_setting_up_ends(tmp_path):
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "run", tmp_path / "run")
    (tmp_path / "deploy" / "setup.sh").write_text("install_lock() { exit 2; }\n")

    running = await asyncio.create_subprocess_exec(tmp_path / "run")

    assert await asyncio.wait_for(running.wait(), END_S) == 2
