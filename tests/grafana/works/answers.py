"""What every panel must show of the second site a minute after its full hour.

Curves follow from what the plant gave, alarms from the gateway's own journal, of which `test_the_day` says when each
row had to come; counts and standing alarms from the script in day.py. Minutes are before the look.
"""

from __future__ import annotations

import numpy as np

from alerting.lifecycle import State
from gateway.model.quality import Quality
from tests.grafana.field import Field
from tests.grafana.works.day import BEGINS

LOOK, FULL_HOUR = 720, 660  # s after the beginning
HOLDS = {"RC-01/H": "shelve of RC-01/H by Zhao: cable is dried",
         "P-201.I/L": "suppression mill-stands: the mill stands"}
LIMITS = {"combustible": (20, 40), "toxic": (100, 200), "co": (24, 160), "methane": (1, 1.5)}
FINDINGS = ("stuck", "wrapped", "drift", "spike", "dropout", "inhibit")
ALL = range(1, 13)


def ago(second: float) -> int:
    return int((LOOK - second) // 60)


class Story:
    """The journal's rows of real alarms: (second, alarm, event, state after it, value)."""

    def __init__(self, today: Field, rows):
        self.today, self.alarms = today, today.site.alarms
        self.steps = [(row.wall_ns / 1e9 - BEGINS, row.alarm, row.body["event"], State(row.body["new"]),
                       row.body["value"]) for row in rows
                      if row.kind == "transition" and not self.alarms.get(row.alarm).exercise]

    def raised(self, *conditions: str, since: float = -1e9):
        return [step for step in self.steps if step[2] == "raise" and step[0] >= since
                and (not conditions or self.alarms.get(step[1]).condition in conditions)]

    def now(self, wanted=lambda alarm: True):
        last = {step[1]: step for step in self.steps}
        return sorted(
            (alarm.priority.name, str(alarm.risk), alarm.name.en, ago(second), state.active, not state.waits,
             alarm.subject, value, alarm.unit or None, alarm.area)
            for second, id, _, state, value in last.values()
            if (state.active or state.waits) and wanted(alarm := self.alarms.get(id)))

    def history(self, *conditions: str, since: float = -1e9, subject: str = ""):
        return [(ago(second), alarm.priority.name, alarm.name.en, alarm.subject, value, alarm.unit or None, alarm.area)
                for second, id, _, _, value in self.raised(*conditions, since=since)
                if (alarm := self.alarms.get(id)).subject.startswith(subject)]

    def findings(self):
        """Every verdict: (second, alarm, active, value)."""
        return [(second, self.alarms.get(id), event == "raise", value) for second, id, event, _, value in self.steps
                if self.alarms.get(id).condition in FINDINGS and event in ("raise", "clear", "clear_latching")]


def expected(yesterday: Field, today: Field, rows) -> dict[str, dict[str, object]]:
    story = Story(today, rows)
    minutes, signals = today.minutes, today.site.signals
    gas = ("GD-21", "GD-22", "TX-01", "CO-01", "O2-01", "CH4-01")

    def curve(function, *names: str, **limits: float):
        return {name: minutes(function, name) for name in names} | {
            name: dict.fromkeys(range(13), value) for name, value in limits.items()}

    def limited(function, name: str, *names: str):
        return curve(function, *names, H=LIMITS[name][0], HH=LIMITS[name][1])

    def highest(name: str, unit: str, h: float | None, hh: float | None):
        said = np.array(today.said[name][:LOOK - 1])  # the last second is of a minute that is not over
        return (name, called(name), said.max(), said.min(), unit, h, hh, 100)

    def called(name: str) -> str:
        return signals[signals.index(name)].name.en

    lately = LOOK - 6 * 3600
    frames = curve(np.nanmin, "CAM-1.fps")
    faults = [(ago(second), alarm.origin, str(alarm.condition), alarm.name.en, value, alarm.area)
              for second, alarm, active, value in story.findings() if alarm.id == "RC-01/spike"]
    log = [(ago(second), alarm.origin, str(alarm.condition), active, alarm.name.en)
           for second, alarm, active, _ in story.findings()]
    due = story.history("overdue")
    lost, read = int(np.isnan(today.said["RC-01"]).sum()), LOOK - 1 + yesterday.second
    told = [story.alarms.get(step[1]) for step in story.raised() if step[1] not in HOLDS and step[0] < FULL_HOUR]
    here = [alarm for alarm in told if alarm.priority < 4]  # P4 calls nobody
    at_the_look = {step[1]: step[3] for step in story.steps if step[0] <= FULL_HOUR - 60}.values()
    flood_from = [step[0] for step in story.raised(since=0) if story.alarms.get(step[1]) in here][10]

    def gas_alarms(alarm) -> bool:
        return alarm.condition in ("H", "L") and alarm.subject in gas

    return {
        "site": {
            "risk": [3], "wait": [sum(not row[5] for row in story.now())], "open": [0, 2, 1, 2], "online": [100],
            "people": [2], "load": [0], "who": [("South works", "Li 67890", 0, None)], "alarms": story.now(),
            "gas": limited(np.nanmax, "combustible", "GD-21", "GD-22"), "valves": {}, "proofs": [], "switches": {},
            "video": frames},
        "gas": {
            "raised": [len([step for step in story.raised("H", "L", since=lately)
                            if gas_alarms(story.alarms.get(step[1]))])],
            "faults": faults,
            "combustible": limited(np.nanmax, "combustible", "GD-21", "GD-22"),
            "toxic": limited(np.nanmax, "toxic", "TX-01"), "co": limited(np.nanmax, "co", "CO-01"),
            "oxygen": curve(np.nanmin, "O2-01", L=19.5), "methane": limited(np.nanmax, "methane", "CH4-01"),
            "highest": [highest(*row) for row in (
                ("TX-01", "%OEL", 100, 200), ("GD-22", "%LEL", 20, 40), ("O2-01", "%VOL", 23.5, None),
                ("GD-21", "%LEL", 20, 40), ("CO-01", "ppm", 24, 160), ("CH4-01", "%CH4", 1, 1.5))],
            "alarms": story.now(gas_alarms)},
        "valves": {
            "failed": [], "strokes": [], "slowest": [], "overdue": [2], "proofs": [], "log": [], "positions": {},
            "switches": {}, "alarms": story.history("overdue", "response")},
        "work": {
            "violations": [], "crowds": [1], "most": [6], "people": curve(np.nanmax, "HALL.persons"), "frames": frames,
            "alarms": story.history("headcount", "full")},
        "load": {
            "violations": [], "states": {"P-201.state": dict.fromkeys(ALL, 2) | {1: 0, 2: 0}},
            "power": curve(np.nanmean, "P-201.P"), "current": curve(np.nanmax, "P-201.I", H=60),
            "residual": curve(np.nanmax, "RC-01"), "voltage": curve(np.nanmean, "P-201.U"), "alarms": []},
        "sensors": {
            "silent": [], "stuck": [1], "wrapped": [1], "drift": [2], "noise": [2], "due": [2], "faults": faults,
            "log": log, "overdue": due,
            "good": [100 * (1 - lost / (read * len(signals)))],
            "worst": [(signal.id, signal.name.en, bad, 100 * (1 - bad / read)) for signal in signals
                      for bad in [lost if signal.id == "RC-01" else 0]],
            "quality": {signal.id: dict.fromkeys((*ALL, 1560, 1561, 1562), 0) for signal in signals}
            | {"RC-01": dict.fromkeys((*ALL, 1560, 1561, 1562), 0) | dict.fromkeys((5, 6), Quality.BAD_COMM_LOST)}},
        "alarms": {
            "count": [len(here)], "peak": [len(here) - 1], "flood": [(FULL_HOUR - flood_from) / 60],
            "answer": [60 + 93_000 - 1], "withheld": [3], "slow": {"9 of 10 within": {61: 60 + 93_000 - 1}},
            "now": [sum(state.active for state in at_the_look), sum(state.waits for state in at_the_look), 1, 0,
                    0, 1, 1, 1],  # stale, chattering; bypassed, shelved, out of service, suppressed
            "days": {"alarms": {1201: len(here) - 1, 2641: 1},
                     "hours of data": {1201: 11 / 60, 2641: 3 / 60}},  # begun minutes of hours that are over
            "priorities": [sum(alarm.priority == number for alarm in told) for number in range(1, 5)],
            "actors": [(name, sum(step[1] == name for step in story.raised()))
                       for name in {step[1] for step in story.raised()}],
            "log": [(ago(second), alarm.priority.name, alarm.name.en, alarm.subject, HOLDS.get(id))
                    for second, id, *_ in story.raised() if (alarm := story.alarms.get(id))]},
        "signal": {
            "what": [("GD-21", "Head at the kiln", "Hall", "combustible_gas", "%LEL", 0, 100, None, None, 20, 40)],
            "curve": {name: minutes(function, "GD-21") for name, function in (
                ("mean", np.nanmean), ("lowest", np.nanmin), ("highest", np.nanmax))}
            | {"H": dict.fromkeys(range(13), 20), "HH": dict.fromkeys(range(13), 40)},
            "samples": {"value": minutes(np.nanmean, "GD-21") | {0: today.said["GD-21"][-1]}},
            "quality": {"quality": dict.fromkeys(ALL, 0)}, "alarms": story.history(subject="GD-21"), "faults": []},
    }
