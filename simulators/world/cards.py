"""The secure module of a box, played in the box's process: real sealing, a store that survives the box's crashes."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.events import CardPresented, DeviceChanged
from edge.secure.brands import brand_of
from edge.secure.card_blob import Binding, ReadCard, seal_card, zone_key
from edge.secure.client import SecureClient, SecureSettings
from protocol.errors import DeviceError
from simulators.cards import BY_NAME

if TYPE_CHECKING:
    from random import Random

    from edge.ports import Post

ANSWER_S = (0.002, 0.02)  # a module on the same machine, with one sync of its store


@dataclass(slots=True)
class BlobShelf:
    """What a module keeps through a power cut: sealed cards by attempt."""

    blobs: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)  # blob, digest, masked, brand


class WorldCards(SecureClient):
    """The agent's side as it is; behind `_call` stands no process but this object."""

    def __init__(self, who: tuple[str, str], key: str, shelf: BlobShelf, post: Post, chance: Random) -> None:
        super().__init__(SecureSettings("", Path(), *who), post)
        self._key, self._shelf, self._chance = zone_key(key), shelf, chance
        self._card = ""
        self._is_armed = False

    async def run(self) -> None:
        """Be ready for ever."""
        self._post(DeviceChanged("reader", "ready"))
        await asyncio.Event().wait()

    def present(self, name: str) -> bool:
        """Hold a card to the reader; False when no card is wanted now."""
        if not self._is_armed:
            return False
        self._card = name
        card = BY_NAME[name]
        self._post(CardPresented(card.masked, brand_of(card.pan), card.entry))
        return True

    async def _call(self, packet: dict[str, Any], wanted: str) -> dict[str, Any]:
        await asyncio.sleep(self._chance.uniform(*ANSWER_S))
        do, attempt = packet["do"], packet.get("attempt", "")
        if do in ("arm", "disarm"):
            self._is_armed, self._card = do == "arm", ""
        elif do == "seal":
            self._seal(packet)
        elif do == "forget":
            self._shelf.blobs.pop(attempt, None)
        elif do == "list":
            return {"did": wanted, "attempts": sorted(self._shelf.blobs)}
        if do in ("seal", "stored"):
            if attempt not in self._shelf.blobs:
                raise DeviceError("card-blob-gone", "The sealed card is gone", "Present the card again")
            blob, digest, masked, brand = self._shelf.blobs[attempt]
            return {"did": wanted, "blob": blob, "digest": digest, "masked": masked, "brand": brand}
        return {"did": wanted}

    def _seal(self, packet: dict[str, Any]) -> None:
        if packet["attempt"] in self._shelf.blobs:
            return
        if not self._card:
            raise DeviceError("card-missing", "No card is there", "Present the card again")
        card = BY_NAME[self._card]
        read = ReadCard(
            card.pan, card.expiry, card.entry, brand_of(card.pan), card.track2, card.sequence, card.emv
        )
        bound = Binding(
            packet["tenant"], packet["box"], packet["attempt"], packet["amount_minor"], packet["currency"]
        )
        blob = seal_card(self._key, bound, read, self._chance.randbytes)
        self._card = ""
        self._shelf.blobs[packet["attempt"]] = (
            b64encode(blob).decode(),
            hashlib.sha256(blob).hexdigest(),
            read.masked,
            read.brand,
        )
