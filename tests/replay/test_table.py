"""Recordings from spreadsheets and other loggers: what is read, and what is said of what can not be."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from gateway.model.errors import ConfigError, DavylampError
from gateway.model.frame import Frame
from gateway.model.quality import Quality, is_bad
from gateway.model.text import Text
from gateway.replay.table import CsvRecording, read_events, stamp
from tests.sites import gas, site

survives = pytest.mark.survives

SITE = site(gas("GD-01"), gas("GD-02"))
EIGHT = int(datetime(2026, 9, 21, 8, tzinfo=UTC).timestamp()) * 10**9


def recording(tmp_path, text, **more) -> CsvRecording:
    path = tmp_path / "data.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CsvRecording(path, SITE.signals.ids, **more)


def samples(recording: CsvRecording) -> list[tuple[str, int, float]]:
    """(signal, seconds after eight, value) of every sample."""
    whole = Frame.concat([frame for _, frame in recording.frames(SITE.signals)])
    return [(SITE.signals.ids[number], (wall - EIGHT) // 10**9, value) for number, wall, value in
            zip(whole.signal.tolist(), whole.wall_ns.tolist(), whole.value.tolist(), strict=True)]


def test_an_empty_cell_is_no_sample(tmp_path):
    found = recording(tmp_path, "time,GD-01,GD-02\n2026-09-21T08:00:00Z,1,2\n2026-09-21T08:00:01Z,,3\n")
    assert samples(found) == [("GD-01", 0, 1), ("GD-02", 0, 2), ("GD-02", 1, 3)]
    assert found.ids == {"GD-01", "GD-02"} and not found.notes


@survives("CSV for replay: mixed zones, and numbers since 1970", then="all are read as the instants that they are")
def test_zones_may_be_mixed_and_epochs_may_stand_in_any_unit(tmp_path):
    seconds = EIGHT // 10**9
    found = recording(tmp_path, "time,GD-01\n2026-09-21T16:00:00+08:00,1\n2026-09-21T08:00:01Z,2\n"
                                f"{seconds + 2},3\n{seconds + 3}.0,4\n{(seconds + 4) * 1000},5\n"
                                f"{EIGHT + 5 * 10**9},6\n")
    assert [(second, value) for _, second, value in samples(found)] == [(n, n + 1) for n in range(6)]


@survives("CSV for replay: NaN, infinities, denormals", then="bad samples, as live; a denormal is a number")
def test_what_is_not_a_finite_number_is_a_bad_sample(tmp_path):
    found = recording(tmp_path, "time,GD-01\n2026-09-21T08:00:00Z,NaN\n2026-09-21T08:00:01Z,-inf\n"
                                "2026-09-21T08:00:02Z,1e999\n2026-09-21T08:00:03Z,5e-324\n")
    whole = Frame.concat([frame for _, frame in found.frames(SITE.signals)])
    assert is_bad(whole.quality).tolist() == [True, True, True, False] and np.isnan(whole.value[:3]).all()


def test_a_column_of_qualities_says_how_good_the_samples_are(tmp_path):
    found = recording(tmp_path, "time,GD-01,GD-01 quality,GD-02\n"
                                "2026-09-21T08:00:00Z,1,,7\n2026-09-21T08:00:01Z,2,uncertain_stale,7\n"
                                "2026-09-21T08:00:02Z,,BAD_SENSOR,7\n2026-09-21T08:00:03Z,4,132,7\n"
                                "2026-09-21T08:00:04Z,,64,7\n")
    whole = Frame.concat([frame for _, frame in found.frames(SITE.signals)])
    own = whole.signal == 0
    assert whole.quality[own].tolist() == [Quality.GOOD, Quality.UNCERTAIN_STALE, Quality.BAD_SENSOR, Quality.BAD_RANGE]
    assert whole.value[own][:2].tolist() == [1, 2] and np.isnan(whole.value[own][2:]).all()
    assert (whole.quality[~own] == Quality.GOOD).all() and found.ids == {"GD-01", "GD-02"}


@pytest.mark.parametrize("text", [
    "\ufefftime;GD-01;GD-02\r\n2026-09-21T08:00:00Z;1;2\r\n".encode(),
    "# 现场导出\ntime\tGD-01\tGD-02\n\n2026-09-21T08:00:00Z\t1\t2\n".encode("gb18030"),
    "time,GD-01,GD-02\n2026-09-21T08:00:00Z,1,2\n".encode("utf-16"),
])
def test_what_spreadsheets_save_can_be_read(tmp_path, text):
    assert samples(recording(tmp_path, text)) == [("GD-01", 0, 1), ("GD-02", 0, 2)]


@survives("CSV for replay: half a line at the end", then="that line is left out, all others are evaluated", says=Text(
    "row 3: half a line at the end was left out", "第 3 行：末尾的半行已忽略"))
def test_half_a_line_at_the_end_is_left_out_and_said(tmp_path, says):
    found = recording(tmp_path, "time,GD-01,GD-02\n2026-09-21T08:00:00Z,1,2\n2026-09-21T08:00:01Z,1")
    assert len(samples(found)) == 2
    assert len(samples(found)) == 2, "it can be read again, for another site"
    (note,) = found.notes
    assert says(note)


def test_a_whole_last_line_needs_no_line_end(tmp_path):
    assert len(samples(recording(tmp_path, "time,GD-01\n2026-09-21T08:00:00Z,1"))) == 1


def wrong(case: str, rows: str, place: str, column: str, what: str, chinese: str):
    return pytest.param(rows, place, column, id=case, marks=survives(
        f"CSV for replay: {case}", then="refused before anything is said; row and column are named",
        says=Text(what, chinese)))


@pytest.mark.parametrize("rows, place, column", [
    wrong("unknown column", "time,GD-1,GD-02\n", "row 1", "GD-1",
          "no signal of the site has this id; did you mean `GD-01`?", "站点中没有此编号的信号；是否应为 `GD-01`？"),
    wrong("two columns for one signal", "time,GD-01,GD-01\n", "row 1", "GD-01",
          "there are two columns for this signal", "该信号有两列"),
    wrong("an unknown quality", "time,GD-01,GD-01 quality\n2026-09-21T08:00:00Z,1,bad_sensr\n", "row 2",
          "GD-01 quality", "`bad_sensr` is not a quality; did you mean `BAD_SENSOR`?", "`bad_sensr` 不是质量码"),
    wrong("a quality without values", "time,GD-01,GD-02 quality\n", "row 1", "GD-02 quality",
          "a quality without a column of values", "有质量列但没有数值列"),
    wrong("no signal at all", "time\n", "row 1", "", "there is no column of a signal", "没有任何信号列"),
    wrong("no column of time", "Zeit,GD-01\n", "row 1", "", "the head has no column `time`", "表头没有 `time` 列"),
    wrong("empty file", "", "row 1", "", "the head has no column `time`", "表头没有 `time` 列"),
    wrong("a word for a number", "time,GD-01\n2026-09-21T08:00:00Z,1\n2026-09-21T08:00:01Z,high\n", "row 3", "GD-01",
          "`high` is not a number", "`high` 不是数字"),
    wrong("a time without zone", "time,GD-01\n2026-09-21 08:00:00,1\n", "row 2", "time",
          "`2026-09-21 08:00:00` has no zone", "`2026-09-21 08:00:00` 没有时区"),
    wrong("a time in a spreadsheet's own style", "time,GD-01\n21/9/26 8:00,1\n", "row 2", "time",
          "`21/9/26 8:00` is not a time", "`21/9/26 8:00` 不是时间"),
    wrong("a count for a time", "time,GD-01\n17,1\n", "row 2", "time", "`17` is not a time", "`17` 不是时间"),
    wrong("time runs backwards", "time,GD-01\n2026-09-21T08:00:01Z,1\n2026-09-21T16:00:00+08:00,1\n", "row 3", "time",
          "time runs backwards here", "此处时间倒退"),
    wrong("short row", "time,GD-01\n2026-09-21T08:00:00Z\n2026-09-21T08:00:01Z,1\n", "row 2", "",
          "1 cells where the head has 2", "有 1 格，而表头为 2 格"),
    wrong("long row", "time,GD-01\n2026-09-21T08:00:00Z,1,5\n", "row 2", "",
          "3 cells where the head has 2", "有 3 格，而表头为 2 格"),
])
def test_an_error_names_row_and_column(tmp_path, rows, place, column, says):
    with pytest.raises(ConfigError) as refused:
        samples(recording(tmp_path, rows))
    (problem,) = refused.value.problems
    assert (problem.place, problem.key) == (place, column)
    assert says(problem.what) and problem.fix.en and problem.fix.zh


def test_every_unknown_column_is_named_at_once_or_left_out_on_demand(tmp_path):
    text = "time,GD-01,Gd-02x,note\n2026-09-21T08:00:00Z,1,2,3\n"
    with pytest.raises(ConfigError) as refused:
        recording(tmp_path, text)
    assert [problem.key for problem in refused.value.problems] == ["Gd-02x", "note"]
    assert samples(recording(tmp_path, text, skip_unknown=True)) == [("GD-01", 0, 1)]


@pytest.mark.parametrize("content", [b"PK\x03\x04\x00\x00", bytes(range(256)) * 10])
def test_a_workbook_is_no_csv(tmp_path, content):
    with pytest.raises(DavylampError):
        samples(recording(tmp_path, content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DavylampError, match=r"nothing\.csv"):
        CsvRecording(tmp_path / "nothing.csv", SITE.signals.ids)


def test_events(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("time,name,within,alarm\n2026-09-21T08:00:00Z,泄漏,2min,GD-01/H\n2026-09-21T09:00:00Z,drill,,\n")
    leak, drill = read_events(path, [SITE.alarms])
    assert (leak.name, leak.wall_ns, leak.within_s, leak.alarm) == ("泄漏", EIGHT, 120.0, "GD-01/H")
    assert (drill.within_s, drill.alarm) == (600.0, "")


@pytest.mark.parametrize("text, what", [
    ("time,nam\n", "did you mean `name`"),
    ("time,name,alarm\n2026-09-21T08:00:00Z,leak,GD-01/HHH\n", "did you mean `GD-01/HH`"),
    ("time,name,within\n2026-09-21T08:00:00Z,leak,soon\n", "`soon` is not a duration"),
])
def test_a_wrong_event_is_named(tmp_path, text, what):
    (tmp_path / "events.csv").write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_events(tmp_path / "events.csv", [SITE.alarms])
    assert what in refused.value.problems[0].what.en


def test_stamps_are_exact_to_the_nanosecond():
    assert stamp("1790000000123456789") == 1790000000123456789
    assert stamp("2026-09-21T08:00:00.123456Z") == EIGHT + 123_456_000
