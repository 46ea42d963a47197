"""What people read: every built-in wording, and what is said of templates that can not work."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from alerting import message
from alerting.engine import Transition
from alerting.lifecycle import Event, State
from alerting.notifiers.config import SmtpSettings, WebhookSettings
from alerting.slips import Seal
from alerting.templates import LONGEST, compiled, rendered, tried
from alerting.wording import SAMPLE, WORDINGS, Wording, lasting, values
from gateway.model.condition import CONDITION_NAMES, Condition
from tests.alerting.sites import depot

SITE = depot()
NOW = 1_790_000_000_000_000_000


def notices():
    for definition in SITE.alarms:
        for event, new in ((Event.RAISE, State.UNACKNOWLEDGED), (Event.CLEAR, State.RETURNED),
                           (Event.ACKNOWLEDGE, State.ACKNOWLEDGED)):
            step = Transition(definition.id, 1, event, State.NORMAL, new, NOW, 1, NOW, 43.2, who="Wang")
            yield definition, message.compose(SITE, definition, step, link="http://gateway:8080")


@pytest.mark.parametrize("words", WORDINGS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_forty_characters_say_what_where_and_how_bad(words, language):
    wording, seen = Wording(words, seal=Seal(b"k" * 32, "depot"), link="http://gateway:8080"), 0
    for definition, notice in notices():
        dressed = wording.dress(replace(notice, language=language), 0.0, NOW)
        assert wording.trouble is None and dressed.text
        opening = dressed.title[:40]
        assert definition.priority.name in opening, dressed.title
        if definition.origin in SITE.signals:
            assert definition.origin in opening, dressed.title
            assert CONDITION_NAMES[Condition(definition.condition)][language] in opening, dressed.title
            seen += 1
    assert seen


def test_a_message_that_waits_for_an_answer_offers_link_and_code_and_others_do_not():
    wording = Wording(seal=Seal(b"k" * 32, "depot"), link="http://gateway:8080/")
    for _, notice in notices():
        text = wording.dress(replace(notice, language="zh"), 0.0, NOW).text
        waits = notice.payload["state"] != "acknowledged"
        assert ("确认告警：http://gateway:8080/ack/" in text, "确认码：" in text) == (waits, waits)
    without_link = Wording(seal=Seal(b"k" * 32, "s")).dress(next(notices())[1], 0.0, NOW)
    assert "确认码：" in without_link.text and "/ack/" not in without_link.text


def test_other_eyes_see_the_same_words_without_the_slip():
    seal, seen = Seal(b"k" * 32, "depot"), 0
    template = {"en": "{{ text }} [{{ code }}] <{{ acknowledge_link }}>"}
    wording = Wording(seal=seal, link="http://gateway:8080/", text=template)
    for _, notice in notices():
        known, shown = values(notice, seal, "http://gateway:8080/", NOW), wording.masked(notice, 90.0, NOW)
        sent = wording.dress(notice, 90.0, NOW)
        assert shown.title == sent.title
        if known["code"]:
            assert known["code"] in sent.text and known["acknowledge_link"] in sent.text
            assert shown.text == sent.text.replace(known["acknowledge_link"], "•••").replace(known["code"], "••••-••••")
            seen += 1
    assert seen


def test_what_a_template_may_use_is_what_check_tries_it_with():
    assert set(values(next(notices())[1], None, "", NOW)) == set(SAMPLE)


def test_own_templates_in_one_or_both_languages():
    notice = next(notices())[1]
    wording = Wording(title={"zh": "{{ priority }} {{ alarm }}"}, text={"en": "{{ time }} at {{ area }}"})
    chinese = wording.dress(replace(notice, language="zh"), 0.0, NOW)
    assert chinese.title == f"{notice.payload['priority']} {notice.alarm}"
    english = wording.dress(replace(notice, language="en"), 0.0, NOW)
    assert english.title == notice.payload["title"]["en"] and " at " in english.text


@pytest.mark.survives("template that can not work", then="refused at `check`, with its line")
@pytest.mark.parametrize(("template", "reason"), [
    ("{{ title", "line 1: "), ("a\n{% if %}", "line 2: "), ("a\nb\n{{ tilte }}", "line 3: 'tilte' is undefined"),
    ("{{ value / 0 }}", "division by zero"), ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ("{% include 'x' %}", "line 1: "), ("{{ nosuch|nosuch }}", "line 1: No filter named 'nosuch'")])
def test_a_template_that_can_not_work_is_refused_with_its_line(template, reason):
    with pytest.raises(ValidationError, match=reason):
        WebhookSettings(id="x", url="http://host/", text=template)
    with pytest.raises(ValidationError, match=reason):
        SmtpSettings(type="smtp", id="x", host="h", sender="a@b", text={"zh": template})


@pytest.mark.survives("template that never ends, or makes a text without end", then="refused at `check`, with its line")
@pytest.mark.parametrize("template", [
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}", "{{ 'x' * 10 ** 10 }}",
    "{{ 9 ** 9 ** 9 }}", "{{ '%9999999999d' % 1 }}", "{{ '%9999999999d'|format(1) }}", "{{ lipsum(n=99999) }}",
    "{{ text|center(9999999999) }}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set ns = namespace(t='x') %}{% set ns.t = ns.t ~ ns.t %}", "{{ text.ljust(9999999999) }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "{{ " + "-" * 5000 + "1 }}", "x" * 20_000,
    "{{ text" + "|replace('', text)" * 20 + " }}"])
def test_a_template_without_end_is_refused_before_it_is_tried(template):
    with pytest.raises(ValidationError):
        WebhookSettings(id="x", url="http://host/", text=template)


def test_what_a_template_says_is_bounded():
    notice = next(notices())[1]
    notice = replace(notice, payload=notice.payload | {"text": {"en": "x" * 5000, "zh": ""}})
    wording = Wording(text={"en": "{{ text }}" * 1000})
    assert len(wording.dress(replace(notice, language="en"), 0.0, NOW).text) == LONGEST and wording.trouble is None


@pytest.mark.parametrize(("template", "text"), [
    ("{% if priority == 'P1' and value > 40 %}!{% endif %}{{ title[:5] }}", "!P1 GD"),
    ("{{ '%.2f'|format(value) }} {{ unit }}", "43.20 %LEL"),
    ("{{ text|replace('GD-01', 'X')|truncate(5, true, '') }}", "X hig"),
    ("{{ area|upper ~ (' ' ~ person if person else '') }}", "TANK FARM Wang"), ("{{ value|round(1) + 1 }}", "44.2")])
def test_what_a_template_can_do(template, text):
    assert rendered(compiled(template), SAMPLE) == text


def test_the_reason_is_there_in_chinese():
    said = {}
    for template in ("{{ tilte }}", "{{ title", "{% if %}", "{{ a|b }}", "{% nosuch %}", "{{ ''.__class__.x }}",
                     "{% for a in b %}{% endfor %}", "{{ 1 / 0 }}"):
        with pytest.raises(ValueError) as error:
            tried(template, SAMPLE)
        said[template] = error.value.args[0].zh
    assert said["{{ tilte }}"].startswith("第 1 行：没有变量 tilte；可用：")
    assert all(line.startswith("第 1 行：") and "模板无法使用" not in line for line in said.values()), said


@pytest.mark.parametrize(("seconds", "en", "zh"), [
    (45, "45 s", "45 秒"), (60, "1 min", "1 分钟"), (3600, "1 h", "1 小时"), (12_000, "3 h 20 min", "3 小时 20 分钟"),
    (190_800, "2 d 5 h", "2 天 5 小时"), (86_400, "1 d", "1 天")])
def test_how_long(seconds, en, zh):
    assert (lasting(seconds).en, lasting(seconds).zh) == (en, zh)
