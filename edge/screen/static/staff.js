// The attendant's overlay: staff number and PIN on keys of our own (no field that a scanner could type into), then the
// acts that fit the page. Number and PIN live in this module until the overlay closes, and nowhere else.

import { h, icon, plain } from "./dom.js";
import { money, noticeText, uiButton } from "./pages.js";

const IDLE_MS_MAX = 60_000; // an attendant who walked away leaves no open overlay
const MAX_TYPED = { id: 32, pin: 16, cash: 10 };
const CLOSING_ACTS = ["age_approved", "cash_counted", "help_given", "sale_voided", "unknown_released", "out_of_service", "in_service"];
const CONFIRMED_ACTS = ["sale_voided", "unknown_released", "out_of_service"];

const CLOSED = { step: "", by: "", pin: "", name: "", typed: "", error: "", letters: false, act: "", isDone: false };
let state = { ...CLOSED };
let lastTouch = 0;

export const isOpen = () => state.step !== "";

export function open() {
  state = { ...CLOSED, step: "id" };
  lastTouch = Date.now();
}

export function close() {
  state = { ...CLOSED };
}

// True when the overlay was left alone for so long that it closed.
export function closeWhenIdle() {
  if (!isOpen() || Date.now() - lastTouch < IDLE_MS_MAX) return false;
  close();
  return true;
}

export function acts(view) {
  const sale = view.sale;
  const page = view.page;
  const isFree = ["basket", "age", "weigh", "choose", "declined"].includes(page);
  return [
    view.help && "help_given",
    sale && sale.needs_age_check && "age_approved",
    page === "cash" && "cash_counted",
    isFree && sale.lines.some((line) => !line.is_voided) && "line_voided",
    (isFree || page === "card" || page === "cash") && "sale_voided",
    ["unknown", "authorizing"].includes(page) && "unknown_released",
    ["paid", "attract", "out_of_service"].includes(page) && "receipt_reprinted",
    "drawer_opened",
    view.blocked.includes("attendant") ? "in_service" : "out_of_service",
  ].filter((act) => act && (!view.look.staff_acts || view.look.staff_acts.includes(act)));
}

// A key of the overlay was touched; `post` sends to /attend and gives {status, body}. Calls `changed` after each step.
export async function touched(name, value, view, post, changed) {
  lastTouch = Date.now();
  state.error = "";
  state.isDone = false;
  if (name === "digit") type(value, view);
  else if (name === "erase") state.typed = state.typed.slice(0, -1);
  else if (name === "letters") state.letters = !state.letters;
  else if (name === "next") await next(post);
  else if (name === "act") await chooseAct(value, post);
  else if (name === "yes") await perform({ act: state.act }, post);
  else if (name === "line") await perform({ act: "line_voided", line: Number(value) }, post);
  else if (name === "take") await perform({ act: "cash_counted", amount_minor: Number(state.typed || "0") }, post);
  else if (name === "no") state.step = "acts";
  changed();
}

function type(character, view) {
  const most = MAX_TYPED[state.step] || 0;
  if (state.typed.length >= most) return;
  if (state.step === "cash" && state.typed === "" && character === "0") return;
  state.typed += character;
  if (state.step === "cash" && !view.sale) close();
}

async function next(post) {
  if (!state.typed) return;
  if (state.step === "id") {
    state = { ...state, step: "pin", by: state.typed, typed: "", letters: false };
    return;
  }
  state.pin = state.typed;
  const name = await ask({ act: "unlock" }, post);
  state = name === null ? { ...state, step: "id", by: "", pin: "", typed: "" } : { ...state, step: "acts", name, typed: "" };
}

async function chooseAct(act, post) {
  state.typed = "";
  if (act === "cash_counted") state.step = "cash";
  else if (act === "line_voided") state.step = "line";
  else if (CONFIRMED_ACTS.includes(act)) state = { ...state, step: "confirm", act };
  else await perform({ act }, post);
}

async function perform(fields, post) {
  const name = await ask(fields, post);
  if (name === null) state = { ...state, step: "id", by: "", pin: "", typed: "" };
  else if (CLOSING_ACTS.includes(fields.act)) close();
  else state = { ...state, step: "acts", typed: "", isDone: true };
}

// The name of the person checked, or null with the reason in state.error.
async function ask(fields, post) {
  const { status, body } = await post({ by: state.by, pin: state.pin, ...fields });
  if (status === 200) return body.name;
  const known = ["staff-refused", "staff-locked", "staff-busy"].includes(body.error);
  state.error = known ? body.error : "staff-failed";
  state.wait = body.wait_s || 0;
  return null;
}

export function overlay(view, t) {
  const content = { id: keypadStep, pin: keypadStep, acts: actsStep, cash: cashStep, line: lineStep, confirm: confirmStep }[state.step];
  return h("div", { class: "veil veil-staff", id: "veil" },
    h("section", { class: "dialog dialog-staff", role: "dialog", "aria-modal": "true", "aria-labelledby": "dialog-title" },
      h("header", { class: "staff-head" }, icon("staff"), h("h2", { id: "dialog-title", tabindex: "-1" }, title(view, t)),
        uiButton("key-small key-plain", "close", t("staff-leave"))),
      state.error ? h("div", { class: "note note-bad", role: "alert" }, icon("warn"), h("p", {}, t(state.error, { n: state.wait }))) : null,
      content(view, t)));
}

function title(view, t) {
  if (state.step === "id") return t("staff-id");
  if (state.step === "pin") return t("staff-pin");
  return t("staff-acts", { name: plain(state.name) });
}

function staffKey(className, name, label, value, more) {
  return h("button", { type: "button", class: `key ${className}`, "data-staff": name, "data-value": value, ...(more || {}) }, label);
}

function keypadStep(view, t) {
  const isPin = state.step === "pin";
  const shown = isPin ? "•".repeat(state.typed.length) : state.typed;
  return [
    h("output", { class: "typed" }, shown || " "),
    state.letters ? letters(t) : digits(t),
    h("div", { class: "keys" },
      isPin ? null : staffKey("key-plain", "letters", state.letters ? t("staff-digits") : t("staff-letters")),
      staffKey("key-main", "next", t("staff-next"), "", { disabled: !state.typed })),
  ];
}

function digits(t) {
  return h("div", { class: "pad" }, [..."123456789"].map((digit) => staffKey("key-pad", "digit", digit, digit)),
    staffKey("key-pad", "erase", icon("erase"), "", { "aria-label": t("staff-erase") }), staffKey("key-pad", "digit", "0", "0"), h("span"));
}

function letters(t) {
  return h("div", { class: "pad pad-letters" }, [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ-"].map((letter) => staffKey("key-pad", "digit", letter, letter)),
    staffKey("key-pad", "erase", icon("erase"), "", { "aria-label": t("staff-erase") }));
}

function actsStep(view, t) {
  const said = state.isDone ? noticeText(view, t) || t("staff-done") : "";
  return [
    said ? h("div", { class: "note note-quiet", role: "status" }, icon("check"), h("p", {}, said)) : null,
    h("div", { class: "keys keys-down" }, acts(view).map((act) => staffKey("key-plain", "act", t(`act-${act}`), act))),
  ];
}

function cashStep(view, t) {
  if (!view.sale) return actsStep(view, t);
  return [
    h("p", { class: "lead" }, t("staff-cash-due", { total: money(view, view.sale.total) })),
    h("p", { class: "small" }, t("staff-cash-counted")),
    h("output", { class: "typed" }, money(view, pointed(state.typed, view.decimals))),
    digits(t),
    h("div", { class: "keys" }, staffKey("key-plain", "no", t("staff-back")), staffKey("key-main", "take", t("staff-cash-take"), "", { disabled: !state.typed })),
  ];
}

// Typed digits are minor units; the point is set into them as text.
function pointed(digitsTyped, decimals) {
  const text = digitsTyped.padStart(decimals + 1, "0");
  return decimals ? `${text.slice(0, -decimals)}.${text.slice(-decimals)}` : text;
}

function lineStep(view, t) {
  const open = view.sale ? view.sale.lines.filter((line) => !line.is_voided) : [];
  return [
    h("ol", { class: "rows rows-staff" }, open.map((line) => h("li", { class: "row", "data-key": `line-${line.number}` },
      h("span", { class: "name" }, h("bdi", {}, plain(line.name))), h("span", { class: "amount" }, money(view, line.amount)),
      staffKey("key-small key-remove", "line", t("remove"), line.number)))),
    h("div", { class: "keys" }, staffKey("key-plain", "no", t("staff-back"))),
  ];
}

function confirmStep(view, t) {
  return [
    h("p", { class: "lead" }, t("staff-confirm", { act: t(`act-${state.act}`) })),
    h("div", { class: "keys" }, staffKey("key-bad", "yes", t("staff-yes")), staffKey("key-main", "no", t("staff-no"))),
  ];
}
