// What the page asks of the gateway, and the one dialog in which a person commands something.
import { $, byKey, button, el } from "./dom.js";
import { me } from "./session.js";
import { pick, say } from "./texts.js";

// The answer, or null when there is none.
export async function get(path) {
  return fetch(`api/v1/${path}`).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
}

// {said} when it was done, {refused: sentence} when not.
export async function post(path, body, silent = say("notDone")) {
  try {
    const answer = await fetch(`api/v1/${path}`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(10000) });
    const said = await answer.json();
    return answer.ok ? { said } : { refused: `${pick(said.error.what)} ${pick(said.error.fix)}`.trim() };
  } catch {
    return { refused: silent };
  }
}

let opener = null;

// fields: {name, label, kind: "line" | "lines" | "secret" | "choice" | "choices", value, options, follows, hints, needed, most, others}. follows: [name of
// another field, its value -> options]. send(values) gives null when it was done, else what to say: the dialog then stays open, for
// nobody may believe in what was not done. others: a name that is not of whoever asks.
export function ask({ title, about = [], fields: all, go, note = "", send }) {
  const fields = all.filter(({ name, others }) => name !== "name" || others || !me.account); // with an account nobody types the own name
  const dialog = $("ask"), inputs = new Map();
  opener = document.activeElement;
  const rows = fields.map((field) => {
    const input = inputOf(field);
    inputs.set(field.name, input);
    return el("label", "", el("span", "", say(field.label)), input, hintsOf(field, input));
  });
  for (const { name, follows: [other, optionsOf] } of fields.filter(({ follows }) => follows))
    inputs.get(other).addEventListener("change", () => inputs.get(name).replaceChildren(...optionsOf(inputs.get(other).value).map(option)));
  const error = el("p", "error"), sending = el("button", "", go);
  error.id = "ask-error";
  error.setAttribute("role", "alert");
  sending.id = "ask-send";
  const head = el("h2", "", title);
  head.id = "ask-title";
  const cancel = button(say("cancel"), () => dialog.close(), { look: "quiet" });
  const form = el("form", "", head, ...about.map((line) => el("p", "about", line)), ...rows,
    el("small", "", [inputs.has("name") && !me.account ? say("unverified") : "", note].filter(Boolean).join(" ")), error, el("div", "buttons", cancel, sending));
  form.onsubmit = async (event) => {
    event.preventDefault();
    const values = Object.fromEntries([...inputs].map(([name, input]) => [name, input.multiple ? [...input.selectedOptions].map(({ value }) => value) : input.type === "password" ? input.value : input.value.trim()]));
    if (values.name && !me.account) localStorage.setItem("name", values.name);
    sending.disabled = true;
    const wrong = await send(values);
    sending.disabled = false;
    if (wrong === null) dialog.close(); else error.replaceChildren(...[wrong].flat());
  };
  dialog.replaceChildren(form);
  dialog.showModal();
  const first = [...inputs.values()].find((input) => !input.value) ?? inputs.values().next().value;
  (first ?? sending).focus();
}

// Back to where the person was, also when the button was made anew meanwhile.
$("ask").addEventListener("close", () => {
  if ($("ask").open) return; // the event comes late: the next question stands already
  $("ask").replaceChildren();
  if (opener?.isConnected) opener.focus();
  else (byKey(opener?.dataset?.key ?? "") ?? document.querySelector("main section:not([hidden]) h2"))?.focus();
});

function inputOf({ name, kind = "line", value, options = [], needed = false, most = 80 }) {
  const input = el({ line: "input", secret: "input", lines: "textarea", choice: "select", choices: "select" }[kind]);
  input.name = name;
  if (kind === "choice" || kind === "choices") { input.append(...options.map(option)); input.multiple = kind === "choices"; }
  else { input.maxLength = most; if (kind === "lines") input.rows = 3; }
  input.required = needed;
  if (kind !== "choices") input.value = value ?? (name === "name" ? localStorage.getItem("name") ?? "" : kind === "choice" ? options[0][0] : "");
  if (name === "name") input.autocomplete = "name";
  if (kind === "secret") { input.type = "password"; input.autocomplete = "off"; }
  return input;
}

function option([value, text]) { const one = el("option", "", text); one.value = value; return one; }

function hintsOf({ name, hints }, input) {
  if (!hints) return null;
  const list = el("datalist", "", ...hints.map(option));
  list.id = `ask-${name}-hints`;
  input.setAttribute("list", list.id);
  input.autocomplete = "off";
  return list;
}
