"""Self-test, drill, and what is suppressed by design, on the page in a real Chromium."""

from __future__ import annotations

from dataclasses import replace

from alerting.overlays.hold import Kind
from gateway.model.alarm import Priority, Risk
from gateway.model.condition import Condition
from gateway.model.rules import Test
from gateway.model.signal import SELFTEST, Limit, Signal
from gateway.model.suppression import Suppression
from gateway.model.text import Text
from tests.api.depot import MemoryGateway, site
from tests.api.pages import Running, choose, room

TESTED = Signal(SELFTEST, Text("self-test", "自检"), "number", "", "tank_farm",
                limits=(Limit(Condition.HIGH, 0.5, Priority.P1, Risk.BLUE),))
SHEET = {
    "who": "Wang", "why": "half-yearly exercise", "verified": False, "target_s": 180.0,
    "signals": [{"id": "GD-03", "name": {"en": "combustible gas", "zh": "可燃气体"}}],
    "begun": "2026-09-21T22:13:20+08:00", "ended": "2026-09-21T22:20:20+08:00", "in_time": 1, "alarms": [{
        "alarm": "GD-03/HH", "name": {"en": "gas", "zh": "气体"}, "priority": 1, "raised": "2026-09-21T22:14:00+08:00",
        "in_time": True, "told": [{"to": "li", "through": "pager", "name": {"en": "Li Ming", "zh": "李明"},
                                   "time": "2026-09-21T22:14:01+08:00", "after_s": 1.0}],
        "acknowledged": {"who": "Li", "time": "2026-09-21T22:15:00+08:00", "after_s": 60.0}}]}


def told(browser, selector: str) -> str:
    return " ".join(browser.text(selector).split())


def test_a_drill_is_begun_fed_and_ended_on_the_page_and_its_sheet_names_things(browser, running, gateway):
    room(browser, running, "drill")
    browser.until("document.querySelector(\"[data-key='drill begin']\")")
    assert "[selftest]" in browser.text("#room-drill"), "without a test signal there is no button"
    browser.click("[data-key='drill begin']")
    offered = browser.run("[...document.querySelector('#ask [name=signals]').options].map(one => one.text)")
    assert "GD-03 combustible gas" in offered and not any(one.startswith("P-101.P") for one in offered)
    assert "DRILL go out" in browser.text("#ask")
    browser.run("for (const one of document.querySelector('#ask [name=signals]').options) "
                "one.selected = ['GD-01', 'GD-03'].includes(one.value)")
    choose(browser, "#ask [name=why]", "half-yearly exercise")
    choose(browser, "#ask [name=name]", "Wang")
    browser.click("#ask-send")
    browser.until("document.querySelector('#room-drill .trouble')?.innerText.startsWith('A DRILL goes on until')")
    assert (gateway.drilled.signals, gateway.drilled.who, gateway.drilled.target_s) == (
        ("GD-01", "GD-03"), "Wang", 300.0)
    assert "Signals: GD-01 combustible gas, GD-03 combustible gas" in told(browser, "#room-drill")

    browser.click("[data-key='drill inject']")
    choose(browser, "#ask [name=value]", "many")
    browser.click("#ask-send")
    browser.until("document.querySelector('#ask-error').innerText === 'That is not a number.'")
    choose(browser, "#ask [name=value]", "43.5")
    choose(browser, "#ask [name=signal]", "GD-03")
    browser.click("#ask-send")
    browser.until("!document.querySelector('#ask').open")
    assert gateway.injected == [("GD-03", 43.5, "Wang")]

    gateway.sheet = SHEET
    browser.click("[data-key='drill end']")
    browser.click("#ask-send")
    browser.until("document.querySelector('#room-drill table')")
    said = told(browser, "#room-drill")
    assert gateway.drilled is None and "No drill goes on." in said and "1 of 1 acknowledged within 180 s" in said
    assert "Signals: GD-03 combustible gas" in said
    assert "gas 22:14:00 22:14:01 Li Ming 22:15:00 Li (unverified) after 60 s in time" in said
    browser.click("#language")
    browser.until("document.querySelector('#room-drill table')?.innerText.includes('22:14:01 李明')")
    said = told(browser, "#room-drill")
    assert "信号：GD-03 可燃气体" in said and "22:15:00 Li（未核实）（60 秒后） 按时" in said


def test_the_self_test_is_asked_for_on_the_page_and_tells_each_step(browser):
    gateway = MemoryGateway(site([TESTED]))
    running = Running(gateway)
    try:
        room(browser, running, "drill")
        browser.until("document.querySelector('#room-drill table')")
        said = told(browser, "#room-drill")
        assert "FAILED, 2026-09-21 22:13:20: a real alarm may not reach anybody." in said
        assert "Asked for by Li (unverified)" in said
        assert "stored on disk 22:13:20 0.10 s detected, alarm raised not reached" in said
        browser.click("[data-key=selftest]")
        assert "TEST goes out" in browser.text("#ask")
        choose(browser, "#ask [name=name]", "Wang")
        browser.click("#ask-send")
        browser.until("document.querySelector('#room-drill').innerText.includes('under way')")
        assert gateway.asked == "Wang" and browser.run("document.querySelector('[data-key=selftest]').disabled")
    finally:
        running.stop()


class Filling:
    def true(self, test, now) -> bool:
        return True


def test_what_is_suppressed_by_design_says_why_since_when_and_until_what(browser):
    filling = Suppression("filling", Text("Tank T-101 is being filled", "T-101 罐正在进料"), ("T-101.level/L",),
                          Test.parse("P-101.P > 2"))
    gateway = MemoryGateway(replace(site(), suppressions=(filling,)))
    gateway.overlays.connect(Filling())
    gateway.overlays.judge(gateway.now())
    gateway.raise_alarm("T-101.level/L", 1.0)
    running = Running(gateway)
    try:
        room(browser, running, "withheld")
        browser.until("document.querySelector('#room-withheld .bypasses b')")
        assert told(browser, "#room-withheld .bypasses li") == (
            "SUPPRESSED BY DESIGN · Tank T-101 is being filled: nobody is called for what follows from it. "
            "Since 2026-09-21 22:13:20, until P-101.P > 2 is no longer so; people are called again at "
            "2026-09-22 22:13:20 at the latest.")
        assert not browser.run("document.querySelector('#room-withheld .bypasses button')"), "no person ends it"
        browser.run("location.hash = 'alarm/T-101.level%2FL'")
        browser.until("document.querySelector('#room-alarm').innerText.includes('SUPPRESSED BY DESIGN ·')")
        assert "Tank T-101 is being filled" in told(browser, "#room-alarm")
        browser.click("#language")
        browser.until("document.querySelector('#room-alarm').innerText.includes('T-101 罐正在进料')")
        assert "直至 P-101.P > 2 不再成立" in told(browser, "#room-alarm")
    finally:
        running.stop()


def test_maintenance_takes_days(browser, running, gateway):
    room(browser, running, "withheld")
    browser.until("document.querySelector(\"[data-key='bypass begin']\")")
    browser.click("[data-key='bypass begin']")
    browser.until("document.querySelector('#ask').open")
    lengths = "[...document.querySelector('#ask [name=for_s]').options].map(one => one.text)"
    assert "7 d" not in browser.run(lengths)
    choose(browser, "#ask [name=kind]", "out of service")
    assert browser.run(lengths)[-2:] == ["14 d", "30 d"]
    for name, value in (("for_s", str(7 * 86400)), ("target", "T-101.level"), ("why", "overhaul"), ("name", "Li"),
                        ("approved", "Wang")):
        choose(browser, f"#ask [name={name}]", value)
    browser.click("#ask-send")
    browser.until("!document.querySelector('#ask').open")
    hold, = gateway.overlays.standing(Kind.OUT_OF_SERVICE)
    assert (hold.target, hold.left_s(gateway.now())) == ("T-101.level", 7 * 86400)
