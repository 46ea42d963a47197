"""What the API answers, and what it says when it can not."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.ports import DeviceStatus, SinkStatus
from gateway.model.quality import Flag, Quality
from gateway.model.text import Text
from gateway.model.verdict import Evidence
from tests.api.depot import Counted


async def reading(client, signal):
    answer = await client.get("/api/v1/signals")
    return next(one for one in answer.json()["signals"] if one["id"] == signal)


async def test_a_reading_tells_value_quality_age_and_the_time_at_the_site(client, gateway):
    gateway.feed("GD-03", 42.17)
    gateway.clock.advance(2.5)
    found = await reading(client, "GD-03")
    assert (found["value"], found["age_s"]) == (42.17, 2.5)
    assert found["time"] == "2026-09-21T22:13:20.000+08:00"
    assert found["quality"] == {"code": 0, "severity": "good", "label": {"en": "good", "zh": "正常"},
                                "clock_trusted": True}


async def test_a_bad_reading_has_no_value_but_a_reason(client, gateway):
    gateway.feed("GD-03", math.nan, Quality.BAD_COMM_LOST)
    found = await reading(client, "GD-03")
    assert found["value"] is None
    assert (found["quality"]["severity"], found["quality"]["label"]["zh"]) == ("bad", "通信中断")


async def test_a_signal_never_heard_of_has_neither_age_nor_time(client):
    found = await reading(client, "GD-03")
    assert (found["age_s"], found["time"], found["quality"]["severity"]) == (None, None, "bad")


async def test_a_retained_value_is_as_old_as_its_own_stamp(client, gateway):
    row, now = gateway.site.signals.index("GD-03"), gateway.now()
    gateway.take(Frame.of(row, 1.0, now, Quality.UNCERTAIN_STALE, wall_ns=now.wall_ns - 3600 * NS))
    assert (await reading(client, "GD-03"))["age_s"] == 3600.0


async def test_a_clock_that_was_set_back_makes_nothing_younger(client, gateway):
    gateway.feed("GD-03", 1.0)
    gateway.clock.advance(10)
    gateway.clock.step_wall(-3600)
    assert (await reading(client, "GD-03"))["age_s"] == 10.0


async def test_the_age_of_a_sample_stamped_by_an_untrusted_clock_is_judged_on_the_time_line(client, gateway):
    gateway.take(Frame.of(gateway.site.signals.index("GD-03"), 1.0, Instant(gateway.now().line_ns, NS, False)))
    gateway.clock.advance(4)
    found = await reading(client, "GD-03")
    assert (found["age_s"], found["quality"]["clock_trusted"]) == (4.0, False)
    assert gateway.latest.quality[gateway.site.signals.index("GD-03")] & Flag.CLOCK_NOT_TRUSTED


async def test_history_of_a_signal_with_a_dot_and_of_several_signals(client, gateway):
    for level in (7.0, 7.5, 8.0):
        gateway.feed("T-101.level", level)
        gateway.clock.advance(60)
    one = (await client.get("/api/v1/signals/T-101.level/history?minutes=10&points=100")).json()
    assert one["mean"] == one["low"] == one["high"] == [7.0, 7.5, 8.0]
    assert one["t_ms"] == sorted(one["t_ms"])
    two = (await client.get("/api/v1/history?signal=GD-01&signal=T-101.level&minutes=2.5&points=50")).json()["trends"]
    assert [(trend["signal"], trend["mean"]) for trend in two] == [("GD-01", []), ("T-101.level", [7.5, 8.0])]


@pytest.mark.parametrize("path, status, where", [
    ("/api/v1/signals/NOPE/history", 404, "signal"),
    ("/api/v1/history", 400, "signal"),
    ("/api/v1/history?" + "&".join(["signal=GD-01"] * 65), 400, "signal"),
    ("/api/v1/signals/GD-01/history?minutes=0", 400, "minutes"),
    ("/api/v1/signals/GD-01/history?minutes=nan", 400, "minutes"),
    ("/api/v1/signals/GD-01/history?minutes=ten", 400, "minutes"),
    ("/api/v1/signals/GD-01/history?points=1e9", 400, "points"),
    ("/api/v1/journal?limit=0", 400, "limit"),
    ("/api/v1/journal?before=x", 400, "before"),
    ("/api/v1/journal?" + "&".join(["alarm=x"] * 17), 400, "alarm"),
    ("/api/v1/alarms/NOPE/explain", 404, "alarm"),
    ("/api/v1/alarms/GD-03/HH/explain?minutes=0", 400, "minutes"),
    ("/api/v1/alarms/GD-03/HH/explain?at_ms=soon", 400, "at_ms"),
    ("/api/v1/alarms/gateway/ledger/explain", 409, "gateway/ledger"),
    ("/api/v1/nothing", 404, "/api/v1/nothing"),
    ("/static/../routes.py", 404, "/routes.py"),
    ("/etc/passwd", 404, "/etc/passwd"),
])
async def test_a_question_that_makes_no_sense_is_answered_in_both_languages(client, path, status, where):
    answer = await client.get(path)
    error = answer.json()["error"]
    assert (answer.status_code, error["where"]) == (status, where)
    assert error["what"]["en"] and error["what"]["zh"] and error["what"]["en"] != error["what"]["zh"]


async def test_an_alarm_tells_what_where_how_bad_and_since_when(client, gateway):
    line = Evidence(gateway.now().wall_ns, "GD-03", 41.9, Text("above 40 %LEL", "高于 40 %LEL"))
    gateway.raise_alarm("GD-03/HH", 41.9, (line,))
    gateway.clock.advance(90)
    found = (await client.get("/api/v1/alarms")).json()
    alarm = found["alarms"][0]
    assert (found["risk"], found["total"], found["unacknowledged"], found["by_priority"]["P1"]) == ("red", 1, 1, 1)
    assert (alarm["id"], alarm["area"], alarm["state"], alarm["waits"]) == ("GD-03/HH", "tank_farm", "unacknowledged",
                                                                           True)
    assert (alarm["value"], alarm["limit"], alarm["unit"], alarm["age_s"]) == (41.9, 40.0, "%LEL", 90.0)
    assert alarm["first_out"] and alarm["recorded"] and alarm["guidance"]["zh"]
    assert alarm["raised"] == "2026-09-21T22:13:20.000+08:00"
    assert alarm["evidence"] == [{"time": alarm["raised"], "signal": "GD-03", "value": 41.9,
                                  "note": {"en": "above 40 %LEL", "zh": "高于 40 %LEL"}}]


async def test_no_alarm_is_low_risk(client):
    assert (await client.get("/api/v1/alarms")).json() == {
        "risk": "blue", "total": 0, "unacknowledged": 0, "by_priority": {"P1": 0, "P2": 0, "P3": 0, "P4": 0},
        "alarms": [], "bypasses": [], "holds": []}


@pytest.mark.parametrize("path", ["/api/v1/alarms/GD-03/HH/ack", "/api/v1/alarms/GD-03%2FHH/ack"])
async def test_an_alarm_is_acknowledged_with_a_name_that_is_not_verified(client, gateway, path):
    gateway.raise_alarm("GD-03/HH", 41.9)
    answer = await client.post(path, json={"name": " Li  Wei ", "comment": "on my way"})
    assert answer.json() == {"alarm": "GD-03/HH", "state": "acknowledged", "name": "Li Wei", "verified": False,
                             "recorded": True}
    alarm = (await client.get("/api/v1/alarms")).json()["alarms"][0]
    assert (alarm["state"], alarm["who"], alarm["comment"], alarm["waits"]) == ("acknowledged", "Li Wei", "on my way",
                                                                                False)


async def test_an_alarm_id_with_a_plus_is_understood(client, gateway):
    gateway.raise_alarm("GD-03/ROC+", 0.7)
    assert (await client.post("/api/v1/alarms/GD-03%2FROC%2B/ack", json={"name": "Li"})).status_code == 200


async def test_an_acknowledgement_that_is_not_recorded_says_so(client, gateway):
    gateway.raise_alarm("GD-03/HH", 41.9, recorded=False)
    answer = await client.post("/api/v1/alarms/GD-03/HH/ack", json={"name": "Li"})
    assert (answer.status_code, answer.json()["recorded"]) == (200, False)


async def test_acknowledging_twice_or_nothing_is_refused(client, gateway):
    gateway.raise_alarm("GD-03/HH", 41.9)
    statuses = [(await client.post("/api/v1/alarms/GD-03/HH/ack", json={"name": "Li"})).status_code for _ in "12"]
    assert statuses == [200, 409]
    answer = await client.post("/api/v1/alarms/GD-99/HH/ack", json={"name": "Li"})
    assert (answer.status_code, answer.json()["error"]["what"]["zh"]) == (404, "未知告警 'GD-99/HH'")


@pytest.mark.parametrize("body, status, where", [
    (b'{"comment": "x"}', 400, "name"), (b'{"name": "  "}', 400, "name"), (b'{"name": 7}', 400, "name"),
    (b'{"name": "' + b"x" * 81 + b'"}', 400, "name"), (b'{"name": "a\\u0000b"}', 400, "name"),
    (b'{"name": "Li", "comment": "' + b"x" * 501 + b'"}', 400, "comment"),
    (b"[]", 400, "body"), (b"not json", 400, "body"), (b"", 400, "body"), (b'{"name": NaN}', 400, "body"),
    (b'{"name": "' + b"x" * 9000 + b'"}', 413, "body"),
])
async def test_an_acknowledgement_that_can_not_be_read_changes_nothing(client, gateway, body, status, where):
    gateway.raise_alarm("GD-03/HH", 41.9)
    answer = await client.post("/api/v1/alarms/GD-03/HH/ack", content=body,
                               headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["where"]) == (status, where)
    assert gateway.alarms()[0].state.waits


async def test_the_journal_is_read_backwards_page_by_page(client, gateway):
    for alarm in ("GD-01/H", "GD-02/H", "GD-03/H"):
        gateway.raise_alarm(alarm, 22.0)
        await client.post(f"/api/v1/alarms/{alarm}/ack", json={"name": "Li"})
    first = (await client.get("/api/v1/journal?limit=2")).json()["rows"]
    rest = (await client.get(f"/api/v1/journal?limit=2&before={first[-1]['position']}")).json()["rows"]
    assert [row["alarm"] for row in first + rest] == ["GD-03/H", "GD-02/H", "GD-01/H"]


async def zone(client, area):
    found = (await client.get("/api/v1/health")).json()["zones"]
    return next((one["working"], one["total"], one["state"]) for one in found if one["area"] == area)


async def test_a_gas_zone_counts_only_detectors_that_can_be_believed(client, gateway):
    assert await zone(client, "tank_farm") == (0, 3, "degraded"), "none was heard yet"
    for number in range(1, 7):
        gateway.feed(f"GD-0{number}", 0.5)
    assert await zone(client, "tank_farm") == (3, 3, "ok")
    gateway.feed("GD-01", math.nan, Quality.BAD_COMM_LOST)
    assert await zone(client, "tank_farm") == (3, 3, "ok"), "one lost request is not yet a lost detector"
    for failed, (alarm, state) in enumerate({"GD-01/deadman": "degraded", "GD-02/stuck": "degraded",
                                             "GD-03/invalid": "blind"}.items(), 1):
        gateway.raise_alarm(alarm)
        assert await zone(client, "tank_farm") == (3 - failed, 3, state)
    assert await zone(client, "pump_house") == (2, 2, "ok")
    gateway.clock.advance(1)
    gateway.end_alarm("GD-01/deadman")  # and waits for acknowledgement, but the detector is back
    assert await zone(client, "tank_farm") == (1, 3, "degraded")


async def test_a_detector_that_does_not_work_says_why(client, gateway):
    for number in (1, 2):
        gateway.feed(f"GD-0{number}", 0.5)
    gateway.raise_alarm("GD-02/deadman")
    gateway.raise_alarm("GD-02/inhibit")
    zones = (await client.get("/api/v1/health")).json()["zones"]
    assert [zone["why"] for zone in zones if zone["area"] == "tank_farm"] == [
        [None, {"en": "out of service", "zh": "已退出工作"}, {"en": "no data yet", "zh": "尚无数据"}]]


async def test_a_zone_announced_as_blind_is_shown_as_blind_whatever_its_detectors_read(client, gateway):
    gateway.feed("GD-06", 0.5)
    gateway.raise_alarm("loading_bay/blind")
    assert await zone(client, "loading_bay") == (1, 1, "blind")


async def test_health_tells_of_devices_databases_and_the_gateway(client, gateway):
    gateway.device_list = [DeviceStatus("modbus", "GD-06 probe", False, Text("no answer", "无应答"),
                                        gateway.now().wall_ns - 12 * NS, {"timeouts": 4}),
                           DeviceStatus("mqtt", "frigate", True)]
    gateway.sink_list = [SinkStatus("influx", False, Text("refused", "被拒绝"), {"written": 7})]
    gateway.condition = replace(gateway.condition, counters={"samples": 99})
    health = (await client.get("/api/v1/health")).json()
    assert [(device["device"], device["silent_s"], device["counters"]) for device in health["devices"]] == [
        ("GD-06 probe", 12.0, {"timeouts": 4}), ("frigate", None, {})]
    assert health["sinks"][0]["reason"] == {"en": "refused", "zh": "被拒绝"}
    assert (health["counters"], [part["id"] for part in health["parts"]]) == ({"samples": 99}, ["store", "ledger"])


async def test_healthz_follows_the_gateways_own_progress(client, gateway):
    assert (await client.get("/healthz")).status_code == 200
    gateway.condition = replace(gateway.condition, working=False, reason=Text("detection stands still", "检测已停止"))
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()["reason"]["en"]) == (503, "detection stands still")


async def test_metrics_are_the_gateways_and_the_pages(client, gateway):
    gateway.metric_list = [Counted("davylamp_samples_total", "counter", "Samples evaluated.", (({}, 12),))]
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "davylamp_samples_total 12\n" in answer.text and "davylamp_page_viewers 0\n" in answer.text


async def test_an_error_of_our_own_is_an_answer_and_not_the_end(gateway, caplog):
    import httpx

    from gateway.api.routes import create_app

    gateway.health = None  # a bug
    transport = httpx.ASGITransport(create_app(gateway), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
        answer = await asking.get("/healthz")
        assert (answer.status_code, answer.json()["error"]["where"]) == (500, "/healthz")
        assert (await asking.get("/api/v1/alarms")).status_code == 200
    assert "no answer to GET /healthz" in caplog.text


async def test_the_pages_files_are_served_once_and_then_by_their_tag(client):
    first = await client.get("/")
    assert first.headers["content-type"].startswith("text/html") and "<!doctype html>" in first.text
    again = await client.get("/", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.get("/page.js")).headers["content-type"].startswith("text/javascript")
    assert (await client.get("/page.css")).headers["content-type"].startswith("text/css")


async def test_the_journal_of_one_alarm(client, gateway):
    for alarm in ("GD-03/HH", "esd-north", "GD-03/H"):
        gateway.raise_alarm(alarm)
        await client.post(f"/api/v1/alarms/{alarm}/ack", json={"name": "Li"})
    rows = (await client.get("/api/v1/journal?alarm=GD-03/HH&alarm=GD-03/H")).json()["rows"]
    assert [row["alarm"] for row in rows] == ["GD-03/H", "GD-03/HH"]


async def test_an_explanation_has_the_curve_its_limits_and_the_reason(client, gateway):
    for value in (1.0, 12.0, 25.0, 28.0):
        gateway.feed("GD-03", value)
        gateway.clock.advance(1)
    told = (await client.get("/api/v1/alarms/GD-03/H/explain")).json()
    assert (told["stands"], told["plot"]["value"], told["plot"]["limits"]) == (
        True, [1.0, 12.0, 25.0, 28.0], {"HH": 40.0, "H": 20.0})
    assert "28.0 %LEL is at or beyond the set point 20.0 %LEL." in [reason["en"] for reason in told["reasons"]]
    assert told["verdict"][0]["zh"].endswith("，当时 25.0 %LEL。")
    before = (await client.get(f"/api/v1/alarms/GD-03/H/explain?at_ms={told['plot']['t_ms'][1]}")).json()
    assert (before["stands"], before["last"]) == (False, None)


async def test_rules_tell_what_is_needed_of_which_tests(client):
    told = (await client.get("/api/v1/rules")).json()
    assert [(rule["id"], rule["kind"], [(part["part"], part["needed"], [test["text"] for test in part["tests"]])
                                        for part in rule["parts"]]) for rule in told["rules"]] == [
        ("esd-north", "shutdown", [("command", 1, ["XV-101.closed == 1"]), ("feedback", 1, ["XV-102.closed == 1"])]),
        ("work-without-video-pump", "interlock", [("when", 1, ["P-101.P > 2"]),
                                                  ("requires", 1, ["CAM-pump.fps >= 1"])])]


async def test_every_alarm_that_can_be_raised_is_told_with_what_to_do(client, gateway):
    told = {one["id"]: one for one in (await client.get("/api/v1/definitions")).json()["alarms"]}
    assert list(told) == [alarm.id for alarm in gateway.site.alarms]
    gas = told["GD-03/HH"]
    assert (gas["limit"], gas["latch"], gas["group"]) == (40.0, True, "tank_farm")
    assert told["esd-north"]["guidance"]["zh"].startswith("手动关闭")
    assert told["esd-north"]["advice"]["action"] == told["esd-north"]["guidance"]
    assert gas["advice"]["contact"]["en"].startswith("Control room") and "leak" in gas["advice"]["cause"]["en"]
