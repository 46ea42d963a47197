"""Whose rows prove a panel: those of a gateway that lived a story, or rows of the contract that a test wrote."""

from __future__ import annotations

import re
from pathlib import Path

from grafana.boards.catalogue import BOARDS

PANELS = [(board.name, panel.key) for board in BOARDS for panel in board.panels]
WORKS = [(board, key) for board, keys in {
    "site": "risk wait open online people load who alarms gas valves proofs switches video",
    "gas": "raised faults combustible toxic co oxygen methane highest alarms",
    "valves": "failed strokes slowest overdue proofs log positions switches alarms",
    "work": "violations crowds most people frames alarms",
    "load": "violations states power current residual voltage alarms",
    "sensors": "silent stuck wrapped drift noise due faults log overdue good worst quality",
    "alarms": "count peak flood answer withheld now days priorities slow actors log",
    "signal": "what curve samples quality alarms faults",
}.items() for key in keys.split()]
_ASKED = re.compile(r'see\("(\w+)", "(\w+)"')
DEPOT = {(board, key) for board, key in _ASKED.findall(
    Path(__file__).with_name("test_shift.py").read_text(encoding="utf-8"))}  # those that the test asks for
CONTRACT = {  # why no gateway's rows prove it here
    ("overview", "history"): "a month of days; no gateway lives so long in a test",
    ("site", "availability"): "hours of outages; what a minute says is proved in tests/historian/test_summary.py",
    ("work", "video"): "as availability of the three systems",
    ("work", "load"): "as availability of the three systems",
    ("load", "energy"): "days of a meter",
    ("fleet", "ahead"): "a clock that is ahead of the database's",
    ("fleet", "centre"): "written by deploy/central-disk.sh, by no gateway",
}
PARTLY = {  # the gateway's rows prove that it shows none; why one can not be had of it
    ("fleet", "clock"): "a clock that nobody set", ("fleet", "faults"): "a gateway that fails",
    ("fleet", "hung"): "a gateway that hangs", ("fleet", "full"): "a disk that is full",
}


def rows(panel: tuple[str, str]) -> str:
    """For the page of panels."""
    if panel in CONTRACT:
        return f"contract: {CONTRACT[panel]}"
    sites = [site for site, panels in (("depot", DEPOT), ("works", WORKS)) if panel in panels]
    return f"gateway: {', '.join(sites)}" + (f"; contract: {PARTLY[panel]}" if panel in PARTLY else "")
