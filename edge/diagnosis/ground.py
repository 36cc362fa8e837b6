"""What a box stands on: its clock, disk, certificate, catalogue and settings. Reading only, but for one probe file."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import NameOID

from edge.catalogue_file import IMAGE_NAME, check_image, open_image, open_shop
from edge.config import first_settings
from edge.config_slots import STATE_NAME, ConfigSlots
from edge.diagnosis.finding import broken, good, of_error, warning
from edge.diagnosis.history import PROBE_NAME
from edge.journal.bounds import MIB, RESERVE_BYTES, SALE_BYTES_MAX
from edge.journal.files import OsFiles, join
from edge.uplink.tls import client_context
from edge.versions.opening import open_set
from edge.versions.shelf import STATE_NAME as VERSIONS_STATE
from edge.versions.shelf import VersionShelf
from protocol.errors import ConfigError, PeerError, TillboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.config import BoxConfig
    from edge.diagnosis.finding import Finding

EARLIEST_MS = 1_767_225_600_000  # 2026-01-01 UTC: a clock before it was never set
DAY_MS = 86_400_000
EXPIRY_WARNING_MS = 60 * DAY_MS  # a certificate is replaced by hand: two months find a free afternoon
LOW_DISK_BYTES = 64 * MIB  # some weeks of sales; below it somebody should make room
SLOW_SYNC_MS = 100  # a tender waits for two syncs; beyond this shoppers notice
PROBE_BYTES = 4096


class Looking(OsFiles):
    """The real file system, for looking only: whoever would change it gets an OSError."""

    def make_directory(self, directory: str) -> None:
        """Make nothing."""

    def create(self, path: str) -> int:
        """Refuse."""
        raise PermissionError(1, "the doctor changes nothing", path)


@dataclass(frozen=True, slots=True)
class Instruments:
    """What the checks measure with."""

    now_ms: int
    monotonic_ms: Callable[[], int]


def check_clock(now_ms: int, last_record_ms: int) -> Iterator[Finding]:
    """Whether the clock was ever set, and did not fall behind what the journal has seen."""
    mend = "Let the machine's time service set the clock (timedatectl status)."
    if now_ms < EARLIEST_MS:
        yield broken("clock", "clock-not-set", "The clock shows a time before 2026: it was never set", mend)
    elif now_ms < last_record_ms - DAY_MS:
        days = (last_record_ms - now_ms) // DAY_MS
        yield broken("clock", "clock-behind", f"The clock is {days} days behind the newest record", mend)
    else:
        yield good("clock", "set")


def check_disk(work: Path, instruments: Instruments) -> Iterator[Finding]:
    """Room, and a write that is synced and read back."""
    files = OsFiles()
    if not work.is_dir():
        yield broken("disk", "work-missing", f"{work} is not there", "Mount or make the working directory.")
        return
    free = files.free_bytes(str(work))
    room = f"{free // MIB} MiB free"
    if free < RESERVE_BYTES + SALE_BYTES_MAX:
        yield broken("disk", "disk-full", room, "Make room: no new sale starts.")
    elif free < LOW_DISK_BYTES:
        yield warning("disk", "disk-low", room, "Make room soon.")
    path = join(str(work), PROBE_NAME)
    began_ms = instruments.monotonic_ms()
    try:
        handle = files.create(path)
        try:
            files.write(handle, bytes(PROBE_BYTES))
            files.fdatasync(handle)
        finally:
            files.close(handle)
        files.unlink(path)
    except OSError as error:
        what = f"{work} takes no file ({error.strerror})"
        yield broken("disk", "disk-not-writable", what, "Check its mount (read-only?), owner and health.")
        return
    took_ms = instruments.monotonic_ms() - began_ms
    if took_ms > SLOW_SYNC_MS:
        yield warning("disk", "disk-slow", f"a synced write took {took_ms} ms", "Use a better card or disk.")
    else:
        yield good("disk", f"{room}, a synced write takes {took_ms} ms")


def check_secrets(directory: Path) -> Iterator[Finding]:
    """Keys are nobody's business but the box's."""
    open_files = [
        name
        for name in ("box.key.pem", "message_keys.json")
        if (directory / name).exists() and stat.S_IMODE((directory / name).stat().st_mode) & 0o077
    ]
    if open_files:
        names = ", ".join(open_files)
        yield warning("keys", "keys-readable", f"others may read {names}", f"chmod 600 {names}")
    elif not os.access(directory / "box.key.pem", os.R_OK):
        yield broken("keys", "keys-unreadable", "this user may not read the keys", "Run as the box's user.")
    else:
        yield good("keys", "private")


def check_certificate(config: BoxConfig, now_ms: int) -> Iterator[Finding]:
    """Whether the certificate is this box's, fits its key and is valid today and for a while."""
    try:
        client_context(*config.certificate, config.broker.server_name)
        certificate = x509.load_pem_x509_certificate(config.certificate[1].read_bytes())
    except ConfigError as error:
        yield of_error("certificate", error)
        return
    except (OSError, ValueError) as error:
        yield broken("certificate", "certificate-unusable", str(error), "Enrol the box again.")
        return
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [str(name.value) for name in names] != [config.client_id]:
        what = f"it is not made out to {config.client_id}"
        yield broken("certificate", "certificate-of-another-box", what, "Enrol the box again.")
    starts_ms = int(certificate.not_valid_before_utc.timestamp()) * 1000
    ends_ms = int(certificate.not_valid_after_utc.timestamp()) * 1000
    day = certificate.not_valid_after_utc.date().isoformat()
    if now_ms < starts_ms:
        what = f"it is valid from {certificate.not_valid_before_utc.date()}, the clock is before that"
        yield broken("certificate", "certificate-not-yet", what, "Set the clock.")
    elif now_ms >= ends_ms:
        yield broken("certificate", "certificate-expired", f"it ended on {day}", "Enrol the box again.")
    elif ends_ms - now_ms < EXPIRY_WARNING_MS:
        yield warning(
            "certificate", "certificate-ends-soon", f"it ends on {day}", "Enrol the box again soon."
        )
    else:
        yield good("certificate", f"valid until {day}")


def check_catalogue(work: Path, currency: str) -> Iterator[Finding]:
    """What the box sells by is whole to the last bit and in its currency: published versions, or its own image."""
    in_force = check_versions(work, currency) if (work / "versions" / VERSIONS_STATE).exists() else None
    if in_force is not None:
        yield in_force
        return
    directory = work / "catalogue"
    try:
        shop = open_shop(directory, currency)
        check_image(directory / IMAGE_NAME)
    except PeerError as error:
        yield broken("catalogue", error.code, error.what, "Put a good image in place: tillbox catalogue.")
    except TillboxError as error:
        yield of_error("catalogue", error)
    except OSError as error:
        yield broken("catalogue", "catalogue-unreadable", str(error), "Put a good image in place.")
    else:
        changes = ", with urgent changes" if shop.overlay else ""
        yield good("catalogue", f"{shop.prices.catalogue.count} items, hash {shop.catalogue[:12]}{changes}")


def check_versions(work: Path, currency: str) -> Finding | None:
    """The published set in force; None where there is none."""
    shelf = VersionShelf(OsFiles(), str(work / "versions"))
    versions = shelf.state.in_force
    if versions is None:
        return None
    wrong = [wanted.part for wanted in versions.parts() if not shelf.is_right(shelf.path(wanted), wanted)]
    if wrong:
        what = f"{', '.join(wrong)} of publication {versions.number}: the bytes have another hash"
        return broken(
            "catalogue", "versions-damaged", what, "Let the box reach the cloud: it fetches them again."
        )
    try:
        shop = open_set(shelf, versions, currency, lambda path: open_image(Path(path)))
    except TillboxError as error:
        return of_error("catalogue", error)
    changes = ", with urgent changes" if shop.overlay else ""
    count, name = shop.prices.catalogue.count, f"publication {versions.number}"
    return good("catalogue", f"{name}, {count} items, hash {shop.catalogue[:12]}{changes}")


def check_settings(directory: Path, work: Path) -> Iterator[Finding]:
    """The settings that the box came with, and the two slots of those pushed later."""
    try:
        first_settings(directory)
    except ConfigError as error:
        yield of_error("settings", error)
    slots_directory = work / "config"
    if not (slots_directory / STATE_NAME).exists():
        yield good("settings", "as provisioned; no configuration was pushed yet")
        return
    slots = ConfigSlots(Looking(), str(slots_directory))
    version = slots.active_version
    try:
        loaded, _ = slots.load_active()
    except TillboxError:
        loaded = 0
    if version and loaded != version:
        what = f"the document of version {version} is damaged"
        yield broken("settings", "slot-damaged", what, "Push the configuration again under a higher version.")
    elif slots.state.is_on_trial:
        yield warning(
            "settings", "on-trial", f"version {version} is on trial", "Wait: it confirms or reverts."
        )
    else:
        yield good("settings", f"version {version} in force")
    refused = sorted(slots.state.refused.items())[-1:]
    for number, reason in refused:
        if number > version:
            what = f"version {number} was refused: {reason}"
            yield warning("settings", "version-refused", what, "Correct it and push a higher version.")
