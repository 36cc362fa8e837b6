"""What every lifecycle table keeps, shown on a small one."""

from protocol.errors import CallerError
from protocol.lifecycle import Lifecycle
from tests.protocol.expect import raises

DOOR = Lifecycle(
    "door",
    "shut",
    {
        ("shut", "opened"): "ajar",
        ("ajar", "shut"): "shut",
        ("ajar", "broken"): "gone",
        ("gone", "broken"): "gone",
    },
)


def test_a_pair_of_the_table_gives_the_next_state():
    assert DOOR.next_state("shut", "opened") == "ajar"
    assert DOOR.next_state("gone", "broken") == "gone"


def test_a_pair_that_is_absent_is_an_error_that_names_both():
    for state, event in (("shut", "broken"), ("gone", "opened"), ("melted", "opened"), ("shut", "painted")):
        error = raises("door-event-out-of-place", DOOR.next_state, state, event)

        assert isinstance(error, CallerError)
        assert state in str(error)
        assert event in str(error)


def test_states_events_and_ends_are_read_off_the_table():
    assert DOOR.states == ("ajar", "gone", "shut")
    assert DOOR.events == ("broken", "opened", "shut")
    assert DOOR.terminal == ("gone",)
