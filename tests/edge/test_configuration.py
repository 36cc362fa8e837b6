"""A box takes its configuration between sales, tries it, keeps it or goes back, and tells the fleet which."""

from __future__ import annotations

import pytest

from edge.configuration import RESTARTS, SICK_MS, SOAK_MS, TRIAL_MS, UNREADABLE
from edge.events import SellingBlocked
from edge.settings import Settings
from protocol.limits import MAX_CONFIGURATION_STEP
from protocol.messages import decode_config_answer, encode_config_answer
from protocol.records import encode_record
from tests.builders import NOON_MS
from tests.edge.configured_box import HOUR_MS, ConfiguredBox, digest_of, pushed
from tests.edge.disk import FailingFiles


def confirmed(version: int = 3) -> ConfiguredBox:
    box = ConfiguredBox()
    box.receive(pushed(version))
    box.pass_ms(SOAK_MS)
    assert box.last_answer == (version, "applied", "")
    return box


def test_a_box_without_configuration_has_the_settings_of_its_software():
    box = ConfiguredBox()

    assert box.settings.store_name == Settings().store_name
    assert box.active == 0
    assert box.answers == []


def test_a_pushed_document_is_used_at_once_when_nobody_buys():
    box = ConfiguredBox()

    box.receive(pushed(3))

    assert box.settings.store_name == "Shop 3"
    assert box.configuration.is_on_trial


def test_an_answer_is_given_when_the_trial_is_over():
    box = ConfiguredBox()

    box.receive(pushed(3))
    box.pass_ms(SOAK_MS - 1_000)
    silent = list(box.answers)
    box.pass_ms(1_000)

    assert silent == []
    assert box.answers == [
        {"v": 1, "version": 3, "outcome": "applied", "reason": "", "hash": digest_of(pushed(3))}
    ]
    assert box.records == [{"version": 3, "outcome": "applied", "reason": "", "hash": digest_of(pushed(3))}]
    assert not box.configuration.is_on_trial


def test_an_open_sale_keeps_its_settings_until_it_ends():
    box = ConfiguredBox()
    box.scan()

    box.receive(pushed(3))
    box.pass_ms(SOAK_MS)
    during = (box.settings.store_name, box.active, box.answers[:])
    box.finish_sale()

    assert during == ("Corner Shop", 0, [])
    assert (box.settings.store_name, box.active) == ("Shop 3", 3)


def test_a_document_waits_until_the_cloud_has_told_its_time():
    box = ConfiguredBox(is_linked=False)

    box.receive(pushed(3))
    before = box.active
    box.link(is_up=True)

    assert before == 0
    assert box.active == 3


def test_a_document_received_again_is_answered_again_and_recorded_once():
    box = confirmed()

    box.receive(pushed(3))

    assert [answer["outcome"] for answer in box.answers] == ["applied", "applied"]
    assert len(box.records) == 1


def test_a_version_in_force_stays_in_force_beyond_its_end():
    box = confirmed()

    box.cloud_ms += 2 * HOUR_MS
    box.receive(pushed(3))

    assert box.last_answer == (3, "applied", "")
    assert box.settings.store_name == "Shop 3"


def test_the_settings_in_force_are_back_after_a_restart():
    box = confirmed()

    box.start()

    assert box.settings_at_start.store_name == "Shop 3"
    assert not box.configuration.is_on_trial


@pytest.mark.parametrize(
    ("version", "changed", "reason"),
    [
        (2, {}, "rollback"),
        (3, {"settings": {"store_name": "Other"}}, "not-newer"),
        (4 + MAX_CONFIGURATION_STEP, {}, "fast-forward"),
        (4, {"issued_ms": NOON_MS - HOUR_MS, "expires_ms": NOON_MS}, "expired"),
        (4, {"settings": {"colour": "red"}}, "unknown-field: colour: unknown setting"),
        (
            4,
            {"settings": {"thanks_ms": 0}},
            "settings-wrong: thanks_ms: must be a whole number from 1000 to 60000",
        ),
    ],
)
def test_a_document_that_may_not_come_now_is_refused_by_name(version, changed, reason):
    box = confirmed(3)

    box.receive(pushed(version, **changed))
    box.pass_ms(SOAK_MS)

    assert box.last_answer == (version, "refused", reason)
    assert (box.active, box.settings.store_name) == (3, "Shop 3")


def test_a_box_that_was_away_long_takes_the_newest():
    box = confirmed(3)

    box.receive(pushed(3 + MAX_CONFIGURATION_STEP))

    assert box.active == 3 + MAX_CONFIGURATION_STEP


def test_settings_that_were_refused_may_come_corrected_under_the_same_number():
    box = confirmed(3)
    box.receive(pushed(4, settings={"thanks_ms": 0}))

    box.receive(pushed(4))

    assert box.active == 4


def test_a_sick_box_goes_back_and_refuses_that_version():
    box = confirmed(3)

    box.receive(pushed(4))
    box.trouble = "screen-down"
    box.pass_ms(SICK_MS + 1_000)
    box.trouble = ""
    reverted = box.last_answer
    box.receive(pushed(4))

    assert reverted == (4, "reverted", "health-check: screen-down")
    assert box.last_answer == (4, "refused", "refused-before: health-check: screen-down")
    assert (box.active, box.settings.store_name) == (3, "Shop 3")


def test_a_short_trouble_is_forgiven():
    box = confirmed(3)

    box.receive(pushed(4))
    box.trouble = "screen-down"
    box.pass_ms(SICK_MS - 1_000)
    box.trouble = ""
    box.pass_ms(SOAK_MS)

    assert box.last_answer == (4, "applied", "")


def test_a_box_that_lost_its_link_goes_back_and_tells_when_it_is_up_again():
    box = confirmed(3)

    box.receive(pushed(4))
    box.link(is_up=False)
    box.pass_ms(TRIAL_MS)
    silent = box.last_answer
    box.link(is_up=True)

    assert silent == (3, "applied", "")
    assert box.last_answer == (4, "reverted", "link-lost")
    assert (box.active, box.settings.store_name) == (3, "Shop 3")


def test_a_link_that_comes_back_within_the_bound_confirms():
    box = confirmed(3)

    box.receive(pushed(4))
    box.link(is_up=False)
    box.pass_ms(TRIAL_MS - SOAK_MS)
    box.link(is_up=True)
    box.pass_ms(SOAK_MS - 1_000)

    assert box.last_answer == (3, "applied", "")
    box.pass_ms(1_000)
    assert box.last_answer == (4, "applied", "")


def test_a_higher_version_is_taken_after_one_was_reverted():
    box = confirmed(3)
    box.receive(pushed(4))
    box.trouble = "screen-down"
    box.pass_ms(SICK_MS + 1_000)
    box.trouble = ""

    box.receive(pushed(5))
    box.pass_ms(SOAK_MS)

    assert box.last_answer == (5, "applied", "")


def test_a_sale_that_is_open_when_the_trial_fails_keeps_its_version():
    box = confirmed(3)
    box.receive(pushed(4))
    box.scan()

    box.trouble = "screen-down"
    box.pass_ms(SICK_MS + 1_000)
    during = (box.settings.store_name, box.active)
    box.finish_sale()

    assert during == ("Shop 4", 4)
    assert (box.settings.store_name, box.active) == ("Shop 3", 3)
    assert box.last_answer == (4, "reverted", "health-check: screen-down")


def test_a_first_version_that_fails_goes_back_to_the_settings_of_the_software():
    box = ConfiguredBox()

    box.receive(pushed(1))
    box.trouble = "journal-full"
    box.pass_ms(SICK_MS + 1_000)

    assert box.settings.store_name == Settings().store_name
    assert box.active == 0


def test_a_newer_document_waits_for_the_end_of_a_trial():
    box = confirmed(3)

    box.receive(pushed(4))
    box.receive(pushed(6))
    box.receive(pushed(5))
    during = box.active
    box.pass_ms(SOAK_MS + 1_000)
    box.pass_ms(SOAK_MS)

    assert during == 4
    assert [answer["version"] for answer in box.answers] == [3, 4, 6]


def test_a_trial_goes_on_after_a_restart():
    box = confirmed(3)
    box.receive(pushed(4))

    box.start()
    assert box.configuration.is_on_trial
    box.pass_ms(SOAK_MS)

    assert box.last_answer == (4, "applied", "")


def test_a_version_that_restarts_the_box_again_and_again_is_reverted_at_a_start():
    box = confirmed(3)
    box.receive(pushed(4))

    for _ in range(4):
        box.start()
    box.pass_ms(1_000)

    assert box.settings_at_start.store_name == "Shop 3"
    assert box.last_answer == (4, "reverted", RESTARTS)


def test_a_staged_document_that_never_came_into_use_is_taken_when_it_comes_again():
    box = confirmed(3)
    box.scan()
    box.receive(pushed(4))

    box.start()
    box.receive(pushed(4))

    assert box.active == 4


def test_a_document_that_this_software_cannot_read_blocks_selling():
    box = confirmed(3)
    box.slots.stage(4, b"from a stranger")
    box.slots.promote()
    box.slots.confirm()

    box.start()
    box.configuration.tick()
    events = list(box.events)
    box.run()
    box.receive(pushed(5))

    assert events == [SellingBlocked(UNREADABLE)]
    assert box.answers[-1]["reason"] == UNREADABLE
    assert box.active == 5
    assert box.box.blocked == frozenset()


def test_an_unreadable_document_on_trial_is_reverted_at_the_start():
    box = confirmed(3)
    box.slots.stage(4, b"from a stranger")
    box.slots.promote()

    box.start()
    box.pass_ms(1_000)

    assert box.settings_at_start.store_name == "Shop 3"
    assert box.last_answer == (4, "reverted", UNREADABLE)


def test_a_disk_that_fails_leaves_the_settings_before_in_use(tmp_path):
    files = FailingFiles()
    box = ConfiguredBox(files, directory=str(tmp_path))
    box.receive(pushed(3))
    box.pass_ms(SOAK_MS)

    box.scan()
    box.receive(pushed(4))
    files.sync_fails = 1
    box.finish_sale()
    at_promotion = (box.last_answer, box.settings.store_name, box.active)
    files.sync_fails = 1
    box.receive(pushed(5))

    assert at_promotion == ((4, "refused", "config-write-failed"), "Shop 3", 3)
    assert box.last_answer == (5, "refused", "config-write-failed")
    assert (box.settings.store_name, box.active) == ("Shop 3", 3)
    box.receive(pushed(5))
    assert box.settings.store_name == "Shop 5"


def test_a_disk_that_fails_while_reverting_is_asked_again(tmp_path):
    files = FailingFiles()
    box = ConfiguredBox(files, directory=str(tmp_path))
    box.receive(pushed(3))

    box.trouble = "screen-down"
    box.pass_ms(SICK_MS)
    files.sync_fails = 1
    box.pass_ms(1_000)
    between = (box.settings.store_name, box.active)
    box.pass_ms(1_000)

    assert between == ("Corner Shop", 3)
    assert box.active == 0
    assert box.last_answer == (3, "reverted", "health-check: screen-down")


def test_answers_and_records_have_the_form_of_the_protocol():
    box = confirmed(3)
    box.receive(pushed(4, settings={"farbe größer 中": 1, "x" * 300: 2}))

    for answer in box.answers:
        assert decode_config_answer(encode_config_answer(answer)) == answer
    for record in box.records:
        assert encode_record({"v": 1, "t": "config_applied", "at": NOON_MS, "boot": "00000001", **record})
    assert box.last_answer[2].startswith("unknown-field: farbe gr??er ?: unknown setting")
