"""The data contract with every database and dashboard: measurements, tags, fields and their units.

telemetry   one row per sample and signal
    tags    site, area, signal, kind          bounded: one series per configured signal, whatever arrives
    fields  value float     engineering units of the signal; absent where the quality is bad
            quality integer gateway.model.quality.Quality code: 0 good, 64-127 uncertain, 128-191 bad; as the source
                            gave it, before the bank's own judgement of range and instrument status
            clock_untrusted boolean  present (true) only where the wall clock was not synchronised
    time    ns, UTC
"""

from __future__ import annotations

from gateway.model.signal import Signal

TELEMETRY = "telemetry"
VALUE, QUALITY, CLOCK_UNTRUSTED = "value", "quality", "clock_untrusted"


def tags(site: str, signal: Signal) -> dict[str, str]:
    """The tags of one signal, in the order in which they are written (sorted by key, as InfluxDB likes them)."""
    return {"area": signal.area, "kind": signal.kind, "signal": signal.id, "site": site}
