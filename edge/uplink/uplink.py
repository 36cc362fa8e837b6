"""The way to the cloud, put together: outbox and live lane decide, journal and link do, seals guard both directions.

The replica is pushed by itself as records become durable. The cloud counts as reachable only while it answers, not
while the broker does: the first receipt after a connection opens the live lane, silence closes it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from edge.events import LinkChanged, PaymentAnswered, SellingBlocked, SellingUnblocked
from edge.uplink import outbox
from edge.uplink.live_lane import Key, LiveLane, RequestExpired
from edge.uplink.outbox import Outbox
from protocol import messages
from protocol.errors import CallerError, DeviceError, PeerError
from protocol.faults import declare, fault
from protocol.frame import Hello, encode_batch, encode_hello

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.ports import Clock, JournalReader
    from edge.uplink.identity import Identity
    from edge.uplink.link import Link

TICK_MS = 100  # how late a resend or a deadline may be noticed; far below every interval of the lanes
HEARTBEAT_MS = (
    5_000  # a box that hears nothing asks for a receipt this often: cloud time, proof that it lives
)
SILENCE_MS = 12_000  # two heartbeats and a slow consumer: beyond it the cloud counts as away
STATE_MS = 30_000  # a console that shows older state than this says so

QUARANTINED = "box-quarantined"

SENT = declare("uplink.sent", "a batch or request was handed to the broker, nobody confirmed it")
RECEIPTED = declare("uplink.receipted", "a receipt arrived, the journal does not know it yet")

_log = logging.getLogger(__name__)


class BoxUplink:
    """Carries one box's lanes over one link. All calls on the event loop's thread."""

    def __init__(  # noqa: PLR0913 - the parts that it puts together
        self,
        *,
        identity: Identity,
        journal: JournalReader,
        clock: Clock,
        post: Callable[[Any], None],
        state: Callable[[], dict[str, Any]],
        on_configuration: Callable[[bytes], None] | None = None,
        on_publication: Callable[[bytes], None] | None = None,
        epoch: int = 0,
        save_epoch: Callable[[int], None] | None = None,
    ) -> None:
        self.identity = identity
        self._journal = journal
        self._clock = clock
        self._post = post
        self._state = state
        self._on_configuration = on_configuration
        self._on_publication = on_publication
        self._save_epoch = save_epoch
        self._outbox = Outbox(epoch)
        self._live = LiveLane()
        self._requests: dict[Key, dict[str, Any]] = {}
        self._link: Link | None = None
        self._is_reachable = False
        self._heard_ms = 0
        self._cloud_ms = 0
        self._cloud_heard_ms = 0
        self._hello_ms = 0
        self._state_ms = 0
        self._damage: DeviceError | None = None
        for span in journal.spans():
            self._outbox.held(
                span.generation,
                span.oldest_seq,
                span.synced_through,
                span.receipted_through,
                clock.monotonic_ms(),
            )

    @property
    def unsent(self) -> int:
        """Durable records that the cloud has not confirmed, also those that wait to be sent with others."""
        spans = self._journal.spans()
        return sum(max(0, s.synced_through - max(s.receipted_through, s.oldest_seq - 1)) for s in spans)

    @property
    def is_reachable(self) -> bool:
        """Whether the cloud answers."""
        return self._is_reachable

    @property
    def cloud_time_ms(self) -> int:
        """The present by the cloud's sealed time and our monotonic clock; 0 before the cloud was ever heard."""
        return self._cloud_now_ms() if self._cloud_ms else 0

    def oldest_unsent_ms(self) -> int:
        """Age of the oldest record that the cloud has not confirmed."""
        return self._outbox.oldest_unsent_ms(self._clock.monotonic_ms())

    def attach(self, link: Link) -> None:
        """Use this link from now on."""
        self._link = link

    async def run(self) -> None:
        """Watch the time: resends, deadlines, heartbeats, silence."""
        while True:
            await self._clock.sleep_ms(TICK_MS)
            self.tick()

    def tick(self) -> None:
        """One look at the clock. DeviceError("journal-damaged"): the box has to start again, which salvages."""
        if self._damage is not None:
            raise self._damage
        now_ms = self._clock.monotonic_ms()
        self._replicate(self._outbox.tick(now_ms))
        self._request(self._live.tick(now_ms))
        if self._link is None or not self._link.is_up:
            return
        if now_ms - max(self._hello_ms, self._heard_ms) >= HEARTBEAT_MS:
            self._say_hello(self._journal.spans()[-1].generation)
        if self._is_reachable and now_ms - self._heard_ms >= SILENCE_MS:
            self._reach(is_reachable=False)
        if now_ms - self._state_ms >= STATE_MS:
            self.publish_state()

    def link_changed(self, is_up: bool) -> None:  # noqa: FBT001 - called back with the plain fact
        """The link connected and subscribed, or broke."""
        if is_up:
            self.publish_state()
            self._replicate(self._outbox.linked(self._clock.monotonic_ms()))
            self._say_hello(self._journal.spans()[-1].generation)
        else:
            self._outbox.unlinked()
            self._reach(is_reachable=False)

    def synced(self) -> None:
        """The journal grew by durable records; send them."""
        newest = self._journal.spans()[-1]
        self._replicate(self._outbox.appended(newest.synced_through, self._clock.monotonic_ms()))

    def ask(self, kind: str, payment: int, attempt: int, frame: bytes, blob: str, budget_ms: int) -> None:
        """Send a live request, again and again until an answer or the end of the budget.

        One that cannot be sent at all ends at once as unknown.
        """
        key = Key(kind, attempt)
        request: dict[str, Any] = {
            "v": 1,
            "kind": kind,
            "payment": str(payment),
            "attempt": str(attempt),
            "frame": messages.pack_bytes(frame) if kind != "query" else "",
            "blobs": {"card": blob} if blob else {},
        }
        try:
            messages.encode_request({**request, "deadline_ms": 0})
            effects = self._live.ask(key, self._clock.monotonic_ms(), budget_ms)
        except CallerError as refused:
            _log.warning("live request not sent: %s", refused)
            self._post(_no_answer(key))
            return
        self._requests.setdefault(key, request)
        self._request(effects)

    def publish_state(self) -> None:
        """Retain the box's present state at the broker."""
        self._state_ms = self._clock.monotonic_ms()
        self._publish("state", messages.encode_state(self._state()), retain=True)

    def answer_configuration(self, answer: dict[str, Any]) -> None:
        """Tell on up/cfg what became of a configuration."""
        self._publish("cfg", messages.encode_config_answer(answer))

    def answer_publication(self, answer: dict[str, Any]) -> None:
        """Tell on up/ver what became of a publication."""
        self._publish("ver", messages.encode_publication_answer(answer))

    def received(self, lane: str, sealed: bytes) -> None:
        """One message from the broker; PeerError when its seal or its content is wrong."""
        payload = self.identity.open(lane, sealed)
        self._heard_ms = self._clock.monotonic_ms()
        if lane == "receipt":
            self._take_receipt(messages.decode_receipt(payload))
        elif lane == "res":
            self._take_answer(messages.decode_response(payload))
        elif lane == "cfg" and self._on_configuration is not None:
            self._on_configuration(payload)
        elif lane == "ver" and self._on_publication is not None:
            self._on_publication(payload)
        else:
            raise PeerError("lane-not-expected", "This box takes nothing on that lane", "Check the sender.")

    def _take_receipt(self, receipt: dict[str, Any]) -> None:
        self._note_time(receipt["cloud_time_ms"])
        fault(RECEIPTED)
        generation, through = receipt["generation"], receipt["through"]
        chain = bytes.fromhex(receipt["chain"])
        try:
            ours = self._journal.chain_at(generation, through) if through else chain
        except DeviceError as damage:
            self._damage = damage
            return
        told = outbox.Receipt(
            generation,
            through,
            receipt["epoch"],
            receipt["status"],
            receipt["resend_from"],
            is_chain_ours=ours is None or ours == chain,
        )
        # Records gather for company, yet a hello tells of them at once: the outbox must know of all that the cloud can.
        self.synced()
        now_ms = self._clock.monotonic_ms()
        for effect in self._outbox.receipt(told, now_ms):
            self._carry_out(effect, chain)
        if not self._is_reachable:
            self._reach(is_reachable=True)

    def _replicate(self, effects: list[outbox.Effect]) -> None:
        for effect in effects:
            self._carry_out(effect, b"")

    def _carry_out(self, effect: outbox.Effect, chain: bytes) -> None:
        if isinstance(effect, outbox.SendBatch):
            self._send_batch(effect)
        elif isinstance(effect, outbox.SayHello):
            self._say_hello(effect.generation, tells_gone=effect.tells_gone)
        elif isinstance(effect, outbox.TakeReceipt):
            self._journal.prune(effect.generation, effect.through, chain, self._clock.utc_ms())
        elif isinstance(effect, outbox.ForgetReceipts):
            self._journal.forget_receipts()
            if self._save_epoch is not None:
                self._save_epoch(effect.epoch)
        elif isinstance(effect, outbox.Quarantine):
            _log.error("the cloud holds another history of this box: %s", effect.reason)
            self._post(SellingBlocked(QUARANTINED))
        else:
            self._post(SellingUnblocked(QUARANTINED))

    def _send_batch(self, effect: outbox.SendBatch) -> None:
        try:
            frames = self._journal.frames(effect.generation, effect.from_seq)
        except DeviceError as damage:
            # Not raised here, where a link or a sync would be taken for what failed.
            self._damage = damage
            return
        if not frames:
            self._replicate(self._pruned(effect))
            return
        self._publish("evt", encode_batch(bytes.fromhex(effect.generation), frames))
        fault(SENT)
        through = effect.from_seq + len(frames) - 1
        self._replicate(self._outbox.sent(effect.generation, through, self._clock.monotonic_ms()))

    def _pruned(self, missing: outbox.SendBatch) -> list[outbox.Effect]:
        """Records that the cloud wants were pruned, or their whole generation was: tell the outbox what is held."""
        oldest = {span.generation: span.oldest_seq for span in self._journal.spans()}.get(missing.generation)
        if oldest is not None and oldest <= missing.from_seq:
            return []  # beyond the synced end: what comes there is told by `synced`
        return self._outbox.pruned(missing.generation, oldest, self._clock.monotonic_ms())

    def _say_hello(self, generation: str, *, tells_gone: bool = False) -> None:
        self._hello_ms = self._clock.monotonic_ms()
        span = next((span for span in self._journal.spans() if span.generation == generation), None)
        if span is None:
            return
        hello = Hello(bytes.fromhex(generation), span.synced_through, span.synced_chain)
        gone_through = span.oldest_seq - 1 if tells_gone else 0
        gone_chain = self._journal.chain_at(generation, gone_through) if gone_through else None
        if gone_chain is not None:
            hello.gone_through, hello.gone_chain = gone_through, gone_chain
        self._publish("evt", encode_hello(hello))

    def _request(self, effects: list[Any]) -> None:
        for effect in effects:
            if isinstance(effect, RequestExpired):
                self._gave_up(effect.key)
                continue
            request = {
                **self._requests[effect.key],
                "deadline_ms": self._cloud_now_ms() + effect.remaining_ms,
            }
            self._publish("req", messages.encode_request(request))
            fault(SENT)

    def _gave_up(self, key: Key) -> None:
        self._requests.pop(key, None)
        self._post(_no_answer(key))

    def _take_answer(self, answer: dict[str, Any]) -> None:
        self._note_time(answer["cloud_time_ms"])
        key = Key(answer["kind"], int(answer["attempt"]))
        if self._live.answered(key):
            self._requests.pop(key, None)
            self._post(PaymentAnswered(key.kind, key.attempt, answer["outcome"], answer))

    def _reach(self, *, is_reachable: bool) -> None:
        if is_reachable == self._is_reachable:
            return
        self._is_reachable = is_reachable
        if is_reachable:
            self._request(self._live.linked(self._clock.monotonic_ms()))
        else:
            self._live.unlinked()
        self._post(LinkChanged(is_reachable))

    def _note_time(self, cloud_ms: int) -> None:
        """Cloud time never goes back here: an old answer that comes late must not lengthen a deadline."""
        if cloud_ms > self._cloud_now_ms() or not self._cloud_ms:
            self._cloud_ms, self._cloud_heard_ms = cloud_ms, self._clock.monotonic_ms()

    def _cloud_now_ms(self) -> int:
        return self._cloud_ms + self._clock.monotonic_ms() - self._cloud_heard_ms

    def _publish(self, lane: str, payload: bytes, *, retain: bool = False) -> None:
        if self._link is not None:
            topic, sealed = self.identity.seal(lane, payload)
            self._link.publish(topic, sealed, retain=retain)


def _no_answer(key: Key) -> PaymentAnswered:
    return PaymentAnswered(key.kind, key.attempt, "unknown", {"reason": "no-answer"})


async def run_uplink(uplink: BoxUplink, link: Link) -> None:
    """Run link and lanes together until cancelled."""
    uplink.attach(link)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(link.run())
        tasks.create_task(uplink.run())
