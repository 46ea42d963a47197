"""One site file in, one site out, or everything that is wrong with it."""

from __future__ import annotations

import pytest

from gateway.config import Plugins, load, render
from gateway.config.report import one_line
from gateway.model.alarm import Priority
from gateway.model.rules import ShutdownVerification, Test, WorkWithoutVideo
from gateway.model.text import Text
from tests.config.plugins import BENCH, HEAD, REAL, said, site, write

TWO_AREAS = '[[areas]]\nid = "a"\nname = { en = "A", zh = "甲" }\n[[areas]]\nid = "b"\nname = "B"\n'


def test_the_technician_s_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, HEAD + """
[[signals]]
id = "GD-04"
kind = "combustible_gas"
[[sources]]
id = "gas"
type = "modbus"
host = "127.0.0.1"
[[sources.devices]]
id = "panel"
points = [
  { signal = "GD-04", table = "holding", adress = 12 },
]
""", "depot.toml")
    [problem] = [problem for problem in load("depot.toml", REAL).problems if problem.severity == "error"]

    assert one_line(problem,
                    "en") == ('depot.toml, sources[0] "gas" devices[0] "panel" points[0] "GD-04" (line 16), key '
                                       "`adress`: unknown key; did you mean `address`?")
    assert one_line(problem,
                    "zh") == ('depot.toml，sources[0] "gas" devices[0] "panel" points[0] "GD-04"（第 16 行），键 '
                                       "`adress`：未知的键；是否应为 `address`？")


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    missing = tmp_path / "none.toml"
    assert said(load(missing, BENCH)) == [f" |  | file {missing} not found"]

    gbk = tmp_path / "gbk.toml"
    gbk.write_bytes('[site]\nname = "北站"\n'.encode("gbk"))
    assert said(load(gbk, BENCH)) == ["line 2 |  | the file is not UTF-8 text"]


def test_a_byte_order_mark_and_windows_line_ends_are_no_error(tmp_path):
    path = tmp_path / "site.toml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    assert load(path, BENCH).problems == ()


@pytest.mark.parametrize(("text", "place", "fix"), [
    ("[site\nid = 1\n", "line 1, column 6", "TOML is written"),
    ("a = 1\na = 2\n", "line 2, column 6", "TOML is written"),
    ("name = ‘S’\n", "line 1, column 8", "the line has a full-width ‘"),
    ('name ＝ "S" # ，\n', "line 1, column 6", "the line has a full-width ＝"),
    ('path = "C:\\dir"\n', "line 1, column 13", "put a path with backslashes into single quotes"),
    ('name = "，" "x"\n', "line 1, column 12", "TOML is written"),
    ("list = [1, 2", "line 1", "TOML is written"),
    ("number = 1" + "0" * 5000, "line 1", "TOML is written"),
])
def test_a_syntax_error_is_placed_and_explained(tmp_path, text, place, fix):
    [problem] = load(write(tmp_path, text), BENCH).problems
    assert problem.place == place
    assert problem.fix.en.startswith(fix)
    assert problem.what.zh.startswith("TOML 语法错误：")
    assert not problem.what.zh.removeprefix("TOML 语法错误：").isascii()


def test_a_number_that_is_no_toml_integer_is_refused(tmp_path):
    assert said(load(write(tmp_path, HEAD + "[store]\nmax_age = 1" + "0" * 400 + "\n"), BENCH)) == [
        "store | max_age | the number does not fit into 64 bits"]


def test_all_errors_come_at_once_even_from_tables_that_are_partly_wrong(tmp_path):
    loaded = site(tmp_path, TWO_AREAS + """
[[signals]]
id = "G"
kind = "combustible_gas"
area = "c"
decimals = "many"
limits = { H = 30, HH = { value = 20, risk = "purple" } }
[[sources]]
type = "bench"
id = "b"
perod = 3
points = [{ signal = "X" }, { adress = 1 }, { signal = "Y", address = "one" }]
""")
    assert sorted(said(loaded)) == sorted([
        'sources[0] "b" | perod | unknown key; did you mean `period`?',
        'sources[0] "b" points[1] | signal | required key is missing',
        'sources[0] "b" points[1] | adress | unknown key; did you mean `address`?',
        'sources[0] "b" points[2] "Y" | address | expected a whole number, got "one"',
        'signals[0] "G" | decimals | expected a whole number, got "many"',
        'signals[0] "G" limits.HH | risk | "purple" is not one of the choices',
        'signals[0] "G" | area | unknown area "c"',
        'signals[0] "G" limits | H | H = 30 %LEL is laxer than the ceiling of combustible_gas: at most 25 %LEL',
        'signals[0] "G" limits.HH | value | G: limits in wrong order: H = 30, HH = 20',
        'sources[0] "b" points[0] "X" | signal | unknown signal "X"',
        'sources[0] "b" points[2] "Y" | signal | unknown signal "Y"'])


@pytest.mark.parametrize(("text", "what"), [
    ("", " | site | table [site] is missing"),
    ('[[site]]\nid = "s"\n', " | site | expected a table, got a list"),
    (HEAD + "[signals]\nid = 5\n", 'signals |  | expected a list of tables, got a table'),
    ("signals = [5]\n" + HEAD, " | signals[0] | expected a table, got 5"),
    (HEAD + "[kinds]\nlevel = 5\n", "kinds | level | expected a table, got 5"),
    (HEAD + '[[sinks]]\nid = "x"\n', 'sinks[0] "x" | type | required key is missing'),
    (HEAD + '[[sources]]\nid = "x"\ntype = "bensh"\n',
     'sources[0] "x" | type | unknown type "bensh"; did you mean `bench`?'),
])
def test_tables_of_the_wrong_shape(tmp_path, text, what):
    assert said(load(write(tmp_path, text), BENCH)) == [what]


@pytest.mark.parametrize(("written", "guess"), [("Asia/Shangai", "Asia/Shanghai"), ("Beijing", "Asia/Shanghai"),
                                                ("GMT+8", "Asia/Shanghai"), ("europe/berlin", "Europe/Berlin")])
def test_an_unknown_time_zone_is_guessed(tmp_path, written, guess):
    loaded = load(write(tmp_path, HEAD.replace("UTC", written)), BENCH)
    assert said(loaded) == [f'site | timezone | unknown time zone "{written}"; did you mean "{guess}"?']


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_the_page_may_listen_on_loopback(tmp_path, host):
    assert site(tmp_path, f'[api]\nhost = "{host}"\n').site_file.api.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "gateway.local"])
def test_the_page_is_not_opened_to_the_network_without_tls(tmp_path, host):
    [problem] = site(tmp_path, f'[api]\nhost = "{host}"\n').problems
    assert ("without TLS" in problem.what.en and "ssh -L" in problem.fix.zh) or "no address" in problem.what.en


def test_with_a_certificate_it_is(tmp_path):
    api = site(tmp_path, '[api]\nhost = "0.0.0.0"\ntls_cert = "page.crt"\ntls_key = "/k.key"\nnames = ["GW.example"]\n')
    assert (api.site_file.api.tls_cert, api.site_file.api.tls_key) == (str(tmp_path / "page.crt"), "/k.key")
    assert api.site_file.api.names == ("gw.example",)


@pytest.mark.parametrize(("api", "what"), [('tls_cert = "a"', "belong together"),
                                           ('names = ["https://a"]', "host name"), ('names = ["a:8080"]', "host name")])
def test_half_a_certificate_and_a_name_with_more_in_it_are_refused(tmp_path, api, what):
    [problem] = site(tmp_path, f"[api]\n{api}\n").problems
    assert what in problem.what.en


def test_a_site_without_areas_is_one_area_and_with_one_it_need_not_be_named(tmp_path):
    signal = '[[signals]]\nid = "A"\nkind = "number"\n'
    alone = site(tmp_path, signal).site_file.site
    assert (alone.signals[0].area, alone.area_name("site")) == ("site", Text.same("S"))
    assert site(tmp_path, '[[areas]]\nid = "only"\nname = "O"\n' + signal).site_file.site.signals[0].area == "only"
    assert said(site(tmp_path, TWO_AREAS + signal)) == [
        'signals[0] "A" | area | required key is missing: the site has several areas']


def test_rules_are_read_with_their_defaults(tmp_path):
    loaded = site(tmp_path, TWO_AREAS + """
[[signals]]
id = "P"
kind = "power"
area = "a"
[[signals]]
id = "V"
kind = "switch"
area = "b"
[[rules]]
id = "video"
type = "work_without_video"
work = "P > 2"
video = ["V == 1"]
[[rules]]
id = "esd"
type = "shutdown_verification"
area = "b"
command = "P >= 1"
feedback = "V==1"
stroke_time = "8s"
priority = "P2"
""")
    video, esd = loaded.site_file.site.rules
    assert video == WorkWithoutVideo("video", Text("A: work goes on without video", "甲：无视频仍在作业"), "a",
                                     (Test("P", ">", 2),), (Test("V", "==", 1),))
    assert isinstance(esd, ShutdownVerification)
    assert (esd.area, esd.stroke_time_s, esd.priority, esd.feedback) == ("b", 8, Priority.P2, (Test("V", "==", 1),))
    assert {"video", "esd", "a/blind"} & {alarm.id for alarm in loaded.site_file.site.alarms} == {"video", "esd"}


def test_a_rule_that_would_believe_a_dead_camera_or_valve_is_pointed_out(tmp_path):
    """A switch has no deadman by itself. What only says that work goes on may be silent: that begins nothing."""
    switches = "".join(f'[[signals]]\nid = "{id}"\nkind = "switch"\n' for id in ("W", "CAM", "CMD", "XV"))
    rules = ('[[rules]]\nid = "r"\ntype = "work_without_video"\nwork = "W == 1"\nvideo = ["CAM == 1"]\n'
             '[[rules]]\nid = "esd"\ntype = "shutdown_verification"\ncommand = "CMD == 1"\nfeedback = ["XV == 1"]\n'
             'stroke_time = "8s"\n')
    warned = [line for line in said(site(tmp_path, switches + rules), "warning") if "falls silent" in line]
    assert warned == [
        f"{place} | {id} has no deadman: if it falls silent, the rule goes on believing its last value"
        for place, id in (('rules[0] "r" | video[0]', "CAM"), ('rules[1] "esd" | command', "CMD"),
                          ('rules[1] "esd" | feedback[0]', "XV"))]


def test_a_rule_about_nothing_is_refused(tmp_path):
    loaded = site(tmp_path,
                  '[[signals]]\nid = "PUMP"\nkind = "power"\n[[rules]]\nid = "r"\ntype = "work_without_video"\n'
                            'area = "x"\nwork = ["PUM > 1", "PUMP = 1", "PUMP > high"]\nvideo = []\n')
    assert said(loaded) == [
        'rules[0] "r" | work[1] | expected a test, got "PUMP = 1"',
        'rules[0] "r" | work[2] | expected a test, got "PUMP > high"',
        'rules[0] "r" | video | the list has too few elements']


def test_a_rule_names_signals_that_are_there(tmp_path):
    loaded = site(tmp_path,
                  '[[signals]]\nid = "PUMP"\nkind = "power"\n[[rules]]\nid = "r"\ntype = "work_without_video"\n'
                            'area = "x"\nwork = ["PUM > 1", "PUMP=> 1"]\nvideo = "CAM > 1"\n')
    assert said(loaded) == [
        'rules[0] "r" | area | unknown area "x"',
        'rules[0] "r" | work[0] | unknown signal "PUM"; did you mean `PUMP`?',
        'rules[0] "r" | work[1] | unknown signal "PUMP="; did you mean `PUMP`?',
        'rules[0] "r" | video | unknown signal "CAM"']


def test_a_signal_has_one_source(tmp_path):
    signals = '[[signals]]\nid = "A"\nkind = "number"\n[[signals]]\nid = "B"\nkind = "number"\n'
    loaded = site(tmp_path, signals, 'points = [{ signal = "A" }, { signal = "A" }]')
    assert said(loaded) == ['sources[0] "b" points[1] "A" | signal | signal "A" is bound twice; first in '
                            'sources[0] "b" points[0] "A" (line 15)']
    assert said(loaded, "warning") == ['signals[1] "B" | id | no source gives signal "B"']


def test_a_source_may_find_something_itself(tmp_path):
    assert said(site(tmp_path, "", 'suspect = "warning"'), "warning") == ['sources[0] "b" | suspect | odd']
    refused = site(tmp_path, "", 'suspect = "error"')
    assert said(refused) == ['sources[0] "b" | suspect | odd'] and refused.site_file is None


def test_two_sections_of_one_name_are_refused(tmp_path):
    twice = '[[sources]]\ntype = "bench"\nid = "x"\n'
    assert said(site(tmp_path, twice + twice)) == [
        'sources[1] "x" | id | "x" is there twice; first in sources[0] "x" (line 5)']


def test_settings_have_sound_defaults_and_folders_stand_beside_the_site_file(tmp_path):
    loaded = site(tmp_path, "").site_file
    assert loaded.store.folder == str(tmp_path / "data")
    assert (loaded.store.max_size, loaded.store.max_age, loaded.store.commit_interval) == (2 * 10**9, 30 * 86400, 3.0)
    assert (loaded.api.host, loaded.api.port, loaded.site.language) == ("127.0.0.1", 8080, "en")


def test_the_command_line_prevails(tmp_path):
    loaded = site(tmp_path, "", "port = 1", **{"store.folder": "here", "api.port": "0", "sources.b.port": 7}).site_file
    assert (loaded.store.folder, loaded.api.port, loaded.sources[0].port) == ("here", 0, 7)


def test_an_error_of_the_command_line_is_told_as_one(tmp_path):
    loaded = site(tmp_path, "", "port = 1", **{"api.port": 99999, "sources.c.port": 7, "apy.port": 1})
    assert {(problem.file, problem.key) for problem in loaded.problems} == {
        ("command line", "api.port"), ("command line", "sources.c.port"), ("command line", "apy")}


def test_a_gateway_without_plugins_still_reads_its_file(tmp_path):
    assert load(write(tmp_path, HEAD), Plugins()).site_file is not None


def test_the_report_groups_by_file_errors_first(tmp_path):
    loaded = site(tmp_path, '[[signals]]\nid = "B"\nkind = "number"\n[[signals]]\nid = "A"\nkind = "nomber"\n',
                  'points = [{ signal = "A" }]')
    path = tmp_path / "site.toml"
    assert render(loaded.problems, "en") == f"""\
{path}

  error: signals[1] "A" (line 10), key `kind`: unknown kind "nomber"; did you mean `number`?
      fix: choose one of the catalogue, or add it under [kinds]
  warning: signals[0] "B" (line 6), key `id`: no source gives signal "B"
      fix: bind it to a point or topic, or delete it

1 error, 1 warning
"""
    assert render(loaded.problems, "zh").endswith("\n1 个错误，1 个警告\n")
    assert "\033[31merror\033[0m" in render(loaded.problems, "en", colour=True)
    assert render((), "en") == "0 errors, 0 warnings\n"


@pytest.mark.parametrize(("signals", "store", "warnings"), [
    (210, "", []),
    (1000, "", ["store | minutes_max_size | minutes of 1000 signals reach back about 154 days, not 730: then "
                "`minutes_max_size` (4 GB) is full"]),
    (1000, 'minutes_max_size = "19GB"', []), (1000, 'minutes_max_age = "150d"', [])])
def test_minutes_that_do_not_fit_for_as_long_as_they_are_to_be_kept(tmp_path, signals, store, warnings):
    text = "".join(f'[[signals]]\nid = "T-{n}"\nkind = "temperature"\nlimits = "none"\n' for n in range(signals))
    points = ", ".join(f'{{ signal = "T-{n}" }}' for n in range(signals))
    loaded = site(tmp_path, f"[store]\n{store}\n{text}", f"points = [{points}]")
    assert said(loaded, "warning") == warnings
