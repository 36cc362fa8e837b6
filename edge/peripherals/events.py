"""What the devices of a box tell the agent: small frozen values, no behaviour.

The agent turns these into the events of its flows; nothing here knows a sale. Read `supervision.py` next
for the life of a device, then one adapter, for example `scanner.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# The only states a device may be in. "degraded" still works, with a reason that staff can act on.
DEVICE_STATES = ("absent", "opening", "ready", "degraded", "failed")


@dataclass(frozen=True, slots=True)
class DeviceStateChanged:
    """A device reached another of `DEVICE_STATES`; `reason` is a slug, empty when all is well."""

    device: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CodeScanned:
    """A whole code was read.

    `text` may be a wallet code, which is a secret for a minute: it stays out of `repr`. `raw_digest` is the
    first 8 hex digits of SHA-256: enough to tell two scans apart in a log, too little to find the code
    again.
    """

    text: str = field(repr=False)
    raw_digest: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class CodeRepeated:
    """The same code came again inside the debounce window and was not counted; the screen says so."""

    text: str = field(repr=False)
    raw_digest: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """Bytes that are no code were set aside.

    `code` is a slug, `what` plain words, never the bytes themselves.
    """

    code: str
    what: str
    byte_count: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class WeightRead:
    """The scale's word.

    `state` is stable, moving, under, over, zero or unknown; `weight_g` counts only when stable.
    """

    weight_g: int
    state: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class WeightRefused:
    """The scale answered something that is no weight; `code` is a slug."""

    code: str
    what: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """What the printer says of itself. Silence is "unknown", never "out of paper".

    paper: ok | near_end | out | unknown. cover: closed | open | unknown. drawer: high | low | unknown (the
    level of the drawer's switch; which of them is open depends on the drawer). fault: "" or a slug.
    """

    paper: str = "unknown"
    cover: str = "unknown"
    drawer: str = "unknown"
    fault: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the printer answered at all."""
        return self.paper != "unknown" and self.cover != "unknown"

    @property
    def hindrance(self) -> str:
        """Why nothing can be printed now, as a slug; empty when nothing is known to hinder."""
        if self.cover == "open":
            return "cover-open"
        if self.paper == "out":
            return "paper-out"
        return self.fault


@dataclass(frozen=True, slots=True)
class PrinterStatusChanged:
    """The printer's status differs from the one told before."""

    status: PrinterStatus
    at_ms: int


@dataclass(frozen=True, slots=True)
class PrintResult:
    """How one document ended.

    outcome: printed (the printer confirmed the end), failed (it is known that paper is missing text) or
    unknown (the printer did not answer; the receipt may be complete). `line` is the first line that was not
    confirmed, 0 when nothing was sent. `digest` is the SHA-256 of the bytes that make up the receipt, in
    hex.
    """

    outcome: str
    line: int
    line_count: int
    reason: str
    digest: str


@dataclass(frozen=True, slots=True)
class DrawerChanged:
    """The cash drawer's debounced state: open, closed or unknown."""

    state: str
    at_ms: int


PeripheralEvent = (
    DeviceStateChanged
    | CodeScanned
    | CodeRepeated
    | CodeRefused
    | WeightRead
    | WeightRefused
    | PrinterStatusChanged
    | DrawerChanged
)
