// The event stream, and the judgement whether what is shown is still live.
const SILENT_MS = 4000;   // a frame comes every second: after this the page says that it is not live
const RESTART_MS = 10000; // a connection that is open but silent is dead; also after a refusal

export class Feed {
  constructor(onFrame) {
    this.onFrame = onFrame;
    this.heard = -Infinity;   // performance.now() of the last frame
    this.broken = false;      // the browser has said that the stream is gone
    this.opened = -Infinity;
    this.source = null;
  }

  get silence() { return performance.now() - this.heard; }
  get live() { return !this.broken && this.silence < SILENT_MS; }
  get everHeard() { return this.heard > 0; }

  // To be called about twice a second.
  watch() {
    const now = performance.now();
    const dead = !this.source || this.source.readyState === EventSource.CLOSED || now - Math.max(this.heard, this.opened) > RESTART_MS;
    if (!dead || now - this.opened < 2000) return;
    this.source?.close();
    this.opened = now;
    this.source = new EventSource("api/v1/events");
    this.source.onmessage = (event) => {
      this.heard = performance.now();
      this.broken = false;
      this.onFrame(JSON.parse(event.data));
    };
    // Not live from this moment on; the browser connects again by itself.
    this.source.onerror = () => { this.broken = true; };
  }
}
