// What each page looks like: functions from the view to nodes. No state, no sums; amounts are shown as the box says.

import { h, icon, plain } from "./dom.js";
import { LANGUAGES } from "./words.js";

const HELP_REASONS = ["item-problem", "price-wrong", "remove-item", "payment", "other"];
const PLAIN_PAGES = ["attract", "out_of_service"];

// An amount of the view with its currency's sign, in the place that the language gives it.
export function money(view, amount) {
  const tag = (LANGUAGES[view.language] || LANGUAGES.en).tag;
  let parts;
  try {
    const format = new Intl.NumberFormat(tag, { style: "currency", currency: view.currency, currencyDisplay: "narrowSymbol" });
    parts = format.formatToParts(0);
  } catch {
    return `${view.currency} ${amount}`;
  }
  const isNumber = (part) => ["integer", "decimal", "fraction", "group"].includes(part.type);
  const first = parts.findIndex(isNumber);
  const text = (some) => some.map((part) => part.value).join("");
  return text(parts.slice(0, first)) + amount + text(parts.slice(first).filter((part) => !isNumber(part)));
}

export function button(className, action, label, more) {
  const { sign, text, ...data } = more || {};
  return h("button", { type: "button", class: `key ${className}`, "data-action": action, ...data },
    sign ? icon(sign) : null,
    h("span", { class: "words" }, h("span", { class: "label" }, label), text ? h("span", { class: "hint" }, text) : null));
}

// Header, notices, the page, and the basket with its total beside it.
export function app(view, t, preferences) {
  const sale = PLAIN_PAGES.includes(view.page) ? null : view.sale;
  const isBasket = view.page === "basket" && sale;
  return h("div", { id: "app", class: "app", "data-page": view.page },
    bar(view, t, preferences),
    h("div", { class: "notices" }, notices(view, t)),
    h("main", { class: `stage stage-${view.page}`, id: "stage" },
      isBasket ? basket(view, t) : panel(view, t)),
    sale ? h("aside", { class: "side" }, isBasket ? null : lines(view, t, true), till(view, t)) : null);
}

function bar(view, t, preferences) {
  const languages = view.languages.filter((name) => LANGUAGES[name]).map((name) =>
    h("button", { type: "button", class: "chip", "data-action": "language", "data-choice": name,
      lang: LANGUAGES[name].tag, "aria-pressed": String(name === view.language) }, LANGUAGES[name].name));
  return h("header", { class: "bar" },
    h("h1", { class: "store" }, view.look.logo
      ? h("img", { class: "logo", src: `/logo/${view.look.digest}`, alt: plain(view.store) }) : plain(view.store)),
    h("nav", { class: "chips", "aria-label": t("language") },
      view.languages.length > 1 ? languages : null,
      has(view, "text_size") ? h("button", { type: "button", class: "chip", "data-ui": "text-size", "aria-label": t("text-size") },
        h("span", { class: "letter-small" }, "A"), h("span", { class: "letter-large" }, "A")) : null,
      has(view, "reach") ? h("button", { type: "button", class: "chip chip-reach", "data-ui": "reach", "aria-label": t("reach"),
        "aria-pressed": String(preferences.reach) }, icon("reach")) : null,
      h("button", { type: "button", class: "chip", "data-ui": "staff", "aria-label": t("staff") }, icon("staff"))));
}

// Whether the store shows one of the buttons that may be left out.
function has(view, name) {
  return view.look.buttons.includes(name);
}

function notices(view, t) {
  const shown = [];
  const closed = Object.values(view.methods_closed || {})[0];
  if (closed) {
    const methods = view.methods.map((name) => t(`method-${name}`)).join(" · ");
    const family = closed === "offline" ? "offline" : "reader";
    shown.push(note("quiet", "offline", view.methods.length ? t(`${family}-some`, { methods }) : t(`${family}-none`)));
  } else if (!view.is_linked) {
    const methods = view.methods.map((name) => t(`method-${name}`)).join(" · ");
    shown.push(note("quiet", "offline", t("offline-some", { methods })));
  }
  if (view.help) {
    shown.push(h("div", { class: "note note-good" }, icon("help"), h("p", {}, t("help-coming")),
      h("button", { type: "button", class: "key key-small", "data-action": "help_cancel" }, t("help-cancel"))));
  }
  const said = noticeText(view, t);
  if (said) shown.push(note("warn", "warn", said));
  return shown;
}

// What the notice of the view says, "" when there is nothing worth saying.
export function noticeText(view, t) {
  const isQuiet = !view.notice || ["line-voided-already", "language-not-offered"].includes(view.notice)
    || (view.notice === "card-offline" && !view.methods.length);  // there is no other way to choose
  return isQuiet ? "" : t.notice(view.notice);
}

function note(kind, sign, text) {
  return h("div", { class: `note note-${kind}` }, icon(sign), h("p", {}, text));
}

function basket(view, t) {
  if (view.sale.lines.length) return [lines(view, t, false), quickKeys(view, t)];
  return [h("section", { class: "panel" }, icon("barcode", "sign"),
    h("h2", { tabindex: "-1" }, t("basket-empty-page")), h("p", { class: "lead" }, t("basket-empty-text"))), quickKeys(view, t)];
}

// Goods that a shopper may pick without a barcode: the store's quick keys, and the way to its groups.
function quickKeys(view, t) {
  const { quick_keys: keys, tiles } = view.look;
  if (!keys.length && !tiles.length) return null;
  return h("nav", { class: "quick", "aria-label": t("tiles") },
    keys.map((key) => pickKey(view, key)),
    // Without groups the dialog holds the same keys: it is for panels that have no room for them here.
    uiButton(`key-plain key-tiles${tiles.length ? "" : " key-tiles-alone"}`, "tiles", t("tiles"), "grid"));
}

function pickKey(view, key) {
  return button("key-plain key-pick", "pick", labelOf(view, key), { "data-choice": key.gtin });
}

function labelOf(view, named) {
  return plain(named.label[view.language] || Object.values(named.label)[0]);
}

function lines(view, t, isSmall) {
  // The newest line first: it is what the shopper looks for.
  const rows = [...view.sale.lines].reverse().map((line) => row(view, t, line, isSmall));
  return h("section", { class: isSmall ? "lines lines-small" : "lines", "aria-label": t("basket"), tabindex: "0" },
    isSmall ? null : h("h2", { class: "lines-title", tabindex: "-1" }, t("basket")),
    h("ol", { class: "rows", reversed: true }, rows));
}

function row(view, t, line, isSmall) {
  const isNew = line.number === view.notice_line && !line.is_voided;
  const detail = line.is_voided ? t("removed")
    : line.weight_g ? t("by-weight", { weight: line.weight, price: money(view, line.unit_price) })
    : line.quantity > 1 ? t("each", { n: line.quantity, price: money(view, line.unit_price) }) : "";
  const canRemove = !isSmall && !line.is_voided;
  return h("li", { class: `row${line.is_voided ? " is-voided" : ""}${isNew ? " is-new" : ""}`, "data-key": `line-${line.number}`, "data-line": line.number },
    h("span", { class: "name" }, h("bdi", {}, plain(line.name)), detail ? h("span", { class: "detail" }, detail) : null),
    h("span", { class: "amount" }, money(view, line.amount)),
    isSmall ? null : canRemove
      ? h("button", { type: "button", class: "key key-small key-remove", "data-action": "void_line", "data-line": line.number,
        "aria-label": t("remove-line", { name: plain(line.name) }) }, icon("bin"), h("span", { class: "words" }, t("remove")))
      : h("span", { class: "no-key" }));
}

function till(view, t) {
  const sale = view.sale;
  const isBasket = view.page === "basket";
  const canCancel = ["basket", "age", "weigh", "choose", "card", "declined"].includes(view.page);
  return h("section", { class: "till" },
    h("div", { class: "sum" },
      h("span", { class: "sum-count" }, sale.item_count === 1 ? t("item") : t("items", { n: sale.item_count })),
      h("span", { class: "sum-word" }, t("total")),
      h("strong", { class: "sum-total", id: "total" }, money(view, sale.total))),
    isBasket ? button("key-main key-pay", "pay", t("pay"), { disabled: sale.item_count === 0 }) : null,
    h("div", { class: "pair" },
      view.help || view.page === "paid" || !has(view, "help") ? null : uiButton("key-plain", "help", t("help"), "help"),
      canCancel ? uiButton("key-quiet", "cancel", t("cancel-sale")) : null));
}

export function uiButton(className, name, label, sign, data) {
  return h("button", { type: "button", class: `key ${className}`, "data-ui": name, ...(data || {}) }, sign ? icon(sign) : null,
    h("span", { class: "words" }, label));
}

function panel(view, t) {
  const content = PANELS[view.page];
  return h("section", { class: `panel panel-${view.page}` }, content ? content(view, t, view.sale) : headline("clock", t("starting"), t("starting-text")));
}

function headline(sign, title, ...texts) {
  return [icon(sign, `sign sign-${sign}`), h("h2", { tabindex: "-1" }, title), ...texts.filter(Boolean).map((text) => h("p", { class: "lead" }, text))];
}

const PANELS = {
  attract: (view, t) => [
    ...headline("barcode", t("attract"), t("attract-text")),
    button("key-main key-start", "start", t("start")),
    view.help || !has(view, "help") ? null : uiButton("key-plain", "help", t("help"), "help"),
  ],
  weigh: (view, t, sale) => {
    const isSteady = view.sale.weight_state === "stable" && sale.weight_g > 0;
    const state = view.troubles.includes("scale") ? "trouble" : isSteady ? "stable" : sale.weight_state === "stable" ? "zero" : sale.weight_state;
    return [
      ...headline("scale", t("weigh"), t("weigh-text", { name: plain(sale.waiting) })),
      h("div", { class: `weight weight-${state}` },
        h("strong", { class: "weight-value" }, isSteady ? `${sale.weight} kg` : "– kg"),
        h("span", { class: "weight-price" }, t("per-kg", { price: money(view, sale.waiting_unit_price) })),
        h("span", { class: "weight-amount" }, isSteady ? money(view, sale.waiting_amount) : ""),
        h("span", { class: "weight-state" }, t(`weigh-${state}`))),
      h("div", { class: "keys" }, button("key-main", "weigh_done", t("weigh-add"), { disabled: !isSteady }), button("key-plain", "back", t("back"))),
    ];
  },
  age: (view, t, sale) => [
    ...headline("age", t("age"), t("age-text", { age: sale.age_min })),
    h("div", { class: "keys" },
      view.help ? null : button("key-main", "help", t("age-call"), { sign: "help", "data-choice": "age-check" }),
      button("key-plain", "back", t("back"))),
  ],
  choose: (view, t) => {
    const closed = Object.entries(view.methods_closed || {});
    return [
      h("h2", { tabindex: "-1" }, view.methods.length ? t("choose") : t("choose-none")),
      h("div", { class: "methods" },
        view.methods.map((name) => button("key-method", "method", t(`method-${name}`), { sign: name, text: t(`method-${name}-text`), "data-choice": name })),
        closed.map(([name, reason]) => button("key-method", "method", t(`method-${name}`), { sign: name, text: t(`closed-${reason}`), disabled: true }))),
      button("key-plain", "back", t("back")),
    ];
  },
  card: (view, t, sale) => sale.tender
    ? [...headline("card", t("card-reading"), t("card-reading-text")), dots()]
    : [...headline("card", t("card"), t("card-text")), amountToPay(view, sale), button("key-plain", "back", t("back"))],
  cash: (view, t, sale) => [
    ...headline("cash", t("cash"), t("cash-text")), amountToPay(view, sale),
    h("div", { class: "keys" },
      view.help ? null : button("key-main", "help", t("age-call"), { sign: "help", "data-choice": "cash" }),
      button("key-plain", "back", t("back"))),
  ],
  authorizing: (view, t) => [...headline("clock", t("authorizing"), t("authorizing-text")), dots()],
  unknown: (view, t, sale) => [
    icon("warn", "sign sign-warn"),
    h("h2", { tabindex: "-1" }, t("unknown")),
    h("p", { class: "order" }, t("unknown-do")),
    h("p", { class: "lead" }, t(sale.tender && sale.tender.state === "reversing" ? "unknown-reversing" : "unknown-text",
      { total: money(view, sale.tender ? sale.tender.amount : sale.total) })),
    dots(),
  ],
  declined: (view, t, sale) => [
    icon("cross", "sign sign-cross"),
    h("h2", { tabindex: "-1" }, t("declined")),
    h("p", { class: "order order-good" }, t("not-charged")),
    h("p", { class: "lead" }, t.decline(sale.decline_reason)),
    h("div", { class: "keys" }, button("key-main", "pay", t("pay-again")), button("key-plain", "back", t("back"))),
  ],
  paid: (view, t, sale) => [
    ...headline("check", sale.tender ? t("paid") : t("paid-free")),
    paidFacts(view, t, sale),
    receiptChoice(view, t, sale),
    h("p", { class: "small" }, t("paid-order", { order: sale.order })),
  ],
  out_of_service: (view, t) => {
    const code = view.blocked[0] || "";
    const family = code === "attendant" ? "attendant" : /^journal|^documents/.test(code) ? "journal" : /quarantine/.test(code) ? "quarantine" : "other";
    return [
      ...headline(view.sale ? "clock" : "closed", view.sale ? t("out-sale") : t("out"), view.sale ? t("out-sale-text") : t(`out-${family}`)),
      h("div", { class: "keys" }, view.help ? null : uiButton("key-plain", "help", t("help"), "help")),
      h("p", { class: "small" }, t("out-code", { code: view.blocked.join(", ") })),
    ];
  },
};

function amountToPay(view, sale) {
  return h("p", { class: "due" }, money(view, sale.total));
}

function dots() {
  return h("div", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
}

function paidFacts(view, t, sale) {
  const tender = sale.tender;
  const facts = [];
  const fact = (name, value, className) => facts.push(h("div", { class: `fact ${className || ""}` }, h("dt", {}, name), h("dd", {}, value)));
  if (tender && tender.method === "cash") {
    fact(t("tendered"), money(view, tender.tendered));
    fact(t("change"), money(view, tender.change), "fact-large");
  } else if (tender) {
    const brand = (tender.brand || t("method-card")).toUpperCase();
    fact(t("paid-with", { brand, last: tender.masked.slice(-4) }), money(view, tender.amount), "fact-large");
  }
  return facts.length ? h("dl", { class: "facts" }, facts) : null;
}

function receiptChoice(view, t, sale) {
  const failed = ["receipt-failed", "receipt-unknown"].includes(view.notice);
  if (sale.has_printed) return [failed ? null : h("p", { class: "lead" }, t("receipt-printing")), h("div", { class: "keys" }, button("key-main", "done", t("done")))];
  if (!view.receipts.includes("print")) return [h("p", { class: "lead" }, t("receipt-no-printer")), h("div", { class: "keys" }, button("key-main", "done", t("done")))];
  return [h("p", { class: "lead" }, t("paid-receipt")),
    h("div", { class: "keys" }, button("key-main", "receipt", t("receipt-print"), { sign: "paper", "data-choice": "print" }), button("key-plain", "done", t("receipt-none")))];
}

// Dialogs that lie over a page.
export function dialog(id, sign, title, text, ...keys) {
  return h("div", { class: "veil", id: "veil" },
    h("section", { class: `dialog dialog-${id}`, role: "dialog", "aria-modal": "true", "aria-labelledby": "dialog-title" },
      icon(sign, "sign"), h("h2", { id: "dialog-title", tabindex: "-1" }, title), text ? h("p", { class: "lead" }, text) : null,
      h("div", { class: "keys keys-down" }, keys)));
}

export const DIALOGS = {
  warned: (view, t) => dialog("warned", "clock", t("warned"), t("warned-text", { n: view.more_time_s }),
    button("key-main", "more_time", t("more-time")), button("key-quiet", "cancel_sale", t("cancel-sale"))),
  help: (view, t) => dialog("help", "help", t("help-title"), "",
    HELP_REASONS.map((reason) => button("key-plain", "help", t(`help-${reason}`), { "data-choice": reason })),
    uiButton("key-quiet", "close", t("close"))),
  cancel: (view, t) => dialog("cancel", "bin", t("cancel-sale-title"), t("cancel-sale-text"),
    button("key-bad", "cancel_sale", t("cancel-sale-yes")), uiButton("key-main", "close", t("cancel-sale-no"))),
  tiles: (view, t, open) => {
    const { quick_keys: keys, tiles } = view.look;
    const group = tiles[open];
    return h("div", { class: "veil", id: "veil" },
      h("section", { class: "dialog dialog-tiles", role: "dialog", "aria-modal": "true", "aria-labelledby": "dialog-title" },
        h("h2", { id: "dialog-title", tabindex: "-1" }, group ? labelOf(view, group) : t("tiles-title")),
        h("div", { class: "tiles" }, group
          ? group.keys.map((key) => pickKey(view, key))
          : [keys.map((key) => pickKey(view, key)),
            tiles.map((each, place) => uiButton("key-main key-group", "tile", labelOf(view, each), "", { "data-value": place }))]),
        h("div", { class: "pair" },
          group ? uiButton("key-plain", "tile", t("tiles-back"), "", { "data-value": -1 }) : null,
          uiButton("key-plain", "close", t("close")))));
  },
  lost: (view, t) => dialog("lost", "clock", t("starting"), t("lost-text")),
};
