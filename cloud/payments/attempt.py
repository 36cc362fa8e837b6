"""One attempt to move money through a channel, and the words in which others speak about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from cloud.ports import ChannelCall

if TYPE_CHECKING:
    from asyncio import Future

    from cloud.ports import Box, ChannelAnswer

AttemptName = tuple[str, int]  # tenant, attempt
CallKind = Literal["authorize", "reverse", "query"]
RequestKind = Literal["pay", "query", "reverse"]


@dataclass(slots=True)
class Attempt:
    """A working copy of one row of payment_attempt, in the order of its columns.

    `intention_digest` is "" for a tombstone: an attempt whose reversal came before anything else was heard of it.
    """

    tenant: str
    attempt: int
    shard: str
    store: str
    box: str
    order: int
    payment: int
    state: str = "intended"
    amount_minor: int = 0
    currency: str = ""
    intention_digest: str = ""
    masked: str = ""
    brand: str = ""
    token: str = ""
    approval_code: str = ""
    rrn: str = ""
    response_code: str = ""
    reason: str = ""
    deadline_ms: int = 0
    intended_ms: int = 0
    requested_ms: int = 0
    answered_ms: int = 0
    reversed_ms: int = 0
    reversal_reason: str = ""
    approvals: int = 0
    reversals: int = 0
    sale: str = "open"
    box_outcome: str = ""
    due_ms: int = 0
    tries: int = 0
    version: int = 0

    @property
    def name(self) -> AttemptName:
        """The key of the attempt."""
        return (self.tenant, self.attempt)

    def call(self) -> ChannelCall:
        """Describe the attempt to a channel."""
        return ChannelCall(
            self.tenant,
            self.store,
            self.box,
            self.order,
            self.payment,
            self.attempt,
            self.amount_minor,
            self.currency,
        )


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """A request of a box, read from the live lane. `fault` names what is wrong with it, "" when nothing is.

    The fields from `order` on come from the intention's frame; a query has none.
    """

    box: Box
    kind: RequestKind
    payment: int
    attempt: int
    deadline_ms: int
    fault: str = ""
    order: int = 0
    amount_minor: int = 0
    currency: str = ""
    digest: str = ""
    masked: str = ""
    brand: str = ""
    reason: str = ""
    intended_ms: int = 0
    blob: bytes = b""

    def __repr__(self) -> str:
        return f"LiveRequest({self.kind}, {self.box.tenant}/{self.box.box}, attempt {self.attempt})"


class Call(NamedTuple):
    """Something to ask a channel, once the transaction that decided it is committed."""

    kind: CallKind
    about: ChannelCall
    blob: bytes
    deadline_ms: int

    def __repr__(self) -> str:
        return f"Call({self.kind}, attempt {self.about.attempt})"


class CallResult(NamedTuple):
    """What a channel said to a call, or unasked (`is_late`). Kind "expired": the call was never made.

    `kept` is told whether what follows was committed, when somebody waits for that.
    """

    tenant: str
    attempt: int
    kind: CallKind | Literal["expired"]
    answer: ChannelAnswer
    is_late: bool = False
    kept: Future[bool] | None = None


class Reply(NamedTuple):
    """An answer for a box. `version` names the state that it tells; 0: it changed nothing and is not kept."""

    tenant: str
    box: str
    kind: RequestKind
    payment: int
    attempt: int
    order: int
    outcome: str
    version: int
    amount_minor: int = 0
    approval_code: str = ""
    rrn: str = ""
    response_code: str = ""
    reason: str = ""
    masked: str = ""
    brand: str = ""
    token: str = ""
