"""`davylamp proof-tests` over the alarm file of a gateway that has really run."""

from __future__ import annotations

import json

import pytest

from alerting.ledger import AlarmLedger
from alerting.service import AlarmService
from gateway.app import load
from gateway.cli import main
from gateway.core.bank import Bank
from gateway.model.clock import ManualClock
from gateway.model.frame import Frame
from gateway.model.text import Text
from gateway.pipeline import Pipeline
from gateway.replay.proof_tests import lines
from gateway.store import StoreSettings, TelemetryStore

SITE = """
[site]
id = "s"
name = { en = "North depot", zh = "北站油库" }
timezone = "Asia/Shanghai"

[[signals]]
id = "ESD.cmd"
kind = "switch"
deadman = "1h"

[[signals]]
id = "XV-1.closed"
kind = "switch"
deadman = "1h"

[[signals]]
id = "XV-2.closed"
kind = "switch"
deadman = "1h"

[[signals]]
id = "FT-1"
kind = "level"
limits = "none"
deadman = "1h"

[[rules]]
id = "esd"
type = "shutdown_verification"
command = "ESD.cmd == 1"
feedback = ["XV-1.closed == 1", "XV-2.closed == 1"]
stroke_time = "8s"
effect = "FT-1 < 1"
effect_time = "20s"
proof_test_interval = "30d"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(SITE, encoding="utf-8")
    return path


async def live(file, *moments):
    """(seconds to pass, values of all four signals) through a real pipeline."""
    site, clock, folder = load(file).site_file.site, ManualClock(), file.parent / "data"
    folder.mkdir()
    store = TelemetryStore(folder / "telemetry", site.signals, StoreSettings(keep_free=0), clock)
    store.open()
    alarms = AlarmService(site.alarms, site, AlarmLedger(folder / "alarms.db"), [], clock)
    await alarms.start()
    pipeline = Pipeline(Bank(site), store, alarms.apply, clock)
    pipeline.replay()
    for seconds, *values in moments:
        clock.advance(seconds)
        await pipeline.put(Frame.of(range(4), values, clock.now()))
        pipeline.step()
    await alarms.close()
    await store.close()


STORY = ((1, 0, 0, 0, 40), (10, 1, 0, 0, 40), (5, 1, 1, 0, 10), (6, 1, 1, 1, 0), (60, 0, 0, 0, 40),
         (3600, 1, 0, 0, 40), (4, 1, 1, 1, 12), (9, 1, 1, 1, 0))


async def test_every_valve_and_every_stroke(file, capsys):
    await live(file, *STORY)
    assert main(["proof-tests", str(file), "--lang", "en"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "North depot: proof tests (times: Asia/Shanghai)"
    assert told[2].split()[:2] == ["test", "rule"]
    assert "XV-1.closed == 1  esd   2026-09-21 23:14:42" in told[3] and "4.0 s" in told[3]
    assert told[6:8] == [
        "2026-09-21 23:14:42  esd: verified; XV-1.closed == 1 after 4.0 s, XV-2.closed == 1 after 4.0 s, "
        "FT-1 < 1 after 13.0 s",
        "2026-09-21 22:13:31  esd: verified too late; XV-1.closed == 1 after 5.0 s, XV-2.closed == 1 after 11.0 s, "
        "FT-1 < 1 after 11.0 s"]


async def test_in_chinese_and_as_json(file, capsys):
    await live(file, *STORY)
    assert main(["proof-tests", str(file), "--lang", "zh"]) == 0
    told = capsys.readouterr().out
    assert "北站油库：验证测试记录（时区：Asia/Shanghai）" in told
    assert "esd：超时后确认；XV-1.closed == 1 5.0 秒" in told
    assert main(["proof-tests", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["test"], one["after_s"]) for one in found["valves"]] == [("XV-1.closed == 1", 4.0),
                                                                         ("XV-2.closed == 1", 4.0)]
    assert [one["outcome"] for one in found["strokes"]] == ["verified", "late"]


def test_what_was_never_proved_is_overdue(file):
    site = load(file).site_file.site
    told = list(lines(site, [], 0, "en"))
    assert told[3].split() == ["XV-1.closed", "==", "1", "esd", "never", "-", "-", "OVERDUE"]
    assert told[-1] == "No shut-down and no test since the log began."
    assert "从未" in list(lines(site, [], 0, "zh"))[3]


@pytest.mark.survives("proof-tests where no gateway has run", then="refused", says=Text(
    "there is no alarm file: no gateway has run here yet", "没有告警文件：此处尚未运行过网关"))
def test_without_an_alarm_file(file, capsys, says):
    assert [main(["proof-tests", str(file), "--lang", language]) for language in ("en", "zh")] == [1, 1]
    assert says(Text(*capsys.readouterr().err.splitlines()))


def test_a_site_without_such_a_rule(file, capsys):
    file.write_text(SITE[:SITE.index("[[rules]]")], encoding="utf-8")
    site = load(file).site_file.site
    assert list(lines(site, [], 0, "en"))[1] == "The site has no rule of type shutdown_verification or response_test."
