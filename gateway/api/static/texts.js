// Texts in the language of the page.
import { ACCOUNT_WORDS } from "./account-words.js";
import { ROOM_WORDS } from "./room-words.js";
import { WORDS } from "./words.js";

const ALL = { ...WORDS, ...ROOM_WORDS, ...ACCOUNT_WORDS };
const UNITS = [[86400, " d", " 天"], [3600, " h", " 小时"], [60, " min", " 分"], [0, " s", " 秒"]];

let index = 0;

export const language = () => (index ? "zh" : "en");
export function speak(code) { index = code === "zh" ? 1 : 0; }
export function say(key, values = {}) {
  return ALL[key][index].replace(/\{(\w+)\}/g, (_, name) => (NAMES.has(name) ? personOf(values[name]) : values[name]));
}
// A person: with the doubt, where no account stands behind the name ("Li Wei [li.wei]").
const NAMES = new Set(["who", "approved"]);
// A viewer is told of SOMEBODY only, in the language of the site (gateway.api.discretion).
const SOMEBODY = ["an operator", "操作人员"];
export const personOf = (who) => (!who || / \[.+\]$/.test(who) || SOMEBODY.includes(who) ? who : `${who}${say("notVerified")}`);
// A {en, zh} of the gateway in the language of the page.
export const pick = (text) => text[language()];
export function age(seconds) {
  if (seconds === null || seconds === undefined) return say("never");
  const [size, ...names] = UNITS.find(([length]) => seconds >= length) ?? UNITS[3];
  return Math.floor(Math.max(0, seconds) / (size || 1)) + names[index];
}
