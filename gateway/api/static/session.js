// Who uses the page, and what they may do. Without accounts: anybody, everything.
import { get, post } from "./ask.js";
import { $, button, el } from "./dom.js";
import { pick, say } from "./texts.js";

export let me = { account: null, name: null, role: "administrator", idle: false };

export async function whoAmI() {
  me = (await get("session")) ?? me;
  document.body.dataset.role = me.role;
  speakSession();
}

// In the head of the page; nothing where nobody has logged in.
export function speakSession() {
  $("me").hidden = !me.account;
  if (!me.account) return;
  const out = button(say(me.idle ? "logInAgain" : "logOut"), leave, { look: "quiet", key: "log out" });
  $("me").replaceChildren(el("span", "", me.name, el("small", "", ` ${me.idle ? say("onlyLooking") : pick(me.role_name)}`)), out);
  $("me").title = me.account;
}

async function leave() {
  if (!me.idle) await post("session/end", {});
  location.replace("login");
}

// A stream that ended may mean that the session is over.
export async function stillIn() {
  const answer = await fetch("api/v1/session").catch(() => null);
  if (answer?.status === 401) location.replace("login");
}
