// Who may come in: administrators keep accounts, tokens and sessions; everybody the own password and sessions.
import { ask, get, post } from "./ask.js";
import { button, dayAndClock, el, title } from "./dom.js";
import { me } from "./session.js";
import { age, pick, say } from "./texts.js";

const ROLES = [["viewer", "asViewer"], ["operator", "asOperator"], ["engineer", "asEngineer"], ["administrator", "asAdministrator"]];
const SCOPES = [["all", "scopeAll"], ["metrics", "scopeMetrics"], ["heartbeat", "scopeHeartbeat"]];
const said = (pairs) => pairs.map(([value, word]) => [value, say(word)]);

export class Accounts {
  constructor() {
    this.id = "accounts";
    this.name = "roomAccounts";
    this.element = el("section");
  }

  async open() {
    const boss = me.role === "administrator" && me.account;
    const found = !me.account ? null : await get(boss ? "accounts" : "session/all");
    if (!found) { this.element.replaceChildren(title(say("roomAccounts")), el("p", "", say(me.account ? "noData" : "accountsNone"))); return; }
    const head = title(say("roomAccounts"));
    head.append(button(say("ownPassword"), () => ownPassword(), { look: "quiet", key: "own password" }));
    this.element.replaceChildren(head, ...(boss ? [...this.accounts(found), ...this.tokens(found)] : []), ...this.sessions(found));
  }

  accounts({ accounts }) {
    return [heading("accountsWho", "accountAdd", () => this.change("accountAdd", "accounts", { act: "add" }, [ID, NAME, roleField()])),
      list(accounts, (one) => [el("b", "", `${one.name} `), el("small", "", `${one.id} · ${pick(one.role_name)} · ${say("accountSince", { time: dayAndClock(one.since) })}`)], (one) => [
        button(say("accountRole"), () => this.change("accountRole", "accounts", { act: "role", id: one.id }, [roleField(one.role)]), { look: "quiet", key: `role ${one.id}`, label: `${say("accountRole")}: ${one.id}` }),
        button(say("accountReset"), () => this.change("accountReset", "accounts", { act: "password", id: one.id }), { look: "quiet", key: `reset ${one.id}`, label: `${say("accountReset")}: ${one.id}` }),
        button(say("accountRemove"), () => this.change("accountRemove", "accounts", { act: "remove", id: one.id }), { look: "quiet", key: `remove ${one.id}`, label: `${say("accountRemove")}: ${one.id}` })])];
  }

  tokens({ tokens }) {
    const fields = () => [ID, roleField(), { name: "scope", label: "tokenScope", kind: "choice", options: said(SCOPES) }, { name: "days", label: "tokenDays", needed: true, value: "90", most: 4 }];
    return [heading("accountsTokens", "tokenMake", () => this.change("tokenMake", "tokens", { act: "make" }, fields())),
      list(tokens, (one) => [el("b", "", `${one.id} `), el("small", "", say("tokenLine", { ...one, scope: `${say(ROLES.find(([role]) => role === one.role)[1])}, ${say(SCOPES.find(([scope]) => scope === one.scope)[1])}`, ends: dayAndClock(one.ends), used: dayAndClock(one.used) || "–" }))], (one) => [
        button(say("tokenRevoke"), () => this.change("tokenRevoke", "tokens", { act: "revoke", id: one.id }), { look: "quiet", key: `revoke ${one.id}`, label: `${say("tokenRevoke")}: ${one.id}` })])];
  }

  sessions({ sessions }) {
    return [el("h3", "", say("accountsSessions")), list(sessions, (one) => [el("b", "", `${one.account} `), el("small", "", say("sessionLine", { begun: age(one.begun_s), used: age(one.used_s) }))], (one) => [
      button(say("sessionEnd"), () => this.change("sessionEnd", "session/revoke", { id: one.id }, [], one.account), { look: "quiet", key: `session ${one.id}`, label: `${say("sessionEnd")}: ${one.account}` })])];
  }

  change(word, path, body, fields = [], about = body.id) {
    ask({
      title: say(word), go: say(word), about: about ? [about] : [], fields,
      send: async (values) => {
        const { said: done, refused } = await post(path, { ...body, ...values, ...(values.days ? { days: +values.days } : {}) });
        if (refused) return refused;
        const secret = done.password ?? done.token;
        if (secret) setTimeout(() => ask({ title: say("accountSecret"), go: say("close"), fields: [], about: [say("accountTell", done), el("output", "code", secret)], send: async () => null }));
        this.open();
        return null;
      },
    });
  }
}

const ID = { name: "id", label: "accountId", needed: true, most: 32 }, NAME = { name: "name", label: "accountName", most: 40, others: true };
const roleField = (value) => ({ name: "role", label: "accountRole", kind: "choice", options: said(ROLES), ...(value ? { value } : {}) });

function heading(word, act, make) { const head = el("h3", "", say(word)); head.append(" ", button(say(act), make, { look: "quiet", key: act })); return head; }
function list(rows, line, acts) { return el("ul", "accounts", ...rows.map((one) => el("li", "", el("span", "", ...line(one)), el("span", "buttons", ...acts(one))))); }

function ownPassword() {
  ask({
    title: say("ownPassword"), go: say("ownPassword"),
    fields: [{ name: "old", label: "oldPassword", kind: "secret", needed: true, most: 128 }, { name: "new", label: "newPassword", kind: "secret", needed: true, most: 128 }],
    send: async (values) => { const { refused } = await post("session/password", values); if (!refused) location.replace("login"); return refused ?? null; },
  });
}
