"""What a change does is told in a sentence of each language, with its direction."""

from __future__ import annotations

import pytest

from gateway.app import load
from gateway.change.difference import Side, differences, needs_reason
from tests.change.sites import POINTS, SECOND, written


def found(tmp_path, *changes, points=POINTS):
    sides = []
    for folder, how, rows in (("old", (), POINTS), ("new", changes, points)):
        loaded = load(written(tmp_path / folder, *how, points=rows))
        assert loaded.site_file is not None, loaded.problems
        sides.append(Side(loaded.site_file.site, loaded.tables))
    return differences(*sides)


@pytest.mark.parametrize("change, en, zh", [
    (("H = 20", "H = 22"), "H of GD-1 20 -> 22 %LEL, laxer", "GD-1 的 H 20 -> 22 %LEL，放宽"),
    (("H = 20", "H = 18"), "H of GD-1 20 -> 18 %LEL, stricter", "GD-1 的 H 20 -> 18 %LEL，收紧"),
    (("L = 2", "L = 1"), "L of LT-1 2 -> 1 m, laxer", "LT-1 的 L 2 -> 1 m，放宽"),
    (("L = 2", "L = 3"), "L of LT-1 2 -> 3 m, stricter", "LT-1 的 L 2 -> 3 m，收紧"),
    (("latch = true", "latch = false"), "HH of GD-1: latch on -> off, laxer", "GD-1 的 HH：自锁 on -> off，放宽"),
    (("L = 2", 'L = { value = 2, on_delay = "9s" }'), "L of LT-1: delay of the alarm 5 s -> 9 s, laxer",
     "LT-1 的 L：报警延时 5 s -> 9 s，放宽"),
    (("L = 2", 'L = { value = 2, priority = "P4" }'), "L of LT-1: priority P2 -> P4, laxer",
     "LT-1 的 L：优先级 P2 -> P4，放宽"),
    (('deadman = "5s"', 'deadman = "8s"'), "signal GD-1: longest silence 5 s -> 8 s, laxer",
     "信号 GD-1：最长静默时间 5 s -> 8 s，放宽"),
    (("limits = { L = 2 }", ""), "L of LT-1 is gone, laxer", "移除：LT-1 的 L，放宽"),
    (("GD-1 > 10", "GD-1 > 12"), "rule pump-dry: when GD-1 > 10 -> GD-1 > 12 (may be laxer)",
     "规则 pump-dry：条件 GD-1 > 10 -> GD-1 > 12（可能放宽）"),
    (("port = 5020", "port = 5021"), "source gas, port 5020 -> 5021 (may be laxer)",
     "数据源 gas，port 5020 -> 5021（可能放宽）"),
    (('unit = 2, period = "1s"', 'unit = 2, period = "2s"'), "source gas, device tank, period 1s -> 2s (may be laxer)",
     "数据源 gas，设备 tank，period 1s -> 2s（可能放宽）"),
    (('id = "phone"', 'id = "mail"'), "notifier phone is gone, laxer", "移除：通知渠道 phone，放宽"),
    (("[api]", '[store]\nmax_age = "9d"\n[api]'), "store is new", "新增：本地存储")])
def test_a_change_is_told(tmp_path, change, en, zh):
    told = found(tmp_path, change)
    assert (en, zh) in {(one.line.en, one.line.zh) for one in told}
    assert needs_reason(told) == any("laxer" in one.line.en for one in told)


def test_a_signal_is_told_with_its_alarms_once(tmp_path):
    assert [one.line.en for one in found(tmp_path, points=POINTS + SECOND)] == [
        "signal GD-2 is new (HH 40 %LEL, H 20 %LEL, deadman, invalid), stricter",
        "deadman of gas/head is new, stricter", "source gas, device head, point GD-2 is new"]


def test_names_and_comments_change_nothing(tmp_path):
    assert found(tmp_path, ('name = "Yard"', 'name = "Yard"  # ours'), ("[site]", "# new\n[site]")) == []


def test_what_is_told_of_a_spreadsheet_is_told_by_its_point(tmp_path):
    told = found(tmp_path, points=POINTS.replace("0.1", "0.2"))
    assert [one.line.en for one in told] == ["source gas, device head, point GD-1, scale 0.1 -> 0.2 (may be laxer)"]
