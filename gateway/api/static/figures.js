// The alarm figures after EEMUA 191 and ISA-18.2, beside what is recommended. They are not in the stream: asked for once a minute.
import { get } from "./ask.js";
import { dayAndClock, el, link, shape, table, title } from "./dom.js";
import { age, personOf, pick, say } from "./texts.js";

const RENEW_MS = 60000;

export class Figures {
  constructor(here) {
    this.here = here;
    this.id = "figures";
    this.name = "roomFigures";
    this.element = el("section");
    this.period = "day";
  }

  async open() {
    this.body = el("div", "", el("p", "calm", say("loading")));
    this.element.replaceChildren(title(say("roomFigures")), this.body);
    await this.renew();
  }

  // An alarm has changed: what stands now may differ.
  update() { this.timer ??= setTimeout(() => { this.timer = null; this.renew(); }, 2000); }

  tick() { if (performance.now() - (this.fetched ?? 0) > RENEW_MS) this.renew(); }

  async renew() {
    this.fetched = performance.now();
    const found = await get("kpi");
    if (found) this.show(found); else if (!this.body.querySelector("table")) this.body.replaceChildren(el("p", "", say("noData")));
  }

  show({ now, targets, periods, metrics, operators }) {
    const opened = this.body.querySelector("details")?.open ?? false, chosen = periods.find(({ period }) => period === this.period);
    const details = el("details", "", el("summary", "", say("opcMetrics")), table([say("figure"), ""], Object.entries(metrics).map(([name, value]) =>
      [name, name === "StartTime" ? dayAndClock(value) : String(value)])));
    details.open = opened;
    this.body.replaceChildren(
      el("div", "tiles", tile(say("rateNow"), now.rate, now.rate > targets.peak), now.flood ? tile(say("floodNow"), say("floodSince", { time: dayAndClock(now.flood.begun), n: now.flood.alarms }), true) : tile(say("floodNow"), say("no")),
        tile(say("standing"), now.standing), tile(say("unacknowledged"), now.unacknowledged), tile(say("staleNow"), now.stale.length, now.stale.length > targets.stale),
        tile(say("chatteringNow"), now.chattering.length, now.chattering.length > targets.chattering)),
      ...named(say("staleNow"), now.stale, (one) => age(one.age_s)), ...named(say("chatteringNow"), now.chattering, (one) => dayAndClock(one.since)),
      el("h3", "", say("periods", { n: operators })), el("div", "wide", this.periods(periods, targets)), el("p", "soft", say("targetsAre")),
      this.choice(periods), ...named(say("worst", { n: chosen.worst_percent }), chosen.worst, (one) => `${one.count} ×`),
      ...named(say("chatteredThen"), chosen.chattering, (one) => `${one.count} ×`), ...named(say("withheldThen"), chosen.withheld, (one) => `${one.count} ×`),
      ...(chosen.by_person.length ? [el("h4", "", say("byPerson")), el("div", "wide", table([say("person"), say("count"), say("median"), say("ninety")],
        chosen.by_person.map((one) => [personOf(one.who), String(one.count), seconds(one.median_s), seconds(one.p90_s)])))] : []), details);
  }

  periods(periods, targets) {
    const row = (label, of, target) => [label, ...periods.map((one) => { const value = of(one); return target !== undefined && value > target ? above(value) : String(value); }), target === undefined ? "" : `≤ ${target}`];
    return table([say("figure"), ...periods.map(({ period }) => say(`period_${period}`)), say("targetValue")], [
      row(say("average"), (one) => +one.average.toFixed(2), targets.average), row(say("peak"), (one) => +one.peak.toFixed(1), targets.peak),
      row(say("floodShare"), (one) => one.flood_percent, targets.flood_percent), row(say("floods"), (one) => one.floods), row(say("alarmsOf"), (one) => one.alarms),
      ...["P1", "P2", "P3"].map((priority) => [say("share", { p: priority }), ...periods.map((one) => `${one.by_priority[priority]} (${one.split_percent[priority]} %)`), `≈ ${targets.split_percent[priority]} %`]),
      row(say("worstShare"), (one) => one.worst_percent, targets.worst_percent),
      [say("toAcknowledge"), ...periods.map(({ answers }) => (answers.count ? `${seconds(answers.median_s)} / ${seconds(answers.p90_s)}` : "–")), ""]]);
  }

  choice(periods) {
    const select = el("select");
    for (const { period } of periods) { const one = el("option", "", say(`period_${period}`)); one.value = period; select.append(one); }
    select.value = this.period;
    select.dataset.key = "period";
    select.onchange = async () => { this.period = select.value; await this.renew(); this.element.querySelector("[data-key=period]").focus(); };
    return el("label", "short", el("span", "", say("period")), select);
  }
}

const seconds = (value) => (value === null ? "–" : age(value));
const above = (value) => el("b", "above", shape("p2", "sign small P2", say("aboveTarget")), ` ${value}`);

function tile(label, value, bad = false) {
  return el("div", "tile", el("small", "", label), el("b", "", bad ? above(value) : String(value)));
}

function named(head, rows, figure) {
  if (!rows.length) return [];
  return [el("h4", "", head), el("ul", "named", ...rows.map((one) => el("li", "", link(pick(one.name), `#alarm/${encodeURIComponent(one.alarm)}`), " ", el("b", "", figure(one)))))];
}
