// For what nobody is called: bypassed, shelved, out of service, suppressed by design; the dialogs that begin and end it.
import { ask, get, post } from "./ask.js";
import { button, clockOf, dayAndClock, el, replace, shape, title } from "./dom.js";
import { me } from "./session.js";
import { pick, say } from "./texts.js";

const SECONDS = { minutes: 60, hours: 3600, days: 86400 };
const SHORT = [["minutes", 15], ["minutes", 30], ["hours", 1], ["hours", 2], ["hours", 4], ["hours", 8], ["hours", 24]];
const LONG = [["hours", 1], ["hours", 8], ["days", 1], ["days", 3], ["days", 7], ["days", 14], ["days", 30]]; // maintenance
const lengths = (kind) => (kind === "out of service" ? LONG : SHORT).map(([unit, n]) => [String(n * SECONDS[unit]), say(unit, { n })]);

// What a person can ask for, and its address. A suppression is by design: it ends when its cause does.
const PATHS = { bypass: "bypasses", shelve: "shelve", "out of service": "out-of-service" };
const WORDS = { bypass: "kindBypass", shelve: "kindShelve", "out of service": "kindService", suppression: "kindSuppression" };
// The role that the server asks for to begin or end one.
export const needed = (kind) => (kind === "shelve" ? "operator" : "engineer");
export const KINDS = Object.keys(WORDS);
export const wordOf = (kind) => say(WORDS[kind]);

// A removal from service lasts for days: the hour alone would mislead.
export const endOf = ({ begun, until }) => (begun.slice(0, 10) === until.slice(0, 10) ? clockOf(until) : dayAndClock(until));

export function holdLine(one) {
  return el("li", "P4", shape("p4", "sign small", "P4"), el("div", "",
    el("b", "", `${wordOf(one.kind)} · ${holdWords(one)}`),
    one.who ? el("small", "", say(one.approved ? "bypassByTwo" : "bypassBy", one)) : null),
  one.kind in PATHS ? button(say("holdEnd"), () => endHold(one), { look: "quiet", key: `end ${one.kind} ${one.target}`, label: `${say("holdEnd")}: ${wordOf(one.kind)} ${one.target}`, needs: needed(one.kind) }) : null);
}

// A suppression by design ends with its cause; its time is only the longest that it may last.
export const holdWords = (one) => (one.design
  ? say("holdDesign", { reason: pick(one.design.reason), ends: pick(one.design.ends), begun: startOf(one), time: endOf(one) })
  : say(one.once ? "holdOnce" : "bypass", { ...one, target: pick(one.name), time: endOf(one) }));
const startOf = ({ begun, until }) => (begun.slice(0, 10) === until.slice(0, 10) ? clockOf(begun) : dayAndClock(begun));

// hints: what can be bypassed, as [id, name].
export function beginHold(hints, target = "") {
  ask({
    title: say("holdBegin"), go: say("holdBegin"), note: say("bypassHint"),
    fields: [
      { name: "kind", label: "holdKind", kind: "choice", options: [...Object.keys(PATHS).map((kind) => [kind, wordOf(kind)]), ["once", say("kindOnce")]] },
      { name: "target", label: "target", needed: true, value: target, hints },
      { name: "for_s", label: "forHow", kind: "choice", options: lengths(), value: "1800", follows: ["kind", lengths] },
      { name: "why", label: "reason", kind: "lines", needed: true, most: 500 },
      { name: "name", label: "yourName", needed: true }, ...second()],
    send: async ({ kind, for_s: length, ...rest }) => sent(await post(PATHS[kind] ?? PATHS.shelve, { ...rest, for_s: +length, once: kind === "once" })),
  });
}

// The second person: a name; with accounts their own, and what only they know.
const second = () => (me.account
  ? [{ name: "approved", label: "approvedAccount", most: 32 }, { name: "approval", label: "approvalSecret", kind: "secret", most: 128 }]
  : [{ name: "approved", label: "approvedBy" }]);

// Approve what somebody else is about to do, over the telephone: gives a code.
function approve(hints) {
  ask({
    title: say("approve"), go: say("approve"), note: say("approveHint"),
    fields: [
      { name: "kind", label: "holdKind", kind: "choice", options: Object.keys(PATHS).map((kind) => [kind, wordOf(kind)]) },
      { name: "target", label: "target", needed: true, hints }],
    send: async (values) => {
      const { said, refused } = await post("approvals", values);
      if (said) setTimeout(() => ask({ title: say("approvalCode"), go: say("close"), fields: [],
        about: [`${wordOf(said.kind)}: ${said.target}`, say("approvalTell", said), el("output", "code", said.code.replace(/(....)/, "$1 "))], send: async () => null }));
      return refused ?? null;
    },
  });
}

export function endHold({ kind, target, name }) {
  ask({
    title: say("holdEnd"), about: [`${wordOf(kind)}: ${name ? pick(name) : target}`], go: say("holdEnd"),
    fields: [{ name: "name", label: "yourName", needed: true }, { name: "why", label: "reasonOptional", kind: "lines", most: 500 }],
    send: async (values) => sent(await post(`${PATHS[kind]}/${encodeURIComponent(target)}/end`, values)),
  });
}

function sent({ said, refused }) { return refused ?? (said.recorded ? null : say("bypassUnrecorded")); }

let definitions = null;
export async function allDefinitions() {
  definitions ??= (await get("definitions"))?.alarms ?? null;
  return definitions;
}

// Signals, rules and single alarms, for the dialog.
export function targets(site, alarms) {
  const rules = new Map(alarms.filter((one) => one.origin === one.id).map((one) => [one.id, pick(one.name)]));
  const known = [...site.signals.map((signal) => [signal.id, pick(signal.name)]), ...rules];
  const single = alarms.filter((one) => one.origin !== one.id && one.condition !== "gateway" && one.condition !== "blind");
  return [...known, ...single.map((one) => [one.id, pick(one.name)])];
}

export class Withheld {
  constructor(here) {
    this.here = here;
    this.id = "withheld";
    this.name = "roomWithheld";
    this.element = el("section");
  }

  async open() {
    const { site, alarms } = this.here;
    this.list = el("ul", "bypasses");
    const begin = button(say("holdBegin"), async () => beginHold(targets(site, await allDefinitions() ?? [])), { key: "bypass begin", needs: "operator" });
    const head = title(say("roomWithheld"));
    head.append(begin);
    if (me.account) head.append(button(say("approve"), async () => approve(targets(site, await allDefinitions() ?? [])), { look: "quiet", key: "approve", needs: "operator" }));
    this.element.replaceChildren(head, el("p", "", say("withheldWhat")), this.list);
    if (alarms.list) this.update(alarms.list);
  }

  update({ holds }) {
    replace(this.list, holds.length ? holds.map(holdLine) : [el("li", "calm", shape("tick"), say("withheldNone"))]);
  }
}
