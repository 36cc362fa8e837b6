"""Bugs around histories that fork and configurations that nobody pushed: what only a world with old copies shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cloud import intake_replica
from cloud.intake_rules import Verdict
from edge import configuration_check
from edge.config_slots import SLOTS, ConfigSlots
from edge.journal import journal, opening
from edge.uplink.identity import Identity
from edge.uplink.outbox import Outbox
from protocol.configuration import decode_document, unpack
from protocol.seal import MAC_BYTES
from simulators.world import fleet_faults, schedule
from tests.world.planted.journals import ANY, HARSH, SHORT
from tests.world.planted.patching import CONFIGURED, DAMAGED, LONGER, LOST, PEOPLE, Patch, Planted, applied

# Worlds in which disks forget, and soon: their minutes are few.
FORGETTING = (Patch(schedule, "WEIGHTS", (0, 0, 1)), Patch(fleet_faults, "COPY_AGE_S", (10.0, 90.0)))
SETTING = (
    Patch(schedule, "SORTS", (tuple(k for k in schedule.KINDS if k.startswith("configuration-")),) * 3),
)


def _follows_numbers(position: Any, frames: list[Any]) -> Verdict:
    verdict = Verdict()
    through = position.through
    for frame in frames:
        if frame.seq == through + 1:
            verdict.fresh.append(frame)
            through = frame.seq
        elif frame.seq > through:
            verdict.status, verdict.resend_from = "gap", through + 1
            break
    return verdict


def _greets_anybody(position: Any, hello: Any) -> Verdict:
    if hello.last_seq > position.through:
        return Verdict(status="resend", resend_from=position.through + 1)
    return Verdict()


def _believes_the_number(self: Any, told: Any, now_ms: int) -> Any:
    stretch = next((s for s in self._stretches if s.generation == told.generation), None)
    if stretch is not None:
        told = replace(told, is_chain_ours=True, through=min(told.through, stretch.last_seq))
    return _receipt(self, told, now_ms)


_receipt = Outbox.receipt


def _prunes_by_number(self: Any, generation: str, through: int, chain: bytes, now_ms: int) -> None:
    _prune(self, generation, through, self._held.chain_at(generation, through) or chain, now_ms)


_prune = journal.Journal.prune


def _opens_unseen(self: Identity, lane: str, sealed: bytes) -> bytes:
    del self, lane
    return bytes(sealed[MAC_BYTES:])


def _takes_nothing_over(shelves: Any, birth: Any, *, is_renewal: bool = False) -> Any:
    forgotten = (Patch(opening, "frames_of", lambda *_: iter(())),) if is_renewal else ()
    with applied(forgotten):
        return _open_shelves(shelves, birth, is_renewal=is_renewal)


_open_shelves: Any = vars(journal)["open_shelves"]


def _no_order(found: Any, slots: Any) -> str:
    del found, slots
    return ""


def _any_version(self: ConfigSlots, version: int) -> str:
    del self, version
    return ""


def _other_slot(self: ConfigSlots) -> int:
    state = self.state
    return state.slots[next(name for name in SLOTS if name != state.active)].version


class _AnyKey:
    """Finds every signature right."""

    @staticmethod
    def from_public_bytes(signer: bytes) -> _AnyKey:
        del signer
        return _AnyKey()

    def verify(self, signature: bytes, signed: bytes) -> None:
        pass


def _for_anybody(payload: bytes, signer: bytes, tenant: str, box: str) -> Any:
    del tenant, box
    _, data = unpack(payload)
    document: Any = decode_document(data)
    return _check(payload, signer, document["tenant"], document["box"])


_check = configuration_check.check


BUGS = (
    Planted(
        "forks-unnoticed",
        "neither cloud nor box compares chains: a record is known by its number alone",
        (*ANY, DAMAGED),
        (
            Patch(intake_replica, "judge_frames", _follows_numbers),
            Patch(intake_replica, "judge_hello", _greets_anybody),
            Patch(Outbox, "receipt", _believes_the_number),
            Patch(journal.Journal, "prune", _prunes_by_number),
        ),
        LONGER,
        FORGETTING,
    ),
    Planted(
        "renewed-without-the-unconfirmed",
        "a renewal takes over nothing of what the cloud has not confirmed",
        (LOST, PEOPLE),
        (Patch(journal, "open_shelves", _takes_nothing_over),),
        LONGER,
        FORGETTING,
    ),
    Planted(
        "unsealed-receipt-prunes",
        "the box believes receipts whatever their seal, and prunes by them",
        ANY,
        (Patch(Identity, "open", _opens_unseen),),
        LONGER,
        (*SHORT, *HARSH),
    ),
    Planted(
        "configuration-rolled-back",
        "the box takes any version that its fleet once signed",
        (CONFIGURED,),
        (
            Patch(configuration_check, "order_fault", _no_order),
            Patch(ConfigSlots, "refusal", _any_version),
            Patch(ConfigSlots, "staged_version", property(_other_slot)),
        ),
        ground=SETTING,
    ),
    Planted(
        "configuration-unsigned",
        "the box does not check who signed a configuration",
        (CONFIGURED,),
        (Patch(configuration_check, "Ed25519PublicKey", _AnyKey),),
        ground=SETTING,
    ),
    Planted(
        "configuration-for-anybody",
        "the box takes the configuration of another one",
        (CONFIGURED,),
        (Patch(configuration_check, "check", _for_anybody),),
        ground=SETTING,
    ),
)
