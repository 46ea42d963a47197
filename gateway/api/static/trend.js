// Trends of the last ten minutes with a scale beside them: the line, the limits, and where the value stands now.
const MINUTES = 10, SPAN_MS = MINUTES * 60000, POINTS = 200, TOGETHER = 32;

let colours = null;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours = null; });
function palette() {
  if (!colours) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(["trend", "mark", "track", "p1", "p2", "p3", "p4"].map((name) => [name, style.getPropertyValue(`--${name}`)]));
  }
  return colours;
}

// The samples of one signal. Filled from history once, then from the stream; null where the value was bad.
class Samples {
  constructor(usual) { this.t = []; this.v = []; this.usual = usual; } // usual: longest time between samples, ms
  push(t, v) {
    if (this.t.length && t <= this.t.at(-1)) return;
    this.t.push(t); this.v.push(v);
    if (this.t.length > 2400 || this.t[0] < t - SPAN_MS - 60000) {
      const from = Math.max(this.t.length - 2000, this.t.findIndex((at) => at >= t - SPAN_MS));
      this.t.splice(0, from); this.v.splice(0, from);
    }
  }
  // What the store knew goes before what the stream has brought since. Both extremes of a step are shown.
  precede({ t_ms: at, step_ms: step, low, high }) {
    const t = [], v = [], first = this.t[0] ?? Infinity;
    const spaces = at.slice(1).map((one, k) => one - at[k]).sort((a, b) => a - b);
    this.usual = Math.max(this.usual, 3 * step, 3 * (spaces[spaces.length >> 1] ?? 0));
    at.forEach((begin, k) => {
      const rising = Math.abs((v.at(-1) ?? low[k]) - low[k]) <= Math.abs((v.at(-1) ?? low[k]) - high[k]);
      const pair = low[k] === high[k] ? [low[k]] : rising ? [low[k], high[k]] : [high[k], low[k]];
      pair.forEach((value, n) => { const when = begin + step * (n + 1) / 3; if (when < first) { t.push(when); v.push(value); } });
    });
    this.t = [...t, ...this.t]; this.v = [...v, ...this.v];
  }
}

export class Trends {
  constructor(signals) { this.signals = signals; this.samples = new Map(); this.wanted = new Set(); this.timer = 0; }

  forget() { this.samples.clear(); this.wanted.clear(); }

  // A row came into sight: its past is fetched, together with that of its neighbours.
  want(i) {
    if (this.samples.has(i)) return;
    this.samples.set(i, new Samples(1000 * (this.signals[i].deadman_s ?? 5)));
    this.wanted.add(i);
    this.timer ||= setTimeout(() => this.fetch(), 120);
  }

  async fetch() {
    this.timer = 0;
    const rows = [...this.wanted].slice(0, TOGETHER);
    rows.forEach((i) => this.wanted.delete(i));
    if (this.wanted.size) this.timer = setTimeout(() => this.fetch(), 50);
    const query = new URLSearchParams(rows.map((i) => ["signal", this.signals[i].id]));
    const known = await fetch(`api/v1/history?minutes=${MINUTES}&points=${POINTS}&${query}`)
      .then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
    known?.trends.forEach((trend, k) => this.samples.get(rows[k])?.precede(trend));
  }

  push(i, t, value, quality) { this.samples.get(i)?.push(t, quality & 0x80 ? null : value); }

  draw(canvas, i, now, priority) {
    const signal = this.signals[i], samples = this.samples.get(i), ratio = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (!samples || !width) return;
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const pen = canvas.getContext("2d"), ink = palette();
    pen.clearRect(0, 0, width, height);
    const values = samples.v.filter((value) => value !== null);
    if (!values.length) return;

    const levels = signal.limits.filter((limit) => !limit.condition.startsWith("ROC"));
    const [low, high] = scale(signal, values, levels);
    const bar = 5 * ratio, right = width - bar - 5 * ratio, edge = 2 * ratio;
    const x = (t) => right - ((now - t) / SPAN_MS) * right;
    const y = (v) => edge + (1 - (Math.min(Math.max(v, low), high) - low) / (high - low)) * (height - 2 * edge);

    pen.fillStyle = ink.track;
    pen.fillRect(width - bar, 0, bar, height);
    pen.lineWidth = ratio;
    for (const limit of levels) {
      if (limit.value < low || limit.value > high) continue;
      pen.strokeStyle = ink.mark;
      pen.setLineDash([2 * ratio, 3 * ratio]);
      line(pen, 0, y(limit.value), right, y(limit.value));
      pen.setLineDash([]);
      pen.lineWidth = 2 * ratio;
      line(pen, width - bar - 2 * ratio, y(limit.value), width, y(limit.value));
      pen.lineWidth = ratio;
    }
    pen.strokeStyle = priority ? ink[`p${priority}`] : ink.trend;
    pen.lineWidth = (priority ? 2 : 1.4) * ratio;
    pen.lineJoin = "round";
    pen.beginPath();
    const step = Object.keys(signal.labels).length > 0;
    let before = null;
    samples.t.forEach((t, k) => {
      const value = samples.v[k];
      if (value !== null && x(t) >= 0) {
        if (before === null || t - samples.t[k - 1] > samples.usual) pen.moveTo(x(t), y(value));
        else { if (step) pen.lineTo(x(t), y(before)); pen.lineTo(x(t), y(value)); }
        before = value;
      } else before = null;
    });
    pen.stroke();
    const last = samples.v.at(-1);
    if (last !== null) {
      pen.fillStyle = priority ? ink[`p${priority}`] : ink.trend;
      const tip = width - bar - ratio, at = y(last), size = 4 * ratio;
      pen.beginPath(); pen.moveTo(tip + size, at); pen.lineTo(tip - size * .6, at - size); pen.lineTo(tip - size * .6, at + size); pen.fill();
    }
  }
}

// The range shown: the limits and the data, inside the measuring range where there is one; small noise stays small.
function scale(signal, values, levels) {
  let low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
  if (Object.keys(signal.labels).length) return [-.15, Math.max(1, high) + .15];
  for (const limit of levels) { low = Math.min(low, limit.value); high = Math.max(high, limit.value); }
  if (signal.low !== null && signal.high !== null) {
    const least = (signal.high - signal.low) * .1;
    if (levels.length) { low = Math.min(low, signal.low >= 0 ? signal.low : low); high += (high - low) * .1; }
    if (high - low < least) { const middle = (high + low) / 2; low = middle - least / 2; high = middle + least / 2; }
    return [Math.max(low, Math.min(signal.low, ...values)), Math.min(high, Math.max(signal.high, ...values))];
  }
  const room = Math.max((high - low) * .15, Math.abs(high) * .02, 1e-9);
  return [low - room, high + room];
}

function line(pen, x1, y1, x2, y2) { pen.beginPath(); pen.moveTo(x1, y1); pen.lineTo(x2, y2); pen.stroke(); }
