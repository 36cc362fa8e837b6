"""What a store may set about its boxes, read strictly from a settings document.

Device bindings and identity do not live here: they come with the provisioning directory and never over the air.
`read_settings` reports every fault at once. Who signs and delivers the document: `edge/configuration.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date
from typing import TYPE_CHECKING, Any

from protocol.errors import ConfigError, PeerError
from protocol.pricing.tax import TaxTable, read_tax_table

if TYPE_CHECKING:
    from collections.abc import Callable

LANGUAGES = ("en", "zh")
METHODS = ("card", "cash")
MINUTES_A_DAY = 24 * 60
MS_A_MINUTE = 60_000
MS_A_DAY = MINUTES_A_DAY * MS_A_MINUTE
UNIX_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

# Bounds of numeric settings: (least, most). The reason is the person who waits.
BOUNDS = {
    "inactivity_ms": (10_000, 600_000),  # a reading pause; ten minutes block a lane
    "more_time_ms": (5_000, 120_000),  # long enough to touch the screen
    "thanks_ms": (1_000, 60_000),  # the next shopper waits behind this page
    "pay_budget_ms": (1_000, 120_000),  # a cardholder typing a PIN needs up to a minute
    "query_interval_ms": (200, 30_000),  # gentle on the channel, still felt as an answer
    "unknown_patience_ms": (1_000, 600_000),  # after this the money is asked back
    "closing_time_min": (0, MINUTES_A_DAY - 1),  # minutes after local midnight when the business day turns
    "age_check_years": (0, 25),  # 0 turns the check off
}


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A person who may act at the box; `pin` is `salt:iterations:hash` in hex, never the PIN."""

    id: str
    name: str
    pin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a flow may ask about the store; all durations in milliseconds."""

    store_name: str = "Corner Shop"
    store_lines: tuple[str, ...] = ()
    receipt_footer: tuple[str, ...] = ()
    languages: tuple[str, ...] = LANGUAGES
    methods: tuple[str, ...] = METHODS
    inactivity_ms: int = 60_000
    more_time_ms: int = 20_000
    thanks_ms: int = 12_000
    pay_budget_ms: int = 30_000
    query_interval_ms: int = 2_000
    unknown_patience_ms: int = 60_000
    closing_time_min: int = 0
    age_check_years: int = 18
    # (from_utc_ms, offset_min) rising; the last entry at or before an instant holds.
    utc_offsets: tuple[tuple[int, int], ...] = ((0, 0),)
    staff: tuple[StaffMember, ...] = ()
    taxes: TaxTable = field(default_factory=lambda: TaxTable("included", "line", {"A": 200_000, "Z": 0}))

    def business_day(self, utc_ms: int) -> str:
        """The store's business day at an instant, "YYYY-MM-DD"."""
        local_ms = utc_ms + (self.utc_offset_min(utc_ms) - self.closing_time_min) * MS_A_MINUTE
        return date.fromordinal(UNIX_EPOCH_ORDINAL + local_ms // MS_A_DAY).isoformat()

    def utc_offset_min(self, utc_ms: int) -> int:
        """Minutes that the shop's wall clock is ahead of UTC at an instant."""
        return next((minutes for start, minutes in reversed(self.utc_offsets) if start <= utc_ms), 0)


def read_settings(document: object) -> Settings:
    """Settings from a decoded JSON document; ConfigError("settings-wrong") lists every fault."""
    if not isinstance(document, dict):
        raise ConfigError("settings-wrong", "The settings are no JSON object", "Send an object of settings.")
    known = {entry.name for entry in fields(Settings)}
    faults = [f"{name}: unknown setting" for name in sorted(set(document) - known)]
    values: dict[str, Any] = {}
    for name in sorted(set(document) & known):
        try:
            values[name] = _read_value(name, document[name])
        except (ValueError, PeerError, ConfigError) as fault:
            faults.append(f"{name}: {fault}")
    if faults:
        raise ConfigError(
            "settings-wrong", "; ".join(faults), "Correct these settings and push a higher version."
        )
    return Settings(**values)


def _read_value(name: str, value: object) -> object:
    if name in BOUNDS:
        return _whole(value, *BOUNDS[name])
    if name == "taxes":
        return read_tax_table(value)
    return _READERS[name](value)


def _whole(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"must be a whole number from {least} to {most}")
    return value


def _text(value: object, most: int = 64) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
        raise ValueError(f"must be a printable text of 1 to {most} characters")
    return value


def _items(value: object, most: int) -> list[object]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"must be a list of at most {most} entries")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(entry) for entry in _items(value, 8))


def _choices(value: object, allowed: tuple[str, ...]) -> tuple[str, ...]:
    chosen = tuple(str(entry) for entry in _items(value, len(allowed)))
    if not chosen or set(chosen) - set(allowed) or len(set(chosen)) != len(chosen):
        raise ValueError(f"must name one or more of {', '.join(allowed)}, each once")
    return chosen


def _staff(value: object) -> tuple[StaffMember, ...]:
    members = []
    for entry in _items(value, 200):
        if not isinstance(entry, dict) or set(entry) != {"id", "name", "pin"}:
            raise ValueError("each member has exactly id, name and pin")
        member = StaffMember(_text(entry["id"], 32), _text(entry["name"]), _text(entry["pin"], 200))
        if not member.id.isascii():
            raise ValueError("an id has printable ASCII characters only: every act is recorded with it")
        members.append(member)
    if len({member.id for member in members}) != len(members):
        raise ValueError("two members share an id")
    return tuple(members)


def _offsets(value: object) -> tuple[tuple[int, int], ...]:
    table = []
    for entry in _items(value, 200):
        if not isinstance(entry, list) or len(entry) != 2:
            raise ValueError("each entry is [from_utc_ms, offset_min]")
        table.append((_whole(entry[0], 0, 2**53), _whole(entry[1], -14 * 60, 14 * 60)))
    if not table or table != sorted(table):
        raise ValueError("must hold at least one entry, in rising order")
    return tuple(table)


_READERS: dict[str, Callable[[object], object]] = {
    "store_name": _text,
    "store_lines": _texts,
    "receipt_footer": _texts,
    "languages": lambda value: _choices(value, LANGUAGES),
    "methods": lambda value: _choices(value, METHODS),
    "utc_offsets": _offsets,
    "staff": _staff,
}
