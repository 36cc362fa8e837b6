"""Whether a person at the box is who they say: staff id and PIN against the store's settings.

An unknown id and a wrong PIN take the same work, get the same answer and count the same, so nobody can find out who
works here. Wrong answers lock: the id that was tried, and, when many ids are tried, the box. What staff may do once
checked stands in `edge/flows/attendant.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections import OrderedDict
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING

from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.settings import StaffMember

# A check of the PIN costs about 40 ms on a small box: nobody waits, and a leaked settings file is not read at once.
DEFAULT_ITERATIONS = 100_000
# Fewer protect nothing; more would keep one of the box's cores busy for seconds at every touch.
MIN_ITERATIONS = 1_000
MAX_ITERATIONS = 1_000_000
MIN_SALT_BYTES = 8  # no two members share a salt by chance
MAX_SALT_BYTES = 64  # the block of the hash; more adds nothing
MIN_PIN_CHARS = 4  # ten thousand PINs; with the locks below a year of tries at one id finds it hardly
MAX_PIN_CHARS = 16  # what a person types on a touch screen while others wait

MAX_WRONG_PER_ID = 5  # a person who mistypes needs two or three tries
LOCK_MS = 60_000  # the first lock; it doubles with each further wrong answer
LOCK_MS_MAX = 900_000  # a quarter of an hour: 96 tries a day, and staff can wait for it
MAX_WRONG_PER_BOX = 20  # a whole shift mistyping; one who tries many ids gets no further
BOX_FORGETS_ONE_MS = 60_000  # a wrong answer is forgotten by the box after a minute, one at a time
MAX_WATCHED_IDS = 256  # more than the members that settings may hold; unknown ids push the oldest out

OK, REFUSED, LOCKED, BUSY = "ok", "refused", "locked", "busy"

# Salt of MIN_SALT_BYTES to MAX_SALT_BYTES and a SHA-256, in hex.
_STORED = re.compile(r"((?:[0-9a-f]{2}){8,64}):([1-9][0-9]{3,6}):([0-9a-f]{64})")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to one check: ok, refused, locked (for `wait_ms` more) or busy with another check."""

    outcome: str
    name: str = ""
    wait_ms: int = 0


@dataclass(slots=True)
class _Wrong:
    """What is remembered of an id that was tried with a wrong answer."""

    count: int = 0
    locked_until_ms: int = 0


class BadgeCheck:
    """Checks staff ids and PINs; keeps the locks in memory only."""

    def __init__(self, staff: Callable[[], Sequence[StaffMember]], monotonic_ms: Callable[[], int]) -> None:
        self._staff = staff
        self._monotonic_ms = monotonic_ms
        self._wrong: OrderedDict[str, _Wrong] = OrderedDict()
        self._box_wrong = 0
        self._box_since_ms = monotonic_ms()
        self._is_busy = False

    async def check(self, by: str, pin: str) -> Checked:
        """Check one person. The hashing runs off the loop; a second check meanwhile is told busy."""
        if self._is_busy:
            return Checked(BUSY)
        wait_ms = self._locked_for_ms(by)
        if wait_ms:
            return Checked(LOCKED, wait_ms=wait_ms)
        member = next((member for member in self._staff() if member.id == by), None)
        self._is_busy = True
        try:
            is_right = await asyncio.to_thread(pin_matches, pin, self._stored(member))
        finally:
            self._is_busy = False
        if member is not None and is_right:
            self._wrong.pop(by, None)
            return Checked(OK, name=member.name)
        self._count_wrong(by)
        wait_ms = self._locked_for_ms(by)
        return Checked(LOCKED, wait_ms=wait_ms) if wait_ms else Checked(REFUSED)

    def _stored(self, member: StaffMember | None) -> str:
        """The record to compare with; for an unknown id a decoy that costs what a member's record costs."""
        staff = self._staff()
        if member is not None:
            return member.pin
        return f"{'00' * 16}:{_read(staff[0].pin)[1] if staff else DEFAULT_ITERATIONS}:{'00' * 32}"

    def _locked_for_ms(self, by: str) -> int:
        now_ms = self._monotonic_ms()
        forgotten = (now_ms - self._box_since_ms) // BOX_FORGETS_ONE_MS
        self._box_since_ms += forgotten * BOX_FORGETS_ONE_MS
        self._box_wrong = max(self._box_wrong - forgotten, 0)
        box_wait_ms = 0
        if self._box_wrong >= MAX_WRONG_PER_BOX:
            box_wait_ms = self._box_since_ms + BOX_FORGETS_ONE_MS - now_ms
        wrong = self._wrong.get(by)
        return max(box_wait_ms, wrong.locked_until_ms - now_ms if wrong is not None else 0, 0)

    def _count_wrong(self, by: str) -> None:
        wrong = self._wrong.setdefault(by, _Wrong())
        self._wrong.move_to_end(by)
        if len(self._wrong) > MAX_WATCHED_IDS:
            self._wrong.popitem(last=False)
        wrong.count += 1
        self._box_wrong += 1
        beyond = wrong.count - MAX_WRONG_PER_ID
        if beyond >= 0:
            # Past ten doublings the longest lock is reached long ago.
            lock_ms = min(LOCK_MS << min(beyond, 10), LOCK_MS_MAX)
            wrong.locked_until_ms = self._monotonic_ms() + lock_ms
            _log.warning("staff check locked for %d s after %d wrong answers", lock_ms // 1000, wrong.count)


def make_pin(pin: str, salt: bytes, iterations: int = DEFAULT_ITERATIONS) -> str:
    """The text that settings keep of a PIN: `salt:iterations:hash`, salt and hash in hex, iterations decimal.

    >>> make_pin("2468", bytes(8), 1000)
    '0000000000000000:1000:edc3644161a2d2fd5f436d4ced0006588cdf832251692086a279cab5ab9c575f'
    """
    if not MIN_PIN_CHARS <= len(pin) <= MAX_PIN_CHARS or not (pin.isascii() and pin.isdigit()):
        raise ConfigError(
            "pin-wrong", f"A PIN has {MIN_PIN_CHARS} to {MAX_PIN_CHARS} digits", "Choose another one."
        )
    if (
        not MIN_SALT_BYTES <= len(salt) <= MAX_SALT_BYTES
        or not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS
    ):
        raise ConfigError("pin-wrong", "Salt or iterations of a PIN are out of bounds", "Make the PIN again.")
    return f"{salt.hex()}:{iterations}:{_hash(pin, salt, iterations).hex()}"


def pin_matches(pin: str, stored: str) -> bool:
    """Whether `pin` belongs to a stored text; a text that is malformed matches nothing, at the usual cost."""
    salt, iterations, expected = _read(stored)
    return compare_digest(_hash(pin, salt, iterations), expected)


def _read(stored: str) -> tuple[bytes, int, bytes]:
    """Salt, iterations and hash of a stored text; a hash that nothing has where the text is malformed."""
    form = _STORED.fullmatch(stored)
    if form is None or not MIN_ITERATIONS <= int(form[2]) <= MAX_ITERATIONS:
        return bytes(MIN_SALT_BYTES), DEFAULT_ITERATIONS, b""
    return bytes.fromhex(form[1]), int(form[2]), bytes.fromhex(form[3])


def _hash(pin: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", pin.encode("utf-8", "replace"), salt, iterations)
