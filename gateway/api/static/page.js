// The page: takes frames from the feed, shows them, and says so loudly when there are none.
import { Accounts } from "./accounts.js";
import { AlarmRoom } from "./alarm.js";
import { Alarms } from "./alarms.js";
import { get } from "./ask.js";
import { $, clockOf, put, shape } from "./dom.js";
import { DrillRoom } from "./drill.js";
import { Feed } from "./feed.js";
import { Figures } from "./figures.js";
import { History } from "./history.js";
import { Keys } from "./keys.js";
import { OnCall } from "./oncall.js";
import { showPlant } from "./plant.js";
import { Proofs } from "./proofs.js";
import { Rooms } from "./rooms.js";
import { Rules } from "./rules.js";
import { Signals } from "./signals.js";
import { Watch } from "./watch.js";
import { Ways } from "./ways.js";
import { speakSession, stillIn, whoAmI } from "./session.js";
import { Withheld } from "./withheld.js";
import { age, language, pick, say, speak } from "./texts.js";

let asked = false; // whether the session still stands, since the stream was lost
let site = null, alarms = null, signals = null, rooms = null, status = null, last = null, linkShown = "", opened = false;
const waitingFrames = [];
const feed = new Feed((frame) => { if (site) take(frame); else waitingFrames.push(frame); });

function take(frame) {
  last = frame;
  if (frame.status && frame.status.boot !== site.boot) { location.reload(); return; }
  if (frame.signals) signals.update(frame.signals, frame.t_ms, frame.hello);
  if (frame.learning) signals.teach(frame.learning);
  if (frame.alarms) {
    alarms.update(frame.alarms);
    signals.alarms(alarms.byOrigin(), frame.alarms.holds);
    showRisk(frame.alarms);
    rooms.update(frame.alarms);
    if (!opened) { opened = true; rooms.go(); } // a room that is opened by a link needs to know what stands
  }
  if (frame.status) { status = frame.status; showPlant(status, site); }
  tick();
}

function showRisk({ risk, unacknowledged }) {
  $("risk").className = `risk ${risk}`;
  put($("risk-word"), `${pick(site.words.risk[risk]).toUpperCase()} · ${say(risk)}`);
  document.title = `${unacknowledged ? `(${unacknowledged}) ` : ""}${pick(site.name)} - Davylamp`;
}

// Twice a second, whether or not anything arrives.
function tick() {
  if (failed) return;
  feed.watch();
  const state = feed.live && site ? "live" : feed.everHeard ? "lost" : "connecting";
  document.body.className = state;
  showLink(state);
  showBanner(state);
  if (state === "lost" && !asked) stillIn();
  asked = state === "lost";
  if (state !== "live") { if (state === "lost") document.title = `!! ${say("noLink")} - Davylamp`; return; }
  put($("clock"), clockOf(last.time));
  put($("zone"), last.trusted ? site.timezone : say("clockBad"));
  $("zone").className = last.trusted ? "" : "badge loud";
  alarms.tick();
  rooms.tick();
}

function showLink(state) {
  const shown = state + language();
  if (linkShown === shown) return;
  if (linkShown.startsWith("lost") && state === "live" && alarms?.list) showRisk(alarms.list);
  linkShown = shown;
  $("link").replaceChildren(shape(state === "live" ? "tick" : "cross"), say({ live: "live", lost: "noLink", connecting: "connecting" }[state]));
}

function showBanner(state) {
  const banner = $("banner");
  let head = "", more = "";
  if (state === "lost") {
    head = say("lost");
    more = last ? say("lostMore", { time: clockOf(last.time), age: age(feed.silence / 1000) }) : "";
  } else if (state === "live" && status && !status.working) {
    head = say("broken");
    more = `${pick(status.reason)} ${say("watch")}`;
  }
  banner.hidden = !head;
  if (banner.dataset.head !== head) { banner.dataset.head = head; banner.replaceChildren(head, document.createElement("small")); }
  if (head) put(banner.lastChild, more);
}

function show() {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  const button = $("language");
  $("keys").setAttribute("aria-label", say("keys"));
  button.textContent = say("language");
  button.lang = language() === "zh" ? "en" : "zh-CN";
  if (!site) return;
  speakSession();
  put($("site"), pick(site.name));
  put($("product"), "Davylamp");
  alarms.speak();
  if (alarms.list) showRisk(alarms.list);
  signals.speak();
  rooms.speak();
  if (status) showPlant(status, site);
}

$("language").onclick = () => {
  speak(language() === "en" ? "zh" : "en");
  localStorage.setItem("language", language());
  show();
  tick();
};

// An error of the page itself must not leave a picture that looks live. It is loaded again as soon as that can work.
let failed = false;
function fail() {
  if (failed) return;
  failed = true;
  clearInterval(beat);
  document.body.className = "lost";
  $("banner").hidden = false;
  $("banner").textContent = `${say("fault")} ${say("watch")}`;
  setInterval(() => fetch("healthz").then(() => location.reload(), () => {}), 5000);
}
window.addEventListener("error", fail);
window.addEventListener("unhandledrejection", fail);

async function load() {
  await whoAmI();
  const [loaded, related, peers] = await Promise.all(["site", "rules", "heartbeats"].map(get));
  if (!loaded || !related || !peers) { stillIn(); setTimeout(load, 2000); return; }
  speak(localStorage.getItem("language") ?? loaded.language);
  signals = new Signals(loaded);
  alarms = new Alarms(loaded, (id) => signals.reading(id));
  const here = { site: loaded, signals, alarms };
  rooms = here.rooms = new Rooms([new AlarmRoom(here), new History(here), new Withheld(here), new OnCall(here),
    new Figures(here), new Ways(here), new DrillRoom(here), ...(Watch.has(peers) ? [new Watch(here)] : []), ...(Rules.has(related) ? [new Rules(here)] : []), ...(Proofs.has(related) ? [new Proofs(here)] : []),
    new Accounts()]);
  new Keys(here);
  site = loaded;
  show();
  waitingFrames.splice(0).forEach(take);
}

speak(localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
show();
const beat = setInterval(tick, 500);
document.addEventListener("visibilitychange", tick);
tick();
load();
