// The drill that goes on, and the result sheet of the latest: who was told when, who acknowledged, in time or not.
import { get } from "./ask.js";
import { clockOf, dayAndClock, el, link, shape, table, title } from "./dom.js";
import { pick, say } from "./texts.js";

export class DrillRoom {
  constructor(here) {
    this.here = here;
    this.id = "drill";
    this.name = "roomDrill";
    this.element = el("section");
  }

  async open() {
    this.body = el("div", "", el("p", "calm", say("loading")));
    this.element.replaceChildren(title(say("roomDrill")), el("p", "soft", say("drillHow")), this.body);
    await this.renew();
  }

  update() { this.timer ??= setTimeout(() => { this.timer = null; this.renew(); }, 1000); }

  async renew() {
    const found = await get("drill"), { going_on: now, sheet } = found ?? {};
    this.body.replaceChildren(
      el("p", now ? "trouble" : "", !found ? say("noData") : now ? say("drillNow", { ...now, until: dayAndClock(now.until), signals: now.signals.join(", ") }) : say("drillNone")),
      ...(sheet ? [el("h3", "", say("drillSheet")), el("p", "", say("drillWas", { ...sheet, begun: dayAndClock(sheet.begun), ended: dayAndClock(sheet.ended) || "–" })),
        el("p", "what", say("drillInTime", { n: sheet.in_time, m: sheet.alarms.length, s: sheet.target_s })),
        el("div", "wide", table([say("roomAlarm"), say("rowRaise"), say("toldThen"), say("acknowledgedBy"), ""], sheet.alarms.map(row)))] : []));
  }
}

function row(one) {
  const told = one.told.map(({ to, through, time }) => el("span", "line", `${clockOf(time)} ${to || through}`)), done = one.acknowledged;
  return [link(pick(one.name), `#alarm/${encodeURIComponent(one.alarm)}`), clockOf(one.raised), el("span", "", ...told),
    done ? `${clockOf(done.time)} ${done.who} (${done.after_s.toFixed(0)} s)` : "–",
    el("span", "", shape(one.in_time ? "tick" : "cross"), " ", say(one.in_time ? "inTime" : "notInTime"))];
}
