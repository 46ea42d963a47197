// Other gateways that this one listens to: alive, or silent for too long.
import { get } from "./ask.js";
import { dayAndClock, el, replace, shape, title } from "./dom.js";
import { age, pick, say } from "./texts.js";

const RENEW_MS = 5000; // not in the stream; a gateway that falls silent raises an alarm, which is

export class Watch {
  constructor(here) {
    this.here = here;
    this.id = "watch";
    this.name = "roomWatch";
    this.element = el("section");
  }

  static has({ gateways }) { return gateways.length > 0; }

  async open() {
    this.list = el("ul", "parts");
    this.element.replaceChildren(title(say("roomWatch")), el("p", "soft", say("watchWhat")), this.list);
    await this.renew();
  }

  update() {}

  tick() { if (performance.now() - (this.fetched ?? 0) > RENEW_MS) this.renew(); }

  async renew() {
    this.fetched = performance.now();
    const found = await get("heartbeats");
    replace(this.list, found ? found.gateways.map((one) => el("li", one.silent ? "off" : "", shape(one.silent ? "cross" : "tick"),
      el("p", "", pick(one.name), el("small", "", `${one.id} · ${say(one.silent ? "silent" : "alive")} · ${say("silentAfter", { age: age(one.silent_after_s) })}`), pick(one.word) ? el("small", "", pick(one.word)) : null),
      el("small", "", one.heard ? `${dayAndClock(one.heard)} · ${say("ago", { age: age(one.age_s) })}` : say("never")))) : [el("li", "", say("noData"))]);
  }
}
