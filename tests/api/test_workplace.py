"""The alarm workplace in a real headless Chromium: what a person does with alarms, by mouse, by key, on a phone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from alerting.channel import Message
from alerting.ledger import JournalRow
from alerting.outbox import NotifierStatus
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from gateway.model.expression import Expression
from gateway.model.group import Group
from gateway.model.signal import Signal
from gateway.model.stroke import Outcome, Seen, Stroke
from gateway.model.text import Text
from tests.api.depot import MemoryGateway, site
from tests.api.pages import Running, choose, live, room

LISTED = "[...document.querySelectorAll('#alarm-list [data-alarm]')].map(row => row.dataset.alarm)"
LEAK = ("GD-03/ROC+", "GD-03/H", "GD-03/HH")  # one first-out group; esd-north is in it too


def listed(browser) -> list[str]:
    return browser.run(LISTED)


def until_listed(browser, *alarms: str) -> None:
    browser.until(f"JSON.stringify({LISTED}) === '{json.dumps(alarms, separators=(',', ':'))}'")


def focused(browser) -> str:
    return browser.run("document.activeElement.dataset.key ?? document.activeElement.id ?? ''")


def test_a_filter_hides_what_is_not_wanted_says_so_and_never_a_p1_that_waits(browser, running, gateway):
    for alarm in ("T-101.level/H", "GD-03/HH", "work-without-video-pump", "T-101.level/L"):
        running.do(gateway.raise_alarm, alarm, 10.9)
        gateway.clock.advance(1)
    live(browser, running)
    until_listed(browser, "GD-03/HH", "work-without-video-pump", "T-101.level/H", "T-101.level/L")
    choose(browser, "[data-key='filter area']", "pump_house")
    until_listed(browser, "GD-03/HH", "work-without-video-pump")
    assert browser.text("#filtered").startswith("The filter hides 2 of 4 alarms. A P1 that waits is always shown.")
    running.do(gateway.raise_alarm, "esd-north")
    until_listed(browser, "esd-north", "GD-03/HH", "work-without-video-pump")
    for alarm in ("esd-north", "GD-03/HH"):
        running.do(gateway.engine.acknowledge, alarm, "Li", "", gateway.now())
    running.do(gateway.changed)
    until_listed(browser, "work-without-video-pump")
    browser.click("[data-key='filter clear']")
    browser.until(f"{LISTED}.length === 5")
    assert browser.run("document.querySelector('#filtered').hidden")
    choose(browser, "[data-key='filter text']", "t-101")
    until_listed(browser, "T-101.level/H", "T-101.level/L")
    choose(browser, "[data-key='filter text']", "液位低")
    until_listed(browser, "T-101.level/L")
    choose(browser, "[data-key='filter risk']", "red")
    browser.until("document.querySelector('#alarm-list').innerText === 'No alarm fits the filter.'")


def test_alarms_can_be_sorted(browser, running, gateway):
    for alarm in ("T-101.level/H", "GD-03/HH", "esd-north"):
        running.do(gateway.raise_alarm, alarm, 10.9)
        gateway.clock.advance(1)
    live(browser, running)
    until_listed(browser, "esd-north", "GD-03/HH", "T-101.level/H")
    choose(browser, "[data-key='filter sort']", "oldest")
    until_listed(browser, "T-101.level/H", "GD-03/HH", "esd-north")
    choose(browser, "[data-key='filter sort']", "newest")
    until_listed(browser, "esd-north", "GD-03/HH", "T-101.level/H")


def test_a_group_is_acknowledged_with_the_keyboard_alone(browser, running, gateway):
    for alarm in (*LEAK, "work-without-video-pump"):
        running.do(gateway.raise_alarm, alarm, 41.9)
        gateway.clock.advance(1)
    live(browser, running)
    until_listed(browser, "GD-03/HH", "work-without-video-pump", "GD-03/H", "GD-03/ROC+")
    browser.press("j", "j", "j")
    assert focused(browser) == "open GD-03/H"
    browser.press("g")
    browser.until("document.querySelector('#ask').open")
    assert "Acknowledge 3 alarms" in browser.text("#ask") and "P1 GD-03" in browser.text("#ask")
    browser.write("Li Wei")
    browser.press("Tab")
    browser.write("on my way: g j a 1")
    browser.press("Tab", "Tab", "Enter")  # past Cancel
    browser.until("!document.querySelector('#ask').open")
    assert {view.definition.id: view.who for view in gateway.alarms()} == dict.fromkeys(LEAK, "Li Wei") | {
        "work-without-video-pump": ""}
    browser.until("document.activeElement.dataset.key === 'open GD-03/H'")  # back where it was
    browser.press("k", "a")
    browser.until("document.querySelector('#ask').open")
    assert "work without video" in browser.text("#ask")
    browser.press("Escape")
    browser.until("!document.querySelector('#ask').open")
    assert gateway.alarms()[1].state.waits or gateway.alarms()[0].state.waits


def test_what_is_selected_is_acknowledged_and_what_failed_stays_in_the_dialog(browser, running, gateway):
    for alarm in (*LEAK, "work-without-video-pump"):
        running.do(gateway.raise_alarm, alarm, 41.9)
        gateway.clock.advance(1)
    live(browser, running)
    browser.until(f"{LISTED}.length === 4")
    browser.press("j", "x", "j", "x")
    browser.until("document.querySelector('#selection').innerText.includes('2 selected')")
    running.do(gateway.engine.acknowledge, "GD-03/HH", "somebody faster", "", gateway.now())  # the page does not know
    browser.press("s")
    browser.write("Li")
    browser.press("Tab", "Tab", "Tab", "Enter")
    browser.until("document.querySelector('#ask-error').innerText.includes('1 acknowledged; NOT acknowledged:')")
    assert "GD-03 Tank farm: combustible gas high-high: nothing to acknowledge" in browser.text("#ask-error")
    assert browser.run("document.querySelector('#ask').open")


def test_single_keys_can_be_turned_off_and_are_listed(browser, running, gateway):
    running.do(gateway.raise_alarm, "GD-03/HH", 41.9)
    live(browser, running)
    browser.until(f"{LISTED}.length === 1")
    browser.press("?")
    browser.until("document.querySelector('#help').open")
    assert "acknowledge its whole group" in browser.text("#help")
    browser.click("#help input")
    browser.press("Escape")
    browser.press("a")
    assert not browser.run("document.querySelector('#ask').open")
    browser.run("localStorage.clear()")


def test_a_bypass_begins_and_ends_on_the_page(browser, running, gateway):
    room(browser, running, "withheld")
    browser.until("document.querySelector('#room-withheld').innerText.includes('People are called for every alarm.')")
    browser.click("[data-key='bypass begin']")
    browser.until("document.querySelector('#ask').open")
    assert browser.run("[...document.querySelectorAll('#ask datalist option')].map(one => one.value)"
                       ".filter(id => ['GD-03', 'GD-03/H', 'esd-north', 'tank_farm/blind'].includes(id)).join()") == (
        "GD-03,esd-north,GD-03/H")
    for name, value in (("target", "GD-03"), ("why", "bump test"), ("name", "Wang"), ("for_s", "3600")):
        choose(browser, f"#ask [name={name}]", value)
    browser.click("#ask-send")
    browser.until("document.querySelector('#ask-error').innerText !== ''")
    assert gateway.holds(Kind.BYPASS) == (), "P1 needs a second person"
    choose(browser, "#ask [name=approved]", "Li")
    browser.click("#ask-send")
    browser.until("!document.querySelector('#ask').open && document.querySelector('#room-withheld .bypasses .P4')")
    assert [(one.target, one.who, one.approved) for one in gateway.holds(Kind.BYPASS)] == [("GD-03", "Wang", "Li")]
    browser.click("[data-key='end bypass GD-03']")
    browser.until("document.querySelector('#ask').open")
    browser.click("#ask-send")
    browser.until("!document.querySelector('#ask').open && !document.querySelector('#room-withheld .bypasses .P4')")
    assert gateway.holds(Kind.BYPASS) == ()


def test_an_alarm_is_shelved_and_taken_out_of_service_on_the_page(browser, running, gateway):
    running.do(gateway.raise_alarm, "T-101.level/H", 10.9)
    live(browser, running)
    browser.until(f"{LISTED}.length === 1")
    browser.run("location.hash = 'alarm/T-101.level%2FH'")
    for kind, word in (("once", "SHELVED"), ("out of service", "OUT OF SERVICE")):
        browser.until("document.querySelector('#room-alarm .alarm .act')")
        browser.click("#room-alarm [data-key='bypass begin']")
        browser.until("document.querySelector('#ask').open")
        for name, value in (("kind", kind), ("why", "float is stuck"), ("name", "Wang"), ("approved", "Li")):
            choose(browser, f"#ask [name='{name}']", value)
        browser.click("#ask-send")
        browser.until(f"document.querySelector('#room-alarm .alarm').innerText.includes('{word}')")
    assert [len(gateway.holds(kind)) for kind in (Kind.SHELF, Kind.OUT_OF_SERVICE)] == [1, 1]
    browser.click("#room-alarm [data-key='end shelve T-101.level/H']")
    browser.until("document.querySelector('#ask').open")
    choose(browser, "#ask [name='name']", "Wang")
    browser.click("#ask-send")
    browser.until("!document.querySelector('#room-alarm .alarm').innerText.includes('SHELVED')")
    assert [len(gateway.holds(kind)) for kind in (Kind.SHELF, Kind.OUT_OF_SERVICE)] == [0, 1], "each ends by itself"


def test_the_history_is_paged_filtered_and_goes_on_by_itself(browser, running, gateway):
    for place in range(70):
        gateway.rows.append(JournalRow(place + 1, "transition", "GD-03/H" if place % 2 else "GD-01/H", 10**18, {
            "event": "raise", "old": "normal", "new": "unacknowledged", "value": 21.0, "first_out": place == 0,
            "comment": "", "evidence": []}, "ab"))
    gateway.rows.append(JournalRow(71, "given up", "GD-01/H", 10**18, {
        "key": "k", "notifier": "pager", "reason": {"en": "refused", "zh": "被拒绝"}}, "cd"))
    gateway.rows.append(JournalRow(72, "shelve", "T-101.level/H", 10**18, {
        "act": "begin_once", "who": "Li", "why": "filling", "owner": "Li", "approved": "",
        "until_wall_ns": 10**18}, "ef"))
    gateway.rows.append(JournalRow(73, "recall", "T-101.level/H", 10**18, {
        "occurrence": 1, "shelve": "T-101.level/H"}, "0"))
    room(browser, running, "history")
    rows = "document.querySelectorAll('#room-history .journal > li:not(.calm)')"
    browser.until(f"{rows}.length === 50")
    assert "people are called again for T-101.level/H: SHELVED is over" in browser.run(f"{rows}[0].innerText")
    assert "SHELVED · begun by Li (unverified): filling, until 2001-09-09" in browser.run(f"{rows}[1].innerText")
    assert "GD-01/H notice given up by pager: refused" in browser.run(f"{rows}[2].innerText.replace(/\\n/g, ' ')")
    browser.click("[data-key=older]")
    browser.until(f"{rows}.length === 73")
    assert "This is the beginning of the journal." in browser.text("#room-history")
    assert "raised · 21 · first out · normal → active, not acknowledged" in browser.run(f"{rows}[72].innerText")
    running.do(gateway.raise_alarm, "esd-north")
    browser.until("document.querySelector('#urgent').innerText.startsWith('1 alarm(s) wait. Most urgent: P1 North')")
    browser.run("fetch('api/v1/alarms/esd-north/ack', {method: 'POST', headers: {'content-type': 'application/json'}, "
                "body: '{\"name\": \"Li\"}'})")
    browser.until(f"{rows}.length === 74 && {rows}[0].innerText.includes('esd-north')")
    browser.run("location.hash = 'history/GD-03%2FH'")
    browser.until(f"{rows}.length === 35")


ROWS = {
    "message taken by mail · li after 1.2 s": ("delivery", {
        "act": "delivered", "key": "k", "notifier": "mail", "person": "li", "attempts": 1, "seconds": 1.2}),
    "mail does not take it: sms is asked, too": ("delivery", {
        "act": "fell back", "key": "k", "notifier": "mail", "other": "sms", "person": ""}),
    "nobody has acknowledged, step 2 · called: li · sms (on duty) · not called: wang (off duty until 08:00)": (
        "routing", {
        "occurrence": 1, "step": 1, "policy": "p", "decisions": [
            {"person": "li", "channel": "sms", "told": True, "reason": {"en": "on duty", "zh": "值班"}},
            {"person": "wang", "channel": "", "told": False, "reason": {
                "en": "off duty until 08:00", "zh": "不值班，至 08:00"}}]}),
    "siren or beacon armed by Li (unverified): new": ("output", {"act": "arm", "who": "Li", "why": "new"}),
    "the time has arrived, the clock was off by 2 d: what came before is shown with its true time": (
        "clock", {"act": "arrived", "line_ns": 1, "since_line_ns": 0, "moved_s": 180000.0}),
    "alarm flood begins: 11 alarms": ("flood", {"act": "begin", "alarms": 11}),
    "chatters no more: 5 times": ("chatter", {"act": "end", "alarms": 5}),
    "the site file was changed · 20 → 18": ("configuration", {"old": 20, "new": 18, "file": "depot.toml"}),
    "self-test FAILED at: delivered": ("selftest", {"asked_by": "", "failed": "delivered", "stations": {}}),
    "drill: Li (unverified) injects 60 into GD-03": (
        "drill", {"act": "inject", "who": "Li", "signal": "GD-03", "value": 60}),
}


def test_what_the_journal_holds_is_told_in_sentences(browser, running, gateway):
    for place, (kind, body) in enumerate(ROWS.values()):
        gateway.rows.append(JournalRow(place + 1, kind, "GD-03/H", 10**18, body, "ab"))
    room(browser, running, "history")
    rows = "document.querySelectorAll('#room-history .journal > li:not(.calm)')"
    browser.until(f"{rows}.length === {len(ROWS)}")
    told = browser.run(f"[...{rows}].map(row => row.querySelector('span').innerText)")
    assert told == [*reversed(ROWS)]


def test_an_alarm_is_explained_with_its_curve_its_limits_and_what_to_do(browser, running, gateway):
    for second in range(30):
        running.do(gateway.feed, "GD-03", 1.0 + second)
        if second == 19:
            running.do(gateway.raise_alarm, "GD-03/H", 20.0)
        gateway.clock.advance(1)
    room(browser, running, "alarm/GD-03%2FH")
    browser.until("document.querySelector('.plot svg .curve')")
    assert "Leave the zone cross-wind" in browser.text("#room-alarm .todo")
    told = "#room-alarm .todo"
    assert browser.run(f"[...document.querySelectorAll('{told} > b')].map(part => part.innerText)") == [
        "What to do", "If nobody acts", "Cause", "Contact", "Emergency card"]
    assert browser.text(f"{told} p b") == "8001" and browser.text(f"{told} li") == "fire brigade 119"
    assert browser.run(f"[...document.querySelectorAll('{told} a')].map(one => one.href)") == [
        "http://cards.example/gas"], "only http and https are links"
    assert "<img src=x> [no](javascript:alert(1))" in browser.text(told), "everything else stays text"
    why = browser.text("#room-alarm .why")
    assert "the condition stood. It began at" in why and "set point 20 %LEL" in why
    lines = "[...document.querySelectorAll('.plot text')].map(text => text.textContent)"
    assert browser.run(f"{lines}.includes('H 20.0') && {lines}.includes('raised')")
    assert browser.run("document.querySelector('.plot svg').getAttribute('aria-label')").endswith(
        "lowest 1.0, highest 21.0 %LEL")
    browser.click("[data-key='why now']")
    browser.until("document.querySelector('.plot svg')?.getAttribute('aria-label').endsWith('highest 30.0 %LEL')")
    browser.click("#room-alarm [data-key='ack GD-03/H']")
    browser.until("document.querySelector('#ask').open")
    choose(browser, "#ask [name=name]", "Li")
    browser.click("#ask-send")
    browser.until("document.querySelector('#room-alarm .journal').innerText.includes('acknowledge')")
    browser.run("location.hash = 'alarm/gateway%2Fledger'")
    browser.until("document.querySelector('#room-alarm .why')?.innerText.startsWith('this alarm is about the gateway')")


def test_rules_groups_and_calculated_signals_say_how_they_stand_now(browser):
    group = Group("pump", Text("pump P-101", "P-101 泵"), "pump_house", ("P-101.P", "LINE.p"))
    doubled = Signal("P.double", Text("twice", "两倍"), "power", "kW", "pump_house",
                     derived=Expression.parse("[P-101.P] * 2"))
    gateway = MemoryGateway(replace(site([doubled]), groups=(group,)))
    gateway.feed("P-101.P", 7.5)
    gateway.feed("XV-101.closed", 0.0)
    running = Running(gateway)
    try:
        room(browser, running, "rules")
        tests = "[...document.querySelectorAll('.part li')].map(one => one.innerText.replace(/\\s+/g, ' ').trim())"
        browser.until(f"{tests}.includes('P-101.P > 2 true (7.5 kW)')")
        assert browser.run(tests) == ["P-101.P > 2 true (7.5 kW)", "CAM-pump.fps >= 1 not known",
                                      "XV-101.closed == 1 not true (open)", "XV-102.closed == 1 not known"]
        running.do(gateway.feed, "XV-101.closed", 1.0)
        browser.until(f"{tests}.includes('XV-101.closed == 1 true (closed)')")
        told = browser.text("#room-rules")
        assert "commissioning, 0 % learnt" in told and "[P-101.P] * 2" in told
        browser.click("#language")
        browser.until("document.querySelector('#room-rules').innerText.includes('投运学习中 0%')")
    finally:
        running.stop()


def test_proof_tests_tell_what_is_overdue(browser):
    here = site()
    gateway = MemoryGateway(replace(here, rules=(replace(here.rules[0], proof_test_interval_s=86400.0),)))
    running = Running(gateway)
    seen = Seen("XV-102.closed == 1", 5.0, True)
    gateway.log.append(Stroke("esd-north", Outcome.VERIFIED, True, 10**18, 1, 10**18, 2, (seen,), ()))
    try:
        room(browser, running, "proofs")
        browser.until("document.querySelectorAll('#room-proofs table').length === 2")
        told = " ".join(browser.text("#room-proofs").split())
        assert ("XV-102.closed == 1 North shut-off: valve not seen to close 2001-09-09 09:46:40 5.0 s "
                "2001-09-10 OVERDUE") in told
        assert "esd-north (test) verified XV-102.closed == 1 after 5.0 s" in told
    finally:
        running.stop()


def test_the_figures_stand_beside_what_is_recommended(browser, running, gateway):
    for _ in range(25):
        gateway.raise_alarm("GD-03/HH", 41.9)
        gateway.clock.advance(10)
        gateway.end_alarm("GD-03/HH")
        gateway.clock.advance(10)
    room(browser, running, "figures")
    browser.until("document.querySelectorAll('#room-figures table').length >= 2")
    told = browser.text("#room-figures")
    assert "default target" in told and "GD-03 Tank farm: combustible gas high-high 25 ×" in told
    assert browser.run("document.querySelectorAll('#room-figures .tile .above').length") > 0
    choose(browser, "[data-key=period]", "month")
    browser.until("document.activeElement.dataset.key === 'period' && document.activeElement.value === 'month'")


def test_a_siren_is_armed_on_the_page(browser, running, gateway):
    room(browser, running, "ways")
    browser.until("document.querySelector('#room-ways article')")
    assert "not armed: it stays silent" in browser.text("#room-ways")
    browser.click("[data-key='arm siren']")
    for name, value in (("name", "Wang"), ("why", "commissioned")):
        choose(browser, f"#ask [name={name}]", value)
    browser.click("#ask-send")
    browser.until("document.querySelector('#room-ways').innerText.includes('armed by Wang (unverified)')")
    browser.click("[data-key='test siren']")
    choose(browser, "#ask [name=why]", "again")
    browser.click("#ask-send")
    browser.until("document.querySelector('#ask-error').innerText.startsWith('it is armed already')")


def test_a_notifier_says_how_it_does_and_is_tested_after_a_second_question(browser, running, gateway):
    gateway.notifier_list = [NotifierStatus("pager", 0, None, {}, (),
                                            (Message(10**18, "P1 GD-03 high-high", "Leave.\nCode: ••••-••••"),)),
                             NotifierStatus("mail", 3, Text("no answer", "无应答"), {}, ())]
    room(browser, running, "ways")
    browser.until("document.querySelectorAll('#room-ways article').length === 3")
    assert "FAILING" in browser.text("#room-ways") and "3 waiting to be handed over" in browser.text("#room-ways")
    assert "What was sent last, 2001-09-09 09:46:40: P1 GD-03 high-high" in browser.text("#room-ways")
    browser.click("#room-ways summary")
    assert "Leave.\nCode: ••••-••••" in browser.text("#room-ways .message")
    for notifier, said in (("mail", "no answer"), ("pager", "")):
        browser.click(f"[data-key='test notifier {notifier}']")
        browser.until("document.querySelector('#ask').open")
        browser.press("Enter")
        if said:
            browser.until(f"document.querySelector('#ask-error').innerText === '{said}'")
            browser.press("Escape")
        browser.until("!document.querySelector('#ask').open")


def test_who_is_on_call_and_who_would_be_told(browser, running, gateway):
    room(browser, running, "oncall/GD-03%2FHH")
    browser.until(f"document.querySelectorAll('#room-oncall article').length === {len(gateway.routing().rosters)}")
    browser.until("document.querySelector('#room-oncall .what')?.innerText.startsWith('P1 GD-03')")
    names = "[...document.querySelectorAll('#room-oncall .duty')].map(one => one.innerText)"
    assert set(browser.run(names)) <= {person.name.en for person in gateway.routing().people.values()} | {"NOBODY"}
    browser.click("#language")
    browser.until("document.querySelector('#room-oncall h2').innerText === '值班'")


def test_another_gateway_is_alive_once_it_was_heard(browser, running, gateway):
    room(browser, running, "watch")
    browser.until("document.querySelector('#room-watch li')?.innerText.includes('never')")
    running.do(gateway.hear, gateway.heartbeats()[0].peer.id)
    gateway.clock.advance(5)
    browser.run("location.hash = 'now'")
    browser.run("location.hash = 'watch'")
    browser.until("document.querySelector('#room-watch li')?.innerText.includes('5 s ago')")
    assert "alive" in browser.text("#room-watch li")


def test_a_page_that_is_cut_off_says_so_in_every_room(browser):
    gateway = MemoryGateway()
    running = Running(gateway)
    room(browser, running, "history")
    running.stop()
    browser.until("document.body.className === 'lost'")
    browser.until("document.querySelector('#banner').innerText.startsWith('NO CONNECTION TO THE GATEWAY')")
    assert float(browser.run("getComputedStyle(document.querySelector('main')).opacity")) < 0.5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_room_is_wider_than_a_phone(browser, running, gateway, language):
    for second in range(30):
        running.do(gateway.feed, "GD-03", 1.0 + second)
        gateway.clock.advance(1)
    for alarm in LEAK:
        running.do(gateway.raise_alarm, alarm, 41.9)
    gateway.overlays.begin(Kind.BYPASS, Ask("GD-01", "Li", "bump test of " + 60 * "x", 600, "Wang"), gateway.now())
    browser.become(360, 800)
    live(browser, running)
    browser.run(f"localStorage.setItem('language', '{language}')")
    ready = {"now": "#now .alarm", "alarm/GD-03%2FH": ".plot svg", "history": "#room-history .journal li",
             "withheld": "#room-withheld .bypasses li", "rules": "#room-rules article",
             "proofs": "#room-proofs table", "figures": "#room-figures table",
             "ways": "#room-ways article", "oncall/GD-03%2FHH": "#room-oncall .what", "watch": "#room-watch li",
             "drill": "#room-drill .act button"}
    live(browser, running)
    for address, selector in ready.items():
        browser.run(f"location.hash = '{address}'")
        browser.until(f"document.querySelector('{selector}')?.clientWidth > 0")
        assert browser.run("document.documentElement.scrollWidth") <= 360, address
        if address == "now":
            browser.click("[data-key='ack GD-03/HH']")
            assert browser.run("document.querySelector('#ask').getBoundingClientRect().right") <= 360
            browser.press("Escape")
