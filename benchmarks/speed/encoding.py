"""Line protocol: our column encoder against influxdb-client's Point objects, in the same run."""

from __future__ import annotations

import time

import numpy as np
from influxdb_client import Point, WritePrecision

from gateway.model.clock import Instant
from gateway.model.frame import Frame
from gateway.model.signal import SignalTable
from gateway.sinks.line_protocol import Encoder
from tests.sites import gas

SIGNALS, POLLS = 1000, 20


def run(quick: bool) -> list[dict]:
    table = SignalTable([gas(f"GD-{n:04}") for n in range(SIGNALS)])
    rng = np.random.default_rng(1)
    polls = [Frame.of(np.arange(SIGNALS), np.round(rng.normal(20, 5, SIGNALS), 3),
                      Instant(step, 1_790_000_000_000_000_000 + step * 1_000_000_000)) for step in range(POLLS)]
    frame = Frame.concat(polls)
    encoder = Encoder("bench", table)

    def ours() -> int:
        return encoder.encode(frame).count(b"\n")

    def points() -> int:
        lines = [Point("telemetry").tag("area", signal.area).tag("kind", signal.kind).tag("signal", signal.id)
                 .tag("site", "bench").field("value", value).field("quality", quality)
                 .time(wall, WritePrecision.NS).to_line_protocol()
                 for signal, value, quality, wall in zip(
                     [table[number] for number in poll.signal.tolist()], poll.value.tolist(), poll.quality.tolist(),
                     poll.wall_ns.tolist(), strict=True)]
        return len(lines)

    poll, ratios, times = polls[0], [], []
    for _ in range(3 if quick else 7):  # in turn, so that a noisy moment hits both
        per_ours, per_point = (_per_line(work) for work in (ours, points))
        ratios.append(per_point / per_ours)
        times.append(per_ours)
    return [{"name": "encoding one sample as line protocol", "value": float(np.median(times) * 1e9), "unit": "ns"},
            {"name": "encoding speed against influxdb-client Point objects", "value": float(np.median(ratios)),
             "unit": "times", "target": ">= 20", "against": "influxdb-client Point.to_line_protocol, same samples",
             "ratio": float(np.median(ratios))}]


def _per_line(work) -> float:
    started = time.perf_counter()
    lines = work()
    return (time.perf_counter() - started) / lines
