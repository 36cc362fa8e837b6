"""Staff ids and PINs at the box: right, wrong, guessed, and settings that are damaged."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from edge import badge
from edge.badge import BUSY, LOCKED, OK, REFUSED, BadgeCheck, make_pin, pin_matches
from edge.settings import StaffMember
from protocol.errors import ConfigError

SALT = bytes(range(16))
ADA = StaffMember("17", "Ada", make_pin("2468", SALT, 1_000))
BOB = StaffMember("18", "Bob", make_pin("1357", SALT, 1_000))


class Hands:
    """A badge check with a clock that the test turns."""

    def __init__(self, staff=(ADA, BOB)):
        self.now_ms = 5_000
        self.check = BadgeCheck(lambda: staff, lambda: self.now_ms).check

    async def wrong(self, times, by="17"):
        return [(await self.check(by, "0000")).outcome for _ in range(times)]


async def test_right_pin_gives_the_name():
    checked = await Hands().check("17", "2468")

    assert (checked.outcome, checked.name) == (OK, "Ada")


async def test_unknown_id_and_wrong_pin_get_the_same_answer():
    hands = Hands()

    assert await hands.check("17", "1111") == await hands.check("99", "1111")
    assert await hands.wrong(6, by="17") == await hands.wrong(6, by="99")


async def test_unknown_id_costs_the_same_hash_as_a_known_one():
    check = BadgeCheck(lambda: (ADA, BOB), lambda: 0)

    decoy = check._stored(None)

    assert decoy.split(":")[1] == ADA.pin.split(":")[1]
    assert not pin_matches("", decoy)


async def test_id_is_locked_after_five_wrong_answers_even_for_the_right_pin():
    hands = Hands()

    outcomes = await hands.wrong(5)

    assert outcomes == [REFUSED] * 4 + [LOCKED]
    assert (await hands.check("17", "2468")).outcome == LOCKED
    assert (await hands.check("18", "1357")).outcome == OK


async def test_lock_ends_and_doubles_with_each_further_wrong_answer():
    hands = Hands()
    await hands.wrong(5)
    waits = []

    for _ in range(6):
        hands.now_ms += badge.LOCK_MS_MAX
        waits.append((await hands.check("17", "0000")).wait_ms)

    assert waits == [120_000, 240_000, 480_000, 900_000, 900_000, 900_000]
    hands.now_ms += badge.LOCK_MS_MAX
    assert (await hands.check("17", "2468")).outcome == OK
    assert await hands.wrong(4) == [REFUSED] * 4


async def test_trying_many_ids_locks_the_box_until_it_forgets_one_by_one():
    hands = Hands()
    for number in range(badge.MAX_WRONG_PER_BOX):
        await hands.check(f"x{number}", "0000")

    locked = await hands.check("17", "2468")
    hands.now_ms += badge.BOX_FORGETS_ONE_MS
    after = await hands.check("17", "2468")

    assert (locked.outcome, locked.wait_ms) == (LOCKED, badge.BOX_FORGETS_ONE_MS)
    assert after.outcome == OK


async def test_memory_of_tried_ids_is_bounded():
    hands = Hands()
    check = BadgeCheck(lambda: (ADA,), lambda: hands.now_ms)

    for number in range(badge.MAX_WATCHED_IDS + 10):
        hands.now_ms += badge.BOX_FORGETS_ONE_MS
        await check.check(f"x{number}", "0000")

    assert len(check._wrong) == badge.MAX_WATCHED_IDS


async def test_second_check_at_the_same_time_is_told_busy():
    hands = Hands()

    first, second = await asyncio.gather(hands.check("17", "2468"), hands.check("17", "2468"))

    assert (first.outcome, second.outcome) == (OK, BUSY)


async def test_nobody_gets_in_where_no_staff_is_set_up():
    assert (await Hands(staff=()).check("", "")).outcome == REFUSED


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "::",
        "00:1000:00",
        ADA.pin.upper().replace("0001", "000G"),
        ADA.pin + ":",
        ADA.pin.replace(":1000:", ":999:"),
        ADA.pin.replace(":1000:", ":9999999:"),
        ADA.pin.replace(":1000:", ":abc:"),
        ADA.pin[:-2],
    ],
)
def test_damaged_record_of_a_pin_matches_nothing(stored):
    assert not pin_matches("2468", stored)
    assert not pin_matches("", stored)


def test_stored_pin_is_plain_pbkdf2():
    expected = hashlib.pbkdf2_hmac("sha256", b"2468", SALT, 1_000).hex()

    assert ADA.pin == f"{SALT.hex()}:1000:{expected}"
    assert pin_matches("2468", ADA.pin)
    assert not pin_matches("24680", ADA.pin)


@pytest.mark.parametrize(
    ("pin", "salt", "iterations"),
    [
        ("123", SALT, 1_000),
        ("1" * 17, SALT, 1_000),
        ("12a4", SALT, 1_000),
        ("١٢٣٤", SALT, 1_000),
        ("1234", b"short", 1_000),
        ("1234", SALT, 999),
        ("1234", SALT, 1_000_001),
    ],
)
def test_pin_that_nobody_should_have_is_refused(pin, salt, iterations):
    with pytest.raises(ConfigError) as refused:
        make_pin(pin, salt, iterations)

    assert refused.value.code == "pin-wrong"
    assert pin not in str(refused.value)
