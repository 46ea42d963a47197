// One alarm: what to do, what a person can do about it, why it stands, and what became of it before.
import { acknowledge } from "./acknowledge.js";
import { badges, facts, look } from "./alarms.js";
import { button, dayAndClock, el, link, put, shape, table, title } from "./dom.js";
import { advice } from "./guidance.js";
import { historyRow } from "./history.js";
import { plot } from "./plot.js";
import { age, pick, say } from "./texts.js";
import { get } from "./ask.js";
import { allDefinitions, beginHold, endHold, holdWords, targets, wordOf, needed } from "./withheld.js";

const RECENT = 10;

export class AlarmRoom {
  constructor(here) {
    this.here = here;
    this.id = "alarm";
    this.name = "roomAlarm";
    this.element = el("section");
  }

  async open(id) {
    this.wanted = id;
    const all = await allDefinitions();
    if (this.wanted !== id) return; // another one was opened meanwhile
    this.about = all?.find((one) => one.id === id);
    this.head = el("div");
    if (!this.about) {
      this.element.replaceChildren(title(say("roomAlarm")), el("p", "", all ? say("noSuchAlarm", { id }) : say("noData")));
      return;
    }
    this.why = el("div", "why");
    this.past = el("ol", "journal");
    this.shown = "";
    const name = title(pick(this.about.name)), waysIn = el("div", "act");
    const standing = this.here.alarms.of(id);
    name.prepend(shape(`p${this.about.priority}`, `sign P${this.about.priority}`, `P${this.about.priority}`));
    if (standing) waysIn.append(button(say("whyThen"), () => this.explain(Date.parse(standing.raised) + 1000), { look: "quiet", key: "why then" }));
    waysIn.append(button(say("whyNow"), () => this.explain(null), { look: "quiet", key: "why now" }));
    this.element.replaceChildren(name, this.head,
      advice(this.about.advice),
      el("h3", "", say("why")), waysIn, this.why, el("h3", "", say("historyOf")), this.past,
      link(say("allHistory"), `#history/${encodeURIComponent(id)}`, { key: "all history" }), " · ", link(say("whoIsTold"), `#oncall/${encodeURIComponent(id)}`, { key: "who" }));
    this.update();
    await Promise.all([this.explain(standing ? Date.parse(standing.raised) + 1000 : null), this.recall()]);
  }

  // What changes while it is looked at.
  update() {
    if (!this.about) return;
    const { alarms, site } = this.here, { id, origin } = this.about, alarm = alarms.of(id);
    const design = alarm?.withheld.filter((one) => one.design) ?? [];
    const holds = [...(alarms.list?.holds.filter(({ target }) => target === id || target === origin) ?? []).filter((one) => !one.design), ...design];
    const shown = JSON.stringify([{ ...alarm, age_s: 0 }, holds]);
    this.age_s = alarm?.age_s;
    if (shown === this.shown) return;
    if (this.shown) this.recall();
    this.shown = shown;
    this.row = { age: el("span"), now: el("span") };
    const act = el("div", "act");
    if (alarm?.waits) act.append(button(say("acknowledge"), () => acknowledge([alarm]), { look: "go", key: `ack ${id}`, needs: "operator" }));
    for (const hold of holds.filter(({ kind }) => kind !== "suppression"))
      act.append(button(say("holdEnd"), () => endHold(hold), { look: "quiet", key: `end ${hold.kind} ${hold.target}`, label: `${say("holdEnd")}: ${wordOf(hold.kind)} ${hold.target}`, needs: needed(hold.kind) }));
    act.append(button(say("holdBegin"), async () => beginHold(targets(site, await allDefinitions() ?? []), id), { look: "quiet", key: "bypass begin", needs: "operator" }));
    this.head.className = alarm ? look(alarm) : "alarm";
    this.head.replaceChildren(el("div", "", alarm ? facts(alarm, site.words, this.row) : el("p", "", say("normalNow")),
      ...holds.map((hold) => el("p", "", `${wordOf(hold.kind)} · ${holdWords(hold)}`)), ...(alarm ? badges(alarm) : [])), act);
    this.tick();
  }

  tick() {
    if (!this.row || !this.about) return;
    const reading = this.here.signals.reading(this.about.origin), passed = (performance.now() - this.here.alarms.received) / 1000;
    if (this.age_s !== undefined) put(this.row.age, say("ago", { age: age(this.age_s + passed) }));
    put(this.row.now, reading && say("now", { reading }));
  }

  async recall() {
    const { id, origin } = this.about, about = new URLSearchParams([["alarm", id], ...(origin === id ? [] : [["alarm", origin]]), ["limit", RECENT]]);
    const found = await get(`journal?${about}`);
    this.past.replaceChildren(...(found?.rows.length ? found.rows.map((row) => historyRow(row, this.here.site)) : [el("li", "calm", say(found ? "historyNone" : "noData"))]));
  }

  async explain(atMs) {
    const { id } = this.about, asked = this.asked = {};
    this.why.replaceChildren(el("p", "calm", say("loading")));
    const answer = await fetch(`api/v1/alarms/${encodeURIComponent(id)}/explain${atMs === null ? "" : `?at_ms=${atMs}`}`).catch(() => null);
    const said = await answer?.json().catch(() => null);
    if (asked !== this.asked) return; // something else was asked for meanwhile
    if (!said) this.why.replaceChildren(el("p", "", say("noData")));
    else if (!answer.ok) this.why.replaceChildren(el("p", "", pick(said.error.what))); // the remedy is one of the command line
    else this.why.replaceChildren(...this.reasons(said));
  }

  reasons(said) {
    const { site } = this.here, lines = (texts) => texts.map((text) => el("p", "", pick(text)));
    const began = said.last ? Date.parse(said.last.began) : null;
    return [
      said.settings.length ? el("p", "soft", `${say("settings")}: ${said.settings.map(pick).join(" · ")}`) : "",
      ...lines(said.verdict), ...lines(said.reasons),
      said.plot ? plot(said.plot, began, site.timezone) : "",
      said.plot?.good.includes(false) ? el("small", "", say("plotBad")) : "",
      said.last?.evidence.length ? el("h4", "", say("evidence")) : "",
      said.last?.evidence.length ? table([say("time"), say("signal"), say("reading"), ""], said.last.evidence.map((line) =>
        [line.time.slice(11, 23), line.signal, line.value === null ? "" : String(+line.value.toPrecision(6)), pick(line.note)])) : "",
      el("details", "", el("summary", "", say("samples")), ...Object.entries(said.samples).flatMap(([signal, rows]) => [el("h4", "", signal),
        table([say("time"), say("reading"), say("quality")], rows.map((row) => [row.time.slice(11, 23), row.value === null ? "" : String(+row.value.toPrecision(6)), row.quality]))])),
    ];
  }
}
