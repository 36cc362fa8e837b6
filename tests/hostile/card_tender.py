"""Flows brought to the point where a card payment waits for its answer."""

from __future__ import annotations

from edge.effects import SealCard
from edge.events import CardPresented, CardSealed, CodeScanned, ShopperActed
from tests.builders import Play, idle_box


def authorizing(code: str) -> tuple[Play, int]:
    """A sale of one item whose card was sealed and asked for; the flows and the attempt."""
    play = Play(box=idle_box(methods=("card",)))
    play.play(CodeScanned(code), ShopperActed("pay"), CardPresented("476173******0119", "visa", "contact"))
    attempt = play.told(SealCard)[-1].attempt
    play.play(CardSealed(attempt, "ab" * 32, "476173******0119", "visa"))
    return play, attempt
