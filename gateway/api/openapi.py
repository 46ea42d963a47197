"""The OpenAPI 3.1 description of the API. Kept by hand; tests/api/test_openapi.py holds it against the routes and
against real answers."""

from __future__ import annotations

from alerting.overlays.hold import Kind
from gateway.model.stroke import Outcome

TEXT = {"$ref": "#/components/schemas/Text"}
STRING, BOOLEAN, INTEGER, NUMBER = ({"type": kind} for kind in ("string", "boolean", "integer", "number"))
TIME = {"type": "string", "format": "date-time", "description": "ISO 8601 in the site's time zone"}


def _or_null(schema: dict) -> dict:
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _object(**properties: dict) -> dict:
    """All properties are always there, and no others."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _list(items: dict, description: str = "") -> dict:
    schema = {"type": "array", "items": items}
    return {**schema, "description": description} if description else schema


def _one_of(*values: str) -> dict:
    return {"type": "string", "enum": [*values]}


def _map(values: dict) -> dict:
    return {"type": "object", "additionalProperties": values}


def _ref(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}"}


_RISK = _one_of("red", "orange", "yellow", "blue")
_PRIORITY = {"type": "integer", "minimum": 1, "maximum": 4, "description": "1 is the most urgent"}
_COUNTERS = _map(INTEGER)
_STATUS = {
    "version": STRING, "boot": {"type": "string", "description": "changes with every start of the gateway"},
    "started": TIME, "working": {"type": "boolean", "description": "the gateway's own tasks make progress"},
    "reason": TEXT, "clock_trusted": BOOLEAN, "zones": _list(_ref("Zone")), "devices": _list(_ref("Device")),
    "online": _ref("Online"),
    "sinks": _list(_ref("Sink")), "parts": _list(_ref("Part")),
}

_HOLD = {
    "kind": _one_of(*Kind),
    "target": {"type": "string", "description": "an alarm, or a signal or rule with all its alarms; of a suppression "
                                                "its own id"}, "who": STRING,
    "why": STRING, "approved": {"type": "string", "description": "the second person; empty where none was needed"},
    "verified": BOOLEAN, "once": {"type": "boolean", "description": "until the alarm has returned to normal"},
    "begun": _or_null(TIME), "until": _or_null(TIME),
}

_ANSWERS = {"count": INTEGER, "median_s": _or_null(NUMBER), "p90_s": _or_null(NUMBER)}
_TAKEN = {"type": "boolean", "description": "false: the alarm file did not take it in time"}

SCHEMAS = {
    "Text": {**_object(en=STRING, zh=STRING), "description": "one sentence in each language"},
    "Error": _object(error=_object(what=TEXT, where=STRING, fix=TEXT, retryable=BOOLEAN)),
    "Site": _object(
        id=STRING, name=TEXT, timezone=STRING, language=_one_of("en", "zh"), version=STRING, boot=STRING,
        areas=_list(_object(id=STRING, name=TEXT, gas=BOOLEAN)),
        signals=_list(_ref("Signal"), "in the order that the event stream's numbers mean"),
        words=_object(quality=_map(TEXT), condition=_map(TEXT), state=_map(TEXT), risk=_map(TEXT),
                      learning=_map(TEXT), outcome=_map(TEXT))),
    "Signal": _object(
        id=STRING, name=TEXT, kind=STRING, unit=STRING, area=STRING, low=_or_null(NUMBER), high=_or_null(NUMBER),
        decimals=INTEGER, gas=BOOLEAN, deadman_s=_or_null(NUMBER), labels=_map(TEXT),
        limits=_list(_object(condition=STRING, value=NUMBER, priority=_PRIORITY, risk=_RISK)),
        expression=_or_null({"type": "string", "description": "how it is calculated; null: it is measured"})),
    "Quality": _object(code=INTEGER, severity=_one_of("good", "uncertain", "bad"), label=TEXT, clock_trusted=BOOLEAN),
    "Reading": _object(id=STRING, name=TEXT, area=STRING, unit=STRING, value=_or_null(NUMBER), quality=_ref("Quality"),
                       age_s=_or_null(NUMBER), time=_or_null(TIME), learning=_or_null(_ref("Lesson"))),
    "Lesson": {**_object(state=_one_of("learning", "learnt", "frozen"), progress=NUMBER, held=BOOLEAN),
               "description": "how far the learning is, 0..1; held: not learnt from now (frozen, bypassed, an alarm)"},
    "Baseline": _object(
        signal=STRING, name=TEXT, unit=STRING, decimals=INTEGER, time=_or_null(TIME),
        learning=_or_null(_ref("Lesson")),
        learners=_list(_object(
            detector=STRING, name=TEXT, progress=NUMBER,
            figures=_list(_object(name=TEXT, value=_or_null(NUMBER), unit=STRING)),
            profiles=_list(_object(
                name=TEXT, unit=STRING, step_s=NUMBER,
                first_s={"type": "number", "description": "when the first step begins, seconds after local midnight "
                                                          "(of Monday, for a week)"},
                value=_list(_or_null(NUMBER), "one per step; null: not seen yet")))), "empty: nothing is learnt")),
    "Teaching": {
        "type": "object", "required": ["act", "name", "why"],
        "properties": {"act": _one_of("freeze", "thaw", "reset"),
                       "name": {"type": "string", "minLength": 1, "maxLength": 80},
                       "why": {"type": "string", "minLength": 1, "maxLength": 500}}},
    "Taught": _object(name=STRING, verified=BOOLEAN, baseline=_ref("Baseline"),
                      recorded={"type": "boolean", "description": "false: done, but not saved yet"}),
    "Annunciators": _object(annunciators=_list(_object(
        id=STRING, name=TEXT, output=STRING, priorities=_list(INTEGER), areas=_list(STRING, "empty: all"),
        until=_one_of("acknowledged", "ended"), longest_s=NUMBER,
        armed=_or_null(_object(who=STRING, why=STRING, verified=BOOLEAN, since=_or_null(TIME))),
        driven={**_or_null(BOOLEAN), "description": "as it was last read back; null: not known"},
        trouble=_or_null(TEXT), testing=BOOLEAN))),
    "AnnunciatorActed": {
        "type": "object", "required": ["act", "name", "why"],
        "properties": {"act": _one_of("arm", "disarm", "test"),
                       "name": {"type": "string", "minLength": 1, "maxLength": 80},
                       "why": {"type": "string", "minLength": 1, "maxLength": 500}}},
    "Trend": _object(signal=STRING, step_ms=INTEGER,
                     t_ms=_list(INTEGER, "Unix time, ms, UTC, where each step begins; empty steps are left out"),
                     low=_list(NUMBER), high=_list(NUMBER), mean=_list(NUMBER)),
    "AlarmList": _object(risk=_RISK, total=INTEGER, unacknowledged=INTEGER,
                         by_priority=_object(P1=INTEGER, P2=INTEGER, P3=INTEGER, P4=INTEGER),
                         alarms=_list(_ref("Alarm"), "the first 200, most urgent first"),
                         bypasses=_list(_ref("Hold"), "the one that ends first comes first"),
                         holds=_list(_ref("Hold"), "everything for which nobody is called: bypasses, shelved, out of "
                                                   "service, suppressed by design")),
    "Alarm": _object(
        id=STRING, occurrence=INTEGER, name=TEXT, condition=STRING, origin=STRING, area=STRING,
        group={"type": "string", "description": "alarms of one group share a first-out; empty: of no group"},
        priority=_PRIORITY, risk=_RISK,
        state=_one_of("unacknowledged", "acknowledged", "returned", "latched"),
        waits={"type": "boolean", "description": "a person has to acknowledge"},
        exercise={"type": "string", "description": "\"drill\": only a drill; empty: real"},
        active={"type": "boolean", "description": "the condition holds, or the alarm is latched"}, first_out=BOOLEAN,
        recorded={"type": "boolean", "description": "false: the alarm file could not be written"},
        value=_or_null(NUMBER), limit=_or_null(NUMBER), unit=STRING, decimals=INTEGER, age_s=_or_null(NUMBER),
        raised=_or_null(TIME), since={**_or_null(TIME), "description": "when it came into this state"}, guidance=TEXT,
        advice=_ref("Advice"),
        evidence=_list(_ref("Evidence")),
        who={"type": "string", "description": "who acknowledged"}, verified=BOOLEAN, comment=STRING,
        bypass=_or_null(_ref("Hold")),
        withheld=_list(_ref("Hold"), "why nobody is called for it now; empty: people are called")),
    "Advice": {**_object(action=TEXT, cause=TEXT, consequence=TEXT, card=TEXT, contact=TEXT), "description":
               "empty: nobody has written it; a small part of Markdown: paragraphs, lists, bold, links"},
    "Definitions": _object(alarms=_list(_object(
        id=STRING, name=TEXT, condition=STRING, origin=STRING, area=STRING, group=STRING, priority=_PRIORITY,
        risk=_RISK, limit=_or_null(NUMBER), unit=STRING, decimals=INTEGER, latch=BOOLEAN, guidance=TEXT,
        advice=_ref("Advice")))),
    "Explanation": _object(
        alarm=STRING, name=TEXT, zone=STRING, asked=TIME, at={**TIME, "description": "the instant that was judged"},
        evaluated_from=TIME, stands=BOOLEAN,
        may_be_older={"type": "boolean", "description": "it stood near the first sample that was evaluated"},
        last=_or_null(_object(began=TIME, value=_or_null(NUMBER), first_out=BOOLEAN, ended=_or_null(TIME),
                              evidence=_list(_ref("Evidence")))),
        settings=_list(TEXT), verdict=_list(TEXT), reasons=_list(TEXT),
        plot=_or_null(_object(signal=STRING, unit=STRING, decimals=INTEGER, limits=_map(NUMBER), t_ms=_list(INTEGER),
                              value=_list(_or_null(NUMBER)), good=_list(BOOLEAN))),
        samples=_map(_list(_object(time=TIME, value=_or_null(NUMBER), quality=STRING), "oldest first"))),
    "Evidence": _object(time=_or_null(TIME), signal=STRING, value=_or_null(NUMBER), note=TEXT),
    "Rules": _object(
        rules=_list(_object(
            id=STRING, name=TEXT, area=STRING, kind=_one_of("interlock", "vote", "shutdown", "response"),
            priority=_PRIORITY, risk=_RISK, guidance=TEXT, advice=_ref("Advice"),
            alarms=_list(STRING, "ids of its alarms"),
            parts=_list(_object(
                part=_one_of("when", "requires", "members", "command", "feedback", "effect", "stimulus"),
                needed={"type": "integer", "description": "so many of the tests must be true"},
                tests=_list(_object(text=STRING, signal=STRING, op=STRING, value=NUMBER)))))),
        groups=_list(_object(
            id=STRING, name=TEXT, area=STRING, priority=_PRIORITY, risk=_RISK, alarm=STRING, every_s=NUMBER,
            learn_s=NUMBER, progress={"type": "number", "description": "of the commissioning, 0..1"},
            members=_list(_object(
                signal=STRING, usual=_or_null(NUMBER), now=_or_null(NUMBER),
                size={**_or_null(NUMBER), "description": "its smoothed deviation over what is allowed"},
                there={"type": "boolean", "description": "it had a value in the newest span"})))),
        derived=_list(_object(signal=STRING, expression=STRING, inputs=_list(STRING)))),
    "Hold": {**_object(**_HOLD), "description": "nobody is called for the alarms of `target` until it ends"},
    "HoldFound": _object(**_HOLD, left_s=_or_null(NUMBER), alarms=_list(STRING, "ids of the alarms it covers")),
    "HoldAsked": {
        "type": "object", "required": ["target", "name", "why", "for_s"],
        "properties": {"target": {"type": "string", "minLength": 1, "maxLength": 80},
                       "name": {"type": "string", "minLength": 1, "maxLength": 80},
                       "why": {"type": "string", "minLength": 1, "maxLength": 500}, "for_s": NUMBER,
                       "once": {"type": "boolean", "description": "only of shelve: until it is back to normal"},
                       "approved": {"type": "string", "maxLength": 80,
                                    "description": "the second person, needed for P1, and always for out of service"}}},
    "HoldEnd": {
        "type": "object", "required": ["name"],
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 80},
                       "why": {"type": "string", "maxLength": 500}}},
    "Bypassed": _object(bypass=_ref("HoldFound"), recorded=_TAKEN),
    "Held": _object(hold=_ref("HoldFound"), recorded=_TAKEN),
    "Kpi": _object(
        time=TIME, operators=INTEGER, metrics=_ref("AlarmMetrics"),
        now=_object(
            rate={"type": "integer", "description": "alarms in the last 10 minutes"}, flood=_or_null(_ref("Flood")),
            chattering=_list(_object(alarm=STRING, name=TEXT, since=_or_null(TIME))), standing=INTEGER,
            unacknowledged=INTEGER,
            stale=_list(_object(alarm=STRING, name=TEXT, age_s=NUMBER, raised=_or_null(TIME)), "active for over 24 h")),
        targets=_object(average=NUMBER, peak=NUMBER, flood_percent=NUMBER, stale=INTEGER, chattering=INTEGER,
                        worst_percent=NUMBER, split_percent=_map(NUMBER)),
        periods=_list(_ref("KpiPeriod"))),
    "AlarmMetrics": {
        **_object(AlarmCount=INTEGER, StartTime=_or_null(TIME), MaximumActiveState=NUMBER, MaximumUnAck=NUMBER,
                  CurrentAlarmRate=NUMBER, MaximumAlarmRate=NUMBER, MaximumReAlarmCount=INTEGER,
                  AverageAlarmRate=NUMBER),
        "description": "AlarmMetricsType of OPC 10000-9, 9.2; rates are alarms per 10 minutes, times in seconds"},
    "Flood": _object(begun=_or_null(TIME), end={**_or_null(TIME), "description": "null while it stands"},
                     alarms=INTEGER),
    "AlarmCounts": _list(_object(alarm=STRING, name=TEXT, count=INTEGER), "most first"),
    "KpiPeriod": _object(
        period=_one_of("8h", "day", "week", "month"),
        start={**_or_null(TIME), "description": "what is known of the period begins here"}, end=_or_null(TIME),
        alarms={"type": "integer", "description": "that called a person: P1 to P3, not withheld"},
        average={"type": "number", "description": "per 10 minutes and operator"},
        peak={"type": "number", "description": "in any 10 minutes, per operator"},
        flood_percent=NUMBER, floods=INTEGER, flood_list=_list(_ref("Flood"), "the last 50, oldest first"),
        by_priority=_object(P1=INTEGER, P2=INTEGER, P3=INTEGER, P4=INTEGER),
        split_percent=_object(P1=NUMBER, P2=NUMBER, P3=NUMBER), worst=_ref("AlarmCounts"), worst_percent=NUMBER,
        chattering=_ref("AlarmCounts"), withheld=_ref("AlarmCounts"), answers=_object(**_ANSWERS),
        by_person=_list(_object(who=STRING, **_ANSWERS))),
    "Peer": _object(
        id=STRING, name=TEXT, silent=BOOLEAN,
        heard={**_or_null(TIME), "description": "last sign of life; null: none since our start"},
        age_s=_or_null(NUMBER), silent_after_s=NUMBER, way={"type": "string", "description": "how it came"},
        word={**TEXT, "description": "what it says of itself instead of a sign of life"}),
    "SelfTest": _object(
        running=BOOLEAN,
        last=_or_null(_object(
            begun=_or_null(TIME), asked_by={"type": "string", "description": "empty: by the timetable"},
            failed=_or_null({"type": "string", "description": "the first station that was not passed"}),
            stations=_list(_object(id=STRING, name=TEXT, after_s=_or_null(NUMBER)),
                           "in order; after_s: since the sample was injected")))),
    "SelfTestAsked": {"type": "object", "required": ["name"],
                      "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 80}}},
    "Drill": _object(
        going_on=_or_null(_object(who=STRING, why=STRING, signals=_list(STRING), verified=BOOLEAN,
                                  until=_or_null(TIME))),
        sheet={**_or_null(_ref("DrillSheet")), "description": "of the latest drill"}),
    "DrillSheet": _object(
        who=STRING, why=STRING, verified=BOOLEAN, signals=_list(STRING),
        target_s={"type": "number", "description": "people should have acknowledged after so long"},
        begun=TIME, ended=_or_null(TIME), in_time=INTEGER,
        alarms=_list(_object(
            alarm=STRING, name=TEXT, priority=_or_null(_PRIORITY), raised=TIME, in_time=BOOLEAN,
            told=_list(_object(to={"type": "string", "description": "person; empty: whoever the notifier reaches"},
                               through=STRING, time=TIME, after_s=NUMBER)),
            acknowledged=_or_null(_object(who=STRING, time=TIME, after_s=NUMBER))))),
    "DrillAct": {
        "type": "object", "required": ["act", "name"],
        "properties": {"act": _one_of("begin", "inject", "end"),
                       "name": {"type": "string", "minLength": 1, "maxLength": 80},
                       "why": {"type": "string", "maxLength": 500}, "signals": _list(STRING, "of begin"),
                       "for_s": NUMBER, "target_s": NUMBER, "signal": {"type": "string", "description": "of inject"},
                       "value": {"type": "number", "description": "default: just beyond its most urgent limit"}}},
    "Heard": _object(gateway=STRING, heard=BOOLEAN),
    "Nothing": {"type": "object"},
    "OnCall": _object(
        time=TIME, configured={"type": "boolean", "description": "false: every notifier is called for everything"},
        people=_list(_object(id=STRING, name=TEXT, duty=TEXT, channels=_list(STRING))),
        rosters=_list(_object(id=STRING, name=TEXT, now=_ref("Shift"), next=_or_null(_ref("Shift")),
                              shifts=_list(_ref("Shift"), "from now on, in order and without a hole"))),
        mutes=_list(_object(name=TEXT, standing=BOOLEAN)),
        ladders=_list(_object(
            alarm=STRING, occurrence=INTEGER, policy=_or_null(STRING),
            steps={"type": "integer", "description": "that were taken"},
            muted={"type": "boolean", "description": "a mute window holds the next one"}, next=_or_null(TIME),
            told=_list(_object(person=_or_null(STRING), name=_or_null(TEXT), channel=STRING))),
            "how far each alarm that stands has been told")),
    "Shift": _object(person={**_or_null(STRING), "description": "null: nobody"}, name=_or_null(TEXT), begins=TIME,
                     ends=TIME, reason=TEXT),
    "Route": _object(
        alarm=STRING, name=TEXT, priority=_PRIORITY, time=TIME, policy=_or_null(STRING),
        repeats={"type": ["integer", "null"], "description": "null: until somebody acknowledges"},
        steps=_list(_object(step=INTEGER, time=TIME, after_s=NUMBER, told=_list(_ref("Decision")),
                            not_told=_list(_ref("Decision"))), "one round; empty: it calls nobody")),
    "Decision": _object(
        person={**_or_null(STRING), "description": "null: the channel as a whole"}, name=_or_null(TEXT),
        channel=STRING, reason=TEXT),
    "ProofTests": _object(
        valves=_list(_object(
            rule=STRING, name=TEXT, test=STRING, stroke_time_s=NUMBER, last=_or_null(TIME), after_s=_or_null(NUMBER),
            due=_or_null(TIME), overdue=BOOLEAN)),
        strokes=_list(_object(
            rule=STRING, time=_or_null(TIME), test=BOOLEAN, outcome=_one_of(*Outcome), outcome_name=TEXT,
            valves=_list(_ref("Seen")), effects=_list(_ref("Seen"))))),
    "Seen": _object(test=STRING, after_s=_or_null(NUMBER), moved=BOOLEAN),
    "Journal": _object(rows=_list(_object(position=INTEGER, time=_or_null(TIME), kind=STRING, alarm=STRING,
                                          body={"type": "object"}, hash=STRING), "newest first")),
    "Zone": _object(area=STRING, kind=STRING, gas=TEXT, detectors=_list(STRING), works=_list(BOOLEAN),
                    why=_list(_or_null(TEXT), "what keeps each detector from working"), working=INTEGER, total=INTEGER,
                    state=_one_of("ok", "degraded", "blind")),
    "Device": _object(source=STRING, device=STRING, online=BOOLEAN, reason=TEXT, last_contact=_or_null(TIME),
                      silent_s=_or_null(NUMBER), counters=_COUNTERS),
    "Online": {**_object(devices=INTEGER, online=INTEGER, percent=NUMBER, target=NUMBER),
               "description": "devices with a watched signal, and how many of them give data"},
    "Sink": _object(sink=STRING, online=BOOLEAN, reason=TEXT, counters=_COUNTERS),
    "Part": _object(id=STRING, name=TEXT, ok=BOOLEAN, detail=TEXT, figures=_map(NUMBER)),
    "Status": _object(**_STATUS),
    "Health": _object(time=TIME, risk=_RISK, **_STATUS, counters=_COUNTERS, page=_COUNTERS),
    "Notifiers": _object(notifiers=_list(_object(
        id=STRING, pending=INTEGER, failing=BOOLEAN, reason=TEXT, counters=_COUNTERS,
        people=_list(_object(
            person={"type": "string", "description": "id; empty: what is not for one person"}, delivered=INTEGER,
            delivery_median_s=_or_null(NUMBER), delivery_longest_s=_or_null(NUMBER), acknowledged=INTEGER,
            acknowledge_median_s=_or_null(NUMBER)), "times of the newest 200 since the start"),
        latest=_list(_object(time=TIME, title=STRING, text=STRING),
                     "the last that were handed over, newest first; links and codes are masked")))),
    "NotifierTest": {"type": "object", "description": "nothing is asked: {}"},
    "NotifierTested": _object(taken=BOOLEAN, reason=TEXT),
    "Working": _object(working=BOOLEAN, reason=TEXT),
    "Acknowledgement": {
        "type": "object", "required": ["name"],
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 80},
                       "comment": {"type": "string", "maxLength": 500}}},
    "Acknowledged": _object(alarm=STRING, state=STRING, name=STRING,
                            recorded={"type": "boolean", "description": "false: the alarm file did not take it"},
                            verified={"type": "boolean", "description": "false: names are not checked yet"}),
    "Event": {
        "type": "object", "required": ["t_ms", "trusted", "time"], "additionalProperties": False,
        "description": "data of one server-sent event: what is in it replaces what was known",
        "properties": {
            "t_ms": INTEGER, "trusted": BOOLEAN, "time": TIME, "hello": BOOLEAN,
            "signals": _object(i=_list(INTEGER, "number of the signal in Site.signals"), v=_list(_or_null(NUMBER)),
                               q=_list(INTEGER, "quality code"), a=_list(_or_null(NUMBER), "age, ms")),
            "learning": _object(i=_list(INTEGER, "number of the signal in Site.signals"), c=_list(
                INTEGER, "-1: nothing is learnt; percent learnt, and 1000 more: frozen, 2000 more: held")),
            "alarms": _ref("AlarmList"), "status": _ref("Status")}},
}


def _answer(description: str, schema: str, kind: str = "application/json") -> dict:
    return {"description": description, "content": {kind: {"schema": _ref(schema)}}}


def _text(description: str, kind: str) -> dict:
    return {"description": description, "content": {kind: {"schema": STRING}}}


def _get(summary: str, answer: dict, *parameters: dict, **others: dict) -> dict:
    described = {"summary": summary, "responses": {"200": answer, **others}}
    return {"get": {**described, "parameters": [*parameters]} if parameters else described}


def _post(summary: str, asked: str, answer: dict, *parameters: dict, **others: dict) -> dict:
    described = {"summary": summary, "requestBody": {
        "required": True, "content": {"application/json": {"schema": _ref(asked)}}},
        "responses": {"200": answer, "400": _BAD_REQUEST, **others,
                      "403": _answer("the request comes from another web page", "Error"),
                      "413": _answer("the request is too large", "Error"),
                      "415": _answer("the request is not JSON", "Error"),
                      "503": _answer("can not be done now; try again", "Error")}}
    return {"post": {**described, "parameters": [*parameters]} if parameters else described}


def _query(name: str, schema: dict, description: str, *, required: bool = False) -> dict:
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": description}


def _path(name: str, description: str) -> dict:
    return {"name": name, "in": "path", "required": True, "schema": STRING, "description": description}


_BAD_REQUEST = _answer("a parameter is out of range", "Error")
_UNKNOWN = _answer("no such signal or alarm", "Error")
_SIGNAL = _path("signal", "id of a signal, as it is or percent-encoded")
_MINUTES = _query("minutes", NUMBER, "how far back, 0.1 to 10080; default 10")
_POINTS = _query("points", INTEGER, "at most about so many points per signal, 2 to 2000; default 300")

_TOKEN = _path("token", "the last part of the link")
_SLIP = {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {
             "type": "object", "required": ["name"],
             "properties": {"code": STRING, "name": STRING, "comment": STRING}}}}},
         "responses": {"200": _text("done, as a page", "text/html"),
                       "403": _answer("the request comes from another web page", "Error"),
                       "409": _text("forged, expired, used, as a page", "text/html"),
                       "503": _text("can not be done now, as a page", "text/html")}}


def _held(key: str) -> dict:
    return {"description": "the one that ends first comes first", "content": {
        "application/json": {"schema": _object(**{key: _list(_ref("HoldFound"))})}}}


def _holds(path: str, what: str, key: str, done: str) -> dict:
    """One kind of what a person asks for so that nobody is called for a while."""
    return {
        f"/api/v1/{path}": {
            **_get(f"{what}: nobody is called for them", _held(key)),
            **_post("Call nobody for an alarm, or for the alarms of a signal or rule, for a while", "HoldAsked",
                    _answer("done", done), **{"409": _answer("it is not allowed, or there is one already", "Error")})},
        f"/api/v1/{path}/{{target}}/end": _post(
            "End it before its time", "HoldEnd", _answer("done", done),
            _path("target", "as it is or percent-encoded"), **{"409": _answer("there is none", "Error")}),
    }


PATHS = {
    "/api/v1/site": _get("What does not change while the gateway runs", _answer("the site", "Site")),
    "/api/v1/signals": _get("Newest value, quality and age of every signal", {
        "description": "all signals", "content": {"application/json": {
            "schema": _object(time=TIME, signals=_list(_ref("Reading")))}}}),
    "/api/v1/signals/{signal}/history": _get(
        "Stored samples of one signal", _answer("oldest first", "Trend"),
        _SIGNAL, _MINUTES, _POINTS,
        **{"400": _BAD_REQUEST, "404": _UNKNOWN}),
    "/api/v1/history": _get(
        "Stored samples of up to 64 signals", {"description": "in the order asked for", "content": {
            "application/json": {"schema": _object(trends=_list(_ref("Trend")))}}},
        _query("signal", _list(STRING), "id of a signal; may be repeated", required=True), _MINUTES, _POINTS,
        **{"400": _BAD_REQUEST, "404": _UNKNOWN}),
    "/api/v1/alarms": _get("Alarms that are not at rest", _answer("most urgent first", "AlarmList")),
    "/api/v1/alarms/{alarm}/ack": _post(
        "Acknowledge an alarm", "Acknowledgement", _answer("done", "Acknowledged"),
        _path("alarm", "id of an alarm, as it is (GD-03/HH) or percent-encoded (GD-03%2FHH)"),
        **{"404": _UNKNOWN, "409": _answer("there is nothing to acknowledge", "Error")}),
    "/api/v1/alarms/{alarm}/explain": _get(
        "Why an alarm stood, or not, from the stored samples; as `davylamp explain`", _answer("why", "Explanation"),
        _path("alarm", "id of an alarm, as it is or percent-encoded"),
        _query("at_ms", INTEGER, "instant, Unix ms; default: now"),
        _query("minutes", NUMBER, "how far to look back, 0.1 to 1440; default 60"),
        **{"400": _BAD_REQUEST, "404": _UNKNOWN, "409": _answer("measured data do not explain it", "Error")}),
    "/api/v1/definitions": _get("Every alarm that the site can raise", _answer("all of them", "Definitions")),
    "/api/v1/rules": _get("Rules, groups and calculated signals of the site", _answer("all of them", "Rules")),
    "/api/v1/signals/{signal}/baseline": {
        **_get("What was learnt of one signal", _answer("by each of its learners", "Baseline"), _SIGNAL,
               **{"404": _UNKNOWN}),
        **_post("Freeze, thaw or forget what was learnt of one signal", "Teaching", _answer("done", "Taught"), _SIGNAL,
                **{"404": _UNKNOWN, "409": _answer("it makes no sense now", "Error")})},
    **_holds("bypasses", "Alarms that are bypassed", "bypasses", "Bypassed"),
    **_holds("shelve", "Alarms that are shelved", "holds", "Held"),
    **_holds("out-of-service", "Alarms that are out of service", "holds", "Held"),
    "/api/v1/suppressions": _get("Alarms that are suppressed by design now", _held("holds")),
    "/api/v1/annunciators": _get("Sirens and beacons on relays",
                                 _answer("in the order of the site file", "Annunciators")),
    "/api/v1/annunciators/{annunciator}": _post(
        "Arm, disarm or test a siren or beacon", "AnnunciatorActed", _answer("done; all of them", "Annunciators"),
        _path("annunciator", "id, as it is or percent-encoded"),
        **{"409": _answer("it is not known, or it makes no sense now", "Error")}),
    "/api/v1/selftest": {
        **_get("The last self-test of the whole chain", _answer("its report", "SelfTest")),
        **_post("Begin a self-test now", "SelfTestAsked", _answer("begun; ask again for the report", "SelfTest"),
                **{"409": _answer("there is no test signal, or one is under way", "Error")})},
    "/api/v1/drill": {
        **_get("The drill that goes on, and the result sheet of the latest", _answer("both", "Drill")),
        **_post("Begin a drill, inject an excursion, end it", "DrillAct", _answer("done", "Drill"),
                **{"409": _answer("it is not allowed, or makes no sense now", "Error")})},
    "/api/v1/heartbeats": _get(
        "Other gateways whose life this one watches", {"description": "all of them", "content": {"application/json": {
            "schema": _object(gateways=_list(_ref("Peer")))}}}),
    "/api/v1/heartbeats/{peer}": _post(
        "A sign of life of another gateway", "Nothing", _answer("heard", "Heard"),
        _path("peer", "id of the other gateway"), **{"404": _answer("it is not watched here", "Error")}),
    "/api/v1/notifiers": _get("The ways out of messages", _answer("in the order of the site file", "Notifiers")),
    "/api/v1/notifiers/{notifier}/test": _post(
        "Send a message that is marked as a test, now and once", "NotifierTest", _answer("tried", "NotifierTested"),
        _path("notifier", "as it is or percent-encoded"), **{"409": _answer("there is no such notifier", "Error")}),
    "/ack": {
        **_get("Page to type in the code of a message", _text("a page", "text/html")),
        "post": _SLIP | {"summary": "Acknowledge with a code (form: code, name, comment)"}},
    "/ack/{token}": {
        **_get("Page behind the link of a message; it does nothing by itself", _text("a page", "text/html"), _TOKEN,
               **{"409": _text("forged or expired, as a page", "text/html")}),
        "post": _SLIP | {"summary": "Acknowledge with a link (form: name, comment)", "parameters": [_TOKEN]}},
    "/api/v1/journal": _get(
        "The alarm journal", _answer("newest first", "Journal"),
        _query("limit", INTEGER, "at most so many rows, 1 to 500; default 100"),
        _query("before", INTEGER, "only rows with a smaller position"),
        _query("alarm", _list(STRING), "only rows about this alarm, signal or rule; up to 16"),
        **{"400": _BAD_REQUEST}),
    "/api/v1/oncall": _get(
        "Who is on call now, the shifts of the next days, and how far each alarm has been told",
        _answer("without addresses of people", "OnCall"),
        _query("days", {"type": "integer", "minimum": 1, "maximum": 60, "default": 7}, "so far the shifts are listed"),
        **{"400": _BAD_REQUEST}),
    "/api/v1/route": _get(
        "Who would be told of an alarm, how and when, if nobody acknowledged; nothing is sent",
        _answer("step by step, with the reasons", "Route"), _query("alarm", STRING, "its id", required=True),
        _query("at", STRING, "ISO 8601, without a zone the site's own time; default: now"),
        **{"400": _BAD_REQUEST, "404": _answer("unknown alarm", "Error")}),
    "/api/v1/kpi": _get(
        "Alarm figures after EEMUA 191 and ISA-18.2", _answer("now, and by period", "Kpi"),
        _query("period", _list(_one_of("8h", "day", "week", "month")), "only these; may be repeated; default: all"),
        **{"400": _BAD_REQUEST}),
    "/api/v1/proof-tests": _get("Shut-downs that were commanded, and when each valve was last seen to close in time",
                                _answer("strokes newest first", "ProofTests")),
    "/api/v1/health": _get("The gateway, its devices and its databases", _answer("all of it", "Health")),
    "/api/v1/events": _get(
        "Server-sent events: changed signals once a second, alarms when they change",
        _answer("one event per frame, shared by all viewers", "Event", "text/event-stream"),
        **{"503": _answer("too many viewers", "Error")}),
    "/api/v1/openapi.json": _get("This description", {
        "description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}),
    "/metrics": _get("Metrics for Prometheus", _text("text exposition format 0.0.4", "text/plain")),
    "/healthz": _get("Does the gateway work?", _answer("it works", "Working"),
                     **{"503": _answer("it does not, with the reason", "Working")}),
}


def description(version: str) -> dict:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Davylamp", "version": version,
                 "description": "Read-only view of a site, and acknowledgement of alarms. Loopback only."},
        "paths": PATHS,
        "components": {"schemas": SCHEMAS},
    }
