"""Runs every check of one box in an order that makes sense to a person. The doctor's only clock is read here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge.config import read_box
from edge.diagnosis import agreement, ground, history, reach
from edge.diagnosis.finding import BROKEN, broken, good, of_error, unknown
from edge.watch import JOURNAL
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import BoxConfig
    from edge.diagnosis.finding import Finding


@dataclass(frozen=True, slots=True)
class Patient:
    """Which box to look at, and how it is started."""

    directory: Path
    work: Path
    second_journal: str = ""
    screen_port: int = 8080
    is_offline: bool = False  # do not use the network


@dataclass(slots=True)
class Diagnosis:
    """Everything that was found."""

    box: str = ""
    is_running: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def broken(self) -> int:
        """How many parts must be mended."""
        return sum(found.state == BROKEN for found in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "box": self.box,
            "is_running": self.is_running,
            "broken": self.broken,
            "checks": [found._asdict() for found in self.findings],
        }


async def examine(patient: Patient) -> Diagnosis:
    """Look at everything; nothing is changed but for one probe file that is removed again."""
    instruments = ground.Instruments(time.time_ns() // 1_000_000, lambda: time.monotonic_ns() // 1_000_000)
    journal = patient.work / "journal"
    told = Diagnosis(is_running=history.is_held(journal))
    add = told.findings.extend
    try:
        config = read_box(patient.directory)
    except ConfigError as error:
        add([of_error("provisioning", error)])
        add(ground.check_disk(patient.work, instruments))
        return told
    told.box = f"{config.tenant}/{config.store}/{config.box}"
    add([good("provisioning", f"{told.box}, number {config.box_number}")])
    past = _look_into(journal, told)
    add(ground.check_clock(instruments.now_ms, past.newest_ms))
    add(ground.check_disk(patient.work, instruments))
    add(ground.check_secrets(patient.directory))
    add(ground.check_certificate(config, instruments.now_ms))
    add(ground.check_catalogue(patient.work, config.currency))
    add(ground.check_settings(patient.directory, patient.work))
    add(history.check_journal(past, config, instruments.now_ms))
    copies = past.devices.get(JOURNAL, ("", "")) if told.is_running else ("", "")
    if patient.second_journal or copies[0] == "degraded":
        add(history.check_second(patient.second_journal, journal, copies))
    devices = reach.check_devices(config.devices, past.devices, is_running=told.is_running)
    add([found async for found in devices])
    add([await reach.check_screen_port(patient.screen_port, is_running=told.is_running)])
    if told.is_running:
        add([await agreement.check_selling(patient.screen_port)])
    await _check_network(told, patient, config, past, instruments.now_ms)
    return told


def _look_into(journal: Path, told: Diagnosis) -> history.History:
    try:
        return history.look_into(journal) if journal.is_dir() else history.History()
    except OSError as error:
        what = f"it cannot be read ({error.strerror})"
        told.findings.append(broken("journal", "journal-unreadable", what, "Check owner and disk."))
        return history.History()


async def _check_network(
    told: Diagnosis, patient: Patient, config: BoxConfig, past: history.History, now_ms: int
) -> None:
    if patient.is_offline:
        told.findings.append(unknown("broker", "not asked (--offline)"))
        return
    told.findings.append(await reach.check_broker(config))
    if not reach.is_reachable(told.findings):
        told.findings.append(unknown("cloud", "not asked: the broker comes first"))
    elif not told.is_running:
        answer = await reach.check_cloud(config, now_ms)
        told.findings.append(answer)
        if answer.state != BROKEN:
            journal = patient.work / "journal"
            told.findings.append(await agreement.check_agreement(config, journal, past))
    elif past.receipts_saved_ms:
        minutes = max(now_ms - past.receipts_saved_ms, 0) // 60_000
        told.findings.append(
            unknown("cloud", f"the box runs and speaks for itself; receipts noted {minutes} min ago")
        )
    else:
        told.findings.append(unknown("cloud", "the box runs and speaks for itself; no receipt was noted yet"))
