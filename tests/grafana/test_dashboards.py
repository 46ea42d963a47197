"""The committed dashboards are those of the code, and are what Grafana takes: the rules of its dashboard JSON model
(docs "JSON model", schema version 41) that a wrong dashboard would break in silence. The SDK carries no JSON schema."""

from __future__ import annotations

import re
import tomllib
from itertools import combinations
from pathlib import Path

import pytest
from grafana_foundation_sdk.models import units

from gateway.model.text import LANGUAGES
from gateway.sinks.schema import MINUTE, SITE
from grafana.boards.__main__ import committed, rendered
from grafana.boards.catalogue import BOARDS
from grafana.boards.influxql import Query, call, columns, last
from grafana.boards.overview import THE_PAGE
from tests.grafana.page import PAGE, page
from tests.grafana.shown import boards, seconds

KINDS = tomllib.loads((Path(__file__).parents[2] / "gateway/config/kinds.toml").read_text(encoding="utf-8"))
ALL = [(language, name, board) for language in LANGUAGES for name, board in boards(language).items()]
PANELS = [(f"{language} {name} {panel['title']}", panel) for language, name, board in ALL for panel in board["panels"]]
UIDS = {board["uid"] for _, _, board in ALL}
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
TYPES = {"stat", "table", "timeseries", "bargauge", "state-timeline", "geomap"}
HAN = re.compile(r"[一-鿿]")
each_board = pytest.mark.parametrize(
    "board", [board for *_, board in ALL], ids=[f"{name}-{lang}" for lang, name, _ in ALL]
)


def test_what_is_committed_is_what_the_code_makes():
    found = {path: path.read_text(encoding="utf-8") for path in committed()}
    assert found == rendered(), "run `python -m grafana.boards` and commit what it wrote"


def test_the_page_of_panels_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.grafana.page`"


@each_board
def test_a_dashboard_is_complete(board):
    assert board["schemaVersion"] == 41 and board["timezone"] == "browser" and "id" not in board
    assert seconds(board["time"]["from"]) > 0 and board["time"]["to"] == "now" and board["refresh"]
    ids = [panel["id"] for panel in board["panels"]]
    assert ids == list(range(1, len(ids) + 1))
    names = [variable["name"] for variable in board["templating"]["list"]]
    assert names[0] == "datasource" and len(set(names)) == len(names)
    asked = [target["query"] for panel in board["panels"] for target in panel["targets"]]
    asked += [mark["target"]["query"] for mark in board["annotations"]["list"]]
    asked += [variable["query"] for variable in board["templating"]["list"]]
    used = set(re.findall(r"\$\{(\w+):", "\n".join(asked))) | set(re.findall(r"\$(zone|raw)\b", "\n".join(asked)))
    assert used <= set(names), "a query needs a variable that the dashboard does not have"
    assert "{language}" not in str(board)


@each_board
def test_no_panel_lies_on_another(board):
    for one, other in combinations([panel["gridPos"] for panel in board["panels"]], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
    assert all(
        place["x"] + place["w"] <= 24 and place["h"] >= 3 for place in (panel["gridPos"] for panel in board["panels"])
    )


@pytest.mark.parametrize("panel", [panel for _, panel in PANELS], ids=[name for name, _ in PANELS])
def test_a_panel_says_what_it_answers_and_why_it_is_empty(panel):
    assert panel["type"] in TYPES and panel["targets"]
    assert panel["datasource"] == {"type": "influxdb", "uid": "${datasource}"}
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in panel["targets"]:
        assert (
            target["rawQuery"] and target["query"].startswith("SELECT ") and target["datasource"] == panel["datasource"]
        )
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"] and panel["description"].rstrip("。.?？；;").strip() and len(defaults["noValue"]) > 6
    shown = [
        defaults["unit"],
        *(
            said["value"]
            for override in panel["fieldConfig"]["overrides"]
            for said in override["properties"]
            if said["id"] == "unit"
        ),
    ]
    assert all(unit in UNITS or unit.startswith("suffix:") for unit in shown), shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_of_the_dashboard_s_language(language):
    proper = {"LL", "L", "H", "HH", "0", "1"}
    for board in boards(language).values():
        for panel in board["panels"]:
            defaults = panel["fieldConfig"]["defaults"]
            titles = [
                step["options"]["renameByName"].values()
                for step in panel.get("transformations", ())
                if step["id"] == "organize"
            ]
            words = [
                panel["title"],
                panel["description"],
                defaults["noValue"],
                *(word for found in titles for word in found),
            ]
            for word in words:
                assert word in proper or bool(HAN.search(word)) == (language == "zh"), word


def test_every_link_leads_to_a_dashboard_in_the_same_language():
    for language, _, board in ALL:
        tags = {tag for link in board["links"] for tag in link["tags"]}
        assert tags == {f"davylamp-{language}"} and all(
            f"davylamp-{language}" in other["tags"] for lang, _, other in ALL if lang == language
        )
        urls = set(re.findall(r"'url': '([^']+)'", str(board["panels"])))
        for url in urls:
            if url.startswith("/d/"):
                uid = url.removeprefix("/d/").split("?")[0]
                assert uid in UIDS and uid.endswith(f"-{language}"), url
                assert "${datasource:queryparam}" in url and "${__url_time_range}" in url
            else:
                assert url.startswith("${gateway}/") or url == THE_PAGE, url


def test_uids_are_stable_and_lead_from_region_to_site_to_signal():
    assert {
        f"davylamp-{name}-{language}"
        for language in LANGUAGES
        for name in ("overview", "site", "gas", "valves", "work", "load", "sensors", "alarms", "fleet", "signal")
    } == UIDS
    assert all(8 <= len(uid) <= 40 for uid in UIDS)
    english = boards("en")
    assert "/d/davylamp-site-en?" in str(english["overview"]["panels"])
    assert "/d/davylamp-signal-en?" in str(english["site"]["panels"])


def test_every_curve_has_the_alarms_on_it_but_those_of_the_whole_region():
    for _, name, board in ALL:
        curves = any(panel["type"] == "timeseries" for panel in board["panels"])
        assert not curves or bool(board["annotations"]["list"]) == (name != "overview")


def test_units_of_curves_are_those_of_the_catalogue():
    same = {
        "%LEL": "suffix:%LEL",
        "%OEL": "suffix:%OEL",
        "%VOL": "suffix:%VOL",
        "%CH4": "suffix:%CH4",
        "ppm": "ppm",
        "%": "percent",
        "fps": "suffix:fps",
        "kW": "kwatt",
        "kWh": "kwatth",
        "A": "amp",
        "mA": "mamp",
        "V": "volt",
        "": "none",
    }
    for name, panel in PANELS:
        if panel["type"] != "timeseries":
            continue
        kinds = {
            kind
            for target in panel["targets"]
            if '"telemetry_1m"' in target["query"]
            for found in re.findall(r'"kind" =~ /\^\(([^)]*)\)\$/', target["query"])
            for kind in found.split("|")
        }
        for kind in kinds:
            assert panel["fieldConfig"]["defaults"]["unit"] == same[KINDS[kind].get("unit", "")], f"{name}: {kind}"


def test_what_the_contract_does_not_have_can_not_be_asked():
    with pytest.raises(ValueError, match="site has no 'reds'; there is blue, clock_untrusted, contact"):
        Query(SITE, last("reds"))
    with pytest.raises(ValueError, match="telemetry_1m has no 'sort'"):
        Query(MINUTE, columns("mean"), ("\"sort\" = 'gas'",))
    with pytest.raises(ValueError, match="the inner query has no 'orange'; there is red, site"):
        Query((Query(SITE, last("red"), by=("site",)),), (call("sum", "orange"),))


def test_two_languages_show_the_same_panels():
    for board in BOARDS:
        english, chinese = (boards(language)[board.name] for language in LANGUAGES)
        for key in ("type", "gridPos", "id"):
            assert [panel[key] for panel in english["panels"]] == [panel[key] for panel in chinese["panels"]]
