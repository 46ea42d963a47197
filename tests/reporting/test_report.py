"""A report of a story of which every figure is known: from the data folder, from a real InfluxDB, and on paper."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alerting.journal.times import Times
from gateway.historian.streams import streams
from gateway.model.alarm import Risk
from gateway.model.breach import stop_orders
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.correction import Told
from gateway.model.errors import CommandError, DavylampError, SinkError
from gateway.model.signal import Still
from gateway.model.text import Text
from gateway.reporting import charts
from gateway.reporting.document import Weight
from gateway.reporting.facts import Episode, Facts
from gateway.reporting.folder import Folder
from gateway.reporting.gather import gather
from gateway.reporting.influx import Influx
from gateway.reporting.judge import fault_seconds, judge, of_rules
from gateway.reporting.page import render
from gateway.reporting.period import period
from gateway.sinks.config import InfluxSettings
from gateway.sinks.endpoint import WriteV1
from gateway.store.archive import Archive
from gateway.timekeeping import COUNT_S
from tests import servers
from tests import test_timekeeping as timekeeping
from tests.historian.stage import OWN, START, living
from tests.reporting.example import CONTACT, PAGE
from tests.reporting.story import depot, tell, told
from tests.sinks.stage import query, until
from tests.sites import gas, site

SITE = depot()
END = (START + 2400) * NS
WEEK = period("week", date(2026, 9, 21), SITE.zone)


def made(source, now_ns: int = END, span=WEEK) -> Facts:
    return gather(SITE, span, source, now_ns, 1, lambda text: None)


@pytest.fixture(scope="module")
def lived(tmp_path_factory, influxdb) -> tuple[Path, str]:
    """The data folder after the story, and a database that was told all of it."""
    folder = tmp_path_factory.mktemp("data")
    query(influxdb.url, "CREATE DATABASE davylamp")

    async def live() -> None:
        async with told(SITE, folder) as house:
            await house.journalled(15)
            endpoint = WriteV1(InfluxSettings(type="influx", url=influxdb.url, database="davylamp"), "davylamp")
            for stream in streams("influx", house.archive, SITE, folder / "alarms.db", 10_000):
                while True:
                    try:
                        parcel = await asyncio.wait_for(stream.take(), 2.0)
                    except TimeoutError:
                        break
                    assert endpoint.write(parcel.lines).taken
                    parcel.done()

    asyncio.run(live())
    return folder, influxdb.url


@pytest.fixture
def data(lived, tmp_path) -> Path:
    """A copy, as an inspector takes it home."""
    return Path(shutil.copytree(lived[0], tmp_path / "data"))


def numbers(facts: Facts) -> dict[str, object]:
    """What both sources must agree on."""
    return {
        "alarms": facts.figures.alarms, "by_priority": list(facts.figures.by_priority.values()),
        "by_colour": facts.per_day.sum(0).tolist(), "on": facts.per_day.sum(1).tolist(),
        "answers": (facts.figures.answers.count, facts.figures.answers.median_s),
        "average": round(facts.figures.average, 3), "faulty": fault_seconds(facts),
        "stop order": [one.seconds(facts.start_ns, facts.until_ns) for one in of_rules(facts, stop_orders(SITE))],
        "gas": facts.systems["gas"].minutes.sum(0).tolist(),
        "shutoff": facts.systems["shutoff"].minutes.sum(0).tolist(),
        "gateway": (facts.presence.expected, facts.presence.present, facts.presence.gaps),
        "ran": facts.presence.by_day.tolist(), "people": facts.presence.most_people,
        "load": facts.presence.running_minutes,
        "signals": [(own.expected, own.present) for own in facts.signals],
        "highest": facts.signals[0].high[-1], "tests": [(one.rule, str(one.outcome)) for one in facts.strokes],
        "overdue": [one.rule.id for one in facts.proofs if one.overdue],
        "held": [(one.kind, one.target, one.who, one.why, (one.ended_ns - one.begun_ns) // NS) for one in facts.held]}


STORY = {
    "alarms": 4, "by_priority": [0, 4, 0, 1], "by_colour": [0, 4, 0, 1], "on": [0, 0, 0, 0, 0, 0, 5],
    "answers": (1, 56.0), "average": round(4 / 3.1, 3), "faulty": {"GD-02": 119.0}, "stop order": [303.0],
    "gas": [28, 3, 0], "shutoff": [31, 0, 0], "gateway": (40, 31, (((START + 960) * NS, 9),)), "ran": [0] * 6 + [31],
    "people": 7, "load": 5,
    "signals": [(40, 31), (40, 30), *[(0, 0)] * 5], "highest": 25.0, "tests": [("esd", "verified")],
    "overdue": ["esd-2"], "held": [("bypass", "GD-01/H", "Zhao", "new head", 240)]}


def test_the_data_folder_tells_the_story(data):
    before = {path: path.read_bytes() for path in data.glob("*.db")}
    facts = made(Folder(SITE, data))
    assert numbers(facts) == STORY
    assert facts.chain.examination.rows == facts.chain.last[0] == 17 and facts.chain.examination.sound
    assert {path: path.read_bytes() for path in before} == before


def test_a_database_tells_the_same(lived):
    facts = made(Influx(SITE, InfluxSettings(type="influx", url=lived[1], database="davylamp")))
    assert numbers(facts) == STORY
    assert facts.chain is None and any("journal" in text.en for text in facts.missing)


def test_what_is_wrong_comes_first(data):
    findings = judge(made(Folder(SITE, data)))
    assert [one.weight for one in findings] == sorted((one.weight for one in findings), key=list(Weight).index)
    assert [one.what.en for one in findings if one.weight is Weight.WRONG] == [
        "Work against a stop order or without a permit: 1 ×, 5.0 min in all: "
        "works against the stop order (2026-09-21 22:25, 5.0 min)",
        "Proof tests overdue: 1: esd-2 (XV-1 == 1)",
        "The gateway did not watch for 9.0 min in all (gaps: 1; the longest from 2026-09-21 22:16, 9.0 min)"]


def test_danger_to_life_is_told_on_the_first_page_when_it_is_over(data):
    facts = made(Folder(SITE, data))
    assert not any("Red" in one.what.en for one in judge(facts))
    red = next(alarm.id for alarm in SITE.alarms if alarm.risk is Risk.RED and alarm.origin == "GD-01")
    begun = (START + 60) * NS
    found = judge(replace(facts, episodes=(*facts.episodes, Episode(red, begun, begun + 90 * NS, None, True))))
    (told,) = [one for one in found if "Red" in one.what.en]
    assert told.weight is Weight.WATCH and told.what.en.startswith("Red alarms that are over: 1: GD-01 ")
    assert told.what.en.endswith("(2026-09-21 22:01, 90 s)") and told.what.zh.startswith("已恢复的红色告警 1 个：")


def test_the_example_in_the_documents_has_the_shape_of_a_report(data):
    """After a change: `python -m tests.reporting.example`."""
    def shape(text: str) -> list[list[str]]:
        return [re.findall(pattern, text, re.S) for pattern in (
            r"<style>.*?</style>", r"<h2>.*?</h2>", r"<h3>.*?</h3>", r"<dt>.*?</dt>", r'<article lang="[^"]*">')]

    example = PAGE.read_text(encoding="utf-8")
    assert shape(example) == shape(render(made(Folder(SITE, data)), "both", END)) and len(example) < 300_000
    assert CONTACT in example and example.count("GD-03") > 10


def test_a_standing_alarm_of_before_the_period_is_in_it(data):
    """The next week begins while nothing but an old alarm stands."""
    with sqlite3.connect(data / "alarms.db") as file:
        file.execute("DROP TRIGGER journal_keeps_rows")
        file.execute("DELETE FROM journal WHERE alarm = 'stop-order' AND body LIKE '%\"clear\"%'")
    after = period("week", date(2026, 9, 28), SITE.zone)
    facts = made(Folder(SITE, data), after.end_ns, after)
    (one,) = facts.episodes
    assert (one.alarm, one.new, one.ended_ns) == ("stop-order", False, None)
    assert facts.per_day.sum() == 0 and not facts.chain.examination.sound


class Strict(HTMLParser):
    """Every element is closed, nothing is fetched, nothing runs."""

    VOID = frozenset({"meta", "br", "rect", "line"})

    def __init__(self):
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "link", "img", "iframe", "object"), tag
        assert not {name for name, _ in attrs} & {"src", "href", "onclick", "onload"}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_one_file_that_needs_nothing_else(data, language):
    text = render(made(Folder(SITE, data)), language, END)
    page = Strict()
    page.feed(text)
    assert not page.open and not re.search(r"https?://|url\(|@import", text)
    assert "Wang &lt;fire&gt; 010-5555-0101" in text and text.count("<article") == (2 if language == "both" else 1)
    assert ("违反停产指令运行" in text) == (language != "en")
    assert ("stop order or without a permit: 1 ×" in text) == (language != "zh")
    assert (">no data<" in text) == (language != "zh") and (">无数据<" in text) == (language != "en")


def test_a_day_without_the_gateway_is_no_quiet_day(data):
    """Of the week it ran on the last day only: the six others are grey, and the mean rate counts what it saw."""
    facts = made(Folder(SITE, data))
    drawn = str(charts.bars(facts.period.days, facts.per_day, [charts.RED] * 4, [""] * 4,
                            facts.presence.by_day > 0, "no data"))
    assert drawn.count(f'fill="{charts.GREY}"') == 6 + 1  # and one in the legend
    known = str(charts.bars(facts.period.days, facts.per_day, [charts.RED] * 4, [""] * 4,
                            facts.presence.by_day >= 0, "no data"))
    assert charts.GREY not in known and "no data" not in known


def test_it_prints_on_a4(data, tmp_path):
    page, paper = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(render(made(Folder(SITE, data)), "both", END), encoding="utf-8")
    chromium = servers.program("chromium", "chromium-browser", "google-chrome")
    subprocess.run([chromium, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'c'}",
                    f"--print-to-pdf={paper}", "--no-pdf-header-footer", page.as_uri()], check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sizes = re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", paper.read_bytes())
    assert {(round(float(wide)), round(float(tall))) for wide, tall in sizes} == {(595, 842)} and 6 <= len(sizes) <= 12


def test_nobody_who_wears_a_card_is_named(data):
    card = replace(gas("CARD-7", gas=False, limits=(), low=None, high=None, deadman_s=None),
                   still=Still(1800.0, 2.0), name=Text.same("Han Meimei"))
    place = replace(SITE, signals=site(*SITE.signals, card).signals)
    alarm = place.alarms.get(f"CARD-7/{Condition.STILL}")
    with sqlite3.connect(data / "alarms.db") as file:
        file.execute("DROP TRIGGER journal_keeps_text")
        file.execute("UPDATE journal SET alarm = ? WHERE alarm = 'stop-order'", (alarm.id,))
    facts = gather(place, WEEK, Folder(place, data), END, 1, lambda text: None)
    assert any(one.alarm == alarm.id for one in facts.episodes)
    text = render(facts, "both", END)
    assert "CARD-7" not in text and "Meimei" not in text and "a card (does not move)" in text


# -- bad input


def said(error: DavylampError) -> Text:
    return Text(error.message("en"), error.message("zh"))


@pytest.mark.survives("a report of a period of which there is no data", then="no file; when there is data is said",
                      says=Text("there is no data of this period (…). Fix: there is data from 2026-09-21 22:00 to …",
                                "该周期（…）没有数据。处理：现有数据：2026-09-21 22:00 至 …"))
def test_a_period_without_data(data, says):
    with pytest.raises(CommandError) as error:
        made(Folder(SITE, data), END, period("month", date(2025, 1, 31), SITE.zone))
    assert says(said(error.value))


@pytest.mark.survives("a report with a period that does not exist", then="no file",
                      says=Text("`mouth` is no period; did you mean `month`?",
                                "`mouth` 不是报告周期；是否应为 `month`？"))
def test_an_unknown_period(says):
    with pytest.raises(CommandError) as error:
        period("mouth", date(2026, 9, 30), SITE.zone)
    assert says(said(error.value))


@pytest.mark.survives("a report while the alarm file is damaged", then="everything but alarms is reported",
                      says=Text("the alarm file can not be read: …", "告警文件无法读取：…"))
def test_a_damaged_ledger_takes_only_its_part(data, says):
    (data / "alarms.db").write_bytes(b"no database" * 1000)
    facts = made(Folder(SITE, data))
    assert says(facts.missing[-1]) and facts.presence.present == 31 and not facts.episodes
    assert "the alarm file can not be read" in render(facts, "en", END)


@pytest.mark.survives("a report while the archive of minutes is damaged", then="everything but minutes is reported",
                      says=Text("the archive of minutes can not be used: …", "分钟数据文件无法使用：…"))
def test_a_damaged_archive_takes_only_its_part(data, says):
    (data / "minutes.db").write_bytes(b"no database" * 1000)
    facts = made(Folder(SITE, data))
    assert any(map(says, facts.missing)) and facts.figures.alarms == 4 and not facts.systems
    assert "Not known: the gateway kept no minutes of them" in render(facts, "en", END)


LOCKED = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
TOLD = ("import json, sys; from tests.reporting.test_report import *\n"
        "for folder in map(Path, sys.argv[1:]):\n"
        "    facts = made(Folder(SITE, folder))\n"
        "    right = bool(facts.systems) and numbers(facts) == STORY\n"
        "    print(json.dumps([right, [[text.en, text.zh] for text in facts.missing]]))")


@pytest.mark.survives("a report from a stick with its lock on: half a copy of a running gateway (no -shm)",
                      then="everything but minutes is reported, and what to do; a whole copy tells everything",
                      says=Text("the archive of minutes can not be used: …: copy the folder to a disk …",
                                "分钟数据文件无法使用：…: copy the folder to a disk …"))
def test_a_medium_that_can_not_be_written(data, tmp_path, says):
    """A gateway that was stopped; one that ran while it was copied; half of such a copy."""
    stick = tmp_path / "stick"
    with closing(sqlite3.connect(data / "minutes.db", isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("INSERT INTO cursor VALUES ('test', 1)")
        for name in ("whole", "half"):
            shutil.copytree(data, stick / name)
    assert (stick / "half/minutes.db-wal").stat().st_size
    (stick / "half/minutes.db-shm").unlink()
    shutil.copytree(data, stick / "stopped", ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    folders = [stick / name for name in ("stopped", "whole", "half")]
    done = subprocess.run(["unshare", "--mount", "sh", "-c", LOCKED, "sh", stick, sys.executable, "-c", TOLD, *folders],
                          capture_output=True, text=True)
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(f"no mount of its own: {done.stderr.strip()[-200:]}")
    assert not done.stderr
    stopped, whole, half = map(json.loads, done.stdout.splitlines())
    assert stopped == whole and stopped[0]
    assert not half[0] and any(says(Text(*text)) for text in half[1])


@pytest.mark.survives("a report soon after a start without the time", then="it says why there are no minutes yet",
                      says=Text("minutes of signals are held back until the clock is trusted, 24 h after a start …",
                                "时钟未同步，信号分钟数据暂不统计（启动后最多 24 小时）：…"))
async def test_minutes_that_are_held_back(tmp_path, says):
    async with living(SITE, tmp_path) as house:
        house.store.hold_back(house.clock.now().line_ns)
        house.historian.told = lambda line_ns, wall_ns: Told(wall_ns, line_ns / NS)
        house.historian.own = lambda now: OWN | {"clock_untrusted": True, "uptime_s": now.line_ns / NS}
        await tell(house, 300, GD_01=1.0)
        facts = made(Folder(SITE, tmp_path), (START + 300) * NS)
        assert any(map(says, facts.missing)) and not any(one.present for one in facts.signals)
        house.store.give_up()  # the time has not come for a day
        house.historian.own = lambda now: OWN | {"clock_untrusted": True, "uptime_s": COUNT_S}
        await tell(house, 360, GD_01=1.0)
        facts = made(Folder(SITE, tmp_path), (START + 660) * NS)
        assert not any(map(says, facts.missing)) and any(one.present for one in facts.signals)


@pytest.mark.survives("a report from a database that is away", then="no file",
                      says=Text("the database gives no answer (…). Fix: …", "数据库无应答（…）。处理：…"))
def test_a_database_that_is_away(says):
    settings = InfluxSettings(type="influx", url=f"http://127.0.0.1:{servers.free_port()}", database="davylamp")
    with pytest.raises(SinkError) as error:
        Influx(SITE, settings)
    assert says(said(error.value))


@pytest.mark.survives("a report with a wrong password", then="no file",
                      says=Text("the database refuses the credentials (401). Fix: …", "数据库拒绝凭据（401）。处理：…"))
def test_a_wrong_password(tmp_path, says):
    (tmp_path / "password").write_text("wrong")
    with servers.influxdb1(tmp_path, extra="auth-enabled = true") as server:
        query(server.url, "CREATE USER admin WITH PASSWORD 'right' WITH ALL PRIVILEGES")
        settings = InfluxSettings(type="influx", url=server.url, database="davylamp", username="admin",
                                  password_file=str(tmp_path / "password"))
        with pytest.raises(SinkError) as error:
            Influx(SITE, settings)
    assert says(said(error.value))


@pytest.mark.survives("a report about a time at which nothing had told the gateway the time",
                      then="an alarm is in it once, where it was, from the data folder and from a database that was "
                           "told of it before and after")
async def test_an_alarm_before_the_time_arrived(influxdb, tmp_path, monkeypatch):
    query(influxdb.url, "CREATE DATABASE late")
    settings = InfluxSettings(type="influx", url=influxdb.url, database="late")
    machine, endpoint = timekeeping.Machine(monkeypatch, off_s=-36_000, synchronised=False), WriteV1(settings, "late")
    archive = Archive(tmp_path / "minutes.db", timekeeping.SITE.signals)
    archive.open()
    journal, *_ = streams("late", archive, timekeeping.SITE, tmp_path / "alarms.db", 1000)

    async def told() -> None:
        await until(lambda: not house.alarms.status().uncommitted)
        async with asyncio.timeout(20):
            parcel = await journal.take()
        assert endpoint.write(parcel.lines).taken
        parcel.done()

    async with timekeeping.living(tmp_path, machine) as house:
        await house.poll(25, 20)
        await told()
        machine.time_arrives()
        await house.poll(25, 2)
        await until(lambda: Times(tmp_path / "alarms.db").read()[0].end)
        await told()
        raised = house.time.view(house.alarms.view("GD-01/H")).raised_wall_ns
        await house.poll(5, 20)
        await told()
    archive.close()
    begin, end = timekeeping.START - 86_400 * NS, timekeeping.START + 86_400 * NS
    for source in (Folder(timekeeping.SITE, tmp_path), Influx(timekeeping.SITE, settings)):
        assert source.standing(raised) == []
        first, *rest = [step for step in source.steps(begin, end) if step.alarm == "GD-01/H"]
        assert (str(first.event), first.wall_ns) == ("raise", raised) and [str(one.event) for one in rest] == ["clear"]
        assert rest[0].raised_wall_ns == raised
        (left,) = [one for one in source.standing(raised + 5 * NS) if one.alarm == "GD-01/H"]
        assert left.raised_wall_ns == raised and left.active
        assert [one.act for one in source.acts(begin, end) if one.kind == "clock"] == ["unset", "arrived"]
