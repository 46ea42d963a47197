// The alarm list and its acknowledgement.
import { $, clockOf, el, number, put, shape } from "./dom.js";
import { age, language, pick, say } from "./texts.js";

const FOLDED = 12; // so many are shown before "show all"

export class Alarms {
  constructor(words, reading) {
    this.words = words;
    this.reading = reading;  // what a signal reads now
    this.list = null;
    this.rows = new Map();   // alarm id -> {element, key, age}
    this.open = new Set();
    this.all = false;
    this.known = null;       // occurrences already announced
    this.received = 0;
    $("alarms-more").onclick = () => { this.all = true; this.show(); };
    new Acknowledgement(this);
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

  announce() {
    const waiting = this.list.alarms.filter((alarm) => alarm.waits && alarm.active);
    const names = new Set(waiting.map((alarm) => `${alarm.id} ${alarm.occurrence}`));
    if (this.known) {
      const fresh = waiting.filter((alarm) => !this.known.has(`${alarm.id} ${alarm.occurrence}`));
      if (fresh.length) $("announce").textContent = fresh.slice(0, 3).map((alarm) => say("newAlarm", { p: alarm.priority, name: pick(alarm.name) })).join(". ");
    }
    this.known = names;
  }

  show() {
    if (!this.list) return;
    const { alarms, total, by_priority: counts, bypasses } = this.list;
    $("bypasses").replaceChildren(...bypasses.map((one) => el("li", "P4", shape("p4", "sign small", "P4"), el("div", "",
      el("b", "", say("bypass", { target: one.target, time: clockOf(one.until), why: one.why })),
      el("small", "", say(one.approved ? "bypassByTwo" : "bypassBy", one))))));
    const shown = this.all ? alarms : alarms.slice(0, FOLDED);
    const kept = new Map();
    for (const alarm of shown) {
      const key = language() + this.open.has(alarm.id) + JSON.stringify({ ...alarm, age_s: 0 });
      const row = this.rows.get(alarm.id);
      kept.set(alarm.id, row?.key === key ? row : this.row(alarm, key, row));
      kept.get(alarm.id).age_s = alarm.age_s;
    }
    this.rows = kept;
    const held = document.activeElement?.dataset?.key;
    const list = $("alarm-list"), wanted = shown.map((alarm) => kept.get(alarm.id).element);
    if (!wanted.length) wanted.push(el("li", "calm", shape("tick"), say("noAlarms")));
    if (total > alarms.length && this.all) wanted.push(el("li", "calm", say("cut", { n: alarms.length, all: total })));
    if (wanted.length !== list.children.length || wanted.some((node, k) => list.children[k] !== node)) list.replaceChildren(...wanted);
    if (held && document.activeElement?.dataset?.key !== held) list.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
    const more = $("alarms-more");
    more.hidden = this.all || alarms.length <= FOLDED;
    put(more, say("more", { n: total }));
    $("counts").replaceChildren(...Object.entries(counts).filter(([, n]) => n).map(([p, n]) =>
      el("span", p, shape(p.toLowerCase(), "sign small", p), `${p} × ${n}`)));
    this.tick();
  }

  tick() {
    const passed = (performance.now() - this.received) / 1000;
    for (const row of this.rows.values()) {
      const reading = this.reading(row.origin);
      put(row.age, say("ago", { age: age(row.age_s + passed) }));
      put(row.now, reading && say("now", { reading }));
    }
  }

  row(alarm, key) {
    const over = ["returned", "latched"].includes(alarm.state), priority = `P${alarm.priority}`;
    const state = pick(this.words.state[alarm.state]), opened = this.open.has(alarm.id);
    const row = { key, origin: alarm.origin, age: el("span"), now: el("span"), element: el("li", `alarm ${priority}${alarm.waits ? " waits" : ""}${over ? " over" : ""}`) };
    const name = el("div", "what", pick(alarm.name));
    if (alarm.first_out) name.append(el("span", "badge", say("first")));
    if (alarm.bypass) name.append(el("span", "badge loud", say("bypassed")));
    if (!alarm.recorded) name.append(el("span", "badge loud", say("unrecorded")));
    const facts = el("div", "facts", el("b", "", `${priority} · ${state}`));
    if (alarm.limit !== null) facts.append(row.now,
      el("span", "", `${say("value")} ${number(alarm.value, alarm.decimals)} ${alarm.unit}`),
      el("span", "", `${say("limit")} ${number(alarm.limit, alarm.decimals)} ${alarm.unit}`));
    facts.append(el("span", `chip ${alarm.risk}`, bars(), `${say("riskShort")} ${pick(this.words.risk[alarm.risk])}`));
    facts.append(el("span", "", `${clockOf(alarm.raised)} · `, row.age));
    if (alarm.who) facts.append(el("span", "", say("by", { who: alarm.who })));

    const unfold = el("button", "quiet", say("details"));
    unfold.type = "button";
    unfold.dataset.key = `unfold ${alarm.id}`;
    unfold.setAttribute("aria-expanded", opened);
    unfold.setAttribute("aria-label", `${say("details")}: ${pick(alarm.name)}`);
    unfold.onclick = () => { this.open[opened ? "delete" : "add"](alarm.id); this.show(); };
    const act = el("div", "act", unfold);
    if (alarm.waits) {
      const go = el("button", "go", say("acknowledge"));
      go.type = "button";
      go.dataset.key = `ack ${alarm.id}`;
      go.setAttribute("aria-label", `${say("acknowledge")}: ${pick(alarm.name)}`);
      go.onclick = () => this.ask(alarm);
      act.append(go);
    }
    row.element.append(shape(`p${alarm.priority}`, "sign", priority), el("div", "", name, facts), act);
    const guidance = pick(alarm.guidance);
    if (guidance && (opened || (alarm.waits && alarm.active && alarm.priority === 1)))
      row.element.append(el("p", "todo", el("b", "", `${say("todo")}: `), guidance));
    if (opened) row.element.append(this.details(alarm));
    return row;
  }

  details(alarm) {
    const more = el("div", "more", el("p", "", alarm.id, alarm.comment ? ` · ${alarm.comment}` : ""));
    if (alarm.evidence.length) {
      const table = el("table", "", el("caption", "unseen", say("evidence")));
      for (const line of alarm.evidence)
        table.append(el("tr", "", el("td", "", line.time?.slice(11, 23) ?? ""), el("th", "", line.signal),
          el("td", "", line.value === null ? "" : String(+line.value.toPrecision(6))), el("td", "", pick(line.note))));
      more.append(el("b", "", say("evidence")), table);
    }
    return more;
  }
}

function bars() { const made = el("span", "bars", el("i"), el("i"), el("i"), el("i")); made.setAttribute("aria-hidden", "true"); return made; }

// The dialog. A failure is said in the dialog, which then stays open: nobody may believe in an acknowledgement that was not made.
class Acknowledgement {
  constructor(alarms) {
    this.dialog = $("ack");
    alarms.ask = (alarm) => this.ask(alarm);
    $("ack-cancel").onclick = () => this.dialog.close();
    this.dialog.querySelector("form").onsubmit = (event) => { event.preventDefault(); this.send(); };
  }

  ask(alarm) {
    this.alarm = alarm;
    put($("ack-alarm"), pick(alarm.name));
    put($("ack-error"), "");
    $("ack-name").value = localStorage.getItem("name") ?? "";
    $("ack-comment").value = "";
    this.dialog.showModal();
    ($("ack-name").value ? $("ack-comment") : $("ack-name")).focus();
  }

  async send() {
    const name = $("ack-name").value.trim(), comment = $("ack-comment").value.trim();
    if (!name) return;
    localStorage.setItem("name", name);
    $("ack-send").disabled = true;
    try {
      const answer = await fetch(`api/v1/alarms/${encodeURIComponent(this.alarm.id)}/ack`, {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name, comment }), signal: AbortSignal.timeout(10000) });
      const said = await answer.json();
      if (answer.ok && said.recorded) { this.dialog.close(); return; }
      if (answer.ok) { put($("ack-error"), say("ackUnrecorded")); return; }
      const { error } = said;
      put($("ack-error"), `${pick(error.what)} ${pick(error.fix)}`);
    } catch {
      put($("ack-error"), say("noAnswer"));
    } finally {
      $("ack-send").disabled = false;
    }
  }
}
