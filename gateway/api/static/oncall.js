// Who is on call now and next, how far each alarm has been told, and who would be told of one (#oncall/GD-03%2FHH).
import { get } from "./ask.js";
import { clockOf, dayAndClock, el, link, table, title } from "./dom.js";
import { age, pick, say } from "./texts.js";
import { allDefinitions } from "./withheld.js";

const RENEW_MS = 15000; // shifts and ladders are not in the stream

export class OnCall {
  constructor(here) {
    this.here = here;
    this.id = "oncall";
    this.name = "roomOncall";
    this.element = el("section");
  }

  async open(alarm) {
    this.body = el("div", "", el("p", "calm", say("loading")));
    this.route = el("div");
    const input = el("input"), hints = el("datalist"), form = el("form", "line", el("label", "", el("span", "", say("routeOf")), input, hints), el("button", "quiet", say("show")));
    hints.id = "oncall-alarms";
    input.setAttribute("list", hints.id);
    input.value = alarm;
    form.onsubmit = (event) => { event.preventDefault(); location.hash = `oncall/${encodeURIComponent(input.value.trim())}`; };
    this.element.replaceChildren(title(say("roomOncall")), this.body, el("h3", "", say("wouldBeTold")), form, this.route);
    await Promise.all([this.renew(), alarm ? this.foresee(alarm) : null]);
    for (const one of await allDefinitions() ?? []) { const hint = el("option", "", pick(one.name)); hint.value = one.id; hints.append(hint); }
  }

  update() { this.timer ??= setTimeout(() => { this.timer = null; this.renew(); }, 1000); }

  tick() { if (performance.now() - (this.fetched ?? 0) > RENEW_MS) this.renew(); }

  async renew() {
    this.fetched = performance.now();
    const found = await get("oncall?days=7");
    if (!found) { this.body.replaceChildren(el("p", "", say("noData"))); return; }
    const opened = new Set([...this.body.querySelectorAll("details[open]")].map((one) => one.dataset.roster));
    this.body.replaceChildren(...(found.configured ? [] : [el("p", "", say("oncallMissing"))]),
      el("div", "cards", ...found.rosters.map((roster) => card(roster, opened.has(roster.id)))),
      ...found.mutes.filter((mute) => mute.standing).map((mute) => el("p", "trouble", say("muteStands", { name: pick(mute.name) }))),
      ...(found.ladders.length ? [el("h3", "", say("ladders")), el("div", "wide", table([say("roomAlarm"), say("toldSoFar"), say("nextStep")], found.ladders.map((one) => [
        link(one.alarm, `#alarm/${encodeURIComponent(one.alarm)}`), one.told.map(told).join(" · ") || say("nobodyYet"),
        one.next ? `${clockOf(one.next)}${one.muted ? ` (${say("muted")})` : ""}` : "–"])))] : []),
      ...(found.people.length ? [el("h3", "", say("people")), el("div", "wide", table([say("person"), say("duty"), say("channels")], found.people.map((one) =>
        [pick(one.name), pick(one.duty), one.channels.join(", ")])))] : []));
  }

  async foresee(alarm) {
    const found = await get(`route?${new URLSearchParams([["alarm", alarm]])}`);
    if (!found) { this.route.replaceChildren(el("p", "", say("noSuchAlarm", { id: alarm }))); return; }
    this.route.replaceChildren(el("p", "what", `P${found.priority} ${pick(found.name)}`), ...(found.steps.length ? [
      el("div", "wide", table([say("after"), say("toldThen"), say("notToldThen")], found.steps.map((step) =>
        [age(step.after_s), because(step.told), because(step.not_told)]))),
      el("p", "soft", found.repeats === null ? say("repeatsForEver") : say("repeatsTimes", { n: found.repeats }))] : [el("p", "", say("callsNobody"))]));
  }
}

function card({ id, name, now, next, shifts }, open) {
  const who = (shift) => (shift.name ? pick(shift.name) : say("nobody")), more = el("details", "", el("summary", "", say("shifts")),
    el("div", "wide", table([say("from"), say("until"), say("person"), say("reason")], shifts.map((shift) => [dayAndClock(shift.begins), dayAndClock(shift.ends), who(shift), pick(shift.reason)]))));
  more.dataset.roster = id;
  more.open = open;
  return el("article", now.person ? "" : "empty", el("small", "", pick(name)), el("div", "duty", el("b", "", who(now))),
    el("p", "", say("onUntil", { time: dayAndClock(now.ends), why: pick(now.reason) })),
    next ? el("p", "soft", say("thenOn", { to: who(next), time: dayAndClock(next.begins) })) : "", more);
}

const told = ({ name, channel }) => (name ? `${pick(name)} (${channel})` : channel);
const because = (decisions) => el("span", "", ...decisions.map((one) => el("span", "line", `${told(one)}: ${pick(one.reason)}`)));
