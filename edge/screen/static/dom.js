// Building nodes and bringing a shown tree up to date without replacing what did not change: a finger that rests on a
// button keeps its button, a list keeps its place. Text is only ever inserted as text.

const SVG = "http://www.w3.org/2000/svg";

// A node: h("p", {class: "soft"}, "text", otherNode). Attributes that are false, null or undefined are left out.
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

// One of the drawings of icons.svg, seen but not read aloud.
export function icon(name, className) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className ? `icon ${className}` : "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

// Make `shown` look like `wanted`; children with data-key are matched by it, others by their place.
export function morph(shown, wanted) {
  if (shown.nodeType !== wanted.nodeType || shown.nodeName !== wanted.nodeName) {
    shown.replaceWith(wanted);
    return;
  }
  if (shown.nodeType === Node.TEXT_NODE) {
    if (shown.data !== wanted.data) shown.data = wanted.data;
    return;
  }
  syncAttributes(shown, wanted);
  syncChildren(shown, wanted);
}

function syncAttributes(shown, wanted) {
  for (const { name } of [...shown.attributes]) {
    if (!wanted.hasAttribute(name)) shown.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
}

function syncChildren(shown, wanted) {
  const keyed = new Map();
  for (const child of shown.children) {
    if (child.dataset.key) keyed.set(child.dataset.key, child);
  }
  let place = shown.firstChild;
  for (const child of [...wanted.childNodes]) {
    const key = keyOf(child);
    const old = key ? keyed.get(key) : place;
    if (!old || keyOf(old) !== key || old.nodeName !== child.nodeName) {
      shown.insertBefore(child, place);
      continue;
    }
    if (old === place) place = place.nextSibling;
    else shown.insertBefore(old, place);
    morph(old, child);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset.key || "" : "";
}

// A name from outside, without marks that turn the reading direction or hide: it shows as what it is.
export function plain(name) {
  return name.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, "");
}
