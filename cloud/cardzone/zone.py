"""What happens to one attempt: sealed card in, one message to the acquirer, one answer out, whatever breaks.

The order that makes it safe: STAN and attempt are durable, then the message leaves; the answer is durable,
then it is told. An attempt that has no answer in time, or a doubtful one, is reversed by the zone itself, at
once; the payments service is told "unknown" and hears of the end by a notice. Calls with the same attempt
have one effect.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cloud.cardzone.iso8583 import Fields, Trace, purchase, trace_of
from cloud.cardzone.rules import OUTCOMES, UNDOING, Verdict, judge
from cloud.cardzone.store import Attempt, Reversal, Store
from protocol.errors import CallerError, DeviceError, PeerError
from protocol.faults import declare, fault
from protocol.strict_json import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloud.cardzone.keys import Keys
    from cloud.cardzone.links import Clock, Links
    from cloud.cardzone.requests import Asked, Authorization
    from cloud.cardzone.reversals import Reversals

STAN_STORED = declare("cardzone.stan_stored", "STAN and attempt are durable, nothing is sent yet")
SENT = declare("cardzone.sent", "the purchase left, its answer is not known")
ANSWER_RECEIVED = declare("cardzone.answer_received", "the acquirer answered, the answer is not durable yet")
ANSWERED = declare("cardzone.answered", "the verdict is durable, nobody was told yet")

LOG = logging.getLogger(__name__)
GATE_MS_MAX = (
    3_000  # how long a shopper waits for a link or for the terminal's reversal before anything is sent
)
ANSWER_MS_MAX = 60_000  # hosts answer within half a minute or never

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A purchase on its way: the answer when it comes, and whether it was judged."""

    answer: asyncio.Future[Fields]
    judged: asyncio.Event


class Zone:
    """Authorize, reverse, query. One object, one store, one event loop."""

    def __init__(self, store: Store, links: Links, keys: Keys, de7_now: Clock) -> None:
        self._store, self._links, self._keys, self._de7_now = store, links, keys, de7_now
        self._running: dict[tuple[str, str], tuple[str, asyncio.Task[Answer]]] = {}
        self._waiting: dict[Trace, _Waiting] = {}
        self._reversals: Reversals | None = None
        self.on_notice: Callable[[int, bytes], None] | None = None

    def attach(self, reversals: Reversals) -> None:
        """Say who sends reversals; before the first call."""
        self._reversals = reversals

    async def recover(self) -> int:
        """After a start: reverse what was sent and never answered, go on with reversals. Give how many were open."""
        for planted in self._store.pending_reversals():
            self._sender.add(planted)
        open_attempts = self._store.open_attempts()
        for found in open_attempts:
            await self._follow(found, "timed_out", "restarted")
        return len(open_attempts)

    async def authorize(self, asked: Authorization) -> Answer:
        """Ask for the money once; the same attempt again joins the first or gets its answer.

        CallerError "attempt-differs" when the attempt is known with another body.
        """
        mine = (asked.tenant, asked.attempt)
        digest, running = self._running.get(mine, (asked.digest, None))
        if digest != asked.digest:
            raise _differs()
        if running is None:
            running = asyncio.create_task(self._authorize(asked))
            self._running[mine] = (digest, running)
            running.add_done_callback(lambda _: self._running.pop(mine, None))
        return await asyncio.shield(running)

    async def reverse(self, asked: Asked) -> Answer:
        """Undo an attempt; "reversed" once the acquirer answered, "unknown" while it did not."""
        _, running = self._running.get((asked.tenant, asked.attempt), ("", None))
        patience = max(asked.deadline_ms, 0) / 1000
        if running is not None:
            await asyncio.wait([running], timeout=patience)
        wanted = Attempt(asked.tenant, asked.attempt, "", "", "reversed")
        reason = asked.reason or "reverse-asked"
        found, planted = await self._store.ask_reversal(wanted, reason, self._de7_now())
        self._add(planted)
        if found.state in UNDOING:
            try:
                async with asyncio.timeout(patience):
                    await self._sender.wait_settled(asked.tenant, asked.attempt)
            except TimeoutError:
                LOG.info("attempt %s: reversal is pending", asked.attempt)
        return self.query(asked, is_reversal=True)

    def query(self, asked: Asked, *, is_reversal: bool = False) -> Answer:
        """Tell what is known. Never asks the acquirer: this dialect has no inquiry, it has reversals."""
        found = self._store.find(asked.tenant, asked.attempt)
        if found is None:
            return {"outcome": "unknown", "reason": "never-seen"}
        answer = _told(found)
        if is_reversal and found.state == "declined":
            answer.update(outcome="reversed", reason="nothing-captured")
        return answer

    async def take(self, fields: Fields) -> None:
        """Take a message of the acquirer that is no network message."""
        if fields["t"] == "0410":
            await self._sender.answered(fields)
            return
        if fields["t"] != "0210":
            return
        waiting = self._waiting.get(trace_of(fields))
        if waiting is None:
            await self._take_late(fields)
        elif not waiting.answer.done():
            waiting.answer.set_result(fields)
        else:  # a second answer right behind the first: the first is judged before it
            await waiting.judged.wait()
            await self._take_late(fields)

    async def settled(self, found: Attempt) -> None:
        """Tell the payments service that a reversal came to its end; one that came too early is followed by another."""
        if found.state == "reversed_early":
            await self._follow(found, "timed_out", "late-approval")
            return
        await self._notify("reversal_settled", found, OUTCOMES[found.state])

    @property
    def _sender(self) -> Reversals:
        if self._reversals is None:
            raise CallerError("zone-incomplete", "The zone has no reversals yet", "Call attach first")
        return self._reversals

    async def _authorize(self, asked: Authorization) -> Answer:
        until = asyncio.get_running_loop().time() + asked.deadline_ms / 1000
        known = self._store.find(asked.tenant, asked.attempt)
        if known is not None:
            return _told_again(known, asked.digest)
        wanted = Attempt(
            tenant=asked.tenant,
            attempt=asked.attempt,
            payment=asked.payment,
            digest=asked.digest,
            state="declined",
            terminal=asked.terminal,
            merchant=asked.merchant,
            amount_minor=asked.amount_minor,
            currency=asked.currency,
        )
        try:
            card = self._keys.open_card(asked.binding, asked.blob)
        except PeerError as error:
            return _told_again(await self._store.refuse(wanted, error.code), asked.digest)
        wanted = replace(
            wanted,
            masked=card.masked,
            brand=card.brand,
            token=self._keys.token(asked.tenant, card.pan),
            sealed_number=self._keys.seal_number(asked.tenant, asked.attempt, card.pan),
        )
        refusal = await self._gate(asked.terminal, until)
        if refusal:
            return _told_again(await self._store.refuse(wanted, refusal), asked.digest)
        begun, is_new = await self._store.begin(wanted, self._de7_now())
        if not is_new:
            return _told_again(begun, asked.digest)
        return await self._ask(begun, purchase(begun.purchase, card), until)

    async def _gate(self, terminal: str, until: float) -> str:
        """Wait for a link and for the terminal's reversal; the reason why nothing may be sent, or nothing."""
        loop = asyncio.get_running_loop()
        if loop.time() >= until:
            return "expired"
        reason = "acquirer-unreachable"
        try:
            async with asyncio.timeout_at(min(until, loop.time() + GATE_MS_MAX / 1000)):
                await self._links.wait_up()
                reason = "reversal-pending"
                await self._sender.wait_free(terminal)
        except TimeoutError:
            return reason
        return ""

    async def _ask(self, begun: Attempt, message: Fields, until: float) -> Answer:
        waiting = _Waiting(asyncio.get_running_loop().create_future(), asyncio.Event())
        self._waiting[begun.purchase.trace] = waiting
        try:
            fields, reason = await self._exchange(message, waiting.answer, until)
            if fields is not None:
                return await self._conclude(begun, fields)
        finally:
            del self._waiting[begun.purchase.trace]
            waiting.judged.set()
        return _told(await self._follow(begun, "timed_out", reason))

    async def _exchange(
        self, message: Fields, answer: asyncio.Future[Fields], until: float
    ) -> tuple[Fields | None, str]:
        fault(STAN_STORED)
        try:
            self._links.send(message)
        except (
            DeviceError
        ) as error:  # every link went down since the gate: a reversal costs little and is sure
            return None, error.code
        fault(SENT)
        patience = min(until - asyncio.get_running_loop().time(), ANSWER_MS_MAX / 1000)
        await asyncio.wait([answer], timeout=max(patience, 0.0))
        return (answer.result(), "") if answer.done() else (None, "no-answer")

    async def _conclude(self, begun: Attempt, fields: Fields) -> Answer:
        fault(ANSWER_RECEIVED)
        now, planted = await self._store.take_answer(begun, judge(begun.purchase, fields), self._de7_now())
        self._add(planted)
        fault(ANSWERED)
        return _told(now)

    async def _take_late(self, fields: Fields) -> None:
        """Take an answer nobody waits for: late, doubled or unasked. An approval among them is never ignored."""
        found = self._store.find_by_trace(trace_of(fields))
        if found is None:
            self._links.counts["answer-unmatched"] += 1
            LOG.warning("an answer belongs to no attempt")
            return
        verdict = judge(found.purchase, fields)
        if _is_the_same(found, verdict):
            self._links.counts["answer-doubled"] += 1
            return
        now, planted = await self._store.take_answer(found, verdict, self._de7_now())
        self._add(planted)
        self._links.counts["answer-late"] += 1
        await self._notify("late_answer", now, verdict.event)

    async def _follow(self, found: Attempt, event: str, reason: str) -> Attempt:
        now, planted = await self._store.take_event(found, event, reason, self._de7_now())
        self._add(planted)
        LOG.warning("attempt %s is unknown (%s) and will be reversed", found.attempt, reason)
        return now

    def _add(self, planted: Reversal | None) -> None:
        if planted is not None:
            self._sender.add(planted)

    async def _notify(self, event: str, found: Attempt, outcome: str) -> None:
        body = dumps(
            {
                **_told(found),
                "event": event,
                "tenant": found.tenant,
                "attempt": found.attempt,
                "said": outcome,
            }
        )
        number = await self._store.add_notice(body)
        if self.on_notice is not None:
            self.on_notice(number, body)


def _told(found: Attempt) -> Answer:
    """Say how an attempt stands; the amount is what the acquirer approved, else 0."""
    return {
        "outcome": OUTCOMES[found.state],
        "payment": found.payment,
        "amount_minor": found.amount_minor if found.state == "approved" else 0,
        "approval_code": found.approval_code,
        "rrn": found.rrn,
        "stan": found.stan,
        "response_code": found.response_code,
        "reason": found.reason,
        "masked": found.masked,
        "brand": found.brand,
        "token": found.token,
    }


def _told_again(found: Attempt, digest: str) -> Answer:
    if found.digest and found.digest != digest:
        raise _differs()
    answer = _told(found)
    if not found.digest:  # a tombstone: reversed before it was ever asked for
        answer.update(outcome="declined", reason="reversed-before")
    return answer


def _is_the_same(found: Attempt, verdict: Verdict) -> bool:
    told = (found.response_code, found.rrn, found.approval_code)
    return found.state == verdict.event and told == (
        verdict.response_code,
        verdict.rrn,
        verdict.approval_code,
    )


def _differs() -> CallerError:
    return CallerError("attempt-differs", "The attempt is known with another body", "Use a new attempt id")
