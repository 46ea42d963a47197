"""What every panel must show of the story (tests/grafana/story.py), worked out by hand from what it says.

Curves: {series: {minutes before the end: value}}, in intervals of ten minutes (of one minute for the fleet). Tables:
rows with the columns in the order shown. Numbers: one for each query that has an answer.
"""

from __future__ import annotations

import pytest

from tests.grafana.story import DEPOT, MUTE, ODD

TENS = range(10, 121, 10)


def line(usual: float, once: dict[int, float] | None = None) -> dict[int, float]:
    """The same value in each of the two hours' intervals, but for some. An interval is named by its beginning."""
    return dict.fromkeys(TENS, usual) | (once or {})


def limit(value: float) -> dict[int, float]:
    """A set point goes on to the end."""
    return dict.fromkeys((0, *TENS), value)


ALARM_HH = ("P1", "red", "GD-01/HH alarm", 10, True, False, "GD-01", 42, "%LEL", "tank_farm")
ALARM_LEFT = ("P2", "orange", "GD-02/H alarm", 95, False, False, "GD-02", 26, "%LEL", "tank_farm")
ALARM_H = ("P2", "orange", "GD-01/H alarm", 11, True, True, "GD-01", 21, "%LEL", "tank_farm")
ALARM_DUE = ("P3", "blue", "esd-north/overdue alarm", 109, True, True, "esd-north", None, None, "tank_farm")
STUCK = (70, "GD-02", "stuck", "GD-02 stuck", 1.5, "tank_farm")
DRIFT = (20, "CO-01", "drift", "CO-01 drift", 1.5, "tank_farm")
NO_VIDEO = [(minute, "P2", "no-video alarm", "no-video", None, None, "tank_farm") for minute in (31, 35)]
DUE = (110, "P3", "esd-north/overdue alarm", "esd-north", None, None, "tank_farm")
PROOFS = [(20 * 1440, "esd-south", "late", False, 12.5, True), (90, "esd-north", "failed", False, None, False)]
GAS = {"GD-01": line(5, {20: 30}), "GD-02": line(2)}
VIDEO = line(2, {30: 1, 40: 1})
FRAMES = {"CAM-1.fps": line(24, {40: 0})}
RUNNING = line(2) | dict.fromkeys(range(70, 121, 10), 0)
VALVE = {"XV-101.pos": line(100, {40: 0})}
SWITCH = {"XV-101.closed": line(0, {40: 1})}
SILENCE = 1_000_000_000
PAGE = "https://10.1.2.3:8443"

QUALITIES = {
    name: line(0)
    for name in (
        "GD-02",
        "TX-01",
        "CO-01",
        "O2-01",
        "CH4-01",
        "XV-101.pos",
        "XV-101.closed",
        "CAM-1.fps",
        "PUMP.persons",
        "P-101.state",
        "P-101.P",
        "P-101.I",
        "RC-01",
        "P-101.U",
        "P-101.E",
    )
} | {"GD-01": line(0, {20: 129})}


def each(depot: float, odd: float, since: int = 10) -> dict[str, dict[int, float]]:
    """The same value in each of the last minutes, of both gateways."""
    return {site: dict.fromkeys(range(1, since + 1), value) for site, value in ((DEPOT, depot), (ODD, odd))}


EXPECTED: dict[str, dict[str, object]] = {
    "overview": {
        "open": [1, 2, 1, 1],  # the silent site's orange is not known any more
        "urgent": [1],
        "online": [100 * (8 + 9) / (8 + 10 + 2)],  # two devices of the silent site count as offline
        "silent": [1],
        "sites": [3],
        "map": {(DEPOT, 30.5, 114.25, 4), (ODD, 31, 115, 2), (MUTE, None, None, 3)},
        "need": [
            (SILENCE, MUTE, "Mute works", "Zhao", None, None, None, None, None, None, None, None, None),
            (1_020_200, DEPOT, "North depot", "Wang 010-5555-0101", 4, 1, 2, 2, 100, 2, 2, 2, PAGE),
            (101, ODD, "North works", "Li", 2, 0, 0, 1, 90, 2, 1, None, None),
        ],
        "contact": [
            (180, MUTE, "Mute works", "Zhao"),
            (1, ODD, "North works", "Li"),
            (1, DEPOT, "North depot", "Wang 010-5555-0101"),
        ],
        "days": {  # days begin at midnight in Shanghai
            "alarms": {20 * 60: 1 + 3 + 2 + 10, 44 * 60: 4},
            "sites with data": {20 * 60: 210 / 1440, 44 * 60: 60 / 1440},
        },
        "history": {"online": {20 * 60: 100 * (1 + 0.875 + 0.9375 + 0.5) / 4, 44 * 60: 100}},
        "loudest": [(ODD, 14), (DEPOT, 6)],
    },
    "site": {
        "risk": [4],
        "systems": [2, 2, 2],
        "open": [1, 2, 0, 1],
        "wait": [2],
        "online": [100],
        "people": [5],
        "load": [2],
        "who": [("North depot", "Wang 010-5555-0101", 1, PAGE)],
        "alarms": [ALARM_HH, ALARM_LEFT, ALARM_H, ALARM_DUE],
        "availability": {"video": VIDEO, "gas": line(2), "shutoff": line(2, {60: 0})},
        "gas": GAS | {"H": limit(20), "HH": limit(40)},
        "valves": VALVE,
        "proofs": PROOFS,
        "switches": SWITCH,
        "video": FRAMES,
        "work": {"people": line(3, {10: 5, 20: 5}), "load": RUNNING},
    },
    "gas": {
        "raised": [3],
        "faults": [STUCK, DRIFT],
        "combustible": GAS | {"H": limit(20), "HH": limit(40)},
        "toxic": {"TX-01": line(10), "H": limit(100), "HH": limit(200)},
        "co": {"CO-01": line(4), "H": limit(24), "HH": limit(160)},
        "oxygen": {"O2-01": line(20.75, {30: 18}), "L": limit(19.5)},
        "methane": {"CH4-01": line(0.5), "H": limit(1), "HH": limit(1.5)},
        "highest": [
            ("GD-01", "Name of GD-01", 30, 1, "%LEL", 20, 40, 100 * 7194 / 7200),
            ("O2-01", "Name of O2-01", 21, 18, "%VOL", 23.5, None, 100),
            ("TX-01", "Name of TX-01", 10, 8, "%OEL", 100, 200, 100),
            ("CO-01", "Name of CO-01", 4, 2, "ppm", 24, 160, 100),
            ("GD-02", "Name of GD-02", 2, 0, "%LEL", 25, 50, 100),
            ("CH4-01", "Name of CH4-01", 0.5, 0.125, "%CH4", 1, 1.5, 100),
        ],
        "alarms": [ALARM_HH, ALARM_LEFT, ALARM_H],
    },
    "valves": {
        "failed": [1],
        "strokes": [3],
        "slowest": [12.5],
        "overdue": [1],
        "proofs": PROOFS,
        "log": [
            (90, "esd-north", "failed", False, None, False),
            (14_400, "esd-north", "verified", True, 7.25, True),
            (28_800, "esd-south", "late", False, 12.5, True),
        ],
        "positions": VALVE,
        "switches": SWITCH,
        "alarms": [(90, "P1", "esd-north alarm", "esd-north", None, None, "tank_farm"), DUE],
    },
    "work": {
        "violations": [2],
        "interlocks": [],
        "crowds": [1],
        "most": [5],
        "video": {"video": VIDEO},
        "load": {"load": RUNNING},
        "people": {"PUMP.persons": line(3, {20: 6})},
        "frames": FRAMES,
        "alarms": [(19, "P3", "PUMP.persons/full alarm", "PUMP.persons", 6, None, "tank_farm"), *NO_VIDEO],
    },
    "load": {
        "violations": [],  # work without video is none
        "states": {"P-101.state": line(1, {100: 2})},
        "power": {"P-101.P": line(15.5)},
        "current": {"P-101.I": line(29), "H": limit(60)},
        "residual": {"RC-01": line(12)},
        "voltage": {"P-101.U": line(380)},
        "energy": {"P-101.E": {20 * 60: 120 * 0.25}},
        "alarms": [],
    },
    "sensors": {
        "silent": [1],
        "stuck": [1],
        "wrapped": [1],
        "drift": [1],
        "noise": [2],
        "due": [1],
        "faults": [STUCK, DRIFT],
        "good": [100 * (16 * 7200 - 6) / (16 * 7200)],
        "worst": [
            ("GD-01", "Name of GD-01", 6, 100 * 7194 / 7200),
            *(
                (name, None if name == "P-101.E" else f"Name of {name}", 0, 100)
                for name in sorted(QUALITIES)
                if name != "GD-01"
            ),
        ],
        "quality": QUALITIES,
        "log": [
            (20, "CO-01", "drift", True, "CO-01 drift"),
            (45, "GD-01", "wrapped", False, "GD-01 wrapped"),
            (50, "GD-01", "wrapped", True, "GD-01 wrapped"),
            (52, "RC-01", "dropout", False, "RC-01 dropout"),
            (53, "RC-01", "dropout", True, "RC-01 dropout"),
            (54, "RC-01", "spike", False, "RC-01 spike"),
            (55, "RC-01", "spike", True, "RC-01 spike"),
            (60, "XV-101.pos", "deadman", False, "XV-101.pos deadman"),
            (65, "XV-101.pos", "deadman", True, "XV-101.pos deadman"),
            (70, "GD-02", "stuck", True, "GD-02 stuck"),
        ],
        "overdue": [DUE],
    },
    "alarms": {
        "count": [6],
        "average": [(1 + 3 + 2) / 6 / 3],
        "peak": [3],
        "flood": [1.5],
        "answer": [45],
        "withheld": [3],
        "now": [4, 2, 0, 1, 1, 3, 0, 5],
        "hours": {"alarms": {60: 2, 120: 3, 180: 1}},
        "days": {"alarms": {20 * 60: 6}, "hours of data": {20 * 60: 2.5}},
        "actors": [
            ("no-video", 2),
            *(
                (name, 1)
                for name in ("GD-01/H", "GD-01/HH", "GD-02/H", "PUMP.persons/full", "esd-north", "esd-north/overdue")
            ),
        ],
        "priorities": [1, 3, 0, 0],
        "slow": {"9 of 10 within": {120: 120, 180: 60}},
        "log": [
            (minute, priority, f"{name} alarm", subject, withheld)
            for minute, priority, name, subject, withheld in (
                (10, "P1", "GD-01/HH", "GD-01", None),
                (12, "P2", "GD-01/H", "GD-01", None),
                (19, "P3", "PUMP.persons/full", "PUMP.persons", "shelved"),
                (31, "P2", "no-video", "no-video", None),
                (35, "P2", "no-video", "no-video", None),
                (90, "P1", "esd-north", "esd-north", None),
                (100, "P2", "GD-02/H", "GD-02", None),
                (110, "P3", "esd-north/overdue", "esd-north", None),
            )
        ],
    },
    "fleet": {
        "clock": [1],
        "ahead": [],
        "faults": [1],
        "hung": [],
        "full": [1],
        "reporting": [2],
        "centre": [pytest.approx(40)],
        "list": [
            (1, ODD, "0.9", "abc123", 540, True, 2, 20_000, 2, 0, 5e8, 9e7, 0),
            (1, DEPOT, "0.9", "abc123", 540, False, 0, 0, 0, 0, 2e10, 9e7, 0),
        ],
        "lag": each(0, 20_000),
        "waiting": each(3, 3),
        "disk": each(2e10, 5e8),
        "memory": each(9e7, 9e7),
        "cpu": each(10, 10, 9),
        "wear": each(1000, 1000, 9),
    },
    "signal": {
        "what": [("GD-01", "Name of GD-01", "tank_farm", "combustible_gas", "%LEL", 0, 100, None, None, 20, 40)],
        "curve": {"mean": line(3), "lowest": line(1), "highest": line(5, {20: 30}), "H": limit(20), "HH": limit(40)},
        "samples": {"value": {10: 3.5}},
        "quality": {"quality": line(0, {20: 129})},
        "alarms": [
            (10, "P1", "GD-01/HH alarm", "GD-01", 42, "%LEL", "tank_farm"),
            (12, "P2", "GD-01/H alarm", "GD-01", 21, "%LEL", "tank_farm"),
        ],
        "faults": [],
    },
}
