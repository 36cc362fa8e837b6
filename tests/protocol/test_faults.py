"""Fault points are free without a hook and strict with one."""

from protocol import faults
from protocol.faults import declare, fault, set_hook
from tests.protocol.expect import raises

POINT = declare("test.point", "a point that only this file passes")


def with_hook(hook, name):
    before = set_hook(hook)
    try:
        fault(name)
    finally:
        set_hook(before)


def test_declare_returns_the_name_and_keeps_the_meaning():
    assert POINT == "test.point"
    assert faults.NAMES[POINT] == "a point that only this file passes"


def test_the_same_declaration_twice_is_one_point():
    assert declare("test.point", "a point that only this file passes") == POINT


def test_one_name_cannot_have_two_meanings():
    raises("fault-declared-twice", declare, "test.point", "another meaning")


def test_a_name_is_dotted_lower_case():
    for name in ("", ".", "a.", ".a", "a..b", "Journal.synced", "journal synced"):
        raises("fault-name-wrong", declare, name, "a meaning")


def test_a_hook_gets_the_name_of_each_point_passed():
    passed = []

    with_hook(passed.append, POINT)

    assert passed == [POINT]


def test_without_a_hook_nothing_happens_even_for_an_undeclared_name():
    before = set_hook(None)

    fault("never.declared")

    assert set_hook(before) is None


def test_with_a_hook_an_undeclared_name_is_our_bug():
    passed = []

    raises("fault-undeclared", with_hook, passed.append, "never.declared")

    assert passed == []


def test_setting_a_hook_returns_the_one_before():
    first = [].append
    before = set_hook(first)

    assert set_hook(before) == first


def test_what_a_hook_raises_comes_out_at_the_point():
    def crash(name):
        raise KeyError(name)

    try:
        with_hook(crash, POINT)
    except KeyError:
        return
    raise AssertionError("the crash was swallowed")


def test_a_hook_must_be_callable():
    raises("fault-hook-wrong", set_hook, "not a function")
