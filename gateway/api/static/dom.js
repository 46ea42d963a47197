// Elements without innerHTML: text from outside stays text.
export const $ = (id) => document.getElementById(id);

export function el(tag, className = "", ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function shape(id, className = "mark", label = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${id}`);
  svg.setAttribute("class", className);
  if (label) { svg.setAttribute("role", "img"); svg.setAttribute("aria-label", label); } else svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

// Only touch the page when there is something new to show.
export function put(node, text) { if (node.textContent !== text) node.textContent = text; }

export const clockOf = (iso) => (iso ? iso.slice(11, 19) : "");
export const NOTHING = "– – –";
export const number = (value, decimals) => (value === null ? NOTHING : value.toFixed(decimals));
export const kindOf = (quality) => ((quality & 0xc0) === 0 ? "good" : (quality & 0xc0) === 0x40 ? "uncertain" : "bad");
