"""A scripted day of a small region, as rows of the data contract: three sites, one of them silent for three hours, one
with a name that no database likes. Times are minutes before the end."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping

from gateway.sinks.config import InfluxSettings
from gateway.sinks.schema import CONTRACT, LONG, RAW, RETENTIONS, Type
from gateway.sinks.setup import steps

DAY = 86_400
END = (int(time.time()) - 12 * 3600) // DAY * DAY + 12 * 3600  # the last 20:00 in Shanghai: two days lie in 24 hours
DEPOT, ODD, MUTE = "depot", "north, 北=🔥 1", "mute"
LONGEST = 120  # minutes that the depot has reported

_SUFFIX = {Type.INTEGER: "i", Type.FLOAT: "", Type.BOOLEAN: "", Type.STRING: ""}


def row(measurement: str, minute: float, tags: Mapping[str, str], fields: Mapping[str, object]) -> str:
    """One line, of the contract's types; a field or tag that it does not have is a KeyError."""
    contract = CONTRACT[measurement]
    known = {tag.name for tag in contract.tags}
    if unknown := set(tags) - known:
        raise KeyError(f"{measurement} has no tag {unknown}")
    told = ",".join(f"{name}={_escaped(value)}" for name, value in sorted(tags.items()))
    said = ",".join(f"{name}={_value(contract.fields[name].type, value)}" for name, value in fields.items())
    return f"{measurement},{told} {said} {int(END - minute * 60)}"


def _escaped(tag: str) -> str:
    return tag.replace("\\", "\\\\").replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ")


def _value(kind: Type, value: object) -> str:
    if kind is Type.STRING:
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    if kind is Type.BOOLEAN:
        return "true" if value else "false"
    return f"{int(value) if kind is Type.INTEGER else float(value)}{_SUFFIX[kind]}"


def minutes() -> range:
    return range(LONGEST, 0, -1)


def sites() -> Iterator[str]:
    for minute in minutes():
        trouble = minute <= 10
        online = 7 if minute > 50 else 8
        yield row(
            "site",
            minute,
            {"site": DEPOT},
            {
                "risk": 4 * trouble,
                "red": trouble,
                "orange": 2 * trouble,
                "yellow": 0,
                "blue": 1,
                "unacknowledged": 2 * trouble,
                "signals": 40,
                "signals_online": 39,
                "devices": 8,
                "devices_online": online,
                "online_ratio": online / 8,
                "video": 1 if 30 <= minute <= 40 else 2,
                "gas": 2,
                "shutoff": 0 if minute == 60 else 2,
                "load": 2 if minute <= 60 else 0,
                "people": 5 if minute <= 20 else 3,
                "name_en": "North depot",
                "name_zh": "北站油库",
                "latitude": 30.5,
                "longitude": 114.25,
                "contact": "Wang 010-5555-0101",
                "page": "https://10.1.2.3:8443",
            },
        )
    for minute in (3, 2, 1):
        yield row(
            "site",
            minute,
            {"site": ODD},
            {
                "risk": 2,
                "red": 0,
                "orange": 0,
                "yellow": 1,
                "blue": 0,
                "unacknowledged": 1,
                "signals": 10,
                "signals_online": 10,
                "devices": 10,
                "devices_online": 9,
                "online_ratio": 0.9,
                "video": 2,
                "gas": 1,
                "name_en": "North works",
                "name_zh": "北厂",
                "latitude": 31.0,
                "longitude": 115.0,
                "contact": "Li",
            },
        )
    for minute in (181, 180):  # then silence
        yield row(
            "site",
            minute,
            {"site": MUTE},
            {
                "risk": 3,
                "red": 0,
                "orange": 1,
                "yellow": 0,
                "blue": 0,
                "unacknowledged": 0,
                "signals": 4,
                "signals_online": 4,
                "devices": 2,
                "devices_online": 2,
                "online_ratio": 1,
                "name_en": "Mute works",
                "name_zh": "静默站",
                "contact": "Zhao",
            },
        )


SIGNALS = {  # kind, area, and what its minutes hold: usual, and in one minute
    "GD-01": (
        "combustible_gas",
        "tank_farm",
        {"mean": 3, "min": 1, "max": 5, "last": 2},
        (15, {"max": 30, "count": 54, "bad": 6, "quality": 129}),
    ),
    "GD-02": ("combustible_gas", "pump_house", {"mean": 1, "min": 0, "max": 2, "last": 1}, None),
    "TX-01": ("toxic_gas", "pump_house", {"mean": 9, "min": 8, "max": 10, "last": 9}, None),
    "CO-01": ("co_ppm", "pump_house", {"mean": 3, "min": 2, "max": 4, "last": 3}, None),
    "O2-01": ("oxygen", "pump_house", {"mean": 20.9, "min": 20.75, "max": 21, "last": 20.9}, (25, {"min": 18})),
    "CH4-01": ("methane", "shaft", {"mean": 0.25, "min": 0.125, "max": 0.5, "last": 0.25}, None),
    "XV-101.pos": ("valve_position", "tank_farm", {"mean": 100, "min": 100, "max": 100, "last": 100}, (40, {"min": 0})),
    "XV-101.closed": ("switch", "tank_farm", {"mean": 0, "min": 0, "max": 0, "last": 0}, (40, {"max": 1})),
    "CAM-1.fps": ("video_fps", "pump_house", {"mean": 25, "min": 24, "max": 26, "last": 25}, (35, {"min": 0})),
    "PUMP.persons": ("head_count", "pump_house", {"mean": 2, "min": 1, "max": 3, "last": 2}, (19, {"max": 6})),
    "P-101.state": ("load_state", "pump_house", {"mean": 1, "min": 1, "max": 1, "last": 1}, (99, {"max": 2})),
    "P-101.P": ("power", "pump_house", {"mean": 15.5, "min": 15, "max": 16, "last": 15}, None),
    "P-101.I": ("current", "pump_house", {"mean": 28, "min": 27, "max": 29, "last": 28}, None),
    "RC-01": ("residual_current", "pump_house", {"mean": 5, "min": 4, "max": 12, "last": 5}, None),
    "P-101.U": ("voltage", "pump_house", {"mean": 380, "min": 379, "max": 381, "last": 380}, None),
}
SET_POINTS = {
    "GD-01": ("%LEL", {"h": 20, "hh": 40}),
    "GD-02": ("%LEL", {"h": 25, "hh": 50}),
    "TX-01": ("%OEL", {"h": 100, "hh": 200}),
    "CO-01": ("ppm", {"h": 24, "hh": 160}),
    "O2-01": ("%VOL", {"h": 23.5, "l": 19.5}),
    "CH4-01": ("%CH4", {"h": 1, "hh": 1.5}),
    "P-101.I": ("A", {"h": 60}),
}


def signals() -> Iterator[str]:
    for name, (kind, area, usual, once) in SIGNALS.items():
        tags = {"site": DEPOT, "signal": name, "kind": kind, "area": area}
        for minute in minutes():
            yield row(
                "telemetry_1m",
                minute,
                tags,
                {**usual, "count": 60, "bad": 0, "quality": 0, **(once[1] if once and once[0] == minute else {})},
            )
        unit, limits = SET_POINTS.get(name, ("", {}))
        for minute in (120, 60):
            yield row(
                "signal",
                minute,
                tags,
                {
                    "name_en": f"Name of {name}",
                    "name_zh": f"{name} 名称",
                    "area_name_en": area,
                    "area_name_zh": area,
                    "unit": unit,
                    "low": 0,
                    "high": 100,
                    **limits,
                    "decimals": 1,
                },
            )
    meter = {"site": DEPOT, "signal": "P-101.E", "kind": "energy", "area": "pump_house"}
    for minute in minutes():
        yield row(
            "telemetry_1m",
            minute,
            meter,
            {"min": (read := 1000 + (LONGEST - minute) * 0.25), "max": read + 0.25, "last": read + 0.25, "count": 60,
             "bad": 0, "quality": 0},
        )
    detector = {"site": DEPOT, "signal": "GD-01", "kind": "combustible_gas", "area": "tank_farm"}
    for second in range(0, 300, 10):
        yield row("telemetry", 5 - second / 60, detector, {"value": 1 + second % 60 / 10, "quality": 0})
    for minute in (3, 2, 1):  # a signal of the other site must never be seen on the depot's dashboards
        yield row(
            "telemetry_1m",
            minute,
            {"site": ODD, "signal": "罐 1, a=b", "kind": "combustible_gas", "area": "北"},
            {"mean": 60, "min": 60, "max": 70, "last": 60, "count": 60, "bad": 0, "quality": 0},
        )


def alarm(
    name: str,
    condition: str,
    colour: str,
    priority: str,
    subject: str,
    *steps: tuple[float, str, str],
    value=None,
    unit="",
    exercise=False,
    withheld="",
    breach="",
) -> Iterator[str]:
    """steps: minute, event, state after it."""
    for minute, event, state in steps:
        yield row(
            "alarm",
            minute,
            {
                "site": DEPOT,
                "alarm": name,
                "area": "tank_farm",
                "colour": colour,
                "condition": condition,
                "event": event,
                "priority": priority,
            },
            {
                "state": state,
                "active": state in ("unacknowledged", "acknowledged", "latched"),
                "acknowledged": state in ("acknowledged", "normal"),
                "exercise": exercise,
                "subject": subject,
                "text_en": f"{name} alarm",
                "text_zh": f"{name} 告警",
                "occurrence": f"{name}#1",
                **({"unit": unit} if unit else {}),
                **({"value": value} if value is not None else {}),
                **({"withheld": withheld} if withheld else {}),
                **({"breach": breach} if breach else {}),
            },
        )


UP, BACK, DONE, HELD = "unacknowledged", "returned", "normal", "acknowledged"


def alarms() -> Iterator[str]:
    yield from alarm("GD-01/HH", "HH", "red", "P1", "GD-01", (10, "raise", UP), value=42, unit="%LEL")
    yield from alarm(
        "GD-01/H", "H", "orange", "P2", "GD-01", (12, "raise", UP), (11, "acknowledge", HELD), value=21, unit="%LEL"
    )
    yield from alarm(
        "GD-02/H", "H", "orange", "P2", "GD-02", (100, "raise", UP), (95, "clear", BACK), value=26, unit="%LEL"
    )
    yield from alarm(
        "esd-north",
        "shutdown",
        "red",
        "P1",
        "esd-north",
        (90, "raise", UP),
        (89, "acknowledge", HELD),
        (88, "clear", DONE),
    )
    yield from alarm(
        "no-video",
        "interlock",
        "orange",
        "P2",
        "no-video",
        (35, "raise", UP),
        (33, "clear", BACK),
        (32, "acknowledge", DONE),
        breach="video",
    )
    yield from alarm(
        "no-video",
        "interlock",
        "orange",
        "P2",
        "no-video",
        (31, "raise", UP),
        (30, "acknowledge", HELD),
        (29, "clear", DONE),
        breach="video",
    )
    yield from alarm(
        "PUMP.persons/full",
        "headcount",
        "yellow",
        "P3",
        "PUMP.persons",
        (19, "raise", UP),
        (18, "clear", BACK),
        (17, "acknowledge", DONE),
        value=6,
        withheld="shelved",
    )
    yield from alarm(
        "esd-north/overdue", "overdue", "blue", "P3", "esd-north", (110, "raise", UP), (109, "acknowledge", HELD)
    )
    yield from alarm("drill/GD-01/HH", "HH", "red", "P1", "GD-01", (5, "raise", UP), exercise=True)


def findings() -> Iterator[str]:
    for signal, condition, minute, active in (
        ("GD-02", "stuck", 70, True),
        ("XV-101.pos", "deadman", 65, True),
        ("XV-101.pos", "deadman", 60, False),
        ("GD-01", "wrapped", 50, True),
        ("GD-01", "wrapped", 45, False),
        ("CO-01", "drift", 20, True),
        ("RC-01", "spike", 55, True),
        ("RC-01", "spike", 54, False),
        ("RC-01", "dropout", 53, True),
        ("RC-01", "dropout", 52, False),
    ):
        yield row(
            "verdict",
            minute,
            {"site": DEPOT, "signal": signal, "condition": condition, "area": "tank_farm"},
            {"active": active, "value": 1.5, "text_en": f"{signal} {condition}", "text_zh": f"{signal} 判断"},
        )


def acts() -> Iterator[str]:
    day = 1440
    for minute, outcome, passed, test, took in (
        (90, "failed", False, False, None),
        (10 * day, "verified", True, True, 7.25),
        (45 * day, "verified", True, True, 6.5),
    ):
        yield row(
            "stroke",
            minute,
            {"site": DEPOT, "rule": "esd-north", "condition": "shutdown"},
            {"outcome": outcome, "passed": passed, "test": test, **({"seconds": took} if took else {})},
        )
    yield row(
        "stroke",
        20 * day,
        {"site": DEPOT, "rule": "esd-south", "condition": "shutdown"},
        {"outcome": "late", "passed": False, "test": True, "seconds": 12.5},
    )
    yield row(
        "audit",
        80,
        {"site": DEPOT, "kind": "bypass"},
        {"text_en": "GD-02 bypassed", "text_zh": "GD-02 旁路", "subject": "GD-02", "person": "li", "position": 7},
    )


def hours() -> Iterator[str]:
    for minute, alarms_, median, standing, online in (
        (180, 1, 30, 1, 1),
        (120, 3, 60, 2, 0.875),
        (60, 2, None, 4, 0.9375),
    ):
        yield row(
            "kpi",
            minute,
            {"site": DEPOT},
            {
                "minutes": 30 if minute == 180 else 60,
                "alarms": alarms_,
                "p1": alarms_ > 2,
                "p2": 1,
                "p3": 0,
                "p4": 0,
                "average": alarms_ / 6,
                "peak_10min": alarms_,
                "floods": 0,
                "flood_minutes": 1.5 * (alarms_ > 2),
                "chattered": 0,
                "withheld": 1,
                "answered": 1,
                **({"answer_median_s": median, "answer_p90_s": 2 * median} if median else {}),
                "standing": standing,
                "unacknowledged": 2,
                "stale": 0,
                "chattering": 1,
                "bypassed": 1,
                "shelved": 3,
                "out_of_service": 0,
                "suppressed": 5,
                "online_ratio": online,
            },
        )
    for minute, alarms_, average, peak, online in ((180, 10, 1.5, 9, 0.5), (1440 + 180, 4, 0.5, 1, 1)):
        yield row(
            "kpi",
            minute,
            {"site": ODD},
            {
                "minutes": 60,
                "alarms": alarms_,
                "p1": 0,
                "average": average,
                "peak_10min": peak,
                "online_ratio": online,
            },
        )


def gateways() -> Iterator[str]:
    for minute in (10, 2):
        yield row("centre", minute, {"centre": "office-1"}, {"disk_free_bytes": 4e11 - minute, "disk_bytes": 1e12})
    for minute in range(10, 0, -1):
        for site, bad in ((DEPOT, False), (ODD, True)):
            yield row(
                "gateway",
                minute,
                {"site": site},
                {
                    "version": "0.9",
                    "config": "abc123",
                    "uptime_s": 600 - minute * 60,
                    "cpu_s": (10 - minute) * 6,
                    "rss_bytes": 9e7,
                    "disk_free_bytes": 5e8 if bad else 2e10,
                    "store_bytes": 1e6,
                    "bytes_written": (10 - minute) * 60_000,
                    "samples": 1000,
                    "waiting": 3,
                    "lag_samples": 20_000 * bad,
                    "evicted": 0,
                    "dropped": 0,
                    "refused": 2 * bad,
                    "restarts": 0,
                    "faults": 2 * bad,
                    "hung": False,
                    "clock_untrusted": bad,
                    "clock_steps": 0,
                },
            )


def rows() -> list[str]:
    return [*sites(), *signals(), *alarms(), *findings(), *acts(), *hours(), *gateways()]


def create(url: str) -> None:
    """What `davylamp influx setup` makes."""
    settings = InfluxSettings(type="influx", url=url, database="davylamp", raw_database="davylamp_raw")
    for step in steps(settings, {one: one.days for one in RETENTIONS.values()}):
        if step.do is not None:
            step.do()


def put(url: str, lines: list[str], database: str = "davylamp") -> None:
    """A database that was just made may be unknown to InfluxDB 1.6 for a moment: then it answers 500."""
    for attempt in range(50):
        try:
            return urllib.request.urlopen(f"{url}/write?db={database}&precision=s", "\n".join(lines).encode()).close()
        except urllib.error.HTTPError as error:
            if error.code != 500 or attempt == 49:
                raise AssertionError(error.read()) from error
            time.sleep(0.1)


def tell(url: str) -> None:
    """Write the story into the databases of a server; rows go where the contract keeps them."""
    create(url)
    for retention, database in ((LONG, "davylamp"), (RAW, "davylamp_raw")):
        put(url, [line for line in rows() if CONTRACT[line.split(",", 1)[0]].retention is retention], database)
