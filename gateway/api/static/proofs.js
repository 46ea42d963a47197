// Proof tests: when each shut-down valve was last seen to close in time, and the log of all shut-downs.
import { get } from "./ask.js";
import { dayAndClock, el, table, title } from "./dom.js";
import { pick, say } from "./texts.js";

export class Proofs {
  constructor(here) {
    this.here = here;
    this.id = "proofs";
    this.name = "roomProofs";
    this.element = el("section");
  }

  static has({ rules }) { return rules.some((rule) => rule.kind === "shutdown"); }

  async open() {
    this.valves = el("div", "wide");
    this.log = el("div", "wide");
    this.element.replaceChildren(title(say("roomProofs")), el("h3", "", say("valves")), this.valves, el("h3", "", say("strokes")), this.log);
    await this.renew();
  }

  update() { this.timer ??= setTimeout(() => { this.timer = null; this.renew(); }, 1000); }

  tick() {}

  async renew() {
    const found = await get("proof-tests");
    if (!found) { this.valves.replaceChildren(el("p", "", say("noData"))); return; }
    this.valves.replaceChildren(table([say("valve"), say("rule"), say("time"), say("took"), say("due")], found.valves.map((one) => [
      one.test, pick(one.name), dayAndClock(one.last) || say("never"), one.after_s === null ? "" : `${one.after_s.toFixed(1)} s`,
      el("span", "", one.due ? `${one.due.slice(0, 10)} ` : one.overdue ? "" : say("noInterval"), one.overdue ? el("span", "badge loud", say("overdue")) : "")])));
    this.log.replaceChildren(found.strokes.length ? table([say("time"), say("stroke"), say("outcome"), say("seen")], found.strokes.map((stroke) => [
      dayAndClock(stroke.time), `${stroke.rule}${stroke.test ? ` (${say("asTest")})` : ""}`,
      el(["failed", "late"].includes(stroke.outcome) ? "b" : "span", "", pick(stroke.outcome_name)),
      el("span", "", ...[...stroke.valves, ...stroke.effects].map((one) => el("span", "line", seen(one))))])) : el("p", "calm", say("strokesNone")));
  }
}

function seen({ test, after_s: after, moved }) {
  if (after === null) return say("notSeen", { test });
  return moved ? say("afterS", { test, s: after.toFixed(1) }) : say("soBefore", { test });
}
