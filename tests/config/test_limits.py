"""Limits: how they come about, and what can not be meant."""

from __future__ import annotations

import pytest

from gateway.config.kinds import catalogue
from gateway.model.alarm import Priority, Risk
from gateway.model.signal import Limit
from gateway.model.site import Site
from gateway.model.text import Text
from tests.config.plugins import said, site


def limits(loaded, id) -> dict[str, Limit]:
    assert loaded.site_file is not None, said(loaded)
    table = loaded.site_file.site.signals
    return {str(limit.condition): limit for limit in table[table.index(id)].limits}


def gas(rest: str) -> str:
    return f'[[signals]]\nid = "G"\nkind = "combustible_gas"\nlow = 0\nhigh = 100\n{rest}\n'


def level(rest: str) -> str:
    return f'[[signals]]\nid = "T"\nkind = "level"\nlow = 0\nhigh = 12\n{rest}\n'


def test_a_number_is_a_whole_limit_with_what_its_kind_and_condition_give(tmp_path):
    found = limits(site(tmp_path, gas("limits = { H = 20, HH = 40 }")), "G")
    assert (found["H"].priority, found["H"].risk, found["H"].latch) == (Priority.P2, Risk.ORANGE, False)
    assert (found["HH"].priority, found["HH"].risk, found["HH"].latch) == (Priority.P1, Risk.RED, True)
    assert (found["H"].deadband, found["H"].on_delay_s, found["H"].off_delay_s) == (2, 0, 30)


def test_a_rate_is_kept_per_second(tmp_path):
    found = limits(site(tmp_path, gas('limits = { "ROC+" = { value = 30, per = "min", window = "20s" } }')),
                   "G")["ROC+"]
    assert (found.value, found.window_s, found.deadband) == (0.5, 20, 0.1)
    assert (found.priority, found.risk) == (Priority.P3, Risk.YELLOW)


def test_a_dead_band_in_per_cent_is_of_the_measuring_range(tmp_path):
    found = limits(site(tmp_path, level('limits = { H = { value = 10, deadband = "5%" }, L = 1 }')), "T")
    assert (found["H"].deadband, found["L"].deadband) == pytest.approx((0.6, 0.12))


def test_limits_of_the_kind_are_laid_under_those_of_the_signal_key_by_key(tmp_path):
    kind = '[kinds.combustible_gas.limits]\nH = { value = 20, priority = "P1" }\nHH = 40\n"ROC+" = 1\n'
    own = 'limits = { H = 15, HH = { latch = false }, "ROC+" = "none" }'
    found = limits(site(tmp_path, kind + gas(own)), "G")
    assert set(found) == {"H", "HH"}
    assert (found["H"].value, found["H"].priority) == (15, Priority.P1)
    assert (found["HH"].value, found["HH"].latch) == (40, False)


def test_limits_none_takes_those_of_the_kind_away(tmp_path):
    loaded = site(tmp_path, "[kinds.level.limits]\nH = 10\n" + level('limits = "none"'), 'points = [{ signal = "T" }]')
    assert limits(loaded, "T") == {}
    assert loaded.problems == ()


def test_a_site_may_add_a_kind(tmp_path):
    loaded = site(tmp_path, '[kinds.hcl]\nname = "HCl"\nunit = "ppm"\ngas = true\nlimits = { H = 5 }\n'
                            '[[signals]]\nid = "C"\nkind = "hcl"\n')
    signal = loaded.site_file.site.signals[0]
    assert (signal.gas, signal.unit, signal.deadman_s, signal.fault_priority, signal.limits[0].value) == (
        True, "ppm", 10, Priority.P2, 5)


@pytest.mark.parametrize(("kind", "ceiling"), [(name, condition) for name, kind in catalogue().items()
                                               for condition in kind.ceilings])
def test_no_set_point_is_laxer_than_its_ceiling(tmp_path, kind, ceiling):
    bound = catalogue()[kind].ceilings[ceiling].value
    step = -0.1 if ceiling in ("L", "LL") else 0.1

    def with_limit(value: float) -> list[str]:
        return said(site(tmp_path, f'[[signals]]\nid = "G"\nkind = "{kind}"\nlimits = {{ {ceiling} = {value} }}\n'))

    assert with_limit(bound) == []
    refused = with_limit(round(bound + step, 3))
    assert len(refused) == 1 and "laxer than the ceiling" in refused[0]


def test_a_ceiling_can_not_be_passed_through_the_kind(tmp_path):
    loaded = site(tmp_path, "[kinds.combustible_gas.limits]\nH = 26\n" + gas(""))
    assert said(loaded) == [
        "kinds.combustible_gas.limits | H | H = 26 %LEL is laxer than the ceiling of combustible_gas: at most 25 %LEL"]


@pytest.mark.parametrize("rest", ['unit = "ppm"', 'deadman = "none"', 'fault_priority = "P3"'])
def test_a_gas_detector_can_not_be_made_harmless(tmp_path, rest):
    key = rest.split()[0]
    assert [line.split(" | ")[1] for line in said(site(tmp_path, gas(rest)))] == [key]
    assert [line.split(" | ")[1] for line in said(site(tmp_path,
                                                       f"[kinds.combustible_gas]\n{rest}\n" + gas("")))] == [key]


def test_a_kind_of_the_catalogue_stays_a_gas_detector_or_none(tmp_path):
    assert said(site(tmp_path, "[kinds.oxygen]\ngas = false\n")) == [
        'kinds.oxygen | gas | whether "oxygen" is a gas detector is fixed']


@pytest.mark.parametrize(("text", "what"), [
    ("limits = { L = 5, H = 5 }", "T: limits in wrong order: L = 5, H = 5"),
    ("limits = { L = 6, HH = 5 }", "T: limits in wrong order: L = 6, HH = 5"),
    ("limits = { H = 6, HH = 5 }", "T: limits in wrong order: H = 6, HH = 5"),
    ("limits = { LL = 3, L = 2 }", "T: limits in wrong order: LL = 3, L = 2"),
    ("limits = { HH = 12.5 }", "T: HH = 12.5 is outside the measuring range 0 .. 12 m: it would never be seen"),
    ("limits = { L = -1 }", "T: L = -1 is outside the measuring range 0 .. 12 m: it would never be seen"),
    ("limits = { H = { value = 5, deadband = 6 } }",
     "T: H can never end: with a dead band of 6 the value would have to "
                                                     "come back to -1, outside the measuring range"),
    ("limits = { L = { value = 5, deadband = 8 } }",
     "T: L can never end: with a dead band of 8 the value would have to "
                                                     "come back to 13, outside the measuring range"),
    ('limits = { H = { priority = "P1" } }', "T: H has no set point"),
])
def test_limits_that_can_not_be_meant(tmp_path, text, what):
    assert [line.split(" | ")[2] for line in said(site(tmp_path, level(text)))] == [what]


def test_equal_limits_on_one_side_are_fine(tmp_path):
    assert said(site(tmp_path, level("limits = { LL = 1, L = 1, H = 11, HH = 11 }"))) == []


def test_a_loop_needs_a_range(tmp_path):
    assert said(site(tmp_path, '[[signals]]\nid = "P"\nkind = "pressure"\nloop_ma = true\n')) == [
        'signals[0] "P" | loop_ma | a 4-20 mA loop needs a measuring range']


@pytest.mark.parametrize(("text", "warning"), [
    ("limits = { H = { value = 5, deadband = 2 }, HH = { value = 6, deadband = 1.5 } }",
     "T: dead band of HH (1.5) is larger than the distance to H (1)"),
    ("limits = { L = 4, H = { value = 5, deadband = 2 } }",
     "T: dead band of H (2) is larger than the distance to L (1)"),
    ('deadman = "5s"\nlimits = { H = { value = 5, on_delay = "6s" } }',
     "T: on-delay of H (6 s) is longer than the deadman (5 s)"),
    ('deadman = "3s"\nlimits = { H = 5, HH = 6 }', "T: on-delay of HH, H (5 s) is longer than the deadman (3 s)"),
    ('deadman = "1.5s"\nlimits = { H = { value = 5, on_delay = 0 } }',
     "T: deadman (1.5 s) is shorter than two periods of its source (1 s): one lost answer raises an alarm"),
    ('limits = { "ROC+" = { value = 1, window = "1s" } }',
     "T: window of ROC+ (1 s) is shorter than two periods of its source (1 s): there is no rate to take"),
])
def test_what_is_suspicious_is_a_warning(tmp_path, text, warning):
    loaded = site(tmp_path, level(text), 'points = [{ signal = "T" }]')
    assert loaded.site_file is not None
    assert [line.split(" | ")[2] for line in said(loaded, "warning")] == [warning]


def test_signals_without_limit_or_deadman_are_listed_once_unless_it_is_meant(tmp_path):
    signals = "".join(f'[[signals]]\nid = "{id}"\nkind = "{kind}"\n{rest}\n' for id, kind, rest in (
        ("T-1", "level", ""), ("T-2", "level", ""), ("T-3", "level", 'limits = "none"'),
        ("G-1", "oxygen", 'limits = "none"'), ("S-1", "switch", ""), ("E-1", "energy", ""), ("N-1", "own", ""),
        ("N-2", "own", 'deadman = "none"')))
    points = ", ".join(f'{{ signal = "{id}" }}' for id in ("T-1", "T-2", "T-3", "G-1", "S-1", "E-1", "N-1", "N-2"))
    loaded = site(tmp_path, '[kinds.own]\nname = "n"\nunit = "u"\nlimits = { H = 1 }\n' + signals,
                  f"points = [{points}]")

    assert said(loaded, "warning") == ["signals |  | no limit is set on 3 signal(s): T-1, T-2, G-1",
                                       "signals |  | 1 signal(s) have no deadman: N-1"]


def test_a_gas_detector_without_a_level_of_its_kind_is_listed(tmp_path):
    loaded = site(tmp_path, gas("limits = { HH = 40 }"), 'points = [{ signal = "G" }]')
    assert said(loaded, "warning") == ["signals |  | 1 signal(s) lack a level that their kind has: G (H)"]


def test_guidance_of_a_kind_comes_with_its_alarms(tmp_path):
    loaded = site(tmp_path,
                  '[kinds.level]\nguidance = { en = "stop filling", zh = "停止进料" }\n' + level("limits = { H = 9 }"))
    built: Site = loaded.site_file.site
    assert built.alarms.get("T/H").guidance.zh == "停止进料"


def test_guidance_may_have_parts_and_what_is_left_out_comes_from_below(tmp_path):
    """Signal over kind over catalogue: a telephone number for one detector does not lose what to do."""
    loaded = site(tmp_path, '[kinds.combustible_gas]\nguidance = { cause = "a leak", contact = "8001" }\n'
                  + gas('limits = { H = 20, HH = 40 }\nguidance = { contact = "8002", card = "https://cards/gas" }'))
    guidance = loaded.site_file.site.alarms.get("G/HH").guidance
    assert guidance.zh.startswith("沿侧风向撤离") and guidance.action.en.startswith("Leave the area")
    assert [part.en for part in guidance.parts.values()][1:] == [
        "a leak", "With a spark: flash fire or explosion.", "https://cards/gas", "8002"]


def test_a_signal_may_say_what_to_do_in_one_line(tmp_path):
    loaded = site(tmp_path, gas('limits = { H = 20, HH = 40 }\nguidance = "call 8001"'))
    assert loaded.site_file.site.alarms.get("G/H").guidance.zh == "call 8001"


@pytest.mark.survives("a guidance with an unknown part, an empty table, or one language only", then="refused",
                      says=Text("unknown part of a guidance: contcat; did you mean `contact`?",
                                "处置指南中有未知的项：contcat；是否应为 `contact`？"))
def test_a_guidance_that_can_not_be_read_is_refused(tmp_path, says):
    loaded = site(tmp_path, gas('guidance = { contcat = "8001" }'))
    assert says(loaded.problems[0].what)
    for written in ("{}", '{ en = "go" }', '{ contact = { zh = "8001" } }', "7"):
        loaded = site(tmp_path, gas(f"guidance = {written}"))
        assert [line.rpartition(" | ")[2] for line in said(loaded)] == [
            "expected a text, or one text for each language"], written
