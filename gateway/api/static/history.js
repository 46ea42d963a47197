// The journal: newest first, page by page, of everything or of one alarm. New rows come by themselves.
import { get } from "./ask.js";
import { button, dayAndClock, el, link, title } from "./dom.js";
import { age, pick, say } from "./texts.js";
import { KINDS, wordOf } from "./withheld.js";

const PAGE = 50;
const OF_SIGNALS = new Set([...KINDS, "learning"]); // rows that may be about a signal, not an alarm

export class History {
  constructor(here) {
    this.here = here;
    this.id = "history";
    this.name = "roomHistory";
    this.element = el("section");
  }

  async open(about) {
    this.about = about;
    this.rows = [];
    this.list = el("ol", "journal");
    this.older = button(say("older"), () => this.load(this.rows.at(-1)?.position), { look: "quiet", key: "older" });
    const input = el("input"), form = el("form", "line", el("label", "", el("span", "", say("historyFilter")), input), el("button", "quiet", say("show")));
    input.value = about;
    input.name = "about";
    form.onsubmit = (event) => { event.preventDefault(); location.hash = input.value.trim() ? `history/${encodeURIComponent(input.value.trim())}` : "history"; };
    this.element.replaceChildren(title(say("roomHistory")), form, this.list, this.older, el("p", "soft", say("chained")));
    await this.load();
  }

  query(extra) {
    return new URLSearchParams([["limit", PAGE], ...(this.about ? [["alarm", this.about]] : []), ...extra]);
  }

  async load(before) {
    const { list } = this, found = await get(`journal?${this.query(before ? [["before", before]] : [])}`);
    if (list !== this.list) return; // another one was opened meanwhile
    this.rows.push(...found?.rows ?? []);
    list.append(...(found?.rows ?? []).map((row) => historyRow(row, this.here.site)));
    this.older.hidden = !found || found.rows.length < PAGE;
    if (!found) list.append(el("li", "calm", say("noData")));
    else if (this.older.hidden) list.append(el("li", "calm", say(this.rows.length ? "historyEnd" : "historyNone")));
  }

  // Something happened: what is new goes on top. The journal is written a moment after the alarm is shown.
  update() { this.timer ??= setTimeout(() => { this.timer = null; this.renew(); }, 700); }

  async renew() {
    const { list } = this, found = await get(`journal?${this.query([])}`), newest = this.rows[0]?.position ?? 0;
    if (!found || list !== this.list) return;
    const fresh = found.rows.filter((row) => row.position > newest);
    if (!fresh.length) return;
    if (!this.rows.length) list.replaceChildren();
    this.rows.unshift(...fresh);
    list.prepend(...fresh.map((row) => historyRow(row, this.here.site)));
  }
}

export function historyRow(row, site) {
  const line = el("li", "", el("time", "", dayAndClock(row.time)), el("div", "",
    row.alarm ? row.kind === "access" ? row.alarm : link(row.alarm, `#${OF_SIGNALS.has(row.kind) ? "history" : "alarm"}/${encodeURIComponent(row.alarm)}`) : "", " ", el("span", "", (TELLS[row.kind] ?? plain)(row, site)), row.kind !== "clock" && row.body.moved_s ? el("small", "", ` ${say("rowTimeSet")}`) : row.body.clock_untrusted ? el("small", "", ` ${say("rowTimeUnset")}`) : ""), el("small", "", `#${row.position}`));
  line.title = row.hash;
  return line;
}

function holdRow({ kind: id, body }, site) {
  const kind = wordOf(id), until = new Intl.DateTimeFormat("sv-SE", { timeZone: site.timezone, dateStyle: "short", timeStyle: "medium" }).format(body.until_wall_ns / 1e6);
  if (body.act.startsWith("begin")) return [say(body.who ? "rowBegin" : "rowBeginDesign", { ...body, kind, until }), body.approved ? say("rowApproved", { who: body.approved }) : ""].filter(Boolean).join(" · ");
  return say(body.act === "expire" ? "rowExpire" : body.who ? "rowEnd" : "rowOver", { ...body, kind }).trim();
}

const TELLS = {
  transition({ body, kind }, site) {
    const state = (name) => pick(site.words.state[name] ?? { en: name, zh: name });
    const event = { raise: () => say("rowRaise"), clear: () => say("rowClear"), clear_latching: () => say("rowClear"), acknowledge: () => say("rowAcknowledge", body), remind: () => say("rowRemind") }[body.event];
    return [event ? event() : `${kind} ${body.event}`, body.value === null ? "" : +body.value.toPrecision(6), body.first_out && body.event === "raise" ? say("rowFirst") : "",
      body.comment, `${state(body.old)} → ${state(body.new)}`, body.withheld ? say("rowWithheld", { why: wordsOf(body.withheld) }) : "",
      ...(body.event === "acknowledge" ? [] : body.evidence.map(({ note }) => pick(note)))].filter((part) => part !== "").join(" · ");
  },
  ...Object.fromEntries(KINDS.map((kind) => [kind, holdRow])),
  recall: ({ body }) => {
    const kind = KINDS.find((kind) => kind in body);
    return kind === undefined ? say("rowRecallGap") : say("rowRecall", { kind: wordOf(kind), target: body[kind] });
  },
  learning: ({ body }) => say("rowLearning", { ...body, act: say(body.act) }),
  stroke: ({ body }, site) => [say("rowStroke", { outcome: pick(site.words.outcome[body.outcome] ?? { en: body.outcome, zh: body.outcome }) }), body.test ? say("asTest") : ""].filter(Boolean).join(" · "),
  gap: ({ body }) => say("rowGap", { n: body.rows_lost }),
  "given up": ({ body }) => say("rowGivenUp", { notifier: body.notifier, reason: pick(body.reason) }),
  delivery({ body }) {
    const to = [body.notifier, body.person].filter(Boolean).join(" · ");
    return { delivered: () => say("rowDelivered", { to, seconds: body.seconds }), "fell back": () => say("rowFellBack", { to, other: body.other }),
      forwarded: () => say("rowForwarded", { from: to, reason: pick(body.reason), to: body.to.map((one) => [one.notifier, one.person].filter(Boolean).join(" · ")).join(", ") }),
      acknowledged: () => say("rowAnswered", { to }), test: () => say("rowWayTested", { to }) }[body.act]?.() ?? plain({ kind: "delivery", body });
  },
  routing: ({ body }) => [say(body.step ? "rowRoutedAgain" : "rowRouted", { step: (body.step ?? 0) + 1 }), ...body.decisions.map((one) =>
    say(one.told ? "rowTold" : "rowNotTold", { to: [one.person, one.channel].filter(Boolean).join(" · "), reason: pick(one.reason) }))].join(" · "),
  output: ({ body }) => say({ arm: "rowArmed", disarm: "rowDisarmed", test: "rowSirenTested" }[body.act], body),
  flood: ({ body }) => say(body.act === "begin" ? "rowFlood" : "rowFloodOver", { n: body.alarms }),
  chatter: ({ body }) => say(body.act === "begin" ? "rowChatter" : "rowChatterOver", { n: body.alarms }),
  run: () => say("rowStopped"),
  restore: ({ body }) => say("rowRestored", body),
  configuration({ body }) {
    if (body.number) return [say(body.reason ? "rowTakenBack" : "rowApplied", body), body.why, ...body.changes.map(pick), body.reason && pick(body.reason)].filter(Boolean).join(" · ");
    const value = (one) => (one === null || one === undefined ? "–" : typeof one === "object" ? JSON.stringify(one) : String(one));
    const changes = body.changes ? Object.entries(body.changes) : "new" in body || "old" in body ? [["", body]] : [];
    return changes.length ? [say("rowChanged"), ...changes.map(([item, both]) => `${item} ${value(both.old)} → ${value(both.new)}`.trim())].join(" · ") : say("rowFirstFile", { n: body.items });
  },
  clock: ({ body }) => (body.act === "unset" ? say("rowClockUnset") : body.act === "never" ? say("rowClockNever") : say("rowClock", { off: age(Math.abs(body.moved_s)) })),
  selftest: ({ body }) => (body.failed ? say("rowSelfTestFailed", { station: body.failed }) : say("rowSelfTest")),
  access: ({ body }) => (ACCESS[body.act] ? say(ACCESS[body.act], { count: 1, ...body, role: ROLES[body.role] ? say(ROLES[body.role]) : body.role }) : plain({ kind: "access", body })),
  drill: ({ body }) => say({ begin: "rowDrillBegin", inject: "rowDrillInject" }[body.act] ?? "rowDrillEnd", body),
};

const ROLES = { viewer: "roleViewer", operator: "roleOperator", engineer: "roleEngineer", administrator: "roleAdministrator" };

const ACCESS = {
  "logged in": "rowLoggedIn", "logged out": "rowLoggedOut", "log-in refused": "rowLogInRefused", "log-in held back": "rowLogInHeld",
  "token refused": "rowTokenRefused", "account added": "rowAccountAdded", "role changed": "rowAccountRole", "password changed": "rowAccountPassword",
  "account removed": "rowAccountRemoved", "token made": "rowTokenMade", "token revoked": "rowTokenRevoked",
};

const wordsOf = (value) => (value && typeof value === "object" && "en" in value ? pick(value) : String(value));

// What this page has no sentence for is shown as it is written.
function plain({ kind, body }) {
  const parts = Object.entries(body).filter(([, value]) => value !== "" && value !== null && !(Array.isArray(value) && !value.length));
  return `${kind}: ${parts.map(([name, value]) => `${name} ${value && typeof value === "object" && !("en" in value) ? JSON.stringify(value) : wordsOf(value)}`).join(", ")}`;
}
