// Elements without innerHTML: text from outside stays text.
export const $ = (id) => document.getElementById(id);

export function el(tag, className = "", ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// `key` is how the focus finds it again when the list around it was made anew.
// needs: the role that the server asks for it; the page hides it from others.
export function button(text, act, { look = "", key = "", label = "", needs = "" } = {}) {
  const made = el("button", look, text);
  made.type = "button";
  made.onclick = act;
  if (key) made.dataset.key = key;
  if (label) made.setAttribute("aria-label", label);
  if (needs) made.dataset.needs = needs;
  return made;
}

export function link(text, href, { look = "", key = "" } = {}) {
  const made = el("a", look, text);
  made.href = href;
  if (key) made.dataset.key = key;
  return made;
}

export function table(heads, rows) {
  const head = heads.map((text) => { const cell = el("th", "", text); cell.scope = "col"; return cell; });
  return el("table", "", el("thead", "", el("tr", "", ...head)), el("tbody", "", ...rows.map((cells) =>
    el("tr", "", ...cells.map((cell) => el("td", "", cell))))));
}

export function title(text) {
  const head = el("h2", "", text);
  head.tabIndex = -1; // it takes the focus when its page is opened
  return el("div", "title", head);
}

export function shape(id, className = "mark", label = "") {
  const svg = svgEl("svg", { class: className }, svgEl("use", { href: `#${id}` }));
  if (label) { svg.setAttribute("role", "img"); svg.setAttribute("aria-label", label); } else svg.setAttribute("aria-hidden", "true");
  return svg;
}
export const sign = (priority) => shape(`p${priority}`, `sign small P${priority}`, `P${priority}`);

export function svgEl(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Only touch the page when there is something new to show.
export function put(node, text) { if (node.textContent !== text) node.textContent = text; }

// Few and small: made anew, but put in place only where they differ from what is shown; the focus stays.
export function replace(list, items) {
  if (items.length === list.children.length && items.every((item, k) => item.isEqualNode(list.children[k]))) return;
  keepFocus(list, () => list.replaceChildren(...items));
}

export function keepFocus(around, change) {
  const key = around.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  change();
  if (key && document.activeElement?.dataset?.key !== key) byKey(key, around)?.focus();
}
export const byKey = (key, around = document) => around.querySelector(`[data-key="${CSS.escape(key)}"]`);

export const clockOf = (iso) => (iso ? iso.slice(11, 19) : "");
export const dayAndClock = (iso) => (iso ? `${iso.slice(0, 10)} ${iso.slice(11, 19)}` : "");
export const NOTHING = "– – –";
export const number = (value, decimals) => (value === null ? NOTHING : value.toFixed(decimals));
export const kindOf = (quality) => ((quality & 0xc0) === 0 ? "good" : (quality & 0xc0) === 0x40 ? "uncertain" : "bad");
