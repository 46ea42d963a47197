"""`[oncall]` in a site file: what it becomes, and what `check` says of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from alerting.oncall.routing import Address
from gateway.config import Loaded
from gateway.model.alarm import Priority
from gateway.model.text import Text
from tests.config import documents
from tests.config.plugins import REAL, said, site

survives = pytest.mark.survives

SITE = """
[[notifiers]]
type = "webhook"
id = "phone"
url = "http://127.0.0.1:9/"

[[oncall.people]]
id = "li"
name = { en = "Li Ming", zh = "李明" }
duty = { en = "safety officer", zh = "安全员" }
language = "zh"
contacts = { phone = "+86 1" }

[[oncall.people]]
id = "wang"
name = "Wang"
contacts = { phone = "" }

[[oncall.rosters]]
id = "duty"
name = "Site duty"
layers = [{ name = "days", people = ["li", "wang"], start = 2026-01-05 }]
"""
POLICY = """
[[oncall.policies]]
id = "gas"
priorities = ["P1", "P2"]
hours = { from = "20:00", until = "08:00" }
steps = [{ notify = ["duty"], wait = "5min" }, { notify = ["li", "duty"] }]
repeat = 3
"""


def oncall(folder, rest: str = "") -> Loaded:
    return site(folder, SITE + rest, plugins=REAL)


def test_what_it_becomes(tmp_path):
    mute = '[[oncall.mutes]]\nname = "loading"\nhours = { from = "09:00", until = "10:30" }\n'
    loaded = oncall(tmp_path, POLICY + mute)
    assert loaded.problems == ()
    routing = loaded.site_file.oncall.routing(ZoneInfo("Asia/Shanghai"), ["phone"])
    li, policy = routing.people["li"], routing.policies[0]
    assert (li.name.zh, li.duty.en, li.language, li.addresses) == (
        "李明", "safety officer", "zh", (Address("phone", "+86 1"),))
    assert [step.wait_s for step in policy.steps] == [300, 300] and policy.repeat == 3
    assert policy.applies.priorities == {Priority.P1, Priority.P2} and policy.applies.hours.begins == time(20)
    assert routing.rosters["duty"].layers[0].start == date(2026, 1, 5)
    assert routing.rosters["duty"].on_duty(datetime(2026, 1, 13, tzinfo=UTC)).person == "wang"
    assert routing.mutes[0].applies.hours.ends == time(10, 30)


@survives("a policy that calls somebody who is not in the list", then="refused", says=Text(
    'unknown person or roster "dutty"; did you mean `duty`?', '未知的人员或值班表 "dutty"；是否应为 `duty`？'))
def test_unknown_person_in_a_policy(tmp_path, says):
    problem, = oncall(tmp_path, POLICY.replace('["duty"]', '["dutty"]')).problems
    assert says(problem.what) and problem.severity == "error" and "notify" in problem.key


@survives("a roster or a contact that names what is not there", then="refused, each with its place", says=Text(
    'unknown … "…"…', '未知的… "…"…'))
@pytest.mark.parametrize(("old", "new", "what"), [
    ('["li", "wang"]', '["li", "zhao"]', "person"), ("+86 1", "+86 1\", sms = \"1", "notifier"),
    ('priorities = ["P1", "P2"]', 'areas = ["moon"]', "area")])
def test_unknown_names(tmp_path, old, new, what, says):
    text = SITE + POLICY
    assert old in text
    problem, = site(tmp_path, text.replace(old, new), plugins=REAL).problems
    assert says(problem.what) and what in problem.what.en and problem.severity == "error"


@survives("a roster with hours in which nobody is on duty", then="warned of, with the dates; everybody of it is called",
          says=Text("nobody is on duty from … to …: all of it would be called",
                    "… 至 … 无人值班：届时将通知值班表全体人员"))
def test_a_gap_is_told_with_its_dates(tmp_path, says):
    text = SITE.replace("start = 2026-01-05", 'start = 2026-01-05, from = "08:00", until = "20:00"')
    loaded = site(tmp_path, text, plugins=REAL)
    assert loaded.site_file is not None and says(loaded.problems[0].what)
    gaps = said(loaded, "warning")
    assert len(gaps) == 6 and gaps[1].count(" 20:00") == 1 and gaps[1].count(" 08:00") == 1
    assert "more gaps within 60 days" in gaps[-1]


OVERRIDES = """
[[oncall.rosters.overrides]]
person = "wang"
from = "2026-10-01 08:00"
until = "2026-10-03 08:00"

[[oncall.rosters.overrides]]
person = "li"
from = "2026-10-02 08:00"
until = "2026-10-04 08:00"
"""


@survives("two stand-ins at the same time", then="warned of; the later one in the file counts", says=Text(
    "overlaps with the stand-in of wang: this one counts", "与 wang 的替班时间重叠：以本条为准"))
def test_overlapping_stand_ins(tmp_path, says):
    loaded = oncall(tmp_path, OVERRIDES)
    problem, = loaded.problems
    assert says(problem.what) and problem.severity == "warning" and problem.key == "from"
    roster = loaded.site_file.oncall.routing(ZoneInfo("UTC"), []).rosters["duty"]
    assert roster.on_duty(datetime(2026, 10, 2, 12, tzinfo=UTC)).person == "li"


@survives("a stand-in that ends before it begins", then="refused", says=Text("ends before it begins", "结束早于开始"))
def test_a_stand_in_backwards(tmp_path, says):
    problem, = oncall(tmp_path, OVERRIDES.split("[[", 2)[1].join(("[[", "")).replace("-03 08", "-01 07")).problems
    assert says(problem.what) and problem.severity == "error"


@survives("a mute window for P1", then="refused; and whatever a window says, a P1 calls", says=Text(
    "a P1 is never muted", "P1 告警不允许静默"))
def test_p1_is_never_muted(tmp_path, says):
    mute = '[[oncall.mutes]]\nname = "m"\npriorities = ["P1"]\nhours = { from = "09:00", until = "10:00" }\n'
    problem, = oncall(tmp_path, mute).problems
    assert says(problem.what) and problem.severity == "error"


@survives("a mute window that covers the whole week", then="refused: nothing is withheld for ever", says=Text(
    "this window never ends", "该静默时段永不结束"))
def test_a_window_ends(tmp_path, says):
    problem, = oncall(tmp_path, '[[oncall.mutes]]\nname = "m"\nhours = { from = "00:00", until = "24:00" }\n').problems
    assert says(problem.what)


@survives("a person without a way to be reached", then="warned of; others are called in their place", says=Text(
    "Wang can not be reached", "Wang 没有联系方式"))
def test_nobody_is_reached_by_nothing(tmp_path, says):
    problem, = site(tmp_path, SITE.replace('contacts = { phone = "" }', ""), plugins=REAL).problems
    assert says(problem.what) and problem.severity == "warning"


@survives("mail as the way to everybody, without an address", then="warned of: gaps and other alarms go there",
          says=Text("reaches nobody by itself: what no policy covers would not be told through it",
                    "自身没有收件人：通知策略未覆盖的告警无法经此渠道送达"))
def test_a_notifier_without_a_reader(tmp_path, says):
    mail = '[[notifiers]]\ntype = "smtp"\nid = "mail"\nhost = "127.0.0.1"\nsender = "lamp@example.org"\n'
    for loaded in (oncall(tmp_path, mail), site(tmp_path, mail, plugins=REAL)):
        problem, = loaded.problems
        assert says(problem.what) and problem.severity == "warning" and problem.key == "to"


def test_the_example_of_the_how_to_is_right(tmp_path):
    page = (documents.ROOT / "docs" / "how-to" / "on-call.md").read_text(encoding="utf-8")
    loaded = site(tmp_path, '[[areas]]\nid = "loading_bay"\nname = "Loading bay"\n'
                  + page.split("```toml\n")[1].split("```")[0], plugins=REAL)
    assert loaded.problems == () and len(loaded.site_file.oncall.people) == 3


@survives("a turn of half a day; one id for two; a policy for P4", then="told, each at its place")
def test_the_rest(tmp_path):
    text = SITE.replace("start = 2026-01-05", 'start = 2026-01-05, turn = "12h"').replace('id = "wang"', 'id = "duty"')
    assert said(site(tmp_path, text.replace('"li", "wang"', '"li"'), plugins=REAL)) == [
        'oncall.rosters[0] "duty" | id | "duty" is there twice',
        'oncall.rosters[0] "duty" layers[0] | turn | a turn is a number of whole days']
    assert "a P4 calls nobody" in said(oncall(tmp_path, POLICY.replace('"P1", "P2"', '"P4"')), "warning")[0]


@survives("times, dates, priorities and names that are none", then="refused with how they are written", says=Text(
    "… is no …", "… 不是…"))
@pytest.mark.parametrize(("old", "new", "hint"), [
    ('"20:00"', '"25:00"', "08:00"), ("2026-01-05", '"soon"', "2026-10-01"), ('"P1", "P2"', '"urgent"', "P1")])
def test_values(tmp_path, old, new, hint, says):
    problem, = site(tmp_path, (SITE + POLICY).replace(old, new), plugins=REAL).problems
    assert says(problem.what) and hint in problem.fix.en and problem.fix.zh
