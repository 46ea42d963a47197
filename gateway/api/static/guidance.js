// What to do about an alarm, in a small part of Markdown: paragraphs, lists, **bold**, links. Everything else stays text.
import { el, link } from "./dom.js";
import { pick, say } from "./texts.js";

const MARK = /\*\*(.+?)\*\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"，。；）]+)/g;
const PARTS = { action: "todo", consequence: "adviceConsequence", cause: "adviceCause", contact: "adviceContact", card: "adviceCard" };

export function inline(text) {
  const made = [];
  let end = 0;
  for (const found of text.matchAll(MARK)) {
    const [all, bold, name, address, bare] = found;
    made.push(text.slice(end, found.index), bold ? el("b", "", bold) : outside(name ?? bare, address ?? bare));
    end = found.index + all.length;
  }
  return [...made, text.slice(end)].filter((part) => part !== "");
}

function outside(name, address) {
  const made = link(name, address);
  made.target = "_blank";
  made.rel = "noopener noreferrer";
  return made;
}

const BULLET = /^\s*[-*]\s+/, NUMBER = /^\s*\d+[.)]\s+/;

function blocks(text) {
  const made = [];
  for (const line of text.split("\n").filter((one) => one.trim())) {
    const sign = [BULLET, NUMBER].find((one) => one.test(line)), kind = sign === BULLET ? "ul" : "ol";
    if (!sign) made.push(el("p", "", ...inline(line)));
    else {
      if (made.at(-1)?.localName !== kind) made.push(el(kind));
      made.at(-1).append(el("li", "", ...inline(line.replace(sign, ""))));
    }
  }
  return made;
}

// `parts`: as the API says them; "" where nobody has written anything.
export function advice(parts) {
  const written = Object.entries(PARTS).filter(([name]) => pick(parts[name]));
  return written.length ? el("div", "todo", ...written.flatMap(([name, word]) =>
    [el("b", "", say(word)), ...blocks(pick(parts[name]))])) : "";
}
