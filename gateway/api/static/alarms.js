// The alarm list: what stands and what waits, with filter, selection and acknowledgement of one, several or a whole group.
import { acknowledge } from "./acknowledge.js";
import { $, button, clockOf, el, keepFocus, link, number, put, shape, sign } from "./dom.js";
import { Filter } from "./filter.js";
import { inline } from "./guidance.js";
import { age, language, pick, say } from "./texts.js";
import { holdLine, wordOf } from "./withheld.js";

const FOLDED = 12; // so many are shown before "show all"

export class Alarms {
  constructor(site, reading) {
    this.words = site.words;
    this.reading = reading;  // what a signal reads now
    this.list = null;
    this.rows = new Map();   // alarm id -> {element, key, age, now}
    this.chosen = new Set(); // "id occurrence" of what is selected
    this.all = false;
    this.known = null;       // occurrences already announced
    this.received = 0;
    this.filter = new Filter(site, () => this.show());
    $("alarms-more").onclick = () => { this.all = true; this.show(); };
  }

  update(list) {
    this.list = list;
    this.received = performance.now();
    this.announce();
    this.show();
  }

  // The most urgent active priority of each signal, for its row.
  byOrigin() {
    const worst = new Map();
    for (const alarm of this.list?.alarms ?? [])
      if (alarm.active) worst.set(alarm.origin, Math.min(alarm.priority, worst.get(alarm.origin) ?? 9));
    return worst;
  }

  get waiting() { return this.list?.alarms.filter((alarm) => alarm.waits) ?? []; }
  get selected() { return this.waiting.filter((alarm) => this.chosen.has(nameOf(alarm))); }
  of(id) { return this.list?.alarms.find((alarm) => alarm.id === id); }
  groupOf(alarm) { return alarm.group ? this.waiting.filter((other) => other.group === alarm.group) : [alarm]; }

  announce() {
    const waiting = this.waiting.filter((alarm) => alarm.active), names = new Set(waiting.map(nameOf));
    if (this.known) {
      const fresh = waiting.filter((alarm) => !this.known.has(nameOf(alarm)));
      if (fresh.length) $("announce").textContent = fresh.slice(0, 3).map((alarm) => say("newAlarm", { p: alarm.priority, name: pick(alarm.name) })).join(". ");
    }
    this.known = names;
  }

  speak() { this.filter.speak(); this.show(); }

  show() {
    if (!this.list) return;
    const { alarms, total, by_priority: counts, holds } = this.list, list = $("alarm-list");
    keepFocus($("bypasses"), () => $("bypasses").replaceChildren(...holds.map(holdLine)));
    const fitting = this.filter.apply(alarms), shown = this.all ? fitting : fitting.slice(0, FOLDED);
    this.filter.tell(alarms.length - fitting.length, alarms.length);
    const kept = new Map();
    for (const alarm of shown) {
      const key = language() + this.chosen.has(nameOf(alarm)) + (alarm.first_out ? this.groupOf(alarm).length : "") + JSON.stringify({ ...alarm, age_s: 0 });
      const row = this.rows.get(alarm.id);
      kept.set(alarm.id, row?.key === key ? row : this.row(alarm, key));
      kept.get(alarm.id).age_s = alarm.age_s;
    }
    this.rows = kept;
    const wanted = shown.map((alarm) => kept.get(alarm.id).element);
    if (!wanted.length) wanted.push(el("li", "calm", shape("tick"), say(alarms.length ? "noneFits" : "noAlarms")));
    if (total > alarms.length && this.all) wanted.push(el("li", "calm", say("cut", { n: alarms.length, all: total })));
    if (wanted.length !== list.children.length || wanted.some((node, k) => list.children[k] !== node)) keepFocus(list, () => list.replaceChildren(...wanted));
    const more = $("alarms-more");
    more.hidden = this.all || fitting.length <= FOLDED;
    put(more, say("more", { n: fitting.length === alarms.length ? total : fitting.length }));
    $("counts").replaceChildren(...Object.entries(counts).filter(([, n]) => n).map(([p, n]) => el("span", p, sign(+p[1]), `${p} × ${n}`)));
    this.showSelection();
    this.tick();
  }

  showSelection() {
    const { selected, waiting } = this;
    $("selection").hidden = waiting.length < 2;
    const count = el("span", "", say("selected", { n: selected.length }));
    count.dataset.needs = "operator";
    keepFocus($("selection"), () => $("selection").replaceChildren(
      count,
      selected.length ? button(say("ackSelected", { n: selected.length }), () => this.acknowledgeSelected(), { look: "go", key: "ack selected", needs: "operator" }) : "",
      selected.length < waiting.length ? button(say("selectAll"), () => this.choose(waiting, true), { look: "quiet", key: "select all", needs: "operator" }) : "",
      selected.length ? button(say("selectNone"), () => this.choose(waiting, false), { look: "quiet", key: "select none", needs: "operator" }) : ""));
  }

  choose(alarms, chosen) {
    for (const alarm of alarms) this.chosen[chosen ? "add" : "delete"](nameOf(alarm));
    this.show();
  }

  acknowledgeSelected() { if (this.selected.length) acknowledge(this.selected, () => this.show()); }

  tick() {
    const passed = (performance.now() - this.received) / 1000;
    for (const row of this.rows.values()) {
      const reading = this.reading(row.origin);
      put(row.age, say("ago", { age: age(row.age_s + passed) }));
      put(row.now, reading && say("now", { reading }));
    }
  }

  row(alarm, key) {
    const row = { key, origin: alarm.origin, age: el("span"), now: el("span"), element: el("li", look(alarm)) };
    row.element.dataset.alarm = alarm.id;
    const name = el("div", "what", link(pick(alarm.name), `#alarm/${encodeURIComponent(alarm.id)}`, { key: `open ${alarm.id}` }), ...badges(alarm));
    const act = el("div", "act"), group = alarm.first_out ? this.groupOf(alarm) : [];
    if (alarm.waits) {
      if (group.length > 1) act.append(button(say("ackGroup", { n: group.length }), () => acknowledge(this.groupOf(alarm)), { look: "quiet", key: `group ${alarm.id}`, needs: "operator" }));
      act.append(button(say("acknowledge"), () => acknowledge([alarm]), { look: "go", key: `ack ${alarm.id}`, label: `${say("acknowledge")}: ${pick(alarm.name)}`, needs: "operator" }));
    }
    row.element.append(this.box(alarm), shape(`p${alarm.priority}`, "sign", `P${alarm.priority}`), el("div", "", name, facts(alarm, this.words, row)), act);
    const guidance = pick(alarm.guidance);
    if (guidance && alarm.waits && alarm.active && alarm.priority === 1)
      row.element.append(el("p", "todo", el("b", "", `${say("todo")}: `), ...inline(guidance)));
    return row;
  }

  box(alarm) {
    if (!alarm.waits) return el("span");
    const box = el("input"), around = el("label", "box", box);
    box.type = "checkbox";
    around.dataset.needs = "operator";
    box.checked = this.chosen.has(nameOf(alarm));
    box.dataset.key = `select ${alarm.id}`;
    box.setAttribute("aria-label", say("select", { name: pick(alarm.name) }));
    box.onchange = () => this.choose([alarm], box.checked);
    return el("span", "", around); // which keeps its column where the box is hidden
  }
}

const nameOf = (alarm) => `${alarm.id} ${alarm.occurrence}`;

export const look = (alarm) => `alarm P${alarm.priority}${alarm.waits ? " waits" : ""}${["returned", "latched"].includes(alarm.state) ? " over" : ""}`;

export function badges(alarm) {
  const found = [];
  if (alarm.exercise) found.push(el("span", "badge loud", say("exercise")));
  if (alarm.first_out) found.push(el("span", "badge", say("first")));
  for (const { kind } of alarm.withheld) found.push(el("span", "badge loud", wordOf(kind)));
  if (!alarm.recorded) found.push(el("span", "badge loud", say("unrecorded")));
  return found;
}

// What is known of a standing alarm in one line. row: the elements that change with time.
export function facts(alarm, words, row) {
  const line = el("div", "facts", el("b", "", `P${alarm.priority} · ${pick(words.state[alarm.state])}`));
  if (alarm.limit !== null) line.append(row.now,
    el("span", "", `${say("value")} ${number(alarm.value, alarm.decimals)} ${alarm.unit}`),
    el("span", "", `${say("limit")} ${number(alarm.limit, alarm.decimals)} ${alarm.unit}`));
  line.append(el("span", `chip ${alarm.risk}`, bars(), `${say("riskShort")} ${pick(words.risk[alarm.risk])}`));
  line.append(el("span", "", `${alarm.after_start_s === null ? clockOf(alarm.raised) : say("clockUnset", { after: age(alarm.after_start_s) })} · `, row.age));
  if (alarm.who) line.append(el("span", "", say("by", { who: alarm.who })));
  if (alarm.comment) line.append(el("span", "", alarm.comment));
  return line;
}

function bars() { const made = el("span", "bars", el("i"), el("i"), el("i"), el("i")); made.setAttribute("aria-hidden", "true"); return made; }
