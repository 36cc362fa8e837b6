"""One lifecycle as a table: state x event -> state. A pair that is not in the table is an error of the caller.

The tables are in `order`, `payment` and `fulfilment`. What repeats in real life (the same answer twice) is
in them as an arrow from a state to itself; whatever is not, nobody thought of, and it must not pass in
silence.
"""

from protocol.errors import CallerError


class Lifecycle:
    """The table of one thing, with its name for errors ("payment")."""

    __slots__ = ("events", "name", "states", "table", "terminal")

    def __init__(self, name: str, start: str, table: dict[tuple[str, str], str]) -> None:
        self.name = name
        self.table = table
        states = {start}
        leaving = set()
        for (state, _event), after in table.items():  # in any order: the results are sorted
            states.update((state, after))
            if state != after:
                leaving.add(state)
        self.states = tuple(sorted(states))
        self.events = tuple(sorted({event for _state, event in table}))
        self.terminal = tuple(sorted(states - leaving))

    def next_state(self, state: str, event: str) -> str:
        """Return the state after `event`; CallerError NAME-event-out-of-place when the table has no such pair."""
        after = self.table.get((state, event))
        if after is None:
            raise CallerError(
                self.name + "-event-out-of-place",
                f"the {self.name} is {state}, where {event} cannot happen",
                "look at the records of this sale with `tillbox explain`",
            )
        return after
