"""The status of an instrument: linked, explained, and read often enough."""

from __future__ import annotations

import pytest

from gateway.model.signal import StatusLink
from tests.config.plugins import said, site, write

VALUES = "normal = [0, 1, 2]\nfault = [3]\nout_of_service = [4, 5, 6]\nover_range = [7]\n"
KIND = f"[kinds.combustible_gas.status_values]\n{VALUES}"
GD = '[[signals]]\nid = "GD"\nkind = "combustible_gas"\nlow = 0\nhigh = 100\nlimits = { H = 20, HH = 40 }\n'
STATUS = '[[signals]]\nid = "GD.status"\nkind = "status"\n'
LINK = 'status_signal = "GD.status"\n'
LINKED = StatusLink("GD.status", (0, 1, 2), (3,), (4, 5, 6), (7,))


def link(loaded, id="GD") -> StatusLink | None:
    assert loaded.site_file is not None, said(loaded)
    table = loaded.site_file.site.signals
    return table[table.index(id)].status


def test_the_kind_explains_the_numbers_and_the_signal_names_its_status(tmp_path):
    loaded = site(tmp_path, KIND + GD + LINK + STATUS, 'points = [{ signal = "GD" }, { signal = "GD.status" }]')
    assert link(loaded) == LINKED
    assert loaded.problems == ()
    assert "GD/inhibit" in loaded.site_file.site.alarms


def test_a_signal_may_explain_its_own_and_then_says_all_of_it(tmp_path):
    own = "[signals.status_values]\nnormal = [1]\n"
    assert link(site(tmp_path, KIND + GD + LINK + own + STATUS)) == StatusLink("GD.status", (1,))


def test_without_numbers_out_of_service_there_is_no_alarm_for_it(tmp_path):
    loaded = site(tmp_path, GD + LINK + "[signals.status_values]\nnormal = [0]\n" + STATUS)
    assert "GD/inhibit" not in loaded.site_file.site.alarms


@pytest.mark.parametrize("title", ["status_signal", "状态信号"])
def test_it_may_stand_in_a_points_file(tmp_path, title):
    write(tmp_path, f"signal,kind,low,high,H,HH,{title}\nGD,combustible_gas,0,100,20,40,GD.status\n"
                    "GD.status,status,,,,,\n", "map.csv")
    loaded = site(tmp_path, KIND, 'points_csv = "map.csv"')
    assert link(loaded) == LINKED
    assert loaded.problems == ()


@pytest.mark.parametrize(("text", "what"), [
    (KIND + GD + 'status_signal = "GD.state"\n' + STATUS,
     'signals[0] "GD" | status_signal | unknown signal "GD.state"; did you mean `GD.status`?'),
    (KIND + GD + 'status_signal = "GD"\n',
     'signals[0] "GD" | status_signal | GD: "GD" is a reading, not the status of one'),
    (KIND + GD + 'status_signal = "O2"\n[[signals]]\nid = "O2"\nkind = "oxygen"\n',
     'signals[0] "GD" | status_signal | GD: "O2" is a reading, not the status of one'),
    (GD + LINK + STATUS, 'signals[0] "GD" | status_signal | GD: nothing says what the numbers of GD.status mean'),
    (GD + f"[signals.status_values]\n{VALUES}",
     'signals[0] "GD" status_values |  | GD: status_values without a status_signal'),
    (KIND.replace("[3]", "[3, 4]"), "kinds.combustible_gas.status_values |  | listed twice: 4"),
    (KIND.replace("[0, 1, 2]", "[]"), "kinds.combustible_gas.status_values | normal | the list has too few elements"),
    (KIND.replace("normal", "nomal"),
     "kinds.combustible_gas.status_values | nomal | unknown key; did you mean `normal`?"),
    (KIND.replace("[3]", '["fault"]'),
     'kinds.combustible_gas.status_values | fault[0] | expected a whole number, got "fault"'),
])
def test_what_can_not_be_meant(tmp_path, text, what):
    assert said(site(tmp_path, text)) == [what]


def test_both_languages_say_it(tmp_path):
    problem = site(tmp_path, GD + LINK + STATUS).problems[0]
    assert problem.what.zh == "GD：未说明 GD.status 各状态值的含义"
    assert "combustible_gas.status_values" in problem.fix.zh


def test_a_state_that_is_labelled_and_not_explained_is_a_warning(tmp_path):
    """A forgotten "level 2" would turn a detector in alarm into one that is not trusted."""
    labels = 'labels = { 0 = "normal", 2 = "level 2", 9 = { en = "disabled", zh = "停用" } }\n'
    kind = KIND.replace("[0, 1, 2]", "[0, 1]")
    loaded = site(tmp_path, kind + GD + LINK + STATUS + labels,
                  'points = [{ signal = "GD" }, { signal = "GD.status" }]')
    assert said(loaded, "warning") == [
        'signals[0] "GD" | status_signal | GD: GD.status has states that status_values does not list: 2 (level 2), '
        "9 (disabled); in such a state the reading is taken for not valid"]


def test_a_detector_that_was_forgotten_is_listed_unless_it_is_meant(tmp_path):
    points = 'points = [{ signal = "GD" }]'
    assert said(site(tmp_path, KIND + GD, points), "warning") == [
        "signals |  | 1 gas detector(s) have no status_signal though their kind says what a status means: GD"]
    meant = site(tmp_path, KIND + GD + 'status_signal = "none"\n', points)
    assert meant.problems == () and link(meant) is None


@pytest.mark.parametrize(("deadman", "warned"), [("", True), ('deadman = "30s"\n', False)])
def test_a_status_that_comes_too_seldom_is_a_warning(tmp_path, deadman, warned):
    slow = 'period = "6s"\npoints = [{ signal = "GD.status" }]'
    loaded = site(tmp_path, KIND + GD + 'deadman = "10s"\n' + LINK + STATUS + deadman, slow)
    told = [line for line in said(loaded, "warning") if "believed" in line]
    assert told == (['signals[0] "GD" | status_signal | GD: GD.status comes every 6 s, and is believed for 10 s, the '
                     "deadman of GD"] if warned else [])
