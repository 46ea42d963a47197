// Interlocks, votes and shut-down verification with what each test says now, calculated signals, and groups of signals.
import { get } from "./ask.js";
import { el, kindOf, link, number, put, shape, sign, table, title } from "./dom.js";
import { inline } from "./guidance.js";
import { pick, say } from "./texts.js";

const OPERATORS = { ">=": (a, b) => a >= b, "<=": (a, b) => a <= b, "==": (a, b) => a === b, "!=": (a, b) => a !== b, ">": (a, b) => a > b, "<": (a, b) => a < b };
const KINDS = ["interlock", "vote", "shutdown", "response"]; // as they stand in the site file
const RENEW_MS = 30000; // groups are not in the stream: they are judged once a minute or less often

export class Rules {
  constructor(here) {
    this.here = here;
    this.id = "rules";
    this.name = "roomRules";
    this.element = el("section");
  }

  // There is something to show on this site.
  static has({ rules, groups, derived }) { return rules.length + groups.length + derived.length > 0; }

  async open() {
    this.tests = []; // [test, element that says how it stands]
    this.values = []; // [signal id, element that shows its value]
    const found = await get("rules"), { site } = this.here;
    if (!found) { this.element.replaceChildren(title(say("roomRules")), el("p", "", say("noData"))); return; }
    this.units = new Map(site.signals.map((signal) => [signal.id, signal]));
    this.groups = el("div", "cards");
    const derived = found.derived.map((one) => [this.nameOf(one.signal), el("code", "", one.expression), this.value(one.signal)]);
    const cards = KINDS.flatMap((kind) => found.rules.filter((rule) => rule.kind === kind)).map((rule) => this.card(rule));
    this.element.replaceChildren(title(say("roomRules")), el("p", "soft", say("rulesWhat")), el("div", "cards", ...cards),
      ...(found.groups.length ? [el("h3", "", say("groups")), this.groups] : []),
      ...(derived.length ? [el("h3", "", say("derived")), el("div", "wide", table([say("signal"), "=", say("nowColumn")], derived))] : []));
    this.showGroups(found.groups);
    this.fetched = performance.now();
    this.tick();
  }

  card(rule) {
    const parts = rule.parts.map((part) => el("div", "part", el("b", "", `${say(`part${part.part[0].toUpperCase()}${part.part.slice(1)}`)} ${need(part)}`),
      el("ul", "", ...part.tests.map((test) => {
        const state = el("span", "state");
        this.tests.push([test, state]);
        return el("li", "", el("code", "", test.text), state);
      }))));
    const guidance = pick(rule.guidance);
    return el("article", "", el("div", "what", sign(rule.priority), " ", link(pick(rule.name), `#alarm/${encodeURIComponent(rule.alarms[0])}`)),
      el("small", "", `${say(rule.kind)} · ${rule.id}`), ...parts, rule.answer ? el("div", "part", el("b", "", say("partAnswer")), el("p", "", pick(rule.answer))) : "", guidance ? el("p", "todo", ...inline(guidance)) : "");
  }

  showGroups(groups) {
    this.groups.replaceChildren(...groups.map((group) => {
      const learnt = Math.floor(group.progress * 100), bar = el("progress");
      bar.value = group.progress;
      bar.setAttribute("aria-label", say("commissioning", { n: learnt }));
      return el("article", "", el("div", "what", sign(group.priority), " ", link(pick(group.name), `#alarm/${encodeURIComponent(group.alarm)}`)), el("small", "", group.id),
        ...(learnt < 100 ? [bar, el("p", "", say("commissioning", { n: learnt }))] : []),
        el("div", "wide", table([say("signal"), say("usual"), say("nowColumn"), say("ofAllowed")], group.members.map((member) => {
          const { unit, decimals } = this.units.get(member.signal), figure = (value) => (value === null ? "–" : `${number(value, decimals)} ${unit}`);
          return [this.nameOf(member.signal), figure(member.usual), member.there || learnt < 100 ? figure(member.now) : say("missing"),
            member.size === null ? "–" : el(member.size >= 1 ? "b" : "span", "", `${Math.round(member.size * 100)} %`)];
        }))));
    }));
  }

  nameOf(id) { return el("span", "", el("b", "", id), " ", pick(this.units.get(id).name)); }

  value(id) {
    const shown = el("span");
    this.values.push([id, shown]);
    return shown;
  }

  update() {}

  tick() {
    const { signals } = this.here;
    for (const [test, node] of this.tests ?? []) {
      const { v, q } = signals.now[signals.number(test.signal)], kind = kindOf(q);
      const state = kind === "bad" || v === null ? "unknown" : OPERATORS[test.op](v, test.value) ? "true" : "false";
      const reading = signals.reading(test.signal), words = `${say(`is${state[0].toUpperCase()}${state.slice(1)}`)}${reading ? ` (${reading})` : ""}`;
      if (node.dataset.state !== state) { node.dataset.state = state; node.className = `state ${state}`; node.replaceChildren(shape({ true: "tick", false: "cross", unknown: "question" }[state]), el("span")); }
      put(node.lastChild, words);
    }
    for (const [id, node] of this.values ?? []) put(node, signals.reading(id) || say("isUnknown"));
    if (this.groups?.children.length && performance.now() - this.fetched > RENEW_MS) this.renew();
  }

  async renew() {
    this.fetched = performance.now();
    const found = await get("rules");
    if (found) this.showGroups(found.groups);
  }
}

function need({ needed, tests }) {
  if (tests.length === 1) return "";
  return say(needed === 1 ? "needOne" : needed === tests.length ? "needAll" : "needSome", { n: needed, m: tests.length });
}
