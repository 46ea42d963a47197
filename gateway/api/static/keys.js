// Work without a mouse: single keys for what is done often. They can be turned off (WCAG 2.1.4), and are listed under "?".
import { acknowledge } from "./acknowledge.js";
import { $, button, byKey, el, table } from "./dom.js";
import { say } from "./texts.js";

export class Keys {
  constructor(here) {
    this.here = here;
    $("keys").onclick = () => this.help();
    addEventListener("keydown", (event) => this.take(event));
  }

  get on() { return localStorage.getItem("keys") !== "off"; }

  take(event) {
    const writing = event.target.closest?.("input:not([type=checkbox]), textarea, select, dialog");
    if (!this.on || writing || event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const act = /^[1-9]$/.test(event.key) ? () => this.room(+event.key) : this.acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  acts = {
    j: () => this.step(1), k: () => this.step(-1),
    a: () => this.withAlarm((alarm) => acknowledge([alarm])),
    g: () => this.withAlarm((alarm) => acknowledge(this.here.alarms.groupOf(alarm))),
    x: () => this.withAlarm((alarm) => this.here.alarms.choose([alarm], !this.here.alarms.selected.includes(alarm))),
    s: () => this.here.alarms.acknowledgeSelected(),
    "/": () => { location.hash = "now"; $("filter").open = true; byKey("filter text")?.focus(); },
    "?": () => this.help(),
  };

  room(place) { const id = this.here.rooms.listed[place - 1]; if (id) location.hash = id; }

  // The alarm whose row has the focus, the one that is open, or the most urgent that waits.
  withAlarm(act) {
    const { alarms, rooms } = this.here, row = document.activeElement?.closest("[data-alarm]");
    const id = row?.dataset.alarm ?? (rooms.current?.id === "alarm" ? rooms.argument : null);
    const alarm = id ? alarms.of(id) : rooms.current ? null : alarms.waiting[0];
    if (alarm?.waits) act(alarm);
  }

  step(by) {
    const rows = [...document.querySelectorAll("#alarm-list [data-alarm]")];
    const at = rows.indexOf(document.activeElement?.closest("[data-alarm]"));
    rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)]?.querySelector("a").focus();
  }

  help() {
    const dialog = $("help"), box = el("input"), head = el("h2", "", say("keys"));
    const list = [["1 - 9", "keyRooms"], ["j  k", "keyNext"], ["a", "keyAck"], ["g", "keyGroup"], ["x", "keySelect"], ["s", "keySelected"], ["/", "keyFilter"], ["?", "keyHelp"]];
    head.id = "help-title";
    box.type = "checkbox";
    box.checked = this.on;
    box.onchange = () => localStorage.setItem("keys", box.checked ? "on" : "off");
    dialog.replaceChildren(head, el("label", "box", box, say("keysOn")), table(["", ""], list.map(([key, text]) => [el("kbd", "", key), say(text)])),
      el("p", "soft", say("keysMore")), el("div", "buttons", button(say("close"), () => dialog.close())));
    dialog.showModal();
  }
}
