"""The small plot of `davylamp explain`."""

from __future__ import annotations

import math

from gateway.replay.chart import HEIGHT, WIDTH, chart

ENDS = ("08:00", "09:00")


def body(lines: list[str]) -> list[str]:
    return [line.partition("┤" if "┤" in line else "│")[2] for line in lines[:HEIGHT]]


def test_a_rise_goes_from_the_lower_left_to_the_upper_right():
    lines = chart(range(WIDTH), range(WIDTH), [True] * WIDTH, {}, ENDS, 1)
    columns = [next(row for row, text in enumerate(body(lines)) if text[place] == "●") for place in range(WIDTH)]
    assert columns == sorted(columns, reverse=True) and (columns[0], columns[-1]) == (HEIGHT - 1, 0)
    assert "63.0 ┤" in lines[0] and "0.0 ┤" in lines[HEIGHT - 1]
    assert lines[-1].split() == [*ENDS] and len(lines) == HEIGHT + 2


def test_a_column_shows_the_whole_range_of_its_samples():
    values = [0.0, 100.0] * (4 * WIDTH)
    assert set("".join(body(chart(range(len(values)), values, [True] * len(values), {}, ENDS, 0)))) == {"●"}


def test_limits_stand_where_they_belong_and_far_ones_are_left_out():
    lines = chart([0, 1], [10.0, 20.0], [True, True], {"H": 30.0, "HH": 900.0}, ENDS, 1)
    assert "H 30.0 ┤╌" in lines[0] and "HH" not in "".join(lines)


def test_samples_that_are_not_good_are_marked():
    lines = chart([0, 1, 2], [1.0, math.nan, 2.0], [True, False, True], {}, ENDS, 0)
    marks = lines[HEIGHT].partition("│")[2]
    assert marks.strip() == "x" and marks.index("x") == WIDTH // 2
    assert sum(text.count("●") for text in body(lines)) == 2


def test_a_still_signal_and_one_without_any_value():
    assert sum(text.count("●") for text in body(chart([0, 0], [5.0, 5.0], [True, True], {}, ENDS, 0))) == 1
    assert chart([0], [math.nan], [False], {}, ENDS, 0) == []
