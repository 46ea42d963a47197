// The ways out to people: notifiers, and sirens and beacons on relays, each with its test.
import { ask, get, post } from "./ask.js";
import { button, dayAndClock, el, keepFocus, shape, title } from "./dom.js";
import { notifierCards } from "./notifiers.js";
import { pick, say } from "./texts.js";

const RENEW_MS = 5000; // what waits, and the state of a relay as it is read back, are not in the stream

export class Ways {
  constructor(here) {
    this.here = here;
    this.id = "ways";
    this.name = "roomWays";
    this.element = el("section");
  }

  async open() {
    this.sirens = el("div", "cards");
    this.notifiers = el("div", "cards");
    this.shown = {};
    this.element.replaceChildren(title(say("roomWays")), el("h3", "", say("notifiers")), this.notifiers, el("h3", "", say("sirens")), this.sirens);
    const people = (await get("oncall"))?.people ?? [];
    this.people = new Map(people.map((person) => [person.id, pick(person.name)]));
    await this.renew();
  }

  update() {}

  tick() { if (performance.now() - (this.fetched ?? 0) > RENEW_MS) this.renew(); }

  async renew() {
    this.fetched = performance.now();
    const [sirens, ways] = await Promise.all([get("annunciators"), get("notifiers")]);
    if (!this.people) return; // it is still being opened
    this.show("sirens", sirens?.annunciators, (list) => list.map((one) => this.card(one)));
    this.show("notifiers", ways?.notifiers, (list) => notifierCards(list, this.people));
  }

  // Made anew only when something has changed, so that nobody loses the focus.
  show(part, list, cards) {
    const shown = JSON.stringify(list ?? null);
    if (shown === this.shown[part]) return;
    this.shown[part] = shown;
    keepFocus(this[part], () => this[part].replaceChildren(...(!list ? [el("p", "", say("noData"))] : list.length ? cards(list) : [el("p", "", say(`${part}None`))])));
  }

  card(one) {
    const { site } = this.here, areas = one.areas.map((id) => pick(site.areas.find((area) => area.id === id)?.name ?? { en: id, zh: id }));
    const act = (what, key) => button(say(key), () => this.command(one, what, key), { look: "quiet", key: `${what} ${one.id}`, label: `${say(key)}: ${pick(one.name)}`, needs: "administrator" });
    const state = one.driven === null ? [shape("question"), say("sirenUnknown")] : one.driven ? [shape("tick"), say("sirenOn")] : [shape("cross"), say("sirenOff")];
    return el("article", "", el("div", "what", pick(one.name)), el("small", "", `${one.id} · ${one.output}`),
      el("p", "", ...state), one.trouble ? el("p", "trouble", shape("p2", "sign small P2", "!"), " ", pick(one.trouble)) : "",
      el("p", "", `${one.priorities.map((p) => `P${p}`).join(", ")} · ${areas.join(", ") || say("allAreas")}`),
      el("p", "", one.armed ? say("armedBy", { ...one.armed, since: dayAndClock(one.armed.since) }) : say("notArmed")),
      one.testing ? el("p", "", say("testing")) : "",
      el("div", "act", one.armed ? act("disarm", "disarm") : act("arm", "arm"), act("test", "test")));
  }

  command(one, act, key) {
    ask({
      title: `${say(key)}: ${pick(one.name)}`, go: say(key),
      fields: [{ name: "name", label: "yourName", needed: true }, { name: "why", label: "reason", kind: "lines", needed: true, most: 500 }],
      send: async (values) => {
        const { said, refused } = await post(`annunciators/${encodeURIComponent(one.id)}`, { act, ...values });
        if (said) this.show("sirens", said.annunciators, (list) => list.map((one) => this.card(one)));
        return refused ?? null;
      },
    });
  }
}
