"""The baseline, set for NAB, on sets it was not set for: steam at a mote, sensor faults, load while shut down.

What is expected: a general detector is no substitute for the typed sensor-fault detectors, nor for a schedule.
"""

from __future__ import annotations

from benchmarks.detection import data, detectors
from gateway.core.baseline import Recipe

SETS = {"wsn": "steam at a mote", "faults": "sensor faults", "offhours": "load while shut down"}


def run(quick: bool = False) -> list[dict]:
    score, rows = data.scorer(), []
    for name, what in SETS.items():
        files = data.files(name)
        plane = data.Plane.of(files)
        begins = detectors.baseline(plane, Recipe())[1]
        told = [{"rel": file.name, "t": file.time, "lab": file.labels, "s": begins[:count, column].any(axis=1) * 1.0}
                for file, count, column in zip(files, plane.rows, plane.columns, strict=True)]
        result = score.score_events(told, 0.5)
        kinds = ", ".join(f"{kind} {own['recall']:.2f}" for kind, own in result["by_type"].items())
        note = f"{result['events']} events: {kinds}"
        rows.append({"name": f"{what}: baseline, mean recall of the kinds", "value": result["macro_recall"],
                     "unit": "", "note": note})
        rows.append({"name": f"{what}: baseline, false alarms", "value": result["fa_per_10k_rows"],
                     "unit": "per 10,000 rows", "note": note})
    return rows
