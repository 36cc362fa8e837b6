"""Publishing what a store sells: versions are built and put on the shelf, then one row says that they hold.

A publication has an image, or for urgent changes the last image with an overlay, the tax table and the promotion set in
force, and sets for the price changes that lie ahead. Files are durable before the row that names them, so a crash
between leaves files that nobody names, and the next try finds them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloud.catalogue import store
from cloud.catalogue.rules import changes, doubts, instants, rule_in_force
from cloud.catalogue_shelf import open_image
from cloud.files import make_private_directory, write_private
from protocol.catalogue import Catalogue, build
from protocol.configuration import pack
from protocol.errors import CallerError, ConfigError
from protocol.faults import declare, fault
from protocol.limits import MAX_OVERLAY_CHANGES
from protocol.overlay import Overlay
from protocol.publication import MAX_PUBLICATION_PLAN, PARTS, encode_publication, signed_part
from protocol.strict_json import dumps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from cloud.catalogue.rules import Assortment, RuleRow
    from cloud.database import Database
    from protocol.item import Item

SUFFIXES = {
    "catalogue": ".tbc",
    "overlay": ".overlay.json",
    "promotions": ".promotions.json",
    "taxes": ".taxes.json",
}
DOUBTS_SHOWN = 5  # of doubtful prices in one refusal; whoever looks into it looks at the table

STORED = declare("catalogue.versions_stored", "published versions are on the shelf, no row names them")
PUBLISHED = declare("catalogue.published", "a publication is committed, no box was told")


@dataclass(frozen=True, slots=True)
class Publishing:
    """What is to be published, by whom, at one instant."""

    tenant: str
    store: str
    shard: str
    currency: str
    source: str  # https://host:port of the file service
    now_ms: int
    expires_ms: int
    horizon_ms: int  # how far ahead price changes are announced
    is_urgent: bool = False  # the last image stays, changes are laid over it
    made_by: str = ""
    approved_by: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it."""

    number: int
    plan: list[dict[str, Any]]
    items: int
    changes: int  # in the overlay of the first set
    boxes: int
    left_out: int  # items without a price


class Versions:
    """The published versions as files of the shelf, named by their hashes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.sizes: dict[str, int] = {}
        self.parts: dict[str, str] = {}

    def path(self, part: str, digest: str) -> Path:
        """Where a version lies."""
        return self._directory / (digest + SUFFIXES[part])

    def put(self, part: str, digest: str, data: bytes) -> str:
        """Put a version on the shelf, whole and durable; twice changes nothing."""
        path = self.path(part, digest)
        if not path.exists():
            make_private_directory(self._directory)
            write_private(path, data)
        self.sizes[digest], self.parts[digest] = len(data), part
        return digest

    def image(self, digest: str) -> Catalogue | None:
        """A published image, None when it is not here any more."""
        path = self.path("catalogue", digest)
        return open_image(path) if digest and path.exists() else None

    def note(self, part: str, digest: str) -> None:
        """A version of an earlier publication is named again."""
        self.sizes[digest], self.parts[digest] = self.path(part, digest).stat().st_size, part


async def publish(
    database: Database,
    directory: Path,
    key: Ed25519PrivateKey,
    what: Publishing,
    progress: Callable[[str], None] = lambda _: None,
) -> Published:
    """Build, store, commit; `progress` hears what is being done.

    CallerError: "catalogue-empty", "publication-needs-approval", "nothing-published" (urgent changes need an image that
    they lie over), "overlay-too-large". ConfigError "shelf-not-writable". Nothing is then announced.
    """
    progress("reading items and prices")
    assortment = await store.assortment(database, what.tenant, what.store, what.currency)
    rules = await store.rules(database, what.tenant, what.store)
    last = await store.last(database, what.tenant, what.store)
    versions = Versions(directory)
    plan = json.loads(last.plan) if last is not None else []
    before = versions.image(plan[0]["catalogue"] if plan else "")
    builder = _Builder(what, assortment, rules, versions, before)
    try:
        sets, count = builder.build(progress)
    except OSError as error:
        raise ConfigError(
            "shelf-not-writable",
            f"A version cannot be put on the shelf: {error.strerror}",
            "Make the directory catalogue of the cloud writable",
        ) from error
    fault(STORED)
    return await _commit(database, key, what, sets, versions, builder, count)


async def _commit(  # noqa: PLR0913, PLR0917 - one call
    database: Database,
    key: Ed25519PrivateKey,
    what: Publishing,
    sets: list[dict[str, Any]],
    versions: Versions,
    builder: _Builder,
    count: int,
) -> Published:
    named = {one[part] for one in sets for part in PARTS if one[part]}
    sizes = {digest: versions.sizes[digest] for digest in named}
    async with database.transaction() as tx:
        number = await store.highest_number(tx, what.tenant) + 1
        document = encode_publication(
            {
                "v": 1,
                "tenant": what.tenant,
                "store": what.store,
                "number": number,
                "issued_ms": what.now_ms,
                "expires_ms": what.expires_ms,
                "source": what.source,
                "plan": sets,
                "sizes": sizes,
            }
        )
        payload = pack(key.sign(signed_part(document)), document)
        boxes = await store.boxes(tx, what.tenant, what.store)
        people = (what.made_by, what.approved_by)
        times = (what.now_ms, what.expires_ms)
        row = (what.tenant, number, what.store, what.shard, payload, dumps(sets).decode(), *times, *people)
        files = [
            (what.tenant, digest, versions.parts[digest], what.shard, sizes[digest])
            for digest in sorted(named)
        ]
        await store.publish(tx, row, files)
        await store.tell(tx, [(what.tenant, box, shard, number) for box, shard in boxes], what.now_ms)
    fault(PUBLISHED)
    return Published(number, sets, count, builder.changed, len(boxes), builder.left_out)


class _Builder:
    """Builds the versions of one publication."""

    def __init__(
        self,
        what: Publishing,
        assortment: Assortment,
        rules: list[RuleRow],
        versions: Versions,
        before: Catalogue | None,
    ) -> None:
        self._what, self._assortment, self._rules = what, assortment, rules
        self._versions, self._before = versions, before
        self.changed = self.left_out = 0

    def build(self, progress: Callable[[str], None]) -> tuple[list[dict[str, Any]], int]:
        """(the sets of the plan, how many items are sold now)."""
        what, now_ms = self._what, self._what.now_ms
        items = list(self._assortment.sold(now_ms))
        self.left_out = len(self._assortment.items) - len(items)
        if not items:
            raise CallerError(
                "catalogue-empty",
                f"Nothing is sold in {what.store} for {what.currency}",
                "Import items with prices in this currency first",
            )
        self._check(items)
        progress(f"building {len(items)} items")
        image, laid_over = self._image(items)
        base = image.hash.hex()
        sets = [self._set(now_ms, base, self._overlay(image, laid_over)) | {"from_ms": 0}]
        self.changed = len(laid_over)
        for at in instants(self._assortment, self._rules, now_ms, what.horizon_ms, MAX_PUBLICATION_PLAN - 1):
            progress("building what changes later")
            sets.append(self._later(at, image, laid_over))
        return sets, len(items)

    def _check(self, items: list[Item]) -> None:
        what = self._what
        found = doubts(items, self._before)
        if found and (not what.approved_by or what.approved_by == what.made_by):
            told = "; ".join(found[:DOUBTS_SHOWN]) + (
                f"; and {len(found) - DOUBTS_SHOWN} more" if found[DOUBTS_SHOWN:] else ""
            )
            raise CallerError(
                "publication-needs-approval",
                told,
                "Let a second person look, and name her with --approved-by",
            )

    def _image(self, items: list[Item]) -> tuple[Catalogue, dict[str, Item | None]]:
        """The image to sell by, and what lies over it now: nothing over a new one."""
        if not self._what.is_urgent:
            data = build(items, self._what.currency)
            image = Catalogue(data)
            self._versions.put("catalogue", image.hash.hex(), data)
            return image, {}
        if self._before is None:
            raise CallerError(
                "nothing-published",
                "There is no image that changes could lie over",
                "Publish without --urgent",
            )
        self._versions.note("catalogue", self._before.hash.hex())
        return self._before, changes(self._assortment, self._before, self._what.now_ms)

    def _later(self, at_ms: int, image: Catalogue, laid_over: dict[str, Item | None]) -> dict[str, Any]:
        """The set of a later instant: what changes until then lies over the same image, or makes one of its own."""
        found = dict(laid_over)
        for gtin in self._assortment.changing(self._what.now_ms, at_ms):
            after = self._assortment.item(gtin, at_ms)
            if after == image.find(gtin):
                found.pop(gtin, None)
            else:
                found[gtin] = after
        if len(found) <= MAX_OVERLAY_CHANGES:
            return self._set(at_ms, image.hash.hex(), self._overlay(image, found))
        data = build(self._assortment.sold(at_ms), self._what.currency)
        digest = Catalogue(data).hash.hex()
        return self._set(at_ms, self._versions.put("catalogue", digest, data), "")

    def _overlay(self, image: Catalogue, found: dict[str, Item | None]) -> str:
        if not found:
            return ""
        overlay = Overlay(found, image.hash)
        return self._versions.put("overlay", overlay.hash.hex(), overlay.encode())

    def _set(self, at_ms: int, catalogue: str, overlay: str) -> dict[str, Any]:
        found = {"from_ms": at_ms, "catalogue": catalogue, "overlay": overlay, "promotions": "", "taxes": ""}
        for part in ("taxes", "promotions"):
            rule = rule_in_force(self._rules, part, at_ms)
            if rule is not None:
                found[part] = self._versions.put(part, rule.digest, rule.document)
        return found


def digest_of(document: bytes) -> str:
    """The hash of a canonical document."""
    return hashlib.sha256(document).hexdigest()
