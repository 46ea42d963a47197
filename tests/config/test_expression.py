"""Derived signals in a site file: what may be written, and where an error points."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import render
from gateway.model.expression import FUNCTIONS, Expression, ExpressionError
from gateway.model.text import LANGUAGES, Text
from tests.config.plugins import said, site

AB = ('[[signals]]\nid = "A-1.x"\nkind = "level"\ndeadman = "5s"\nlimits = "none"\n'
      '[[signals]]\nid = "B"\nkind = "level"\ndeadman = "5s"\nlimits = "none"\n')
POINTS = 'points = [{ signal = "A-1.x" }, { signal = "B" }]'


def derived(expression: str, rest: str = "", id: str = "D") -> str:
    return (f'[[signals]]\nid = "{id}"\nkind = "level"\ndeadman = "5s"\nlimits = "none"\nexpression = "{expression}"\n'
            f"{rest}\n")


def told(text: str) -> Text:
    """The error of an expression: what, place and fix in one."""
    with pytest.raises(ExpressionError) as caught:
        Expression.parse(text)
    what, fix = caught.value.args
    return Text(f"{what.en}\n{fix.en}", f"{what.zh}\n{fix.zh}")


def test_a_derived_signal_is_a_signal_that_no_source_gives(tmp_path):
    loaded = site(tmp_path, AB + derived("[A-1.x] * 78.5 + [B]"), POINTS)
    assert loaded.problems == ()
    signals = loaded.site_file.site.signals
    assert signals[signals.index("D")].derived.inputs == ("A-1.x", "B")
    assert signals.measured("D") == ("A-1.x", "B")


def test_measured_goes_through_all_levels(tmp_path):
    text = AB + derived("[E] + [B]") + derived("[A-1.x] / [B]", id="E")
    assert site(tmp_path, text, POINTS).site_file.site.signals.measured("D") == ("A-1.x", "B")


@pytest.mark.parametrize("text", [
    "[a]", " [ T-101.level ] * 78.5 ", "+[a] - -[b]", "1e-3 * [a] ** -2.5", "[a] % 7", "not [a] > 3 and ([b] or 1)",
    "1 < [a] <= 2 != [b]", "[a] if [b] == 0 else [c]", "clip([a], 0, 100)", "[压力.一] / 2",
    "\n  max([a],\n      [b])\n", *(f"{name}([a])" for name in FUNCTIONS if name != "clip")])
def test_what_may_be_written(text):
    assert Expression.parse(text).inputs


@pytest.mark.parametrize(("text", "column", "what"), [
    ("", 1, "the expression is empty"), ("1 + 2", 1, "no signal is used"), ("[a", 1, "this bracket is not closed"),
    ("2 * []", 5, "no signal stands in these brackets"), ("[a] + ([b]", 7, "this bracket is not closed"),
    ("[a] + [b])", 10, "this bracket closes nothing"), ("[a][b]", 1, "an operator is missing beside [a]"),
    ("2[a]", 2, "an operator is missing beside [a]"), ("[a].real", 1, "an operator is missing beside [a]"),
    ("[a] + P101", 7, "unknown name P101"), ("[a] + open(1)", 7, "unknown name open"),
    ("__import__('os')", 1, "unknown name __import__"), ("[a] + max", 7, "max is a function: its values are missing"),
    ("clip([a], 1)", 1, "clip takes 3 value(s), not 2"), ("max()+[a]", 1, "max takes 1 to 100 value(s), not 0"),
    ("max(*[a])", 1, "max takes plain values only"), ("abs(x=[a])", 1, "abs takes plain values only"),
    ("[a](1)", 1, "a signal is not a function"), ("[a] ^ 2", 5, "unknown operator ^"),
    ("([a]) // (2)", 7, "unknown operator //"), ("[a] in [b]", 5, "unknown operator in"),
    ("[a] = 3", 5, "it can not be read here"), ("[a] && [b]", 6, "it can not be read here"),
    ("[a] ** [b]", 8, "an exponent must be a plain number"), ("[a] ** 99", 8, "an exponent must be a plain number"),
    ("2 ** -11 * [a]", 6, "an exponent must be a plain number"), ("[a] + 'x'", 7, "this is not a number"),
    ("[a] + True", 7, "this is not a number"), ("[a] * 1e999", 7, "the number is too large"),
    ("[a] * " + "9" * 400, 7, "the number is too large"), ("lambda: [a]", 1, "this is not allowed in an expression"),
    ("{1: [a]}", 1, "this is not allowed in an expression"), ("([a], 1)", 1, "this is not allowed in an expression"),
    ("[a] * 2，3", 8, '"，" can not stand here'), ("[a] ≥ 3", 5, '"≥" can not stand here'),
    ("压力 * 2", 1, '"压" can not stand here'), ("[a] +\n  b", 9, "unknown name b"),
    ("-" * 300 + "[a]", 102, "nested too deeply"), ("(" * 220 + "[a]" + ")" * 220, 201, "nested too deeply"),
    ("[a] + " * 100, 501, "longer than 500 characters"),
])
def test_an_error_names_its_column(text, column, what):
    found = told(text)
    assert found.en.startswith(f"column {column}: {what}\n")
    assert found.zh.startswith(f"第 {column} 列：")


@pytest.mark.parametrize(("text", "fix"), [
    ("[a] ^ 2", "write ** for a power"), ("P101", "a signal stands in square brackets: [P101]"),
    ("（[a]）", "write ( (switch the input method to half-width)"), ("[a] ≥ 3", "write >="),
    ("压力", "names are allowed in square brackets only"), ("[a] && 1", "and, or, not")])
def test_what_people_try_has_its_cure(text, fix):
    assert fix in told(text).en


def test_the_caret_stands_below_the_place_however_wide_the_letters():
    assert told("[压力.一] + foo").en.splitlines()[1:3] == ["[压力.一] + foo", " " * 12 + "^"]


def test_of_a_long_text_the_part_around_the_place_is_shown():
    _, text, caret, _ = told("[a] + " * 40 + "foo").en.splitlines()
    assert len(text) == 100 and text[caret.index("^"):].startswith("foo")


@pytest.mark.survives("an expression with an unknown function, operator or bracket",
                      then="refused; the text is shown with a caret below the place",
                      says=Text("key `expression`: column 11: unknown name power",
                                "键 `expression`：第 11 列：未知的名称 power"))
def test_check_shows_the_place(tmp_path, says):
    loaded = site(tmp_path, AB + derived("[A-1.x] * power([B], 2)"), POINTS)
    assert [problem.severity for problem in loaded.problems] == ["error"]
    shown = Text(*(render(loaded.problems, language) for language in LANGUAGES))
    assert says(shown)
    assert shown.zh.splitlines()[3:6] == ["          [A-1.x] * power([B], 2)", "                    ^",
                                          "      处理：信号写在方括号中：[power]；可用的函数：" + ", ".join(FUNCTIONS)]


@pytest.mark.survives("an expression that names a missing signal", then="refused", says=Text(
    'column 7: unknown signal "A1.x"; did you mean `A-1.x`?', '第 7 列：未知的信号 "A1.x"；是否应为 `A-1.x`？'))
def test_an_unknown_signal_is_named_where_it_stands(tmp_path, says):
    loaded = site(tmp_path, AB + derived("[B] - [A1.x] + [A1.x]"), POINTS)
    assert len(loaded.problems) == 1
    assert says(loaded.problems[0].what)


@pytest.mark.survives("derived signals that need each other", then="refused; every circle is named once", says=Text(
    "circular: [D] -> [E] -> [F] -> [D]", "循环引用：[D] -> [E] -> [F] -> [D]"))
def test_a_circle_is_named(tmp_path, says):
    text = (AB + derived("[B] + [E]") + derived("[F]", id="E") + derived("[D] * 2", id="F")
            + derived("[self] + [D]", id="self"))
    loaded = site(tmp_path, text, POINTS)
    assert [line.split(" | ")[0] for line in said(loaded)] == ['signals[2] "D"', 'signals[5] "self"']
    assert says(loaded.problems[0].what)
    assert "circular: [self] -> [self]" in loaded.problems[1].what.en


@pytest.mark.survives("a source binds a signal that has an expression", then="refused", says=Text(
    'signal "D" is calculated from others and can not be read from a device',
    '信号 "D" 由其他信号计算得出，不能再从设备读取'))
def test_a_derived_signal_can_not_be_bound(tmp_path, says):
    points = 'points = [{ signal = "A-1.x" }, { signal = "B" }, { signal = "D" }]'
    loaded = site(tmp_path, AB + derived("[A-1.x] + [B]"), points)
    assert [problem.severity for problem in loaded.problems] == ["error"]
    assert says(loaded.problems[0].what)


@pytest.mark.parametrize(("rest", "what"), [
    ("loop_ma = true\nlow = 0\nhigh = 1", "loop_ma | a derived signal is no 4-20 mA loop"),
    ('status_signal = "B"\nstatus_values = { normal = [0] }',
     "status_signal | a derived signal is no instrument and has no status")])
def test_what_only_an_instrument_has(tmp_path, rest, what):
    assert what in said(site(tmp_path, AB + derived("[A-1.x]", rest), POINTS))[0]


def test_a_derived_signal_is_no_gas_detector(tmp_path):
    text = AB + derived("[A-1.x]").replace("level", "combustible_gas")
    assert said(site(tmp_path, text, POINTS)) == ['signals[2] "D" | kind | D: a calculated value is no gas detector']


def test_an_input_that_may_fall_silent_unnoticed_is_a_warning(tmp_path):
    loaded = site(tmp_path, AB.replace('"5s"', '"none"', 1) + derived("[A-1.x] + [A-1.x]"), POINTS)
    assert said(loaded, "warning") == [
        'signals[2] "D" | expression | A-1.x has no deadman: if it falls silent, its last value goes on to be used']


PIECES = st.lists(st.sampled_from(["[a]", "[b.c-d]", "1", "2.5", "(", ")", ",", *"+-*/%<>=!&|^[]{}.:;'\"#@~?\\`$",
                                   "**", "==", " and ", " or ", " not ", " if ", " else ", " lambda ", " in ", "max",
                                   "min(", "__class__", "（", "压", "\n", "\0", "\ud7ff", "0x", "1e", "j", " for "]),
                  max_size=30).map("".join)


@pytest.mark.survives("any text as an expression", then="accepted or refused with its column, never run as Python")
@settings(max_examples=300, deadline=None)
@given(st.one_of(PIECES, st.text(max_size=60)))
def test_any_text_is_read_or_refused_with_its_place(text):
    try:
        assert Expression.parse(text).inputs
    except ExpressionError as error:
        what, fix = error.args
        assert what.en.startswith("column ") and what.en.endswith("^") and fix.en and fix.zh
