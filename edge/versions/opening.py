"""Opening a set of price versions that is whole: what the flows then sell by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.flows.state import Shop
from protocol.catalogue import Prices
from protocol.errors import ConfigError
from protocol.overlay import read_overlay
from protocol.pricing.tax import read_tax_table
from protocol.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.versions.shelf import VersionSet, VersionShelf
    from protocol.catalogue import Catalogue


def open_set(
    shelf: VersionShelf, versions: VersionSet, currency: str, open_image: Callable[[str], Catalogue]
) -> Shop:
    """Open every part; TillboxError, OSError or ValueError when one is not what it should be.

    `open_image` opens a catalogue image by its path. ConfigError "catalogue-currency-wrong".
    """
    found = {wanted.part: wanted for wanted in versions.parts()}
    catalogue = open_image(shelf.path(found["catalogue"]))
    if catalogue.currency != currency:
        raise ConfigError(
            "catalogue-currency-wrong",
            f"The catalogue is in {catalogue.currency}, the box sells in {currency}",
            "Publish another catalogue for this store",
        )
    overlay = read_overlay(shelf.read(found["overlay"])) if "overlay" in found else None
    taxes = read_tax_table(loads(shelf.read(found["taxes"]))) if "taxes" in found else None
    return Shop(
        Prices(catalogue, overlay),
        currency,
        versions.catalogue,
        versions.overlay,
        versions.promotions,
        taxes=taxes,
    )
