"""A publication as it travels: which price versions a store sells by, now and from announced instants on.

One signed document for a store, with a number that only rises within its tenant and an end. It names versions by hash
and holds none of them: a box fetches what it lacks. Only the shape lives here. Who signs is `cloud/catalogue`, who
verifies, fetches and changes over is `edge/versions`; both use Ed25519 over `signed_part` and the envelope of
`configuration`. docs/reference/publication.md explains every field and every refusal.
"""

from protocol.errors import CallerError, PeerError, TillboxError
from protocol.limits import (
    MAX_CONFIGURATION_BYTES,
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
)
from protocol.plain_text import is_plain
from protocol.schema import TIME, VERSION, Kind, Shape, hexadecimal, number
from protocol.strict_json import dumps, loads
from protocol.topics import check_name

MAX_PUBLICATION_NUMBER = 1073741823  # 2**30 - 1: a publication a second for 34 years
MAX_PUBLICATION_STEP = (
    100000  # publications that a box may miss while away; a stolen key cannot use up the numbers
)
MAX_PUBLICATION_PLAN = 32  # sets of versions announced ahead: price changes of four weeks, and some to spare
MAX_PUBLICATION_VALIDITY_MS = 31622400000  # 366 days: a document must not wait for ever to be replayed
MAX_VERSION_BYTES = 536870912  # 512 MiB: two million items with the longest names stay below

# A signature of ours over anything else, a configuration or a certificate, never fits a publication.
PURPOSE = b"tillbox publication 1\x00"
SCHEME = "https://"

# The parts of a set of versions, in the order of their fetching: the small ones make the large one worth its way.
PARTS = ("taxes", "promotions", "overlay", "catalogue")


def signed_part(document: bytes) -> bytes:
    """Return what the signature covers."""
    return PURPOSE + document


def encode_publication(document: dict[str, object]) -> bytes:
    """Write a document canonically; CallerError as in `decode_publication`, and "too-large"."""
    data = dumps(_checked(document, CallerError))
    if len(data) > MAX_CONFIGURATION_BYTES:
        raise CallerError("too-large", f"a publication of {len(data)} bytes", "plan fewer changes ahead")
    return data


def decode_publication(data: bytes) -> dict[str, object]:
    """Read a document whose signature was checked.

    tenant, store, number, issued_ms, expires_ms, source (where versions are fetched), plan, sizes. `plan` is a list of
    {from_ms, catalogue, overlay, promotions, taxes}, rising; the last one that has begun is in force. `sizes` has the
    bytes of each version that is named. PeerError: json-* of `strict_json`, "publication-not-canonical" (one content
    has one text), "publication-version-unknown" and publication-* of `schema.Shape.check`.
    """
    document = _checked(loads(data, MAX_CONFIGURATION_BYTES), PeerError)
    if dumps(document) != data:
        raise PeerError("publication-not-canonical", "The document is not written canonically")
    return document


def in_force(plan: list[dict[str, object]], now_ms: int) -> int:
    """Return the place in `plan` of what a store sells by at `now_ms`; -1 before the first.

    >>> in_force([{"from_ms": 5}, {"from_ms": 9}], 8)
    0
    """
    place = -1
    for entry in plan:
        if int(str(entry["from_ms"])) > now_ms:
            break
        place += 1
    return place


def named(entry: dict[str, object]) -> list[tuple[str, str]]:
    """Return (part, hash) of each version that an entry of a plan names."""
    return [(part, str(entry[part])) for part in PARTS if entry[part]]


def _checked(document: object, fault: type[TillboxError]) -> dict[str, object]:
    if type(document) is dict and document.get("v") != 1:
        raise fault(
            "publication-version-unknown",
            "This form of a publication is not known",
            "Update the box's software",
        )
    return _SHAPE.check(document, fault)


def _agrees(document: dict[str, object]) -> str:
    issued, expires = document["issued_ms"], document["expires_ms"]
    if type(issued) is not int or type(expires) is not int:
        return "expires_ms"
    if not 0 < expires - issued <= MAX_PUBLICATION_VALIDITY_MS:
        return "expires_ms"
    plan, sizes = document["plan"], document["sizes"]
    if type(plan) is not list or type(sizes) is not dict:
        return "plan"
    wanted = []
    last = -1
    for entry in plan:
        if entry["from_ms"] <= last:
            return "plan"
        last = entry["from_ms"]
        wanted += [digest for _, digest in named(entry)]
    return "" if sorted(set(wanted)) == sorted(sizes) else "sizes"


def _is_name(value: object) -> bool:
    try:
        return type(value) is str and bool(check_name(value))
    except PeerError:
        return False


def _is_source(value: object) -> bool:
    return (
        type(value) is str
        and len(value) <= MAX_TEXT_CHARS
        and value[: len(SCHEME)] == SCHEME
        and is_plain(value)
        and " " not in value
    )


def _is_plan(value: object) -> bool:
    return (
        type(value) is list and 1 <= len(value) <= MAX_PUBLICATION_PLAN and all(_is_entry(e) for e in value)
    )


def _is_entry(value: object) -> bool:
    return _ENTRY.fits(value)


def _is_sizes(value: object) -> bool:
    if type(value) is not dict:
        return False
    for digest, size in value.items():  # in any order: all must pass
        if not _HASH.test(digest) or type(size) is not int or not 1 <= size <= MAX_VERSION_BYTES:
            return False
    return True


_HASH = hexadecimal(64)
_HASH_OR_NONE = hexadecimal(64, may_be_empty=True)
_NAME_RULE = f"1 to {MAX_NAME_CHARS} characters of a-z, 0-9 and -"
_ENTRY = Shape(
    "publication",
    "an entry of a plan",
    {
        "from_ms": TIME,
        "catalogue": _HASH,
        "overlay": _HASH_OR_NONE,
        "promotions": _HASH_OR_NONE,
        "taxes": _HASH_OR_NONE,
    },
)
_SHAPE = Shape(
    "publication",
    "a publication",
    {
        "v": VERSION,
        "tenant": Kind(str, _NAME_RULE, _is_name),
        "store": Kind(str, _NAME_RULE, _is_name),
        "number": number(1, MAX_PUBLICATION_NUMBER),
        "issued_ms": TIME,
        "expires_ms": TIME,
        "source": Kind(str, f"an address that begins with {SCHEME}", _is_source),
        "plan": Kind(list, f"1 to {MAX_PUBLICATION_PLAN} sets of versions", _is_plan),
        "sizes": Kind(dict, "bytes by hash", _is_sizes),
    },
    _agrees,
)
