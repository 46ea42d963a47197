// Live signals by area. Rows exist only while they are wanted, and only trends in sight are drawn.
import { $, NOTHING, el, kindOf, number, put, shape } from "./dom.js";
import { age, pick, say } from "./texts.js";
import { Trends } from "./trend.js";
import { endOf, wordOf } from "./withheld.js";

const FOLD = 24;      // an area with more signals shows only what is not normal until it is opened
const SHOW_AGE_S = 5; // a value older than this (or than its deadman) shows its age

export class Signals {
  constructor(site) {
    this.site = site;
    this.now = site.signals.map(() => ({ v: null, q: 0x86, a: null, at: 0 })); // a: age in ms at performance time `at`
    this.numbers = new Map(site.signals.map((signal, i) => [signal.id, i]));
    this.trends = new Trends(site.signals);
    this.rows = new Map();      // number of the signal -> its row
    this.seen = new Set();      // rows in sight
    this.t = 0;                 // time of the last frame, ms
    this.worst = new Map();     // signal id -> most urgent active priority
    this.lessons = site.signals.map(() => -1); // how far the learning is, see docs/reference/api.md
    this.holds = [];
    this.sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) { this.seen.delete(+target.dataset.i); continue; }
        this.seen.add(+target.dataset.i);
        this.trends.want(+target.dataset.i);
        this.plot(+target.dataset.i);
      }
    }, { rootMargin: "200px" });
    const known = new Set(site.areas.map((area) => area.id));
    const areas = [...site.areas, { id: "", name: { en: "Gateway", zh: "网关" } }];
    this.areas = areas.map((area) => ({ area, open: false, members: site.signals.flatMap((signal, i) =>
      signal.area === area.id || (!area.id && !known.has(signal.area)) ? [i] : []) })).filter(({ members }) => members.length);
    for (const { members } of this.areas) members.sort((a, b) => site.signals[b].gas - site.signals[a].gas); // gas first
    for (const one of this.areas) {
      one.list = el("div");
      one.title = el("h2");
      one.sum = el("span");
      one.fold = el("button", "quiet");
      one.fold.type = "button";
      one.fold.onclick = () => { one.open = !one.open; this.arrange(); };
      one.element = el("section", "", el("div", "title", one.title, one.sum), one.list, one.fold);
    }
    $("areas").replaceChildren(...this.areas.map(({ element }) => element));
  }

  update({ i, v, q, a }, t, hello) {
    const at = performance.now();
    if (hello) this.trends.forget();
    i.forEach((row, k) => {
      this.now[row] = { v: v[k], q: q[k], a: a[k], at };
      if (a[k] !== null) this.trends.push(row, t - a[k], v[k], q[k]);
    });
    if (hello) this.seen.forEach((row) => this.trends.want(row));
    this.t = t;
    this.refresh();
  }

  alarms(worst, holds) { this.worst = worst; this.holds = holds; this.refresh(); }

  teach({ i, c }) { i.forEach((row, k) => { this.lessons[row] = c[k]; }); this.refresh(); }

  // What else there is to know of a signal: nobody is called for it, it is still learning, or does not learn now.
  marks(i) {
    const { id } = this.site.signals[i], code = this.lessons[i], percent = code % 1000, marks = [];
    for (const hold of this.holds) if (hold.target === id || hold.target.startsWith(`${id}/`))
      marks.push(say("holdMark", { kind: wordOf(hold.kind), time: endOf(hold) }));
    if (code >= 0 && percent < 100) marks.push(say("learning", { n: percent }));
    if (code >= 2000) marks.push(say("held")); else if (code >= 1000) marks.push(say("frozen"));
    return marks.join(" · ");
  }

  refresh() {
    this.arrange();
    for (const i of this.rows.keys()) this.draw(i);
    for (const i of this.seen) this.plot(i);
  }

  number(id) { return this.numbers.get(id); }

  // What a signal reads now, for the alarm list; "" where it has no usable value.
  reading(id) {
    const i = this.number(id);
    return i !== undefined && kindOf(this.now[i].q) !== "bad" ? this.words(i).filter(Boolean).join(" ") : "";
  }

  // The value and its unit.
  words(i) {
    const signal = this.site.signals[i], { v, q } = this.now[i];
    if (kindOf(q) === "bad" || v === null) return [NOTHING, ""];
    const label = signal.labels[Math.round(v)];
    return label ? [pick(label), ""] : [number(v, signal.decimals), signal.unit];
  }

  speak() {
    for (const row of this.rows.values()) { this.sight.unobserve(row.element); row.element.remove(); }
    this.rows.clear();
    this.seen.clear();
    this.refresh();
  }

  abnormal(i) { return this.worst.has(this.site.signals[i].id) || kindOf(this.now[i].q) !== "good"; }

  arrange() {
    for (const one of this.areas) {
      const odd = one.members.filter((i) => this.abnormal(i)), foldable = one.members.length > FOLD;
      const wanted = !foldable || one.open ? one.members : odd;
      put(one.title, pick(one.area.name));
      put(one.sum, odd.length ? say("abnormal", { n: odd.length }) : say("allNormal", { n: one.members.length }));
      one.fold.hidden = !foldable;
      put(one.fold, one.open ? say("showFew") : say("showAll", { n: one.members.length }));
      const rows = wanted.map((i) => this.row(i).element);
      if (rows.length === one.list.children.length && rows.every((row, k) => one.list.children[k] === row)) continue;
      for (const gone of one.list.children) if (!rows.includes(gone)) this.drop(+gone.dataset.i);
      one.list.replaceChildren(...rows);
    }
  }

  drop(i) {
    this.sight.unobserve(this.rows.get(i).element);
    this.rows.delete(i);
    this.seen.delete(i);
  }

  row(i) {
    if (this.rows.has(i)) return this.rows.get(i);
    const signal = this.site.signals[i], name = pick(signal.name);
    const row = { sign: el("span"), value: el("b"), unit: el("span", "unit"), note: el("small"), marks: el("small", "marks"), canvas: el("canvas") };
    row.canvas.setAttribute("role", "img");
    row.canvas.setAttribute("aria-label", say("trend", { name }));
    row.element = el("div", "signal", row.sign, el("div", "name", el("b", "", signal.id), el("small", "", name), row.marks), row.canvas, el("div", "value", row.value, " ", row.unit, row.note));
    row.element.dataset.i = i;
    this.rows.set(i, row);
    this.sight.observe(row.element);
    return row;
  }

  draw(i) {
    const row = this.rows.get(i), signal = this.site.signals[i], { q, a, at } = this.now[i];
    const kind = kindOf(q), priority = this.worst.get(signal.id);
    const state = `signal ${kind}${priority ? ` alarmed P${priority}` : ""}`;
    if (row.state !== state) {
      row.element.className = row.state = state;
      row.sign.replaceChildren(...(priority ? [shape(`p${priority}`, "sign small", `P${priority}`)]
        : kind === "good" ? [] : [shape(kind === "bad" ? "cross" : "question")]));
    }
    const [value, unit] = this.words(i);
    put(row.value, value);
    put(row.unit, unit);
    put(row.marks, this.marks(i));
    const old = a === null ? null : (a + performance.now() - at) / 1000;
    const late = old !== null && old > Math.max(SHOW_AGE_S, signal.deadman_s ?? 0);
    put(row.note, [kind === "good" ? "" : pick(this.site.words.quality[q] ?? this.site.words.quality[0x80]), late ? say("old", { age: age(old) }) : ""].filter(Boolean).join(" · "));
  }

  plot(i) { this.trends.draw(this.rows.get(i).canvas, i, this.t, this.worst.get(this.site.signals[i].id)); }
}
