// The shopper's page: it shows the newest view of the stream and posts touches. It keeps nothing but the preferences
// of the person before it, so a refresh or a power cut brings back the same sale.

import { morph, plain } from "./dom.js";
import { app, DIALOGS, noticeText, money } from "./pages.js";
import * as staff from "./staff.js";
import { LANGUAGES, wordsOf } from "./words.js";

const SILENCE_MS_MAX = 25_000; // the box says something every ten seconds; after two and a half of these it is stuck
const RECONNECT_MS = 1_000;
const LOST_AFTER_MS = 1_500; // a restart of the stream alone is quicker and shows nothing
const CALM_MS = 250; // a second tap meant for the page before must not hit a key of the next one
const STROKE_MS = 150; // a person's strokes are further apart; a scanner that types is not
const TEXT_SIZES = 3;

const preferences = { size: 0, reach: false, ...stored() };
// How the store's screen looks until its own look came: as the software brings it.
const OUR_LOOK = { digest: "", colours: {}, logo: false, buttons: ["help", "reach", "text_size"], quick_keys: [], tiles: [], staff_acts: null, words: {} };
let look = OUR_LOOK;
let view = null;
let dialog = "";
let tile = -1; // the group of goods that is open in the dialog, -1 for all groups
let isLost = false;
let heardAt = Date.now();
let files = "";
let spoken = { total: "", notice: "", page: "" };

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem("preferences") || "{}");
  } catch {
    return {};
  }
}

function prefer(changes) {
  Object.assign(preferences, changes);
  sessionStorage.setItem("preferences", JSON.stringify(preferences));
  render();
}

// ---- the stream of views

function connect() {
  const stream = new EventSource("/events");
  let lostTimer = 0;
  const heard = () => {
    heardAt = Date.now();
    clearTimeout(lostTimer);
    lostTimer = 0;
    if (isLost) {
      isLost = false;
      render();
    }
  };
  stream.addEventListener("page", (event) => {
    // Files of another version than this page came with: the box was updated meanwhile.
    if (files && files !== event.data) location.reload();
    files = event.data;
    heard();
  });
  stream.addEventListener("beat", heard);
  stream.onmessage = (event) => {
    heard();
    receive(JSON.parse(event.data));
  };
  stream.onerror = () => {
    if (!lostTimer) lostTimer = setTimeout(lost, LOST_AFTER_MS);
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, RECONNECT_MS);
  };
}

function lost() {
  isLost = true;
  render();
}

async function dress(digest) {
  let next = OUR_LOOK;
  if (digest) {
    const answer = await fetch(`/look/${digest}`);
    if (!answer.ok) return; // another one came into force meanwhile: the next view names it
    next = { ...OUR_LOOK, ...(await answer.json()), digest };
  }
  if (view && (view.look || "") !== digest) return;
  for (const name of Object.keys(look.colours)) document.documentElement.style.removeProperty(`--${name}`);
  for (const [name, colour] of Object.entries(next.colours)) document.documentElement.style.setProperty(`--${name}`, colour);
  look = next;
  render();
}

function receive(next) {
  const before = view;
  view = next;
  if ((next.look || "") !== look.digest) dress(next.look || "").catch(() => {});
  if (before && before.page !== next.page) {
    rest();
    dialog = "";
    if (next.page === "attract") Object.assign(preferences, { size: 0, reach: false });
    if (next.page === "attract") sessionStorage.removeItem("preferences");
  }
  render();
  if (!before || before.page !== next.page) focusTitle();
  if (before && before.notice_line !== next.notice_line) document.querySelectorAll(".lines").forEach((list) => (list.scrollTop = 0));
}

function rest() {
  document.body.dataset.calm = "no";
  clearTimeout(rest.timer);
  rest.timer = setTimeout(() => (document.body.dataset.calm = "yes"), CALM_MS);
}

function focusTitle() {
  const title = document.querySelector("#veil h2") || document.querySelector("#stage h2");
  if (title) title.focus({ preventScroll: true });
}

// ---- showing

function render() {
  const root = document.documentElement;
  const language = (view && LANGUAGES[view.language]) || LANGUAGES.en;
  root.lang = language.tag;
  root.dir = language.direction;
  root.dataset.size = preferences.size;
  root.dataset.reach = preferences.reach ? "low" : "";
  const shown = { ...(view || { page: "starting", store: "", languages: [], methods: [], methods_closed: {}, is_linked: true, blocked: [], troubles: [], language: "en" }), look };
  const t = worded(wordsOf(shown.language), shown.language);
  morph(document.getElementById("app"), app(shown, t, preferences));
  const over = overlay(shown, t);
  const veil = document.getElementById("veil");
  if (over && veil) morph(veil, over);
  else if (over) document.body.append(over);
  else if (veil) veil.remove();
  document.getElementById("app").inert = Boolean(over);
  if (over && !veil) focusTitle();
  speak(shown, t);
}

// The store's own words in place of ours.
function worded(t, language) {
  const own = (name, values) => (look.words[name] && look.words[name][language]) || t(name, values);
  return Object.assign(own, { notice: t.notice, decline: t.decline });
}

function overlay(shown, t) {
  if (isLost || !view) return DIALOGS.lost(shown, t);
  if (staff.isOpen()) return staff.overlay(shown, t);
  if (shown.is_warned) return DIALOGS.warned(shown, t);
  return dialog ? DIALOGS[dialog](shown, t, tile) : null;
}

// What a screen reader says: the notice at once, the newest line and the total in their turn.
function speak(shown, t) {
  const notice = noticeText(shown, t);
  const total = shown.sale ? money(shown, shown.sale.total) : "";
  if (notice !== spoken.notice) document.getElementById("alarm").textContent = notice;
  if (total !== spoken.total) {
    const line = shown.sale && shown.sale.lines.find((each) => each.number === shown.notice_line && !each.is_voided);
    const parts = [line ? `${plain(line.name)} ${money(shown, line.amount)}` : "", total ? `${t("total")} ${total}` : ""];
    document.getElementById("say").textContent = parts.filter(Boolean).join(". ");
  }
  spoken = { notice, total };
}

// ---- touching

async function post(path, fields) {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(fields) });
    return { status: answer.status, body: answer.status === 204 ? {} : await answer.json() };
  } catch {
    return { status: 0, body: {} };
  }
}

function act(data) {
  const fields = { action: data.action };
  if (data.line) fields.line = Number(data.line);
  if (data.choice) fields.choice = data.choice;
  dialog = "";
  render();
  post("/act", fields);
}

const INTERFACE = {
  "text-size": () => prefer({ size: (preferences.size + 1) % TEXT_SIZES }),
  reach: () => prefer({ reach: !preferences.reach }),
  staff: () => staff.open(),
  help: () => (dialog = "help"),
  cancel: () => (dialog = "cancel"),
  tiles: () => {
    dialog = "tiles";
    tile = -1;
  },
  tile: (data) => (tile = Number(data.value)),
  close: () => {
    dialog = "";
    staff.close();
  },
};

document.addEventListener("click", (event) => {
  const key = event.target.closest("button");
  if (!key || key.disabled || document.body.dataset.calm === "no") return;
  const data = key.dataset;
  if (data.action) act(data);
  else if (data.staff) staff.touched(data.staff, data.value, view, (fields) => post("/attend", fields), render);
  else if (data.ui) {
    INTERFACE[data.ui](data);
    render();
  }
});

// A scanner in keyboard mode types into whatever has the focus, ends with Enter, and may send function keys. Strokes
// that follow each other faster than a person types do nothing; of all others only those that move and press do.
let strokeAt = 0;
const PERSON_KEYS = ["Tab", "Enter", " ", "ArrowUp", "ArrowDown", "PageUp", "PageDown"];
for (const type of ["keydown", "keypress", "keyup"]) {
  document.addEventListener(type, (event) => {
    const isQuick = event.timeStamp - strokeAt < STROKE_MS;
    if (type === "keydown") strokeAt = event.timeStamp;
    const isPerson = PERSON_KEYS.includes(event.key) && !event.ctrlKey && !event.altKey && !event.metaKey;
    if (!isPerson || (isQuick && type === "keydown")) {
      event.preventDefault();
      event.stopPropagation();
    }
  }, { capture: true });
}
for (const type of ["contextmenu", "dragstart", "drop", "dragover"]) {
  document.addEventListener(type, (event) => event.preventDefault());
}

setInterval(() => {
  if (!isLost && Date.now() - heardAt > SILENCE_MS_MAX) lost();
  if (staff.closeWhenIdle()) render();
}, 1_000);

document.body.dataset.calm = "yes";
render();
connect();
