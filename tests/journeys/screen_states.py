"""Every state of the shopper's screen, each reached through the flows, and what is wrong with a page that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.effects import SealCard
from edge.events import (
    AttendantActed,
    CardPresented,
    CardSealed,
    CodeScanned,
    DeviceChanged,
    LinkChanged,
    PaymentAnswered,
    ReceiptPrinted,
    SellingBlocked,
    ShopperActed,
    TimerFired,
    WeightRead,
)
from tests.builders import APPLE, BREAD, SOAP, WINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.builders import Play

MASKED = "453201******0366"


def scan(item):
    return CodeScanned(item.gtin.removeprefix("0"))


def touch(action, **more):
    return ShopperActed(action, **more)


def basket(play):
    play.play(
        scan(BREAD), scan(SOAP), scan(APPLE), WeightRead(402, "stable"), touch("weigh_done"), scan(SOAP)
    )
    play.play(touch("void_line", line=2), scan(BREAD))


def weighing(play, state="stable", weight_g=402):
    play.play(scan(BREAD), scan(APPLE), WeightRead(weight_g, state))


def choosing(play):
    basket(play)
    play.play(touch("pay"))


def card(play):
    choosing(play)
    play.play(touch("method", choice="card"))


def reading(play):
    card(play)
    play.play(CardPresented(MASKED, "visa", "contact"))


def authorizing(play):
    reading(play)
    play.play(CardSealed(play.told(SealCard)[-1].attempt, "ab" * 32, MASKED, "visa"))


def answered(play, outcome, **more):
    tender = play.box.sale.tender
    answer = {"amount_minor": tender.amount_minor, **more}
    play.play(PaymentAnswered("pay", tender.attempt, outcome, answer))


def declined(play, reason="funds-insufficient"):
    authorizing(play)
    answered(play, "declined", reason=reason)


def paid(play):
    authorizing(play)
    answered(play, "approved", approval_code="123456", rrn="000000000001")


def unknown(play):
    authorizing(play)
    play.play(TimerFired("deadline"))


def reversing(play):
    unknown(play)
    play.play(TimerFired("patience"))


def cash(play):
    choosing(play)
    play.play(touch("method", choice="cash"))


def paid_in_cash(play):
    cash(play)
    play.play(AttendantActed("cash_counted", "17", amount_minor=play.box.sale.total_minor + 631))


def printing(play, outcome="printed"):
    paid(play)
    play.play(touch("receipt", choice="print"))
    play.play(ReceiptPrinted(play.box.sale.order, 0, outcome, ""))


def then(first, *events):
    def both(play):
        first(play)
        play.play(*events)

    return both


def nothing(play):
    assert play.box.sale is None


@dataclass(frozen=True)
class State:
    """A state by name: the page it shows, how to get there, and keys to touch on the page itself."""

    name: str
    page: str
    reach: Callable[[Play], None]
    touches: tuple[str, ...] = ()


STAFF_NUMBER = ('[data-ui="staff"]', '[data-value="1"]', '[data-value="7"]', '[data-staff="next"]')
STAFF_PIN = (*(f'[data-value="{digit}"]' for digit in "2468"), '[data-staff="next"]')

STATES = (
    State("attract", "attract", nothing),
    State("attract-offline", "attract", then(nothing, LinkChanged(is_up=False))),
    State("basket-empty", "basket", then(nothing, touch("start"))),
    State("basket", "basket", basket),
    State("basket-full-screen", "basket", then(nothing, *[scan(BREAD), scan(SOAP)] * 15)),
    State("item-not-found", "basket", then(basket, CodeScanned("4006381333948"))),
    State("code-unreadable", "basket", then(basket, CodeScanned("4006381333932"))),
    State("basket-help-coming", "basket", then(basket, touch("help", choice="price-wrong"))),
    State("basket-offline", "basket", then(basket, LinkChanged(is_up=False))),
    State("weigh-stable", "weigh", weighing),
    State("weigh-moving", "weigh", lambda play: weighing(play, "moving", 0)),
    State("weigh-over", "weigh", lambda play: weighing(play, "over", 0)),
    State("age", "age", then(basket, scan(WINE), touch("pay"))),
    State("choose", "choose", choosing),
    State("choose-offline", "choose", then(choosing, LinkChanged(is_up=False))),
    State("choose-no-reader", "choose", then(choosing, DeviceChanged("reader", "failed", "unplugged"))),
    State("card", "card", card),
    State("card-reading", "card", reading),
    State("cash", "cash", cash),
    State("authorizing", "authorizing", authorizing),
    State("declined", "declined", declined),
    State("declined-lost-card", "declined", lambda play: declined(play, "card-stolen")),
    State("unknown", "unknown", unknown),
    State("unknown-reversing", "unknown", reversing),
    State("paid-card", "paid", paid),
    State("paid-cash", "paid", paid_in_cash),
    State("receipt-printing", "paid", printing),
    State("receipt-failed", "paid", lambda play: printing(play, "failed")),
    State("warned", "basket", then(basket, TimerFired("inactivity"))),
    State("out-of-service", "out_of_service", then(nothing, AttendantActed("out_of_service", "17"))),
    State("out-of-service-journal", "out_of_service", then(nothing, SellingBlocked("journal-full"))),
    State("help", "basket", basket, ('[data-ui="help"]',)),
    State("cancel", "basket", basket, ('[data-ui="cancel"]',)),
    State("staff-number", "basket", basket, STAFF_NUMBER[:3]),
    State("staff-letters", "basket", basket, ('[data-ui="staff"]', '[data-staff="letters"]')),
    State("staff-pin", "basket", basket, (*STAFF_NUMBER, *STAFF_PIN[:4])),
    State("staff-wrong-pin", "basket", basket, (*STAFF_NUMBER, *STAFF_PIN[:2], '[data-staff="next"]')),
    State("staff-acts", "basket", then(basket, touch("help", choice="other")), (*STAFF_NUMBER, *STAFF_PIN)),
    State("staff-lines", "basket", basket, (*STAFF_NUMBER, *STAFF_PIN, '[data-value="line_voided"]')),
    State(
        "staff-confirm", "unknown", unknown, (*STAFF_NUMBER, *STAFF_PIN, '[data-value="unknown_released"]')
    ),
    State(
        "staff-cash",
        "cash",
        cash,
        (
            *STAFF_NUMBER,
            *STAFF_PIN,
            '[data-value="cash_counted"]',
            '[data-value="2"]',
            *['[data-value="0"]'] * 3,
        ),
    ),
)

# Everything that is wrong with the page as it stands, as a list of texts; [] when all is well.
FAULTS = r"""
(minimum) => {
  const faults = [];
  const shown = (node) => node.checkVisibility({checkOpacity: false, checkVisibilityCSS: true})
    && !node.closest('.unseen, [inert], noscript');
  const say = (node, what) => faults.push(
    `${node.nodeName.toLowerCase()}.${node.className}: ${what}: ${node.textContent.slice(0, 40)}`);
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
      if (a !== 0) return null;
    }
    return [255, 255, 255];
  };
  const clip = (node) => {
    for (let at = node; at; at = at.parentElement) {
      if (/auto|hidden|scroll/.test(getComputedStyle(at).overflowX)) return at.getBoundingClientRect();
    }
    return {left: 0, right: innerWidth};
  };
  for (const node of document.querySelectorAll('body, body *')) {
    if (!(node instanceof HTMLElement) || !shown(node)) continue;
    const style = getComputedStyle(node);
    if (style.display !== 'inline' && node.scrollWidth > node.clientWidth + 1) {
      say(node, `wider than its room: ${node.scrollWidth} > ${node.clientWidth}`);
    }
    if (node.nodeName === 'BUTTON') {
      const box = node.getBoundingClientRect();
      if (box.width < 48 || box.height < 48) say(node, `too small a target: ${box.width} x ${box.height}`);
      if (node.scrollHeight > node.clientHeight + 1) say(node, 'higher than its room');
    }
    const texts = [...node.childNodes].filter((child) => child.nodeType === 3 && child.data.trim());
    if (!texts.length) continue;
    for (const text of texts) {
      const range = document.createRange();
      range.selectNodeContents(text);
      const box = range.getBoundingClientRect();
      const room = clip(node);
      if (box.left < room.left - 1 || box.right > room.right + 1) say(node, 'text outside its room');
    }
    const behind = ground(node);
    if (behind === null) { say(node, 'text on a translucent ground'); continue; }
    const [one, two] = [light(numbers(style.color)), light(behind)];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < 4.5) say(node, `contrast ${contrast.toFixed(2)}`);
  }
  for (const node of document.querySelectorAll(minimum)) {
    const box = node.getBoundingClientRect();
    if (shown(node) && (box.bottom > innerHeight + 1 || box.top < -1)) say(node, 'cannot be seen without scrolling');
  }
  return faults;
}
"""
# What must be in sight without scrolling at the usual text size.
ALWAYS_SEEN = "#total, .panel h2, .order, .bar .chip, .note p, .dialog, .key:not(.rows .key, .tiles .key)"
