"""A scenario or a layout with mistakes in it is refused, with what, where and how to fix it, in both languages."""

from __future__ import annotations

import pytest

from simulators import layout, scenario
from simulators.scenario import ScenarioError
from simulators.text import SimulatorError
from simulators.world import World
from tests.simulators.conftest import DOCS, let_pass

TITLE = 'title = { en = "t", zh = "题" }\n'

CASES = {
    'at = 1\ndo = "laek"\nnear = "GD-03"': ('unknown fault "laek"', 'did you mean "leak"?', "未知的故障"),
    'at = 1\ndo = "leak"\nnear = "GD-33"': ('"leak" near: unknown detector "GD-33"', "did you mean", "未知的探测器"),
    'at = 1\ndo = "leak"': ("needs `near`: a detector", "GD-01, GD-02", "缺少 `near`：探测器"),
    'at = 1\ndo = "drift"\ntarget = "GD-01"': ('"drift" rate: is missing', "add it", "缺少该项"),
    'at = 1\ndo = "drift"\ntarget = "GD-01"\nrate = "fast"': ("needs a number, got 'fast'", "correct", "需要数字"),
    'at = 1\ndo = "drift"\ntarget = "GD-01"\nrate = nan': ("needs a number, got nan", "correct", "需要数字"),
    'at = 1\ndo = "exception"\ntarget = "plc"\ncode = 300': ("from 1 to 255, got 300", "correct", "1 到 255"),
    'at = 1\ndo = "leak"\nnear = "GD-03"\nrte = 3': ('unknown key "rte"', 'did you mean "rate"?', "未知的键"),
    'at = 1\ndo = "service"\ntarget = "GD-03"\nstate = "calib"': ('unknown word "calib"', '"calibration"', "取值"),
    'at = 1\ndo = "stop"\ntarget = "P-101"\nfor = 3': ("takes no `for`", "remove", "不能带 `for`"),
    'at = -1\ndo = "stop"\ntarget = "P-101"': ("not below 0, got -1", "correct", "不小于 0"),
    'at = 1\nwhen = "GD-01 > 1"\ndo = "stop"\ntarget = "P-101"': ("both `at` and `when`", "keep one", "同时有"),
    'when = "GD-01 is high"\ndo = "stop"\ntarget = "P-101"': ("is not a condition", "GD-03 >= 20", "不是有效的条件"),
    'when = "GD-91 > 1"\ndo = "stop"\ntarget = "P-101"': ('unknown quantity "GD-91"', "did you mean", "未知的测量量"),
    'at = 1\nsay = { en = "only English" }': ("in both languages", "zh =", "中英文"),
    "at = 1": ("does nothing", "give it `do`", "既无动作"),
}


@pytest.mark.parametrize(("lines", "told"), CASES.items(), ids=[told[0] for told in CASES.values()])
def test_a_mistake_is_named_with_its_place_and_its_cure(lines, told, tmp_path, world):
    path = tmp_path / "story.toml"
    path.write_text(f"{TITLE}[[steps]]\nat = 0\nsay = {{ en = 'a', zh = 'b' }}\n[[steps]]\n{lines}\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as refused:
        scenario.load(path, world.known)
    (problem,) = refused.value.problems
    english, chinese = problem.message("en"), problem.message("zh")
    assert english.startswith("story.toml steps[2]")
    assert told[0] in english and told[1] in english.split(" Fix: ")[1]
    assert told[2] in chinese and " 处理: " in chinese


def test_all_mistakes_are_told_at_once(tmp_path, world):
    path = tmp_path / "story.toml"
    path.write_text('sped = 2\n[[steps]]\ndo = "boom"\n[[steps]]\nat = 0\n', encoding="utf-8")
    with pytest.raises(ScenarioError) as refused:
        scenario.load(path, world.known)
    places = [problem.where for problem in refused.value.problems]
    assert places == ["story.toml steps[1]", "story.toml steps[2]", "story.toml", "story.toml title"]


@pytest.mark.parametrize("content", [b"[[steps", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_refused(content, tmp_path, world):
    path = tmp_path / "story.toml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match="not valid TOML"):
        scenario.load(path, world.known)
    with pytest.raises(ScenarioError, match="can not be read"):
        scenario.load(tmp_path / "nowhere.toml", world.known)


@pytest.mark.parametrize(("before", "after", "message"), [
    ('id = "XV-101"\nstroke = 5.0', 'id = "XV-101"', "depot.toml valves.XV-101.: key missing: stroke"),
    ("stroke = 5.0", "strok = 5.0", 'valves.XV-101.: unknown key "strok". Fix: did you mean "stroke"'),
    ('of = "LINE.p"', 'of = "LINE.q"', 'plc input 3: unknown quantity "LINE.q". Fix: did you mean "LINE.p"'),
    ('"FAN-01.P"', '"FAN-02.P"', 'tele/fan-01/SENSOR: unknown quantity "FAN-02.P"'),
])
def test_a_layout_with_a_mistake_is_refused(before, after, message, tmp_path):
    path = tmp_path / "depot.toml"
    text = (layout.SITES / "depot.toml").read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(SimulatorError, match=message):
        World(layout.load(path))


def test_the_example_of_the_handbook_plays(tmp_path, world):
    path = tmp_path / "story.toml"
    path.write_text(DOCS.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0], encoding="utf-8")
    world.play(scenario.load(path, world.known))
    begun = [(event.fault, event.target) for event in let_pass(world, 60) if event.kind == "fault"]
    assert begun == [("leak", "GD-03"), ("slow_valve", "XV-101")]


def test_a_condition_fires_once_when_it_comes_true(tmp_path, world):
    path = tmp_path / "story.toml"
    path.write_text(TITLE + """
        [[steps]]
        at = 2
        do = "drift"
        target = "GD-01"
        rate = 10.0
        for = 3
        [[steps]]
        at = 6
        do = "drift"
        target = "GD-01"
        rate = 10.0
        for = 3
        [[steps]]
        when = "GD-01 > 15"
        say = { en = "high", zh = "高" }
    """, encoding="utf-8")
    world.play(scenario.load(path, world.known))
    events = let_pass(world, 12)
    (said,) = [event.elapsed for event in events if event.kind == "say"]
    assert 3 <= said <= 4
    others = [(event.kind, event.elapsed) for event in events if event.kind != "say"]
    assert others == [("fault", 2.0), ("over", 5.0), ("fault", 6.0), ("over", 9.0)]
