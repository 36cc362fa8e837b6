"""The shopper's way through a sale: scan, weigh, correct, pay, receipt, leave. Start reading the flows here.

`decide(box, event, now)` is the only door: it returns the new state and the effects, and does nothing else. Payment,
attendant and recovery have their own files; words for paper and pole stand in `words.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edge import events
from edge.effects import (
    ApplySettings,
    ApplyVersions,
    DisarmReader,
    PrintReceipt,
    Record,
    ShowOnPole,
    StartTimer,
    StopTimer,
    WatchScale,
)
from edge.flows import attendant, outcome, payment, scanning, words
from edge.flows.payment import inactivity
from protocol.errors import CallerError, PeerError
from protocol.item import WEIGHT
from protocol.product_codes import read_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.effects import Effect
    from edge.flows.state import Box, Decision, Now

# Pages on which a scan adds a line; on all others it is told to the shopper and not sold.
SCANNING_PAGES = ("basket", "choose", "age", "declined")
# Pages that an absent shopper must not block for ever.
WAITING_PAGES = ("basket", "weigh", "choose", "age", "card", "cash", "declined")


def decide(box: Box, event: events.Event, now: Now) -> Decision:
    """The new state and the effects of one event; CallerError for an event that no flow knows."""
    handler = _HANDLERS.get(type(event))
    if handler is None:
        raise CallerError(
            "event-unknown", f"No flow handles {type(event).__name__}", "Add it to the table of checkout."
        )
    changed, effects = handler(box, event, now)
    if changed.sale is not None or (changed.offered is None and changed.offered_versions is None):
        return changed, effects
    changed, applied = _apply_offered(changed)
    return changed, [*effects, *applied]


def _code_scanned(box: Box, event: events.CodeScanned, now: Now) -> Decision:
    before: list[Effect] = []
    if box.sale is not None and box.sale.phase == "paid":
        box, before = _next_shopper(box)
    if box.sale is None and box.blocked:
        return box, before
    if box.sale is not None and box.sale.phase not in SCANNING_PAGES:
        return replace(box, notice="not-now"), before
    try:
        code = read_code(event.text)
    except PeerError as fault:
        return replace(box, notice=fault.code), before
    item = box.shop.prices.find(code.gtin)
    if item is None:
        return replace(box, notice="item-not-found"), before
    if event.quantity != 1 and (item.kind == WEIGHT or scanning.is_measured(code)):
        return replace(box, notice="quantity-not-wanted"), before
    if item.kind == WEIGHT and not scanning.is_measured(code):
        changed, effects = scanning.wait_for_weight(box, item, now)
    else:
        changed, effects = scanning.add_line(box, item, code, event.quantity, now)
    return changed, before + effects


def _code_refused(box: Box, event: events.CodeRefused, now: Now) -> Decision:
    del now
    return replace(box, notice=event.code), []


def _weight_read(box: Box, event: events.WeightRead, now: Now) -> Decision:
    del now
    return replace(box, weight_g=event.weight_g, weight_state=event.state), []


def _device_changed(box: Box, event: events.DeviceChanged, now: Now) -> Decision:
    del now
    if box.devices.get(event.device) == event.state:
        return box, []
    changed = replace(box, devices={**box.devices, event.device: event.state})
    fields = {"device": event.device, "state": event.state, "reason": event.reason[:120]}
    effects: list[Effect] = [Record("device_changed", fields)]
    if (event.device, event.state) == ("reader", "ready"):
        effects += payment.arm_again(changed)
    return changed, effects


def _shopper_acted(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    action = ACTIONS.get(event.action)
    if action is None:
        raise PeerError("action-unknown", "The screen sent an action that is not known", "Reload the page.")
    pages, act = action
    page = page_of(box)
    if pages and page not in pages:
        return replace(box, notice="not-now"), []
    changed, effects = act(replace(box, notice="", is_warned=False), event, now)
    if changed.sale is not None and changed.sale.phase in WAITING_PAGES:
        effects = [*effects, inactivity(changed)]
    return changed, effects


def page_of(box: Box) -> str:
    """The name of the page that the shopper sees."""
    if box.sale is not None:
        return box.sale.phase
    return "out_of_service" if box.blocked else "attract"


def _set_language(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    del now
    if event.choice not in box.settings.languages:
        return replace(box, notice="language-not-offered"), []
    return replace(box, language=event.choice), []


def _start(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    del event
    return scanning.start_sale(box, now)


def _pay(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    del event
    return payment.begin(box, now)


def _choose(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    return payment.choose(box, event.choice, now)


def _back(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    """One step back to the basket, from every page where no money is under way."""
    del event, now
    phase = page_of(box)
    if phase in ("card", "cash"):
        return payment.give_up_tender(box, "shopper-went-back")
    if phase == "weigh":
        return box.with_sale(phase="basket", waiting=None), [WatchScale(is_wanted=False)]
    return box.with_sale(phase="basket"), []


def _void_line(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    del now
    return scanning.void_line(box, event.line, by="shopper", reason="shopper-removed")


def _ask_help(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    del now
    return replace(box, help_wanted=event.choice[:32] or "other"), []


def _cancel_help(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    del event, now
    return replace(box, help_wanted=""), []


def _more_time(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    del event, now
    return box, [StopTimer("more_time")]


def _cancel_sale(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    del event, now
    return _void(box, "shopper-cancelled")


def _void(box: Box, reason: str) -> Decision:
    """Give the tender up where one is open, then void the sale."""
    before: list[Effect] = []
    if box.sale is not None and box.sale.phase in ("card", "cash"):
        box, before = payment.give_up_tender(box, reason)
    changed, effects = payment.void_sale(box, reason)
    return changed, [*before, WatchScale(is_wanted=False), *effects]


def _receipt(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    """The shopper wants a printed receipt, or none."""
    del now
    sale = box.sale
    assert sale is not None, "the paid page belongs to a sale"
    if event.choice != "print" or sale.copies:
        return box, [StartTimer("thanks", box.settings.thanks_ms)]
    document = words.receipt(box, sale, copy=0)
    printing = PrintReceipt(sale.order, 0, document)
    return box.with_sale(copies=1, is_printing=True), [printing, StartTimer("thanks", box.settings.thanks_ms)]


def _receipt_printed(box: Box, event: events.ReceiptPrinted, now: Now) -> Decision:
    del now
    fields = {"order": str(event.order), "copy": event.copy, "outcome": event.outcome, "digest": event.digest}
    printed = Record("receipt_printed", fields)
    is_watched = box.sale is not None and box.sale.order == event.order
    if not is_watched:
        return box, [printed]
    box = box.with_sale(is_printing=False)
    if event.outcome == "printed":
        return box, [printed]
    told = replace(box, notice=f"receipt-{event.outcome}")
    return told, [printed, StartTimer("thanks", box.settings.thanks_ms)]


def _done(box: Box, event: events.ShopperActed, now: Now) -> Decision:
    del event, now
    return _next_shopper(box)


def _next_shopper(box: Box) -> Decision:
    """Leave the "paid" page: the sale is kept for a reprint, waiting settings are applied."""
    done = replace(
        box, sale=None, last_sale=box.sale, notice="", help_wanted="", language=box.settings.languages[0]
    )
    done, applied = _apply_offered(done)
    return done, [StopTimer("thanks"), ShowOnPole(*words.pole_idle(done)), *applied]


def _timer_fired(box: Box, event: events.TimerFired, now: Now) -> Decision:
    if event.name == "thanks":
        if box.sale is not None and box.sale.is_printing:
            return box, [
                StartTimer("thanks", box.settings.thanks_ms)
            ]  # she still waits to hear of her receipt
        return _next_shopper(box) if page_of(box) == "paid" else (box, [])
    if event.name in ("inactivity", "more_time"):
        return _inactive(box, event.name)
    return outcome.timer_fired(box, event, now)


def _inactive(box: Box, name: str) -> Decision:
    """First a warning with "more time", then the sale is given up; never while money is under way."""
    if page_of(box) not in WAITING_PAGES:
        return box, []
    if name == "inactivity" and not box.is_warned:
        return replace(box, is_warned=True), [StartTimer("more_time", box.settings.more_time_ms)]
    if name == "more_time" and box.is_warned:
        return _void(box, "shopper-left")
    return box, []


def _link_changed(box: Box, event: events.LinkChanged, now: Now) -> Decision:
    """The cloud is in or out of reach; reversals that wait for it are asked again at once."""
    changed = replace(box, is_linked=event.is_up)
    if event.is_up and changed.reversing:
        return outcome.timer_fired(changed, events.TimerFired("reverse"), now)
    return changed, []


def _settings_offered(box: Box, event: events.SettingsOffered, now: Now) -> Decision:
    del now
    return replace(box, offered=(event.version, event.settings)), []


def _versions_offered(box: Box, event: events.VersionsOffered, now: Now) -> Decision:
    del now
    return replace(box, offered_versions=event), []


def _apply_offered(box: Box) -> tuple[Box, list[Effect]]:
    """Take into use what waits for the end of a sale: a sale keeps its settings and versions from first to last."""
    applied: list[Effect] = []
    if box.offered_versions is not None:
        versions = box.offered_versions
        shop = replace(versions.shop, place=box.shop.place)
        box = replace(box, shop=shop, offered_versions=None)
        applied.append(ApplyVersions(versions.number, versions.from_ms))
    if box.offered is not None:
        version, settings = box.offered
        language = box.language if box.language in settings.languages else settings.languages[0]
        box = replace(box, settings=settings, offered=None, language=language)
        applied.append(ApplySettings(version))
    return box, applied


def _blocked(box: Box, event: events.SellingBlocked, now: Now) -> Decision:
    """No new sale from here on; an open one may still be finished."""
    del now
    return replace(box, blocked=box.blocked | {event.reason}), []


def _unblocked(box: Box, event: events.SellingUnblocked, now: Now) -> Decision:
    del now
    return replace(box, blocked=box.blocked - {event.reason}), []


def _attendant(box: Box, event: events.AttendantActed, now: Now) -> Decision:
    changed, effects = attendant.acted(box, event, now, void_line=scanning.void_line, void_sale=_void)
    if changed.sale is None:
        return changed, [*effects, DisarmReader()] if box.sale is not None else effects
    if changed.sale.phase in WAITING_PAGES:
        changed, effects = replace(changed, is_warned=False), [*effects, inactivity(changed)]
    return changed, effects


# What the shopper may do, and on which pages (an empty tuple: on every page).
ACTIONS: dict[str, tuple[tuple[str, ...], Callable[[Box, events.ShopperActed, Now], Decision]]] = {
    "start": (("attract",), _start),
    "language": ((), _set_language),
    "pay": (("basket", "declined", "age"), _pay),
    "method": (("choose", "declined"), _choose),
    "back": (("weigh", "age", "choose", "card", "cash", "declined"), _back),
    "void_line": (("basket", "age"), _void_line),
    "weigh_done": (("weigh",), scanning.weigh_done),
    "pick": (("basket",), scanning.pick),
    "help": ((), _ask_help),
    "help_cancel": ((), _cancel_help),
    "more_time": (WAITING_PAGES, _more_time),
    "cancel_sale": (("basket", "age", "weigh", "choose", "card", "declined"), _cancel_sale),
    "receipt": (("paid",), _receipt),
    "done": (("paid",), _done),
}

_HANDLERS: dict[type, Callable[[Box, Any, Now], Decision]] = {
    events.CodeScanned: _code_scanned,
    events.CodeRefused: _code_refused,
    events.WeightRead: _weight_read,
    events.DeviceChanged: _device_changed,
    events.CardPresented: payment.card_presented,
    events.CardRemoved: payment.card_removed,
    events.CardSealed: payment.card_sealed,
    events.CardNotSealed: payment.card_not_sealed,
    events.PaymentAnswered: outcome.answered,
    events.CashReceived: payment.cash_received,
    events.ReceiptPrinted: _receipt_printed,
    events.ShopperActed: _shopper_acted,
    events.AttendantActed: _attendant,
    events.TimerFired: _timer_fired,
    events.LinkChanged: _link_changed,
    events.SettingsOffered: _settings_offered,
    events.VersionsOffered: _versions_offered,
    events.SellingBlocked: _blocked,
    events.SellingUnblocked: _unblocked,
}
