// The curve of one signal with its limits, as SVG in true pixels, so that its words stay readable on a phone.
import { el, svgEl } from "./dom.js";
import { say } from "./texts.js";

const HEIGHT = 240, LEFT = 56, RIGHT = 12, TOP = 14, BOTTOM = 40;

// data: see Explanation.plot of the API. mark: Unix ms of the instant to mark, or null.
export function plot(data, mark, zone) {
  const box = el("div", "plot");
  let drawn = 0;
  new ResizeObserver(() => requestAnimationFrame(() => { // not within the observation: drawing may change the size again
    if (!box.clientWidth || box.clientWidth === drawn) return;
    drawn = box.clientWidth;
    box.replaceChildren(drawing(data, mark, zone, drawn));
  })).observe(box);
  return box;
}

function drawing({ signal, unit, decimals, limits, t_ms: times, value, good }, mark, zone, width) {
  const known = value.filter((one) => one !== null), clock = clockIn(zone);
  if (!known.length) return el("p", "", say("historyNone"));
  let low = known.reduce((a, b) => Math.min(a, b)), high = known.reduce((a, b) => Math.max(a, b));
  const span = high - low, words = { low: low.toFixed(decimals), high: high.toFixed(decimals) };
  const near = Object.entries(limits).filter(([, at]) => at >= low - 2 * span && at <= high + 2 * span); // far ones would flatten the curve
  for (const [, at] of near) { low = Math.min(low, at); high = Math.max(high, at); }
  if (high === low) { low -= .5; high += .5; }
  const first = times[0], last = times.at(-1);
  const x = (t) => LEFT + (last > first ? (t - first) / (last - first) : 0) * (width - LEFT - RIGHT);
  const y = (v) => TOP + (high - v) / (high - low) * (HEIGHT - TOP - BOTTOM);
  const svg = svgEl("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img",
    "aria-label": say("plotOf", { signal, unit, ...words, from: clock(first), to: clock(last) }) });
  const line = (x1, y1, x2, y2, look) => svg.append(svgEl("line", { x1, y1, x2, y2, class: look }));
  const text = (words, at, up, anchor, look = "") => svg.append(svgEl("text", { x: at, y: up, "text-anchor": anchor, class: look }, words));
  line(LEFT, HEIGHT - BOTTOM, width - RIGHT, HEIGHT - BOTTOM, "axis");
  line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "axis");
  for (const [name, at] of near) {
    line(LEFT, y(at), width - RIGHT, y(at), "limit");
    text(`${name} ${at.toFixed(decimals)}`, LEFT + 6, y(at) - 4, "start", "limit");
  }
  if (mark !== null && mark >= first && mark <= last) {
    line(x(mark), TOP, x(mark), HEIGHT - BOTTOM, "mark");
    text(say("raisedMark"), x(mark) + (x(mark) > width / 2 ? -6 : 6), HEIGHT - BOTTOM - 8, x(mark) > width / 2 ? "end" : "start", "mark");
  }
  for (const points of strokes(times, value)) {
    svg.append(svgEl("polyline", { points: points.map(([t, v]) => `${x(t).toFixed(1)},${y(v).toFixed(1)}`).join(" "), class: "curve" }));
    if (points.length === 1) svg.append(svgEl("circle", { cx: x(points[0][0]), cy: y(points[0][1]), r: 2, class: "dot" }));
  }
  good.forEach((fine, k) => { if (!fine) text("x", x(times[k]), HEIGHT - BOTTOM + 12, "middle", "bad"); });
  text(high.toFixed(decimals), LEFT - 6, TOP + 8, "end");
  text(low.toFixed(decimals), LEFT - 6, HEIGHT - BOTTOM, "end");
  text(unit, LEFT - 6, TOP + 24, "end");
  text(clock(first), LEFT, HEIGHT - 8, "start");
  text(clock(last), width - RIGHT, HEIGHT - 8, "end");
  return svg;
}

// The curve is broken where a value is missing, and where samples are much further apart than usual.
function strokes(times, value) {
  const spaces = times.slice(1).map((t, k) => t - times[k]).sort((a, b) => a - b);
  const usual = 5 * (spaces[spaces.length >> 1] ?? Infinity), found = [];
  let current = null, before = null;
  times.forEach((t, k) => {
    if (value[k] === null) { current = null; return; }
    if (!current || t - before > usual) found.push(current = []);
    current.push([t, value[k]]);
    before = t;
  });
  return found;
}

export function clockIn(zone) {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return (t) => format.format(t);
}
