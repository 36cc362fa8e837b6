"""The secure module's settings, read once from a JSON file.

{"v": 1, "reader": PATH, "store": DIRECTORY, "card_zone_key": 130 hexadecimal digits, "socket": PATH}; "baud",
"question_ms" and "socket" may be missing, the last when the agent hands over a socket pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.peripherals.connection import SerialSettings
from edge.secure.card_blob import zone_key
from edge.secure.reader import ReaderTimes
from protocol.errors import ConfigError, PeerError
from protocol.strict_json import loads

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

_TEXTS = ("reader", "store", "card_zone_key")
_NAMES = {"v", *_TEXTS, "socket", "baud", "question_ms"}


@dataclass(frozen=True, slots=True)
class ModuleConfig:
    """See the module."""

    reader: SerialSettings
    times: ReaderTimes
    store: Path
    zone: ec.EllipticCurvePublicKey
    socket: Path | None


def read_config(path: Path) -> ModuleConfig:
    """Read and check; ConfigError "secure-config-wrong" names every fault."""
    try:
        said = loads(path.read_bytes())
    except (OSError, PeerError) as error:
        raise ConfigError("secure-config-wrong", f"{path.name} cannot be read", "Correct the file") from error
    if not isinstance(said, dict):
        raise ConfigError("secure-config-wrong", f"{path.name} is no object", "Correct the file")
    baud, question_ms, socket = (
        said.get("baud", 115_200),
        said.get("question_ms", 1_000),
        said.get("socket", ""),
    )
    faults = [f"{name} is not known" for name in sorted(set(said) - _NAMES)]
    faults += [
        f"{name} is missing" for name in _TEXTS if not isinstance(said.get(name), str) or not said[name]
    ]
    faults += ["v is not 1"] if said.get("v") != 1 else []
    faults += ["baud is no speed"] if type(baud) is not int or not 300 <= baud <= 4_000_000 else []
    is_patient = type(question_ms) is int and 20 <= question_ms <= 60_000
    faults += [] if is_patient else ["question_ms is not within 20 to 60000"]
    faults += ["socket is no path"] if not isinstance(socket, str) else []
    if faults:
        raise ConfigError("secure-config-wrong", "; ".join(faults), "Correct the file")
    return ModuleConfig(
        reader=SerialSettings(said["reader"], baud),
        times=ReaderTimes(question_s=question_ms / 1000),
        store=Path(said["store"]),
        zone=zone_key(said["card_zone_key"]),
        socket=Path(socket) if socket else None,
    )
