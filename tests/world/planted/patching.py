"""What a planted bug is: patches of named things, the counters that must tell of it, the world that is tried."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from simulators.world import run
from simulators.world.world import Wishes

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = Wishes(boxes=2, hours=0.2)
LONGER = Wishes(boxes=2, hours=0.3)
CARDS = Wishes(boxes=2, hours=0.2, card_share=0.9)  # where the bug needs what only cards have

LOST, TWICE, WITHOUT_SALE = "lost", "charged_twice", "charged_without_sale"
PRICED, LEDGER, GOODS = "priced_wrong", "ledger_imbalance", "goods_without_money"
PEOPLE, DAMAGED = "memories_contradicted", "evidence_damaged"
CONFIGURED = "configuration_wrong"
UNSETTLED, ENDED = run.UNSETTLED, run.ENDED


class Patch(NamedTuple):
    """Another value for an attribute of a module or class, or, with `is_item`, for an entry of a table."""

    owner: Any
    name: Any
    value: Any
    is_item: bool = False

    def read(self) -> Any:
        """What stands there now. KeyError or AttributeError when there is no such thing."""
        return self.owner[self.name] if self.is_item else vars(self.owner)[self.name]

    def write(self, value: Any) -> None:
        """Put a value there."""
        if self.is_item:
            self.owner[self.name] = value
        else:
            setattr(self.owner, self.name, value)


@dataclass(frozen=True)
class Planted:
    """One bug. `shown_by`: the counters of which at least one must tell of it; `ground` is patched with and without."""

    name: str
    breaks: str
    shown_by: tuple[str, ...]
    patches: tuple[Patch, ...]
    wishes: Wishes = SMALL
    ground: tuple[Patch, ...] = ()


@contextmanager
def applied(patches: tuple[Patch, ...]) -> Iterator[None]:
    """Put patches in place, and what was there before back again."""
    before = [patch.read() for patch in patches]
    try:
        for patch in patches:
            patch.write(patch.value)
        yield
    finally:
        for patch, value in zip(patches, before, strict=True):
            patch.write(value)
