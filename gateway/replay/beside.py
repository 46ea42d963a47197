"""`python -m gateway.replay.beside`: answers one question of a running gateway (gateway.explaining).

stdin: pickle of (site, id of the alarm, data folder, instant or None for now, how far to look back; ns).
stdout: JSON, {"explanation": ...} as `davylamp explain --json` prints it, or {"refused": {what, where, fix}}.
"""

from __future__ import annotations

import json
import pickle
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.data_folder import TELEMETRY
from gateway.model.errors import DavylampError
from gateway.model.site import Site
from gateway.replay.explain import explain
from gateway.replay.explain_words import explain_json
from gateway.store import EVER, Recording


def answer(site: Site, alarm: str, folder: str, at_wall_ns: int | None, look_back_ns: int) -> dict[str, Any]:
    definition = site.alarms.get(alarm)
    assert definition is not None, "the asking side sees to that"
    telemetry = Path(folder) / TELEMETRY
    try:
        end = Recording(telemetry).wall_high if at_wall_ns is None else at_wall_ns
        found = explain(site, definition, Recording(telemetry, end - look_back_ns, EVER[1]), at_wall_ns)
    except DavylampError as error:
        return {"refused": {"what": asdict(error.what), "where": error.where, "fix": asdict(error.fix)}}
    return {"explanation": explain_json(found)}


if __name__ == "__main__":
    print(json.dumps(answer(*pickle.load(sys.stdin.buffer)), ensure_ascii=False))
