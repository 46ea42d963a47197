"""The second line of alerting: each rule's query against a real InfluxDB, and whom it would call."""

from __future__ import annotations

import json
import time

import pytest

from grafana.boards.__main__ import ALERTING
from grafana.boards.second import RECEIVER, RULES
from tests import servers
from tests.grafana import story
from tests.grafana.shown import Office

RULE_FILE = json.loads(ALERTING.read_text(encoding="utf-8"))
WRITTEN = {rule["uid"]: rule for group in RULE_FILE["groups"] for rule in group["rules"]}
MINUTES = range(240)


def site(name: str, now: int, *, until_ago: int = 0, shift: int = 0, online: int = 8, lag: int = 0, free: float = 2e10):
    """Four hours of one gateway, minute by minute. shift: s that its clock is fast."""
    for minute in MINUTES:
        second = now - minute * 60
        if minute * 60 >= until_ago:
            yield f"site,site={name} devices=8i,devices_online={online}i,online_ratio={online / 8} {second + shift}"
            yield f"gateway,site={name} lag_samples={lag}i,disk_free_bytes={int(free)}i {second + shift}"


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    """A database of gateways with one fault each."""
    now = int(time.time())
    with servers.influxdb1(tmp_path_factory.mktemp("influxdb")) as server:
        story.create(server.url)
        story.put(
            server.url,
            [
                *site("well", now),
                *site("silent", now, until_ago=900),
                *site("fast", now, shift=7200),
                *site("slow", now, shift=-7200),
                *site("behind", now, lag=200_000),
                *site("full", now, free=1e9),
                *(f"centre,centre={name} disk_free_bytes={free}i,disk_bytes=100i {now - minute * 60}"
                  for name, free in (("filling", 9), ("roomy", 30)) for minute in range(5)),
            ],
        )
        yield Office(server.url, now, {})


def answers(rule, office: Office) -> dict[str, float]:
    """The last number of query A, by site; "" where it is one for all."""
    (query, reduced, _) = rule.data()
    assert reduced["model"]["reducer"] == "last"
    series = office.ask(query["model"]["query"], query["relativeTimeRange"]["from"])
    return {
        next(iter(one.get("tags", {}).values()), ""): one["values"][-1][1]
        for one in series
        if one["values"][-1][1] is not None
    }


def firing(rule, office: Office) -> set[str]:
    above, limit = rule.fires
    return {
        site for site, value in answers(rule, office).items() if (value > limit if above == "gt" else value < limit)
    }


@pytest.mark.parametrize(
    ("uid", "called"),
    [
        ("silent", {"silent", "slow"}),
        ("ahead", {"fast"}),
        ("lag", {"behind"}),
        ("region-offline", {""}),
        ("disk", {"full"}),
        ("centre-disk", {"filling"}),
    ],
)
def test_a_rule_calls_for_what_no_gateway_knows_and_for_nothing_else(region, uid, called):
    (rule,) = (rule for rule in RULES if rule.uid == uid)
    assert firing(rule, region) == called


def test_the_online_rate_of_the_region_counts_silent_sites_as_offline(region):
    (rule,) = (rule for rule in RULES if rule.uid == "region-offline")
    assert answers(rule, region) == {"": pytest.approx(100 * 4 / 6)}


@pytest.mark.survives(
    "every gateway of the region silent at once",
    then="Grafana's rules call for each of them; an empty database, too, is an alert",
)
def test_a_region_that_falls_silent_calls(region):
    (rule,) = (rule for rule in RULES if rule.uid == "silent")
    later = Office(region.url, region.end, {})
    query = rule.data()[0]["model"]["query"].replace("now() - 10m", "now() + 1d")
    assert {one["values"][-1][1] for one in later.ask(query, 30 * 86_400)} == {1}
    assert {rule.uid for rule in RULES if rule.no_data == "Alerting"} == {"silent", "region-offline", "centre-disk"}


def test_the_file_for_grafana_holds_every_rule_and_leaves_other_people_s_policies_alone():
    assert set(WRITTEN) == {f"davylamp-{rule.uid}" for rule in RULES} and "policies" not in RULE_FILE
    assert [point["name"] for point in RULE_FILE["contactPoints"]] == [RECEIVER]
    for rule in WRITTEN.values():
        assert rule["notification_settings"]["receiver"] == RECEIVER and rule["condition"] == "C"
        assert " / " in rule["title"] and " / " in rule["annotations"]["summary"]
        (limit,) = rule["data"][2]["model"]["conditions"][0]["evaluator"]["params"]
        assert limit > 0
    muted = {timing["name"]: timing["time_intervals"] for timing in RULE_FILE["muteTimes"]}
    assert muted == {"davylamp-planned-work": [{"years": ["2000"]}]}  # nothing is muted until a person says when
