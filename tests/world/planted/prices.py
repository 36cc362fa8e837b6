"""Bugs around price versions: what only a world shows in which prices change while shoppers buy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cloud import catalogue_shelf
from cloud.ports import PriceVersions
from edge import main
from edge.effects import ApplyVersions
from edge.events import VersionsOffered
from edge.flows import checkout
from edge.versions import opening
from edge.versions.keeper import VersionKeeper
from protocol.catalogue import Prices
from simulators.world import files, price_desk
from tests.world.planted.patching import PRICED, SMALL, Patch, Planted

# Prices change within every sale or two, and nothing else goes wrong: what is seen comes of that alone.
BUSY = (Patch(price_desk, "EVERY_S", (10.0, 40.0)),)
QUIET = replace(SMALL, has_faults=False)


def _changes_in_a_sale(box: Any, event: Any, now: Any) -> Any:
    """The shop changes at once; the sale that is open goes on under the versions that it named."""
    del now
    shop = replace(event.shop, place=box.shop.place)
    return replace(box, shop=shop), [ApplyVersions(event.number, event.from_ms)]


async def _takes_any_bytes(self: Any, path: str, wanted: Any) -> bool:
    """What came counts as what was asked for."""
    del self, path, wanted
    return True


def _sells_without_overlay(shelf: Any, versions: Any, currency: str, open_image: Any) -> Any:
    """The sale names the urgent changes, and costs what the image says."""
    shop = opening.open_set(shelf, versions, currency, open_image)
    return replace(shop, prices=Prices(shop.prices.catalogue))


def _prices_again_without_overlay(self: Any, catalogue: str, overlay: str, taxes: str) -> Any:
    found = _assemble(self, catalogue, overlay, taxes)
    return None if found is None else PriceVersions(Prices(found.prices.catalogue), found.taxes)


_assemble = catalogue_shelf.DirectoryShelf._assemble

BUGS = (
    Planted(
        "prices-change-in-a-sale",
        "new price versions are taken into use while a sale is open",
        (PRICED,),
        (Patch(checkout._HANDLERS, VersionsOffered, _changes_in_a_sale, is_item=True),),
        wishes=QUIET,
        ground=BUSY,
    ),
    Planted(
        "fetched-and-not-verified",
        "the box sells by what was fetched without looking at its hash",
        (PRICED,),
        (Patch(VersionKeeper, "_is_right", _takes_any_bytes),),
        wishes=QUIET,
        ground=(*BUSY, Patch(files, "IS_STALE", 0.4)),
    ),
    Planted(
        "sold-without-urgent-changes",
        "the box names the urgent changes in its sales, and sells by the image under them",
        (PRICED,),
        (Patch(main, "open_set", _sells_without_overlay),),
        wishes=QUIET,
        ground=BUSY,
    ),
    Planted(
        "repriced-without-urgent-changes",
        "the cloud prices sales again from the image, and forgets what lay over it",
        (PRICED,),
        (Patch(catalogue_shelf.DirectoryShelf, "_assemble", _prices_again_without_overlay),),
        wishes=QUIET,
        ground=BUSY,
    ),
)
