// Gas zones, devices and sources, and the gateway itself.
import { $, el, put, replace, shape } from "./dom.js";
import { age, pick, say } from "./texts.js";

export function showPlant(status, site) {
  showZones(status.zones, site);
  showDevices(status.devices);
  showGateway(status);
}

function showZones(zones, site) {
  $("gas").hidden = !zones.length;
  replace($("zones"), zones.map((zone) => {
    const dots = el("span", "dots", ...zone.works.map((works, k) => { const dot = el("i", works ? "" : "off"); dot.title = zone.detectors[k]; return dot; }));
    const why = zone.detectors.filter((_, k) => !zone.works[k]).map((id) => `${id} ${pick(zone.why[zone.detectors.indexOf(id)])}`).join(" · ");
    const words = zone.state === "blind" ? say("blind") : say("working", { n: zone.working, m: zone.total });
    const sign = zone.state === "blind" ? shape("eye-off", "line") : zone.state === "degraded" ? shape("p2", "sign small P2") : shape("tick");
    const area = pick(site.areas.find((area) => area.id === zone.area)?.name ?? { en: zone.area, zh: zone.area });
    const several = zones.filter((other) => other.area === zone.area).length > 1;
    const name = several ? `${area} · ${pick(zone.gas)}` : area;
    return el("li", `zone ${zone.state}`, sign, el("div", "", el("small", "", name), el("b", "", words), why ? el("small", "why", why) : null), dots);
  }));
}

function showDevices(devices) {
  const here = devices.filter((device) => device.online).length;
  put($("devices-sum"), say("online", { n: here, m: devices.length }));
  const order = [...devices].sort((a, b) => a.online - b.online);
  replace($("devices"), order.map((device) => part(device.online, device.device === device.source || !device.source ? device.device : `${device.source} · ${device.device}`,
    pick(device.reason) || (device.online ? "" : say("offline")), contact(device))));
}

function contact({ online, silent_s: silent }) {
  if (online && silent !== null && silent < 10) return say("inContact");
  return say("contact", { age: silent === null ? say("never") : say("ago", { age: age(silent) }) });
}

function showGateway(status) {
  put($("version"), status.version);
  replace($("parts"), [
    ...status.parts.map((one) => part(one.ok, pick(one.name), pick(one.detail), one.ok ? say("ok") : "")),
    ...status.sinks.map((sink) => part(sink.online, `${say("database")} ${sink.sink}`, pick(sink.reason), sink.online ? say("ok") : say("offline"))),
  ]);
}

function part(ok, name, detail, note) {
  return el("li", ok ? "" : "off", shape(ok ? "tick" : "cross", "mark"), el("p", "", name, detail ? el("small", "", detail) : null), el("small", "", note));
}
