// The test of the whole chain, and the drill: begun and ended here, with the report of the one and the result sheet of the other.
import { ask, get, post } from "./ask.js";
import { button, clockOf, dayAndClock, el, keepFocus, link, shape, table, title } from "./dom.js";
import { pick, say } from "./texts.js";

const RENEW_MS = 1000; // neither is in the stream; while one goes on somebody is waiting for it
const SELFTEST = "selftest"; // the reserved signal
const LIMITS = ["HH", "H", "L", "LL"]; // on the value: what can be drilled

export class DrillRoom {
  constructor(here) {
    this.here = here;
    this.id = "drill";
    this.name = "roomDrill";
    this.element = el("section");
  }

  async open() {
    this.test = el("div", "", el("p", "calm", say("loading")));
    this.body = el("div");
    this.shown = "";
    this.element.replaceChildren(title(say("roomDrill")),
      el("h3", "", say("selfTest")), el("p", "soft", say("selfTestHow")), this.test,
      el("h3", "", say("drill")), el("p", "soft", say("drillHow")), this.body);
    await this.renew();
  }

  update() {}

  tick() { if (performance.now() - (this.fetched ?? 0) > RENEW_MS) this.renew(); }

  async renew() {
    this.fetched = performance.now();
    const [test, drill] = await Promise.all([get("selftest"), get("drill")]), shown = JSON.stringify([test, drill]);
    if (shown === this.shown) return;
    this.shown = shown;
    keepFocus(this.element, () => {
      this.test.replaceChildren(...(test ? this.report(test) : [el("p", "", say("noData"))]));
      this.body.replaceChildren(...(drill ? [...this.standing(drill.going_on), ...(drill.sheet ? this.sheet(drill.sheet) : [])] : [el("p", "", say("noData"))]));
    });
  }

  // -- self-test

  report({ running, last }) {
    if (!this.here.site.signals.some(({ id }) => id === SELFTEST)) return [el("p", "", say("selfTestMissing"))];
    const go = button(say("selfTestGo"), () => this.command("selfTestGo", "selfTestRings", [], "selftest", {}), { key: "selftest" });
    go.disabled = running;
    const said = running ? [el("p", "what", say("selfTestRuns"))] : last ? [
      el("p", last.failed ? "trouble" : "what", shape(last.failed ? "cross" : "tick"), " ", say(last.failed ? "selfTestFailed" : "selfTestPassed", { time: dayAndClock(last.begun) })),
      el("p", "soft", last.asked_by ? say("askedBy", { who: last.asked_by }) : say("bySchedule")),
      el("div", "wide", table([say("step"), "", say("time"), say("afterSample")], last.stations.map((one) => [
        pick(one.name), el("span", "", shape(one.after_s === null ? "cross" : "tick")),
        one.after_s === null ? say("notReached") : clockOf(one.time), one.after_s === null ? "" : `${one.after_s.toFixed(2)} s`])))] : [el("p", "", say("selfTestNever"))];
    return [...said, el("div", "act", go)];
  }

  // -- drill

  named(id) { return `${id} ${pick(this.here.site.signals.find((one) => one.id === id)?.name ?? { en: "", zh: "" })}`.trim(); }

  standing(now) {
    if (!now) return [el("p", "", say("drillNone")), el("div", "act", button(say("drillBegin"), () => this.begin(), { key: "drill begin" }))];
    return [el("p", "trouble", say("drillNow", { ...now, until: dayAndClock(now.until), signals: now.signals.map((id) => this.named(id)).join(say("listComma")) })),
      el("div", "act", button(say("drillInject"), () => this.inject(now), { key: "drill inject" }), button(say("drillEnd"), () => this.end(), { look: "quiet", key: "drill end" }))];
  }

  begin() {
    const signals = this.here.site.signals.filter(({ id, limits }) => id !== SELFTEST && limits.some(({ condition }) => LIMITS.includes(condition)));
    const minutes = (list) => list.map((n) => [String(n * 60), say("minutes", { n })]);
    this.command("drillBegin", "drillRings", [
      { name: "signals", label: "drillSignals", kind: "choices", options: signals.map(({ id }) => [id, this.named(id)]), needed: true },
      { name: "for_s", label: "forHow", kind: "choice", options: [...minutes([15, 30]), ...[1, 2, 4, 8].map((n) => [String(n * 3600), say("hours", { n })])], value: "1800" },
      { name: "target_s", label: "drillTarget", kind: "choice", options: minutes([1, 3, 5, 10, 15]), value: "300" },
      { name: "why", label: "reason", kind: "lines", needed: true, most: 500 }],
    "drill", { act: "begin" }, ({ for_s: length, target_s: target, ...rest }) => ({ ...rest, for_s: +length, target_s: +target }));
  }

  inject({ signals }) {
    this.command("drillInject", "drillRings", [
      { name: "signal", label: "drillSignal", kind: "choice", options: signals.map((id) => [id, this.named(id)]) },
      { name: "value", label: "drillValue" }],
    "drill", { act: "inject" }, ({ value, ...rest }) => (value === "" ? rest : { ...rest, value: Number(value.replace(",", ".")) }));
  }

  end() { this.command("drillEnd", "drillOver", [{ name: "why", label: "comment", kind: "lines", most: 500 }], "drill", { act: "end" }); }

  command(word, note, fields, path, act, made = (values) => values) {
    ask({
      title: say(word), go: say(word), note: say(note), fields: [...fields, { name: "name", label: "yourName", needed: true }],
      send: async (values) => {
        const body = made(values);
        if (Number.isNaN(body.value)) return say("noNumber");
        const { refused } = await post(path, { ...act, ...body });
        await this.renew();
        return refused ?? null;
      },
    });
  }

  sheet(one) {
    return [el("h3", "", say("drillSheet")), el("p", "", say("drillWas", { ...one, begun: dayAndClock(one.begun), ended: dayAndClock(one.ended) || "–" })),
      el("p", "", say("drillTook", { signals: one.signals.map(({ id, name }) => `${id} ${pick(name)}`).join(say("listComma")) })),
      el("p", "what", say("drillInTime", { n: one.in_time, m: one.alarms.length, s: one.target_s })),
      el("div", "wide", table([say("roomAlarm"), say("rowRaise"), say("toldThen"), say("acknowledgedBy"), ""], one.alarms.map(row)))];
  }
}

function row(one) {
  const told = one.told.map(({ name, time }) => el("span", "line", `${clockOf(time)} ${pick(name)}`)), done = one.acknowledged;
  return [link(pick(one.name), `#alarm/${encodeURIComponent(one.alarm)}`), clockOf(one.raised), el("span", "", ...told),
    done ? say("drillAfter", { time: clockOf(done.time), who: done.who, n: done.after_s.toFixed(0) }) : "–",
    el("span", "", shape(one.in_time ? "tick" : "cross"), " ", say(one.in_time ? "inTime" : "notInTime"))];
}
