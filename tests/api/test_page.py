"""The page in a real headless Chromium, fed by the real server."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from gateway.model.quality import Quality
from gateway.model.signal import Signal
from gateway.model.text import Text
from tests.api.depot import MemoryGateway, site
from tests.api.pages import Running, live, row


def test_alarms_come_first_with_shape_word_and_what_to_do(browser, running, gateway):
    running.do(gateway.feed, "GD-03", 48.1)
    running.do(gateway.raise_alarm, "T-101.level/H", 10.9)
    running.do(gateway.raise_alarm, "GD-03/HH", 41.9, recorded=False)
    live(browser, running)
    browser.until("document.querySelectorAll('.alarm').length === 2")
    top = browser.text(".alarm")
    for part in ("GD-03 Tank farm: combustible gas high-high", "NOT RECORDED", "P1 · active, not acknowledged",
                 "now 48.1 %LEL", "raised at 41.9 %LEL", "limit 40.0 %LEL", "risk red", "What to do:", "Acknowledge"):
        assert part in top
    assert browser.run("document.querySelector('.alarm use').getAttribute('href')") == "#p1"
    assert browser.text("#risk") == "Risk level\nRED · major"
    assert browser.run("document.title").startswith("(2) ")
    assert "alarmed P1" in browser.run(f"{row('GD-03')}.className")

    running.do(gateway.raise_alarm, "esd-north")
    browser.until("document.querySelectorAll('.alarm').length === 3")
    browser.until("document.querySelector('#announce').textContent.includes('valve not seen to close')")


def test_a_bad_reading_never_looks_normal(browser, running, gateway):
    running.do(gateway.feed, "GD-01", 0.5)
    running.do(gateway.feed, "GD-02", math.nan, Quality.BAD_COMM_LOST)
    running.do(gateway.feed, "GD-04", 0.4, Quality.UNCERTAIN_STALE)
    running.do(gateway.feed, "XV-101.closed", 1.0)
    live(browser, running)
    browser.until(f"{row('GD-01')}?.className === 'signal good'")
    browser.until(f"{row('GD-01')}.querySelector('.value').innerText.trim() === '0.5 %LEL'")
    assert browser.run(f"{row('GD-02')}.querySelector('.value').innerText") == "– – –\ncommunication lost"
    assert browser.run(f"{row('GD-02')}.className") == "signal bad"
    assert "stale" in browser.run(f"{row('GD-04')}.innerText")
    assert browser.run(f"{row('XV-101.closed')}.querySelector('.value b').textContent") == "closed"


def test_a_blind_zone_is_shown_loudly(browser, running, gateway):
    running.do(gateway.feed, "GD-06", 0.5)
    running.do(gateway.raise_alarm, "loading_bay/blind")
    live(browser, running)
    browser.until("document.querySelector('.zone.blind')")
    assert browser.text(".zone.blind").split("\n") == ["Loading bay", "BLIND: no detector works"]
    assert browser.text("#risk-word") == "ORANGE · larger"


def test_a_detector_out_of_service_is_not_counted_and_says_why(browser, running, gateway):
    for number in (4, 5):
        running.do(gateway.feed, f"GD-0{number}", 0.5)
    running.do(gateway.feed, "GD-02", 50.0, Quality.UNCERTAIN_SENSOR)
    for number in (1, 3):
        running.do(gateway.feed, f"GD-0{number}", 0.5)
    running.do(gateway.raise_alarm, "GD-02/inhibit")
    live(browser, running)
    browser.until("document.querySelector('.zone.degraded')")
    assert browser.text(".zone.degraded").split("\n") == ["Tank farm", "2 of 3 detectors work", "GD-02 out of service"]
    assert "sensor not in normal service" in browser.run(f"{row('GD-02')}.innerText")
    assert browser.run(f"{row('GD-02')}.className") != "signal good"


def test_acknowledging_through_the_page(browser, running, gateway):
    running.do(gateway.raise_alarm, "GD-03/HH", 41.9)
    live(browser, running)
    browser.click("[data-key='ack GD-03/HH']")
    assert browser.run("document.querySelector('#ask').open")
    assert "unverified" in browser.text("#ask")
    browser.click("#ask-send")
    assert gateway.alarms()[0].state.waits, "a name is needed"
    browser.run("document.querySelector('#ask [name=name]').value = '李伟'")
    browser.run("document.querySelector('#ask [name=comment]').value = 'on my way'")
    browser.click("#ask-send")
    browser.until("!document.querySelector('#ask').open")
    browser.until("document.querySelector('.alarm').innerText.includes('acknowledged by 李伟 (unverified)')")
    assert (gateway.alarms()[0].who, gateway.alarms()[0].comment) == ("李伟", "on my way")
    assert not browser.run("document.querySelector(\"[data-key='ack GD-03/HH']\")")

    running.do(gateway.raise_alarm, "GD-01/H", 21.0)
    browser.until("document.querySelector(\"[data-key='ack GD-01/H']\")")
    browser.click("[data-key='ack GD-01/H']")
    assert browser.run("document.querySelector('#ask [name=name]').value") == "李伟", "the name is remembered"


def test_an_acknowledgement_that_fails_says_so_and_stays_open(browser, running, gateway):
    running.do(gateway.raise_alarm, "GD-03/HH", 41.9)
    live(browser, running)
    browser.click("[data-key='ack GD-03/HH']")
    running.do(gateway.engine.acknowledge, "GD-03/HH", "somebody faster", "", gateway.now())  # the page does not know
    browser.run("document.querySelector('#ask [name=name]').value = 'Li'")
    browser.click("#ask-send")
    browser.until("document.querySelector('#ask-error').textContent.includes('nothing to acknowledge')")
    assert browser.run("document.querySelector('#ask').open")


def test_what_is_bypassed_is_on_view_with_who_why_and_until_when(browser, running, gateway):
    gateway.overlays.begin(Kind.BYPASS, Ask("GD-03", "李伟", "bump test", 600, "Wang"), gateway.now())
    running.do(gateway.raise_alarm, "GD-03/HH", 41.9)
    live(browser, running)
    browser.until("document.querySelectorAll('#bypasses li').length === 1")
    assert browser.text("#bypasses").split("\n") == [
        "BYPASSED · Nobody is called for GD-03 combustible gas until 22:23:20: bump test",
        "by 李伟 (unverified), approved by Wang (unverified)",
        "Call people again"]
    assert "BYPASSED" in browser.text(".alarm .what") and browser.text("#risk-word").startswith("RED")
    assert browser.run(f"{row('GD-03')}.querySelector('.marks').textContent") == "BYPASSED until 22:23:20"
    assert browser.run(f"{row('GD-01')}.querySelector('.marks').textContent") == ""
    browser.click("#language")
    browser.until("document.querySelector('#bypasses').innerText.includes('GD-03 可燃气体 在 22:23:20 之前不通知人员')")
    running.do(gateway.overlays.end, Kind.BYPASS, "GD-03", "Li", "", gateway.now())
    running.do(gateway.changed)
    browser.until("!document.querySelector('#bypasses li') && !document.querySelector('.alarm .loud')")
    browser.until(f"{row('GD-03')}.querySelector('.marks').textContent === ''")


def test_learning_shows_how_far_it_is_and_that_it_is_frozen(browser, running, gateway):
    live(browser, running)
    marks = f"{row('VAP.T')}?.querySelector('.marks').textContent"
    browser.until(f"{marks} === 'learning, 0 %'")
    running.do(gateway.learn, "VAP.T", 510)
    browser.until(f"{marks} === 'learning, 51 %'")
    running.do(gateway.learn, "VAP.T", 500)
    browser.until(f"{marks} === ''")
    running.do(gateway.learning.freeze, np.array([gateway.site.signals.index("VAP.T")]))
    browser.until(f"{marks} === 'learning frozen'")
    browser.click("#language")
    browser.until(f"{marks} === '学习已冻结'")
    assert browser.run("[...document.querySelectorAll('.marks')].filter(mark => mark.textContent).length") == 1


def test_the_language_can_be_changed_and_is_remembered(browser, running, gateway):
    running.do(gateway.raise_alarm, "GD-03/HH", 41.9)
    running.do(gateway.feed, "GD-02", math.nan, Quality.BAD_COMM_LOST)
    live(browser, running)
    assert browser.text("h1") == "North depot"
    browser.click("#language")
    browser.until("document.querySelector('h1').innerText === '北区油库'")
    assert "储罐区GD-03：可燃气体高高限" in browser.text(".alarm") and "报警中，未确认" in browser.text(".alarm")
    assert "通信中断" in browser.run(f"{row('GD-02')}.innerText")
    assert browser.run("document.documentElement.lang") == "zh-CN"
    live(browser, running)
    browser.until("document.querySelector('h1').innerText === '北区油库'")


def test_a_page_that_is_cut_off_does_not_look_live_and_comes_back_by_itself(browser):
    gateway = MemoryGateway()
    first = Running(gateway)
    live(browser, first)
    assert browser.text("#banner") == ""
    first.stop()
    browser.until("document.body.className === 'lost'")
    browser.until("document.querySelector('#banner').innerText.startsWith('NO CONNECTION TO THE GATEWAY')")
    assert browser.text("#link") == "NO CONNECTION" and browser.run("document.title").startswith("!!")

    gateway.condition = replace(gateway.condition, started_wall_ns=gateway.condition.started_wall_ns + 1)
    gateway.raise_alarm("esd-north")
    second = Running(gateway, int(first.address.rpartition(":")[2]))
    try:
        browser.until("document.body.className === 'live' && document.querySelector('#banner').hidden", timeout_s=60)
        browser.until("document.querySelector('.alarm')")
    finally:
        second.stop()


def test_a_page_that_fails_says_so_and_loads_again_by_itself(browser, running, gateway):
    live(browser, running)
    browser.run("setTimeout(() => { throw new Error('a bug of the page') })")
    browser.until("document.body.className === 'lost'")
    assert browser.text("#banner").startswith("This page has failed; what you see is OLD.")
    browser.until("document.body.className === 'live'")
    assert "a bug of the page" in browser.errors.pop()


def test_a_gateway_that_stands_still_is_announced_although_the_connection_lives(browser, running, gateway):
    live(browser, running)
    gateway.condition = replace(gateway.condition, working=False, reason=Text("detection stands still", "检测已停止"))
    browser.until("document.querySelector('#banner').innerText.includes('detection stands still')")
    browser.click("#language")
    browser.until("document.querySelector('#banner').innerText.includes('检测已停止')")


def test_a_thousand_signals_are_folded_until_somebody_wants_them(browser):
    extra = [Signal(f"X-{k:04d}", Text.same(f"point {k}"), "flow", "m³/h", "tank_farm") for k in range(1000)]
    gateway = MemoryGateway(site(extra))
    for signal in gateway.site.signals:
        gateway.feed(signal.id, 1.0)
    running = Running(gateway)
    try:
        live(browser, running)
        browser.until("document.querySelector('#areas section').innerText.includes('all 1007 normal')")
        assert browser.run("document.querySelectorAll('#areas section:first-child .signal').length") == 0
        running.do(gateway.feed, "X-0500", math.nan, Quality.BAD_SENSOR)
        browser.until(f"{row('X-0500')}?.className === 'signal bad'")
        browser.click("#areas section button")
        browser.until("document.querySelectorAll('#areas section:first-child .signal').length === 1007")
    finally:
        running.stop()


def test_a_trend_shows_what_the_store_knows(browser, running, gateway):
    for step in range(120):
        running.do(gateway.feed, "T-101.level", 5.0 + math.sin(step / 9))
        gateway.clock.advance(1)
    live(browser, running)
    ink = f"{row('T-101.level')}.querySelector('canvas')"
    browser.until(f"{ink}?.width > 50 && {ink}.getContext('2d')"
                  f".getImageData(0, 0, {ink}.width, {ink}.height).data.some(part => part)")


@pytest.mark.parametrize("width", [360, 1920])
def test_nothing_is_wider_than_the_screen(browser, running, gateway, width):
    running.do(gateway.raise_alarm, "GD-03/HH", 41.9)
    running.do(gateway.raise_alarm, "loading_bay/blind")
    gateway.overlays.begin(Kind.BYPASS, Ask("GD-03", "Li", "bump test of " + 60 * "x", 600, "Wang"), gateway.now())
    browser.become(width, 800, dark=True)
    live(browser, running)
    browser.until("document.querySelectorAll('.alarm').length === 2")
    assert browser.run("document.documentElement.scrollWidth") <= width
