"""What the API says: JSON-ready documents made from the running gateway's objects. Pure, no I/O.

Ages are in seconds and are never younger than the data: the time since the bytes arrived, or since the sender's own
stamp where that is longer and both clocks are trusted. Times are ISO 8601 in the site's time zone; 0 ns reads as never.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from alerting.ledger import JournalRow
from alerting.lifecycle import STATE_NAMES
from alerting.outbox import NotifierStatus
from alerting.overlays.hold import Hold, Kind
from alerting.proof import proofs
from alerting.views import AlarmView
from gateway.api.view import GatewayView, Health, Latest
from gateway.core.learning import STATE_NAMES as LEARNING_NAMES
from gateway.core.learning import Lessons, Picture, Profile
from gateway.model.alarm import RISK_NAMES
from gateway.model.clock import NS, Instant
from gateway.model.condition import CONDITION_NAMES, Condition
from gateway.model.guidance import Guidance
from gateway.model.person import is_verified
from gateway.model.ports import DeviceStatus, SinkStatus
from gateway.model.quality import LABELS, Flag, Quality, code, severity
from gateway.model.rules import ResponseTest
from gateway.model.signal import Signal
from gateway.model.site import Site
from gateway.model.stroke import OUTCOME_NAMES, Stroke
from gateway.model.text import Text
from gateway.model.verdict import Evidence
from gateway.store.history import Trend
from gateway.vigil.peers import PeerStatus
from gateway.vigil.selftest import STATIONS

ALARM_ROWS = 200  # so many alarms are listed; all are counted
# What takes a detector out, the word that says most first.
_SENSOR_LOST = (Condition.INHIBIT, Condition.INVALID, Condition.STUCK, Condition.DEADMAN)


def local_time(wall_ns: int, zone: ZoneInfo) -> str | None:
    if not wall_ns:
        return None
    return datetime.fromtimestamp(wall_ns // 1_000_000 / 1e3, zone).isoformat(timespec="milliseconds")


def number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def ages_s(latest: Latest, now: Instant) -> NDArray[np.float64]:
    """Age of every newest sample, shape (signals,); NaN where there never was one."""
    age = (now.line_ns - latest.line_ns) / NS
    if now.trusted:
        stamped = (latest.quality & np.uint16(Flag.CLOCK_NOT_TRUSTED)) == 0
        age = np.where(stamped, np.maximum(age, (now.wall_ns - latest.wall_ns) / NS), age)
    return np.where(latest.wall_ns == 0, np.nan, np.maximum(age, 0.0))


# the site

def site(view: GatewayView) -> dict:
    """All that does not change while the gateway runs: names, areas, signals with their limits, and the words."""
    here, health = view.site, view.health()
    gas = {zone.area for zone in here.gas_zones}
    return {
        "id": here.id, "name": here.name, "timezone": here.timezone, "language": here.language,
        "version": health.version, "boot": boot(health),
        "areas": [{"id": area.id, "name": area.name, "gas": area.id in gas} for area in here.areas],
        "signals": [_signal(signal) for signal in here.signals],
        "words": {
            "quality": {str(int(quality)): text for quality, text in LABELS.items()},
            "condition": {str(condition): text for condition, text in CONDITION_NAMES.items()},
            "state": {str(state): text for state, text in STATE_NAMES.items()},
            "risk": {str(risk): text for risk, text in RISK_NAMES.items()},
            "learning": {str(state): text for state, text in LEARNING_NAMES.items()},
            "outcome": {str(outcome): text for outcome, text in OUTCOME_NAMES.items()},
        },
    }


def boot(health: Health) -> str:
    """Changes with every start of the gateway: a page that sees a new one loads the site anew."""
    return f"{health.version}-{health.started_wall_ns}"


def _signal(signal: Signal) -> dict:
    return {
        "id": signal.id, "name": signal.name, "kind": signal.kind, "unit": signal.unit, "area": signal.area,
        "low": signal.low, "high": signal.high, "decimals": signal.decimals, "gas": signal.gas,
        "deadman_s": signal.deadman_s, "labels": {str(value): text for value, text in signal.labels.items()},
        "limits": [{"condition": limit.condition, "value": limit.value, "priority": limit.priority,
                    "risk": limit.risk} for limit in signal.limits],
        "expression": signal.derived and signal.derived.text,
    }


# signals

def signals(view: GatewayView) -> dict:
    now, latest, zone, lessons = view.now(), view.latest, view.site.zone, view.lessons()
    ages = ages_s(latest, now)
    return {"time": local_time(now.wall_ns, zone), "signals": [
        {"id": signal.id, "name": signal.name, "area": signal.area, "unit": signal.unit,
         "value": number(float(latest.value[row])), "quality": quality(int(latest.quality[row])),
         "age_s": _seconds(float(ages[row])), "time": local_time(int(latest.wall_ns[row]), zone),
         "learning": _lesson(lessons, row)}
        for row, signal in enumerate(view.site.signals)]}


def quality(value: int) -> dict:
    kind: Quality = code(value)
    return {"code": int(kind), "severity": severity(value), "label": LABELS[kind],
            "clock_trusted": not value & Flag.CLOCK_NOT_TRUSTED}


def trends(signals: Sequence[str], found: Trend) -> list[dict]:
    """Per signal, in columns: where a step of time begins (ms since the Unix epoch, UTC), and the lowest, highest and
    mean usable value in it. Steps without one are left out."""
    some = found.count > 0
    t_ms = found.wall_ns // 1_000_000
    return [{"signal": signal, "step_ms": found.step_ns // 1_000_000, "t_ms": t_ms[some[row]],
             "low": found.low[row][some[row]], "high": found.high[row][some[row]], "mean": found.mean[row][some[row]]}
            for row, signal in enumerate(signals)]


# learning

def _lesson(lessons: Lessons, row: int) -> dict | None:
    state = lessons.state(row)
    return state and {"state": state, "progress": round(float(lessons.progress[row]), 3),
                      "held": bool(lessons.held[row])}


def lesson_columns(lessons: Lessons) -> NDArray[np.int16]:
    """What the page shows of learning, one number per signal: -1 nothing is learnt, percent learnt, and 1000 more where
    it is frozen, 2000 more where it is held for another reason."""
    nothing = np.isnan(lessons.progress)
    percent = np.floor(np.where(nothing, 0.0, lessons.progress) * 100)
    marked = percent + 1000 * lessons.frozen + 2000 * (lessons.held & ~lessons.frozen)
    return np.where(nothing, -1, marked).astype(np.int16)


def baseline(here: Site, lessons: Lessons, pictures: Sequence[Picture], now: Instant, signal: str) -> dict:
    """What was learnt of one signal, by each of its learners."""
    row = here.signals.index(signal)
    about = here.signals[row]
    return {"signal": signal, "name": about.name, "unit": about.unit, "decimals": about.decimals,
            "time": local_time(now.wall_ns, here.zone), "learning": _lesson(lessons, row),
            "learners": [_picture(picture, now, here.zone) for picture in pictures]}


def _picture(picture: Picture, now: Instant, zone: ZoneInfo) -> dict:
    return {"detector": picture.detector, "name": picture.name, "progress": round(picture.progress, 3),
            "figures": [{"name": figure.name, "value": number(figure.value), "unit": figure.unit}
                        for figure in picture.figures],
            "profiles": [_profile(profile, now, zone) for profile in picture.profiles]}


def _profile(profile: Profile, now: Instant, zone: ZoneInfo) -> dict:
    """Turned so that its first step is the first one that begins at or after local midnight (of Monday, for a week)."""
    values, first_s = [number(value) for value in profile.value], 0.0
    if profile.start_ns is not None:
        at = datetime.fromtimestamp((profile.start_ns + now.wall_ns - now.line_ns) / NS, zone)
        whole = profile.step_s * len(values)
        begins_s = at.weekday() * 86400.0 + at.hour * 3600.0 + at.minute * 60.0 + at.second
        steps = math.ceil(-(begins_s % whole) / profile.step_s) % len(values)
        first_s = (begins_s + steps * profile.step_s) % whole
        values = values[steps:] + values[:steps]
    return {"name": profile.name, "unit": profile.unit, "step_s": profile.step_s, "first_s": first_s, "value": values}


# alarms

def alarm_list(view: GatewayView) -> dict:
    """In the order to look at them. The counts cover all alarms, also those beyond ALARM_ROWS."""
    alarms, now = view.alarms(), view.now()
    return {
        "risk": view.risk_level(),
        "total": len(alarms),
        "unacknowledged": sum(alarm.state.waits for alarm in alarms),
        "by_priority": {f"P{level}": sum(alarm.definition.priority == level for alarm in alarms)
                        for level in (1, 2, 3, 4)},
        "alarms": [_alarm(alarm, now, view.site) for alarm in alarms[:ALARM_ROWS]],
        "bypasses": [_hold(one, view.site) for one in view.holds(Kind.BYPASS)],
        "holds": everything_withheld(view),
    }


def everything_withheld(view: GatewayView) -> list[dict]:
    """Everything for which nobody is called: bypassed, shelved, out of service, suppressed by design."""
    return [_hold(one, view.site) for kind in Kind for one in view.holds(kind)]


def hold_list(view: GatewayView, kind: Kind) -> dict:
    return {"bypasses" if kind is Kind.BYPASS else "holds": [_hold_found(view, one) for one in view.holds(kind)]}


def held(view: GatewayView, one: Hold, recorded: bool) -> dict:
    """The answer to an act of a person."""
    return {"bypass" if one.kind is Kind.BYPASS else "hold": _hold_found(view, one), "recorded": recorded}


def _hold_found(view: GatewayView, one: Hold) -> dict:
    """One hold, with its alarms and the time that is left."""
    return {**_hold(one, view.site), "left_s": _seconds(one.left_s(view.now())),
            "alarms": [alarm.id for alarm in view.covered(one)]}


def _hold(one: Hold, here: Site) -> dict:
    zone = here.zone
    return {"kind": one.kind, "target": one.target, "name": _target_name(one, here),
            "design": _design(one, here), "who": one.who, "why": one.why, "approved": one.approved,
            "verified": is_verified(one.who), "once": one.once, "begun": local_time(one.begun_wall_ns, zone),
            "until": local_time(one.until_wall_ns, zone)}


def _target_name(one: Hold, here: Site) -> Text:
    """Of what nobody is called for: an alarm, a signal, a rule, or the device that is silent."""
    if one.target in here.signals:
        return Text.same(f"{one.target} {{name}}").format(name=here.signal(one.target).name)
    if (alarm := here.alarms.get(one.target)) is not None:
        return alarm.name
    return Text.same(one.target)


def _design(one: Hold, here: Site) -> dict | None:
    """Why something is suppressed by design, and what ends it; None for what a person has put aside."""
    if one.kind is not Kind.SUPPRESSION:
        return None
    if (alarm := here.alarms.get(one.target)) is not None:
        return {"reason": alarm.name, "ends": Text("it gives data again", "其恢复数据")}
    declared = next((suppression for suppression in here.suppressions if suppression.id == one.target), None)
    if declared is None:
        return {"reason": Text.same(one.why), "ends": Text("its cause is over", "原因消除")}
    if declared.test is not None:
        ends = Text("{test} is no longer so", "{test} 不再成立").format(test=declared.test)
    else:
        assert declared.window is not None, "it has a test or a window"
        ends = Text.same(f"{declared.window.end:%H:%M}")
    return {"reason": declared.why, "ends": ends}


def _alarm(alarm: AlarmView, now: Instant, here: Site) -> dict:
    definition, zone = alarm.definition, here.zone
    return {
        "id": definition.id, "occurrence": alarm.occurrence, "name": definition.name,
        "condition": definition.condition, "origin": definition.origin, "area": definition.area,
        "group": definition.group, "priority": definition.priority, "risk": definition.risk, "state": alarm.state,
        "waits": alarm.state.waits,
        "exercise": definition.exercise, "active": alarm.active,
        "first_out": alarm.first_out, "recorded": alarm.recorded,
        "value": number(alarm.value), "limit": definition.limit, "unit": definition.unit,
        "decimals": definition.decimals, "age_s": _seconds(alarm.age_s(now)),
        "raised": local_time(alarm.raised_wall_ns, zone), "since": local_time(alarm.since_wall_ns, zone),
        "after_start_s": None if alarm.after_s is None else _seconds(alarm.after_s),
        **advised(definition.guidance), "evidence": [_evidence(line, zone) for line in alarm.evidence],
        "who": alarm.who, "verified": alarm.verified, "comment": alarm.comment,
        "bypass": next((_hold(one, here) for one in alarm.withheld if one.kind is Kind.BYPASS), None),
        "withheld": [_hold(one, here) for one in alarm.withheld],
    }


def advised(text: Text) -> dict:
    """What to do in one text, as lists show it, and with everything that is known."""
    guidance = Guidance.of(text)
    return {"guidance": guidance.action, "advice": guidance.parts}


def _evidence(line: Evidence, zone: ZoneInfo) -> dict:
    return {"time": local_time(line.wall_ns, zone), "signal": line.signal, "value": number(line.value),
            "note": line.note}


def annunciators(view: GatewayView) -> dict:
    zone = view.site.zone
    return {"annunciators": [{
        "id": status.annunciator.id, "name": status.annunciator.name, "output": status.annunciator.output,
        "priorities": sorted(status.annunciator.priorities), "areas": sorted(status.annunciator.areas),
        "until": status.annunciator.until, "longest_s": status.annunciator.longest_s,
        "armed": None if status.armed is None else {
            "who": status.armed.who, "why": status.armed.why, "verified": is_verified(status.armed.who),
            "since": local_time(status.armed.wall_ns, zone)},
        "driven": status.driven, "trouble": status.trouble, "testing": status.testing,
    } for status in view.annunciators()]}


def notifiers(all_of_them: Sequence[NotifierStatus], zone: ZoneInfo) -> dict:
    return {"notifiers": [{
        "id": one.notifier, "pending": one.pending, "failing": one.failing is not None,
        "reason": one.failing or Text("", ""), "counters": one.counters,
        "people": [asdict(figures) for figures in one.people],
        "latest": [{"time": local_time(said.wall_ns, zone), "title": said.title, "text": said.text}
                   for said in one.latest]} for one in all_of_them]}


def journal(rows: Sequence[JournalRow], zone: ZoneInfo) -> dict:
    return {"rows": [{"position": row.position, "time": local_time(row.wall_ns, zone), "kind": row.kind,
                      "alarm": row.alarm, "body": row.body, "hash": row.hash} for row in rows]}


def selftest(view: GatewayView) -> dict:
    """The last self-test of the whole chain: when each station was passed."""
    running, report = view.selftest()
    return {"running": running, "last": None if report is None else {
        "begun": local_time(report.begun_wall_ns, view.site.zone), "asked_by": report.asked_by,
        "failed": report.failed or None, "stations": [
            {"id": station.id, "name": STATIONS[station.id], "after_s": station.after_s,
             "time": None if station.after_s is None else local_time(
                 report.begun_wall_ns + round(station.after_s * NS), view.site.zone)}
            for station in report.stations]}}


def drill(view: GatewayView, found: dict | None) -> dict:
    """The drill that goes on, and the sheet of the latest."""
    going_on = view.drill()
    return {"going_on": None if going_on is None else {
        "who": going_on.who, "why": going_on.why, "signals": list(going_on.signals),
        "verified": is_verified(going_on.who),
        "until": local_time(going_on.until.wall_ns, view.site.zone)}, "sheet": found}


def heartbeats(peers: Iterable[PeerStatus], zone: ZoneInfo) -> dict:
    """Other gateways: alive or silent, and when they were last heard."""
    return {"gateways": [{
        "id": one.peer.id, "name": one.peer.name, "silent": one.silent, "heard": local_time(one.heard_wall_ns, zone),
        "age_s": _seconds(one.age_s), "silent_after_s": one.peer.silent_after_s, "way": one.way, "word": one.word,
    } for one in peers]}


def proof_tests(here: Site, log: Sequence[Stroke], now_wall_ns: int) -> dict:
    """Each valve and instrument with its last proof, and the log. log: newest first."""
    rules = here.proved
    return {
        "valves": [{
            "rule": one.rule.id, "name": one.rule.name, "test": one.test, "stroke_time_s": one.rule.allowed_s,
            "last": one.last and local_time(one.last.wall_ns, here.zone), "after_s": one.after_s,
            "due": one.due_wall_ns and local_time(one.due_wall_ns, here.zone), "overdue": one.overdue,
        } for rule in rules for one in proofs(rule, log, now_wall_ns)],
        "strokes": [{
            "rule": stroke.rule, "time": local_time(stroke.wall_ns, here.zone), "test": stroke.test,
            "outcome": stroke.outcome, "outcome_name": OUTCOME_NAMES[stroke.outcome],
            "valves": [asdict(seen) for seen in stroke.valves], "effects": [asdict(seen) for seen in stroke.effects],
        } for stroke in log],
    }


# the gateway and what stands around it

def zones(here: Site, latest: Latest, alarms: Iterable[AlarmView]) -> list[dict]:
    """Each gas zone with its detectors. A detector works once it was heard, while none of its sensor-fault alarms
    holds, nor that of a response test that it did not answer: one lost request does not put it out. Blind: announced as
    such, or all have failed. why: null for those that work."""
    holding = [alarm.definition for alarm in alarms if alarm.state.condition]
    announced = {alarm.id for alarm in holding}
    failed = {rule.signal: CONDITION_NAMES[Condition.RESPONSE] for rule in here.rules
              if isinstance(rule, ResponseTest) and rule.id in announced}
    failed |= {alarm.origin: CONDITION_NAMES[condition] for condition in reversed(_SENSOR_LOST)
               for alarm in holding if alarm.condition == condition}
    order = {area.id: place for place, area in enumerate(here.areas)}
    found = []
    for zone in sorted(here.gas_zones, key=lambda zone: order.get(zone.area, len(order))):
        detectors = zone.detectors
        heard = [bool(latest.wall_ns[here.signals.index(detector)]) for detector in detectors]
        works = [was and detector not in failed for was, detector in zip(heard, detectors, strict=True)]
        why = [None if working else failed.get(detector, LABELS[Quality.BAD_WAITING])
               for working, detector in zip(works, detectors, strict=True)]
        blind = zone.id in announced or all(detector in failed for detector in detectors)
        found.append({"area": zone.area, "kind": zone.kind, "gas": zone.gas,
                      "detectors": list(detectors), "works": works, "why": why, "working": sum(works),
                      "total": len(detectors), "state": "blind" if blind else "ok" if all(works) else "degraded"})
    return found


def status(view: GatewayView) -> dict:
    """What the page shows beside signals and alarms."""
    health, now, zone = view.health(), view.now(), view.site.zone
    return {
        "version": health.version, "boot": boot(health), "started": local_time(health.started_wall_ns, zone),
        "working": health.working, "reason": health.reason, "clock_trusted": health.clock_trusted,
        "zones": zones(view.site, view.latest, view.alarms()),
        "devices": [_device(device, now, zone) for device in view.devices()], "online": _online(view),
        "sinks": [_sink(sink) for sink in view.sinks()],
        "parts": [{"id": part.id, "name": part.name, "ok": part.ok, "detail": part.detail,
                   "figures": dict(part.figures)} for part in health.parts],
    }


def health(view: GatewayView, page: dict[str, int]) -> dict:
    """`status` with the counters. `page`: the counters of the event stream."""
    return {"time": local_time(view.now().wall_ns, view.site.zone), "risk": view.risk_level(),
            **status(view), "counters": dict(view.health().counters), "page": page}


def _online(view: GatewayView) -> dict:
    share = view.online()
    return {"devices": share.devices, "online": share.online, "percent": round(share.ratio * 100, 2),
            "target": view.site.online_target}


def _device(device: DeviceStatus, now: Instant, zone: ZoneInfo) -> dict:
    last = device.last_contact_wall_ns
    return {"source": device.source, "device": device.device, "online": device.online, "reason": device.reason,
            "last_contact": local_time(last, zone),
            "silent_s": _seconds(max(0.0, (now.wall_ns - last) / NS)) if last else None,
            "counters": device.counters}


def _sink(sink: SinkStatus) -> dict:
    return {"sink": sink.sink, "online": sink.online, "reason": sink.reason, "counters": sink.counters}


def _seconds(value: float) -> float | None:
    return round(value, 1) if math.isfinite(value) else None
