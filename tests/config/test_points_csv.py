"""Points from a spreadsheet, as spreadsheets really are."""

from __future__ import annotations

import pytest

from gateway.config import load
from gateway.model.text import Text
from tests.config.plugins import BENCH as PLUGINS
from tests.config.plugins import HEAD, said, site, write

FROM_CSV = 'points_csv = "map.csv"'
CHINESE = "信号,名称,种类,地址,倍率\nGD-01,1号罐探测器,combustible_gas,7,0.1\n"


def signals(loaded):
    assert loaded.site_file is not None, said(loaded)
    return {signal.id: signal for signal in loaded.site_file.site.signals}


@pytest.mark.survives("points CSV in GBK, GB18030, UTF-16 or UTF-8, with or without byte order mark, Chinese titles",
                      then="read as it was meant")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_chinese_spreadsheet_is_read_in_every_encoding_excel_writes(tmp_path, encoding):
    (tmp_path / "map.csv").write_bytes(CHINESE.replace("\n", "\r\n").encode(encoding))
    loaded = site(tmp_path, "", FROM_CSV)

    assert signals(loaded)["GD-01"].name == Text.same("1号罐探测器")
    assert (loaded.site_file.sources[0].points[0].address, loaded.site_file.sources[0].points[0].scale) == (7, 0.1)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_comma_semicolon_and_tab_separate(tmp_path, separator):
    write(tmp_path, f"{separator.join(('signal', 'kind', 'address'))}\n{separator.join(('A', 'number', '3'))}\n",
          "map.csv")
    assert site(tmp_path, "", FROM_CSV).site_file.sources[0].points[0].address == 3


def test_blank_rows_and_comments_are_passed_over_but_counted(tmp_path):
    write(tmp_path, "# made by hand,,\n\nsignal,kind,address\n,,\nA,number,1\n# B,number,2\nC,nombre,3\n", "map.csv")
    loaded = site(tmp_path, "", FROM_CSV)
    assert said(loaded) == ['row 7 "C" | kind | unknown kind "nombre"; did you mean `number`?']


def test_a_cell_with_line_breaks_is_one_row(tmp_path):
    write(tmp_path, 'signal,name,kind,address\nA,"two\nlines",number,1\nB,b,number,x\n', "map.csv")
    assert said(site(tmp_path, "", FROM_CSV)) == ['row 3 "B" | address | expected a whole number, got "x"']


def test_limits_and_both_names_may_stand_in_columns(tmp_path):
    write(tmp_path, "Signal,Name,name_zh,KIND,low,high,H,hh,ROC+,deadman\nT,Level,液位,level,0,12,10,11,0.5,5min\n",
          "map.csv")
    level = signals(site(tmp_path, "", FROM_CSV))["T"]

    assert level.name == Text("Level", "液位")
    assert {str(limit.condition): limit.value for limit in level.limits} == {"H": 10, "HH": 11, "ROC+": 0.5}
    assert level.deadman_s == 300


def test_full_width_digits_are_digits(tmp_path):
    write(tmp_path, "signal,kind,address\nA,number,１２\n", "map.csv")
    assert site(tmp_path, "", FROM_CSV).site_file.sources[0].points[0].address == 12


def test_what_the_site_file_says_is_laid_over_the_row(tmp_path):
    write(tmp_path, "signal,kind,low,high,unit,H,HH\nT,level,0,12,cm,10,11\n", "map.csv")
    level = signals(site(tmp_path, '[[signals]]\nid = "T"\nunit = "m"\nlimits = { H = 9, L = 1 }\n', FROM_CSV))["T"]

    assert (level.unit, level.high) == ("m", 12)
    assert {str(limit.condition): limit.value for limit in level.limits} == {"H": 9, "HH": 11, "L": 1}


def test_each_error_is_told_where_it_was_written(tmp_path):
    write(tmp_path, "signal,kind,low,high,unit,H,HH\nT,level,0,12,m,20,11\nU,level,zero,12,m,1,2\n", "map.csv")
    loaded = site(tmp_path, '[[signals]]\nid = "T"\nlimits = { HH = 30 }\ndecimals = "few"\n', FROM_CSV)

    assert sorted(said(loaded)) == [
        'row 2 "T" | H | T: H = 20 is outside the measuring range 0 .. 12 m: it would never be seen',
        'row 3 "U" | low | expected a number, got "zero"',
        'signals[0] "T" limits | HH | T: HH = 30 is outside the measuring range 0 .. 12 m: it would never be seen',
        'signals[0] "T" | decimals | expected a whole number, got "few"']
    assert {problem.file for problem in loaded.problems} == {str(tmp_path / "map.csv"), str(tmp_path / "site.toml")}


def test_a_row_without_anything_of_the_signal_only_binds_it(tmp_path):
    write(tmp_path, "signal,address\nA,1\nB,2\n", "map.csv")
    loaded = site(tmp_path, '[[signals]]\nid = "A"\nkind = "number"\n', FROM_CSV)
    assert said(loaded) == ['row 3 "B" | signal | unknown signal "B"']


def test_a_signal_described_in_two_rows_names_both(tmp_path):
    write(tmp_path, "signal,kind\nA,number\nA,number\n", "map.csv")
    assert said(site(tmp_path, "", FROM_CSV)) == [
        'row 3 "A" | signal | "A" is there twice; first in row 2 "A"',
        'row 3 "A" | signal | signal "A" is bound twice; first in row 2 "A"']


@pytest.mark.parametrize(("content", "what"), [
    ("signal,kind,adress\nA,number,1\n", "row 1 | adress | unknown column; did you mean `address`?"),
    ("信号,种类,地止\nA,number,1\n", "row 1 | 地止 | unknown column; did you mean `地址`?"),
    ("kind,address\nnumber,1\n", "row 1 | signal | column signal is missing"),
    ("signal,kind,kind\nA,number,number\n", "row 1 | kind | there are two columns for kind"),
    ("signal,kind\nA,number,1\n", 'row 2 "A" |  | the row has more cells than there are titles'),
    ("signal,address\n,5\n", "row 2 | signal | required key is missing"),
    ("# nothing\n", " |  | the file holds no rows"),
])
def test_a_spreadsheet_that_can_not_be_meant(tmp_path, content, what):
    write(tmp_path, content, "map.csv")
    assert said(site(tmp_path, "", FROM_CSV)) == [what]


@pytest.mark.survives("an Excel workbook, or bytes that are no text, as points file", then="refused", says=Text(
    "this is not a text file (an Excel workbook?)", "这不是文本文件（可能是 Excel 工作簿）"))
@pytest.mark.parametrize("content", [b"PK\x03\x04\x14\x00\x06\x00", b"\x00\x01\x02", b"signal,kind\n\xff\xff\xff\n"])
def test_a_workbook_is_not_a_points_file(tmp_path, content, says):
    (tmp_path / "map.csv").write_bytes(content)
    [problem] = site(tmp_path, "", FROM_CSV).problems
    assert says(problem.what) and (problem.place, problem.key) == ("", "")


def test_a_points_file_that_is_not_there_is_told_at_the_key(tmp_path):
    assert said(site(tmp_path, "", FROM_CSV)) == [
        f'sources[0] "b" | points_csv | file {tmp_path / "map.csv"} not found']


def test_points_of_the_site_file_and_of_the_spreadsheet_stand_together(tmp_path):
    write(tmp_path, "signal,kind,address\nB,number,2\n", "map.csv")
    loaded = load(write(tmp_path,
                        HEAD + '[[signals]]\nid = "A"\nkind = "number"\n[[sources]]\ntype = "bench"\nid = "b"\n'
                                         'points_csv = "map.csv"\npoints = [{ signal = "A", address = 1 }]\n'), PLUGINS)
    assert [(point.signal, point.address) for point in loaded.site_file.sources[0].points] == [("A", 1), ("B", 2)]
