"""Rows 25 and 26: a box whose clock is wrong. Sequence numbers order everything, no id comes twice, the cloud tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.events import CardPresented, CashReceived, CodeScanned, PaymentAnswered, ShopperActed, TimerFired
from edge.flows.state import Shop
from edge.main import LATEST_MS, SystemClock
from edge.settings import Settings
from edge.uplink.identity import Identity
from edge.uplink.uplink import BoxUplink
from protocol import messages
from protocol.catalogue import Prices
from protocol.frame import chain_start, encode_batch
from protocol.identifiers import IdMaker
from protocol.seal import seal
from protocol.topics import build
from tests.cloud.tills import CATALOGUE, NOON_MS, SHARD, STORE, TAXES, TENANT, Till
from tests.hostile.small_box import HandClock, SmallBox, small_box

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud.estate import Estate

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS
BREAD = "4006381333931"
JUMPS = {
    "ten-years-ahead": 10 * YEAR_MS,
    "back-to-1970": -NOON_MS,
    "back-an-hour": -HOUR_MS,
    "leap-second": -1_000,
    "ahead-a-day": 24 * HOUR_MS,
    "as-far-as-it-goes": LATEST_MS - NOON_MS,
}


def cloud_shop():
    """The shop whose versions lie on the estate's shelf."""
    return Shop(Prices(CATALOGUE), "GBP", CATALOGUE.hash.hex())


def box_of(directory: Path, **options) -> SmallBox:
    return SmallBox(directory, shop=cloud_shop(), taxes=TAXES, **options)


async def cash_sale(box: SmallBox, jump_ms: int = 0) -> None:
    """A sale in cash; the clock jumps after the scan."""
    await box.play(CodeScanned(BREAD))
    box.clock.utc += jump_ms
    await box.play(ShopperActed("pay"), ShopperActed("method", choice="cash"), CashReceived(500, "17"))
    await box.play(TimerFired("thanks"))


def batch_of(box: SmallBox, till: Till) -> bytes:
    """What the box would send, sealed with the key of its enrolment."""
    (span,) = box.journal.spans()
    return till.seal(
        "evt", encode_batch(bytes.fromhex(span.generation), box.journal.frames(span.generation, 1))
    )


@pytest.mark.parametrize("jump", JUMPS)
async def test_row_25_a_clock_that_jumps_in_mid_sale_ends_the_sale_with_one_total_and_no_id_twice(
    jump, tmp_path
) -> None:
    box = box_of(tmp_path)

    for change_ms in (0, JUMPS[jump], -JUMPS[jump], 0):
        await cash_sale(box, change_ms)
    await box.close()

    completed = box.records("sale_completed")
    assert [record["total_minor"] for record in completed] == [249] * 4
    made = box.ids_made()
    assert len(made) == len(set(made)) == 12
    assert made == sorted(made)


@pytest.mark.parametrize("seconds", [-(10**9), -1, 2**31, 2**33, 253_402_300_799, 2**43])
def test_row_25_a_clock_of_garbage_stays_within_what_records_and_ids_can_say(seconds, monkeypatch) -> None:
    monkeypatch.setattr("edge.main.time.time_ns", lambda: seconds * 10**9)

    now_ms = SystemClock().utc_ms()

    assert 0 <= now_ms <= LATEST_MS
    assert IdMaker(7).make(now_ms) < 2**63
    assert len(Settings().business_day(now_ms)) == 10


@pytest.mark.parametrize("first_ms", [NOON_MS + 10 * YEAR_MS, 0, NOON_MS])
@pytest.mark.parametrize("then_ms", [NOON_MS, 0, NOON_MS - HOUR_MS])
async def test_row_25_ids_go_on_above_the_journal_after_a_restart_with_any_clock(
    first_ms, then_ms, tmp_path
) -> None:
    first = box_of(tmp_path, clock=HandClock(first_ms))
    await cash_sale(first)
    await first.close()
    first.journal.close()

    again = box_of(tmp_path, clock=HandClock(then_ms))
    await cash_sale(again)
    await again.close()

    made = again.ids_made()
    assert len(made) == len(set(made)) == 6
    assert made == sorted(made)


def test_row_25_an_id_maker_never_repeats_whatever_the_clock_does(tried) -> None:
    maker = IdMaker(7)
    instants = [NOON_MS, 0, NOON_MS, NOON_MS - HOUR_MS, NOON_MS + 10 * YEAR_MS, NOON_MS, 1] * 1_000

    made = [maker.make(instant) for instant in instants]

    assert len(set(made)) == len(made)
    assert made == sorted(made)
    tried(len(made))


@pytest.mark.parametrize("jump", ["ten-years-ahead", "back-to-1970", "ahead-a-day"])
@pytest.mark.parametrize("in_mid_sale", [False, True])
async def test_row_25_the_cloud_books_it_on_the_day_of_its_arrival_flags_it_and_raises_an_alarm(
    estate: Estate, jump, in_mid_sale, tmp_path
) -> None:
    till = await estate.enrol()
    box = box_of(tmp_path, clock=HandClock(NOON_MS + (0 if in_mid_sale else JUMPS[jump])))
    await cash_sale(box, JUMPS[jump] if in_mid_sale else 0)
    await box.close()

    await estate.hear(till, "evt", batch_of(box, till))

    ((state, price_check, flags, day),) = await estate.rows(
        "SELECT state, price_check, flags, business_day FROM sale_order"
    )
    assert (state, price_check, day) == ("completed", "right", "2026-11-22")
    assert "clock-wrong" in flags.split()
    assert "clock-wrong" in await estate.alarms()
    days = await estate.rows("SELECT DISTINCT business_day FROM ledger_entry WHERE kind = 'sale-completed'")
    assert days == [("2026-11-22",)]
    assert await estate.rows("SELECT sum(balance_minor) FROM ledger_balance") == [(0,)]


@pytest.mark.parametrize("jump", ["back-an-hour", "leap-second"])
async def test_row_25_the_hour_that_comes_twice_is_no_alarm(small_estate: Estate, jump, tmp_path) -> None:
    till = await small_estate.enrol()
    box = box_of(tmp_path)
    await cash_sale(box, JUMPS[jump])
    await box.close()

    await small_estate.hear(till, "evt", batch_of(box, till))

    assert await small_estate.rows("SELECT state, flags FROM sale_order") == [("completed", "")]
    assert await small_estate.alarms() == []


@pytest.mark.parametrize("day", ["2099-01-01", "1970-01-01", "2026-11-25", "2026-11-01"])
async def test_row_25_a_box_cannot_choose_the_day_of_its_takings(small_estate: Estate, day) -> None:
    till = await small_estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    till.result(tender)
    till.complete(order, priced, tender, business_day=day)

    await small_estate.hear(till, "evt", till.batch())

    assert await small_estate.rows("SELECT business_day, flags FROM sale_order") == [
        ("2026-11-22", "clock-wrong")
    ]


async def test_row_25_a_wrong_wall_clock_shortens_no_deadline_and_lengthens_none(tmp_path) -> None:
    async with small_box(tmp_path) as box:
        await box.play(CodeScanned(BREAD), ShopperActed("pay"), ShopperActed("method", choice="card"))
        await box.play(CardPresented("476173******0119", "visa", "contact"))
        box.clock.utc += 10 * YEAR_MS
        ((_, attempt, _),) = box.cloud.asked
        await box.play(PaymentAnswered("pay", attempt, "approved", {"amount_minor": 249}))

        assert box.view["page"] == "paid"
        assert [record["outcome"] for record in box.records("tender_result")] == ["approved"]


def test_row_26_deadlines_follow_the_clouds_sealed_time_not_the_box_that_drifts(tmp_path) -> None:
    clock = HandClock(NOON_MS - 3 * HOUR_MS)
    box = SmallBox(tmp_path, clock=clock)
    keys = {"up_key": bytes(32), "down_key": b"\x01" * 32}
    identity = Identity(shard=SHARD, tenant=TENANT, store=STORE, box="till-1", **keys)
    uplink = BoxUplink(
        identity=identity,
        journal=box.journal,
        clock=clock,
        post=lambda _: None,
        state=dict,
        save_epoch=lambda _: None,
    )
    (span,) = box.journal.spans()

    def hear(cloud_ms: int) -> None:
        start = chain_start(TENANT, "till-1", bytes.fromhex(span.generation))
        receipt = messages.encode_receipt({
            "v": 1, "generation": span.generation, "through": 0, "chain": start.hex(), "epoch": 1, "status": "ok",
            "resend_from": 0, "cloud_time_ms": cloud_ms,
        })  # fmt: skip
        topic = build(SHARD, TENANT, STORE, "till-1", "down", "receipt")
        uplink.received("receipt", seal(b"\x01" * 32, topic, receipt))

    hear(NOON_MS)
    for _ in range(288):  # a day; the wall clock loses five minutes of it, the cloud is heard now and then
        clock.monotonic += 300_000
        clock.utc += 299_000
    there = uplink.cloud_time_ms
    hear(NOON_MS - HOUR_MS)  # an old receipt, replayed

    assert there == NOON_MS + 24 * HOUR_MS
    assert uplink.cloud_time_ms == there
    box.journal.close()
