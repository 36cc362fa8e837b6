"""What a store may set about its boxes, read strictly from a settings document.

Device bindings and identity do not live here: they come with the provisioning directory and never over the air.
What each setting may be is `protocol/settings.py`; `read_settings` reports every fault at once. Who signs and delivers
the document: `edge/configuration.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from protocol.errors import ConfigError
from protocol.pricing.tax import TaxTable, read_tax_table
from protocol.screen import Screen, read_screen
from protocol.settings import DEFAULT_TAXES, LANGUAGES, METHODS, MINUTES_A_DAY, settings_faults
from protocol.template.template import Template, read_template

if TYPE_CHECKING:
    from collections.abc import Callable

MS_A_MINUTE = 60_000
MS_A_DAY = MINUTES_A_DAY * MS_A_MINUTE
UNIX_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


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
    taxes: TaxTable = field(default_factory=lambda: read_tax_table(DEFAULT_TAXES))
    # Without these the receipt and the screens look as the software brings them.
    receipt_template: Template | None = None
    screen: Screen | None = None

    def business_day(self, utc_ms: int) -> str:
        """The store's business day at an instant, "YYYY-MM-DD"."""
        local_ms = utc_ms + (self.utc_offset_min(utc_ms) - self.closing_time_min) * MS_A_MINUTE
        return date.fromordinal(UNIX_EPOCH_ORDINAL + local_ms // MS_A_DAY).isoformat()

    def utc_offset_min(self, utc_ms: int) -> int:
        """Minutes that the shop's wall clock is ahead of UTC at an instant."""
        return next((minutes for start, minutes in reversed(self.utc_offsets) if start <= utc_ms), 0)


def read_settings(document: object) -> Settings:
    """Settings from a decoded JSON document; ConfigError("settings-wrong") lists every fault."""
    faults = settings_faults(document)
    if faults or not isinstance(document, dict):
        raise ConfigError(
            "settings-wrong", "; ".join(faults), "Correct these settings and push a higher version."
        )
    values: dict[str, Any] = {
        name: _READERS[name](value) if name in _READERS else value for name, value in document.items()
    }
    return Settings(**values)


def _pairs(table: list[list[int]]) -> tuple[tuple[int, int], ...]:
    return tuple((start, minutes) for start, minutes in table)


def _members(members: list[dict[str, str]]) -> tuple[StaffMember, ...]:
    return tuple(StaffMember(**member) for member in members)


# How values of JSON become those of `Settings`; they were found right.
_READERS: dict[str, Callable[[Any], object]] = {
    "store_lines": tuple,
    "receipt_footer": tuple,
    "languages": tuple,
    "methods": tuple,
    "utc_offsets": _pairs,
    "staff": _members,
    "taxes": read_tax_table,
    "receipt_template": read_template,
    "screen": read_screen,
}
