"""The card zone's settings, read once from a JSON file; all faults are reported together.

{"v": 1, "socket": PATH, "store": PATH, "keys": DIRECTORY, "acquirers": [{"name", "host", "port"}],
 "reversal_first_ms", "reversal_max_ms", "echo_every_ms", "echo_answer_ms", "back_off_first_ms", "back_off_max_ms"}
The six times may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud.cardzone.link import LinkTimes
from cloud.cardzone.links import Endpoint
from cloud.cardzone.reversals import ReversalTimes
from protocol.errors import ConfigError, PeerError
from protocol.strict_json import loads

LINKS_MAX = 16  # links to one acquirer; hosts grant two to four
MAX_PORT = 65_535  # a TCP port has sixteen bits
_TIMES = {  # name -> least, most
    "reversal_first_ms": (50, 60_000),
    "reversal_max_ms": (50, 3_600_000),
    "echo_every_ms": (50, 600_000),
    "echo_answer_ms": (50, 60_000),
    "back_off_first_ms": (10, 60_000),
    "back_off_max_ms": (10, 600_000),
}
_NAMES = {"v", "socket", "store", "keys", "acquirers", *_TIMES}


@dataclass(frozen=True, slots=True)
class ZoneConfig:
    """See the module."""

    socket: Path
    store: Path
    keys: Path
    acquirers: tuple[Endpoint, ...]
    link_times: LinkTimes
    reversal_times: ReversalTimes


def read_config(path: Path) -> ZoneConfig:
    """Read and check; ConfigError "card-zone-config-wrong" names every fault."""
    try:
        said = loads(path.read_bytes())
    except OSError as error:
        raise _wrong(path, f"it cannot be read: {error.strerror}") from error
    except PeerError as error:
        raise _wrong(path, f"it is no JSON: {error.what}") from error
    if not isinstance(said, dict):
        raise _wrong(path, "it is no object")
    faults = [f"{name} is not known" for name in sorted(set(said) - _NAMES)]
    faults += [f"{name} is no path" for name in ("socket", "store", "keys") if not _is_text(said.get(name))]
    endpoints = _endpoints(said.get("acquirers"), faults)
    times = {name: _time(said, name, bounds, faults) for name, bounds in _TIMES.items() if name in said}
    if said.get("v") != 1:
        faults.append("v is not 1")
    if faults:
        raise _wrong(path, "; ".join(faults))
    link_names = ("echo_every_ms", "echo_answer_ms", "back_off_first_ms", "back_off_max_ms")
    return ZoneConfig(
        socket=Path(said["socket"]),
        store=Path(said["store"]),
        keys=Path(said["keys"]),
        acquirers=endpoints,
        link_times=LinkTimes(**{name: times[name] for name in link_names if name in times}),
        reversal_times=ReversalTimes(
            **{
                short: times[f"reversal_{short}"]
                for short in ("first_ms", "max_ms")
                if f"reversal_{short}" in times
            }
        ),
    )


def _wrong(path: Path, what: str) -> ConfigError:
    return ConfigError("card-zone-config-wrong", f"{path}: {what}", "Correct the file")


def _endpoints(said: Any, faults: list[str]) -> tuple[Endpoint, ...]:
    if not isinstance(said, list) or not 0 < len(said) <= LINKS_MAX:
        faults.append(f"acquirers is no list of 1 to {LINKS_MAX}")
        return ()
    found = []
    for one in said:
        is_whole = isinstance(one, dict) and set(one) == {"name", "host", "port"}
        if not is_whole or not (_is_text(one["name"]) and _is_text(one["host"]) and type(one["port"]) is int):
            faults.append("an acquirer has not exactly name, host and port")
        elif not 1 <= one["port"] <= MAX_PORT:
            faults.append(f"an acquirer's port is not 1 to {MAX_PORT}")
        else:
            found.append(Endpoint(one["name"], one["host"], one["port"]))
    return tuple(found)


def _time(said: dict[str, Any], name: str, bounds: tuple[int, int], faults: list[str]) -> int:
    value = said[name]
    if type(value) is not int or not bounds[0] <= value <= bounds[1]:
        faults.append(f"{name} is not within {bounds[0]} to {bounds[1]}")
        return bounds[0]
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
