// The ways out to people: sirens and beacons on relays, with their test.
import { ask, get, post } from "./ask.js";
import { button, dayAndClock, el, shape, title } from "./dom.js";
import { pick, say } from "./texts.js";

const RENEW_MS = 5000; // the state of a relay is read back; it is not in the stream

export class Ways {
  constructor(here) {
    this.here = here;
    this.id = "ways";
    this.name = "roomWays";
    this.element = el("section");
  }

  static has({ annunciators }) { return annunciators.length > 0; }

  async open() {
    this.sirens = el("div", "cards");
    this.element.replaceChildren(title(say("roomWays")), el("h3", "", say("sirens")), this.sirens);
    await this.renew();
  }

  update() {}

  tick() { if (performance.now() - (this.fetched ?? 0) > RENEW_MS) this.renew(); }

  async renew() {
    this.fetched = performance.now();
    const found = await get("annunciators");
    if (found) this.show(found.annunciators);
    else if (!this.sirens.children.length) this.sirens.replaceChildren(el("p", "", say("noData")));
  }

  show(annunciators) {
    const shown = JSON.stringify(annunciators);
    if (shown === this.shown && this.sirens.children.length) return;
    this.shown = shown;
    const focus = this.sirens.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.sirens.replaceChildren(...annunciators.map((one) => this.card(one)));
    if (focus) this.sirens.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
  }

  card(one) {
    const { site } = this.here, areas = one.areas.map((id) => pick(site.areas.find((area) => area.id === id)?.name ?? { en: id, zh: id }));
    const act = (what, key) => button(say(key), () => this.command(one, what, key), { look: "quiet", key: `${what} ${one.id}`, label: `${say(key)}: ${pick(one.name)}` });
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
        if (said) this.show(said.annunciators);
        return refused ?? null;
      },
    });
  }
}
