// Which alarms a person wants to see, and in which order. An unacknowledged P1 is shown whatever the filter says.
import { $, button, el, put } from "./dom.js";
import { pick, say } from "./texts.js";

const STATES = {
  waits: (alarm) => alarm.waits, active: (alarm) => alarm.active, over: (alarm) => !alarm.active,
  taken: (alarm) => alarm.state === "acknowledged", withheld: (alarm) => alarm.withheld.length > 0 };
const ORDERS = {
  urgent: null, // the order of the gateway
  newest: (a, b) => (a.raised < b.raised) - (a.raised > b.raised),
  oldest: (a, b) => (a.raised > b.raised) - (a.raised < b.raised),
  area: (a, b) => a.area.localeCompare(b.area) || a.priority - b.priority };
const PLAIN = { area: "", priority: "", risk: "", state: "", text: "", sort: "urgent" };

export function fits(alarm, wanted) {
  if (alarm.priority === 1 && alarm.waits) return true;
  const text = wanted.text.trim().toLowerCase();
  return (!wanted.area || alarm.area === wanted.area) && (!wanted.priority || alarm.priority === +wanted.priority)
    && (!wanted.risk || alarm.risk === wanted.risk) && (!wanted.state || STATES[wanted.state](alarm))
    && (!text || [alarm.id, alarm.name.en, alarm.name.zh].some((part) => part.toLowerCase().includes(text)));
}

export class Filter {
  constructor(site, changed) {
    this.site = site;
    this.changed = changed;
    this.wanted = { ...PLAIN };
    $("filter").open = matchMedia("(min-width: 900px)").matches;
    this.speak();
  }

  apply(alarms) {
    const shown = alarms.filter((alarm) => fits(alarm, this.wanted)), order = ORDERS[this.wanted.sort];
    return order ? shown.sort(order) : shown;
  }

  // How many of all are hidden, said where nobody can overlook it.
  tell(hidden, all) {
    $("filtered").hidden = !hidden;
    put($("filtered").firstChild, say("hidden", { n: hidden, all }));
  }

  speak() {
    const areas = this.site.areas.map((area) => [area.id, pick(area.name)]);
    const risks = ["red", "orange", "yellow", "blue"].map((risk) => [risk, pick(this.site.words.risk[risk])]);
    const search = el("input");
    search.type = "search";
    search.dataset.key = "filter text";
    search.placeholder = say("searchHint");
    search.value = this.wanted.text;
    search.oninput = () => this.set("text", search.value);
    const orders = Object.keys(ORDERS).map((name) => [name, say(`sort${name[0].toUpperCase()}${name.slice(1)}`)]);
    const states = Object.keys(STATES).map((name) => [name, say(`state${name[0].toUpperCase()}${name.slice(1)}`)]);
    $("filter-fields").replaceChildren(el("label", "", el("span", "", say("search")), search), this.choice("area", "area", areas),
      this.choice("priority", "priority", [1, 2, 3, 4].map((p) => [String(p), `P${p}`])), this.choice("risk", "risk", risks),
      this.choice("state", "state", states), this.choice("sort", "sort", orders, false));
    $("filtered").replaceChildren(el("span"), button(say("clearFilter"), () => this.clear(), { look: "quiet", key: "filter clear" }));
  }

  choice(name, label, options, any = true) {
    const select = el("select");
    for (const [code, text] of any ? [["", say("any")], ...options] : options) {
      const one = el("option", "", text);
      one.value = code;
      select.append(one);
    }
    select.dataset.key = `filter ${name}`;
    select.value = this.wanted[name];
    select.onchange = () => this.set(name, select.value);
    return el("label", "", el("span", "", say(label)), select);
  }

  set(name, value) { this.wanted[name] = value; this.changed(); }

  clear() { this.wanted = { ...PLAIN }; this.speak(); this.changed(); $("alarms-title").focus(); }
}
