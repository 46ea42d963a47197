"""The story of the demo as a recording: the simulated depot, read once a second, without sockets and without waiting.

    python -m tests.replay.story leak.csv
"""

from __future__ import annotations

import csv
import math
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from simulators import layout, scenario
from simulators.world import World

BEGIN = datetime(2026, 9, 21, 12, 53, 20, tzinfo=UTC)
SECONDS = 150
_UNITS = {"P-101.P": ("P-101.P", 0.001), "P-102.P": ("P-102.P", 0.001), "FAN-01.P": ("FAN-01.P", 0.001),
          "P-101.I": ("P-101.I1", 1.0), "P-101.U": ("P-101.U1", 1.0)}  # signal -> quantity, factor


def rows(signals: tuple[str, ...], seconds: int = SECONDS, seed: int = 1) -> list[list[str]]:
    """The head and one row a second. The cells of a device that does not answer are empty."""
    world = World(layout.load(), seed)
    world.play(scenario.load(scenario.SCENARIOS / "depot_leak.toml", world.known))
    device = {quantity: one for one in world.devices.values() for quantity in one.quantities}
    found = [["time", *signals]]
    for second in range(seconds):
        for _ in range(round(1 / world.step)):
            world.advance()
        cells = [f"{BEGIN + timedelta(seconds=second + 1):%Y-%m-%dT%H:%M:%SZ}"]
        for signal in signals:
            quantity, factor = _UNITS.get(signal, (signal, 1.0))
            value = float(world.plant[quantity]) * factor
            silent = quantity in device and device[quantity].wire.dead
            cells.append("" if silent or math.isnan(value) else f"{value:.10g}" if value == round(value)
                         else f"{value:.3f}")
        found.append(cells)
    return found


def write(path: Path, signals: tuple[str, ...], seconds: int = SECONDS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows(signals, seconds))
    return path


if __name__ == "__main__":
    from gateway.app import load

    write(Path(sys.argv[1]), load("deploy/sites/depot.toml").site_file.site.signals.ids)
