"""Bugs of the card zone: what the acquirer is told, what is remembered of it, what is believed of its answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from cloud.cardzone import reversals, rules, store, zone
from cloud.payments import rules as payments
from cloud.payments.attempt import Call
from protocol.errors import DeviceError
from tests.world.planted.patching import (
    CARDS,
    ENDED,
    GOODS,
    LEDGER,
    TWICE,
    UNSETTLED,
    WITHOUT_SALE,
    Patch,
    Planted,
)


def _undoubted(asked: Any, answer: Any, *, is_whole: bool) -> str:
    del asked, answer, is_whole
    return ""


async def _stan_afterwards(self: Any, wanted: Any, de7: str) -> Any:
    """Give the attempt its STAN, and remember it a quarter of a minute later."""
    known = self.find(wanted.tenant, wanted.attempt)
    if known is not None:
        return known, False
    row = self._commits.read(
        lambda db: db.execute("SELECT stan FROM terminals WHERE terminal = ?", (wanted.terminal,)).fetchone()
    )
    stan = f"{rules.stan_after(row[0] if row else 0):06d}"
    return replace(wanted, state="sent", stan=stan, de7=de7), True


async def _sends_then_stores(self: Any, begun: Any, message: Any, until: float) -> Any:
    waiting = zone._Waiting(asyncio.get_running_loop().create_future(), asyncio.Event())
    self._waiting[begun.purchase.trace] = waiting
    try:
        fields, reason = await self._exchange(message, waiting.answer, until)
        await _begin(self._store, begun, begun.de7)
        if fields is not None:
            return await self._conclude(begun, fields)
    finally:
        del self._waiting[begun.purchase.trace]
        waiting.judged.set()
    return zone._told(await self._follow(begun, "timed_out", reason))


_begin = store.Store.begin


async def _forgets_the_open(self: Any) -> int:
    for planted in self._store.pending_reversals():
        self._sender.add(planted)
    return 0


async def _forgets_reversals(self: Any) -> int:
    for found in self._store.open_attempts():
        await self._follow(found, "timed_out", "restarted")
    return 0


async def _sends_once(self: Any, trace: Any) -> None:
    counted = await self._store.count_try(self._pending[trace])
    self._pending[trace] = counted
    try:
        self._links.send(self._message(counted))
    except DeviceError:
        return


async def _late_is_nothing(self: Any, fields: Any) -> None:
    del self, fields


async def _asks_anew(self: Any, begun: Any, message: Any, until: float) -> Any:
    """Without an answer in time, send the purchase once more under another STAN."""
    loop = asyncio.get_running_loop()
    half = loop.time() + (until - loop.time()) / 2
    for end in (half, until):
        waiting = zone._Waiting(loop.create_future(), asyncio.Event())
        self._waiting[begun.purchase.trace] = waiting
        try:
            fields, reason = await self._exchange(message, waiting.answer, end)
            if fields is not None:
                return await self._conclude(begun, fields)
        finally:
            del self._waiting[begun.purchase.trace]
            waiting.judged.set()
        if end == half:
            begun, message = await _another_stan(self._store, begun, message)
    return zone._told(await self._follow(begun, "timed_out", reason))


async def _another_stan(remembered: Any, begun: Any, message: Any) -> Any:
    def work(db: Any) -> Any:
        now = replace(begun, stan=store._take_stan(db, begun.terminal))
        db.execute(store._REPLACE, store._values(now))
        return now

    now = await remembered._commits.write(work)
    return now, {**message, "11": now.stan}


def _told_at_once(seen: dict[Any, Any]) -> Any:
    """An authorization that remembers answers by terminal and amount."""

    async def authorize(self: Any, asked: Any) -> Any:
        key = (id(self._store), asked.terminal, asked.amount_minor)
        if key not in seen:
            answer = await _authorize(self, asked)
            if answer["outcome"] == "approved":
                seen[key] = answer
            return answer
        return seen[key]

    return authorize


_authorize = zone.Zone.authorize


async def _executes_again(self: Any, asked: Any) -> Any:
    """Ask the acquirer whenever somebody asks; nothing is remembered of an earlier time."""
    sql = "DELETE FROM attempts WHERE tenant = ? AND attempt = ?"
    await self._store._commits.write(lambda db: db.execute(sql, (asked.tenant, asked.attempt)))
    return await self._authorize(asked)


def _pays_each_time(moved: Any, attempt: Any, request: Any, now_ms: int) -> Any:
    attempt = _pay(moved, attempt, request, now_ms)
    if attempt is not None and attempt.state == "requested" and not moved.calls:
        moved.calls.append(Call("authorize", attempt.call(), request.blob, attempt.deadline_ms))
    return attempt


_pay = payments.pay


def _time_out_is_no(state: str, event: str) -> str:
    if (state, event) == ("sent", "timed_out"):
        return "declined"
    return _next_state(state, event)


def _late_yes_is_nothing(state: str, event: str) -> str:
    if event == "approved" and state in ("declined", "reversing", "reversed", "reversed_early"):
        return state
    return _next_state(state, event)


_next_state = rules.next_state


BUGS = (
    Planted(
        "wrong-amount-accepted",
        "a yes over another amount counts as a yes",
        (TWICE, GOODS, LEDGER, WITHOUT_SALE),
        (Patch(rules, "_doubt", _undoubted),),
        CARDS,
    ),
    Planted(
        "stan-stored-after-sending",
        "the purchase leaves, then it is remembered",
        (WITHOUT_SALE, LEDGER, UNSETTLED, ENDED),
        (Patch(store.Store, "begin", _stan_afterwards), Patch(zone.Zone, "_ask", _sends_then_stores)),
        CARDS,
    ),
    Planted(
        "open-attempts-forgotten",
        "after a start the card zone does not undo what had no answer",
        (WITHOUT_SALE, LEDGER, UNSETTLED),
        (Patch(zone.Zone, "recover", _forgets_the_open),),
        CARDS,
    ),
    Planted(
        "pending-reversals-forgotten",
        "after a start the card zone does not go on with reversals",
        (WITHOUT_SALE, LEDGER, UNSETTLED),
        (Patch(zone.Zone, "recover", _forgets_reversals),),
        CARDS,
    ),
    Planted(
        "reversal-sent-once",
        "a reversal without an answer is not sent again",
        (WITHOUT_SALE, LEDGER, UNSETTLED),
        (Patch(reversals.Reversals, "_send", _sends_once),),
        CARDS,
    ),
    Planted(
        "late-answer-ignored",
        "an answer for which nobody waits is dropped",
        (WITHOUT_SALE, LEDGER),
        (Patch(zone.Zone, "_take_late", _late_is_nothing),),
        CARDS,
    ),
    Planted(
        "late-approval-ignored",
        "an approval after the reversal is heard, and nothing follows",
        (WITHOUT_SALE, LEDGER),
        (Patch(store, "next_state", _late_yes_is_nothing),),
        CARDS,
    ),
    Planted(
        "unknown-taken-for-declined",
        "the card zone takes silence for a no, and undoes nothing",
        (WITHOUT_SALE, LEDGER),
        (Patch(store, "next_state", _time_out_is_no),),
        CARDS,
    ),
    Planted(
        "retry-under-a-new-number",
        "without an answer in time the purchase is sent again under another STAN",
        (WITHOUT_SALE, TWICE, LEDGER),
        (Patch(zone.Zone, "_ask", _asks_anew),),
        CARDS,
    ),
    Planted(
        "dedupe-key-too-narrow",
        "an attempt is known by terminal and amount",
        (GOODS, LEDGER),
        (Patch(zone.Zone, "authorize", _told_at_once({})),),
        CARDS,
    ),
    Planted(
        "same-attempt-executed-twice",
        "neither payments nor the card zone remembers that an attempt is under way",
        (TWICE, WITHOUT_SALE, LEDGER),
        (Patch(zone.Zone, "authorize", _executes_again), Patch(payments, "pay", _pays_each_time)),
        CARDS,
    ),
)
