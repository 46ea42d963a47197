// The pages of the site: one address each (#history/GD-03%2FH), one at a time, and the way between them.
import { $, byKey, el, link, put } from "./dom.js";
import { pick, say } from "./texts.js";

export class Rooms {
  // rooms: {id, name, element, open(argument), update(list), tick()}; those with `hidden` have no entry of their own.
  constructor(rooms) {
    this.rooms = new Map(rooms.map((room) => [room.id, room]));
    this.current = null;
    this.left = ""; // what had the focus when "now" was left
    for (const room of rooms) { room.element.id = `room-${room.id}`; room.element.hidden = true; $("rooms").append(room.element); }
    addEventListener("hashchange", () => this.go());
  }

  get listed() { return ["now", ...[...this.rooms.values()].filter((room) => room.id !== "alarm").map((room) => room.id)]; }

  speak() {
    $("nav").setAttribute("aria-label", say("rooms"));
    $("nav").replaceChildren(...this.listed.map((id) => link(say(this.rooms.get(id)?.name ?? "roomNow"), `#${id}`, { key: `room ${id}` })));
    this.mark();
    this.current?.open(this.argument);
  }

  // Where the address says.
  async go() {
    const [id, argument] = this.asked(), room = this.rooms.get(id) ?? null, before = this.current;
    if (!before && room) this.left = document.activeElement?.dataset?.key ?? "";
    this.current = room;
    this.argument = argument;
    $("now").hidden = room !== null;
    for (const one of this.rooms.values()) one.element.hidden = one !== room;
    this.mark();
    if (room) {
      await room.open(argument);
      room.element.querySelector("h2")?.focus();
      scrollTo(0, 0);
    } else if (before) (byKey(this.left) ?? $("alarms-title")).focus();
  }

  asked() {
    const [id, ...rest] = location.hash.slice(1).split("/");
    try { return [id, decodeURIComponent(rest.join("/"))]; } catch { return ["", ""]; }
  }

  mark() {
    const here = this.current?.id ?? "now";
    for (const way of $("nav").children) {
      if (way.dataset.key === `room ${here}`) way.setAttribute("aria-current", "page"); else way.removeAttribute("aria-current");
    }
    this.warn();
  }

  update(list) {
    this.waiting = list.alarms.filter((alarm) => alarm.waits);
    this.warn();
    this.current?.update(list);
  }

  // Elsewhere than at the alarms, one line says that some wait.
  warn() {
    const line = $("urgent"), [worst] = this.waiting ?? [];
    line.hidden = !this.current || !worst;
    if (line.hidden) return;
    line.className = `P${worst.priority}`;
    if (!line.firstChild) line.append(el("span"), " ", link("", "#now", { key: "urgent" }));
    put(line.firstChild, say("urgentLine", { n: this.waiting.length }));
    put(line.lastChild, `P${worst.priority} ${pick(worst.name)}`);
  }

  tick() { this.current?.tick?.(); }
}
