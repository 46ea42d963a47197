// For what nobody is called: the standing bypasses, and the dialogs that begin and end one.
import { ask, get, post } from "./ask.js";
import { button, clockOf, el, replace, shape, title } from "./dom.js";
import { pick, say } from "./texts.js";

const LENGTHS = [["minutes", 15], ["minutes", 30], ["hours", 1], ["hours", 2], ["hours", 4], ["hours", 8], ["hours", 24]];

export function bypassLine(one) {
  return el("li", "P4", shape("p4", "sign small", "P4"), el("div", "",
    el("b", "", say("bypass", { target: one.target, time: clockOf(one.until), why: one.why })),
    el("small", "", say(one.approved ? "bypassByTwo" : "bypassBy", one))),
  button(say("bypassEnd"), () => endBypass(one.target), { look: "quiet", key: `end ${one.target}`, label: `${say("bypassEnd")}: ${one.target}` }));
}

// hints: what can be bypassed, as [id, name].
export function beginBypass(hints, target = "") {
  ask({
    title: say("bypassBegin"), go: say("bypassBegin"), note: say("bypassHint"),
    fields: [
      { name: "target", label: "target", needed: true, value: target, hints },
      { name: "for_s", label: "forHow", kind: "choice", options: LENGTHS.map(([unit, n]) => [String(n * (unit === "hours" ? 3600 : 60)), say(unit, { n })]), value: "1800" },
      { name: "why", label: "reason", kind: "lines", needed: true, most: 500 },
      { name: "name", label: "yourName", needed: true }, { name: "approved", label: "approvedBy" }],
    send: async ({ for_s: length, ...rest }) => sent(await post("bypasses", { ...rest, for_s: +length })),
  });
}

export function endBypass(target) {
  ask({
    title: say("bypassEnd"), about: [target], go: say("bypassEnd"),
    fields: [{ name: "name", label: "yourName", needed: true }, { name: "why", label: "reasonOptional", kind: "lines", most: 500 }],
    send: async (values) => sent(await post(`bypasses/${encodeURIComponent(target)}/end`, values)),
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
    const begin = button(say("bypassBegin"), async () => beginBypass(targets(site, await allDefinitions() ?? [])), { key: "bypass begin" });
    const head = title(say("roomWithheld"));
    head.append(begin);
    this.element.replaceChildren(head, el("p", "", say("withheldWhat")), this.list);
    if (alarms.list) this.update(alarms.list);
  }

  update({ bypasses }) {
    replace(this.list, bypasses.length ? bypasses.map(bypassLine) : [el("li", "calm", shape("tick"), say("withheldNone"))]);
  }
}
