"""The second line of alerting: what a gateway can not say about itself, asked by Grafana of the database.

A gateway calls people for its site. Grafana calls those who run the central database, and only for what no gateway knows:
that a gateway is silent, that its clock runs ahead, that the database falls behind, that a region is below its target, that a
disk will be full: a gateway's, or that of the centre. The last calls, too, when nobody says how full it is. No rule here repeats an alarm of a gateway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.model.text import Text
from gateway.sinks.schema import CENTRE, GATEWAY, SITE
from grafana.boards.influxql import AHEAD, RANGE, Column, Query, call

DATASOURCE = "davylamp"
FOLDER = "Davylamp"
GROUP = "davylamp-second-line"
RECEIVER = "davylamp-operators"
PLANNED = "davylamp-planned-work"

_LATELY = "time > now() - 10m"


@dataclass(frozen=True, slots=True)
class Rule:
    """asks: one number for each site, or one for all. fires: when it is above or below a number for `lasting`.

    since     how far back `$timeFilter` reaches, s
    no_data   "Alerting": an empty answer is itself the fault
    board     uid of the dashboard where a person sees more, without the language
    """

    uid: str
    title: Text
    says: Text
    asks: Query
    fires: tuple[Literal["gt", "lt"], float]
    lasting: str
    since: int
    board: str
    no_data: Literal["OK", "Alerting"] = "OK"

    def data(self) -> list[dict]:
        """Query A, its last number B, the condition C: what Grafana's rules are made of."""
        above, limit = self.fires
        influx = {"type": "influxdb", "uid": DATASOURCE}
        expression = {"type": "__expr__", "uid": "__expr__"}
        return [
            {"refId": "A", "relativeTimeRange": {"from": self.since, "to": 0}, "datasourceUid": DATASOURCE,
             "model": {"refId": "A", "datasource": influx, "query": str(self.asks), "rawQuery": True,
                       "resultFormat": "time_series", "intervalMs": 60_000, "maxDataPoints": 43_200}},
            {"refId": "B", "relativeTimeRange": {"from": self.since, "to": 0}, "datasourceUid": "__expr__",
             "model": {"refId": "B", "datasource": expression, "type": "reduce", "reducer": "last", "expression": "A",
                       "settings": {"mode": "dropNN"}}},
            {"refId": "C", "relativeTimeRange": {"from": self.since, "to": 0}, "datasourceUid": "__expr__",
             "model": {"refId": "C", "datasource": expression, "type": "threshold", "expression": "B",
                       "conditions": [{"type": "query", "evaluator": {"type": above, "params": [limit]},
                                       "operator": {"type": "and"}, "query": {"params": ["C"]},
                                       "reducer": {"type": "last", "params": []}}]}}]

    def rule(self) -> dict:
        """As files and the API have it; the API wants the folder besides."""
        return {
            "uid": f"davylamp-{self.uid}", "title": f"{self.title.en} / {self.title.zh}", "condition": "C", "data": self.data(),
            "noDataState": self.no_data, "execErrState": "Error", "for": self.lasting, "isPaused": False,
            "annotations": {"summary": f"{self.says.en} / {self.says.zh}", "__dashboardUid__": f"davylamp-{self.board}-zh"},
            "labels": {"davylamp": "second-line"},
            "notification_settings": {"receiver": RECEIVER, "group_by": ["alertname"], "mute_time_intervals": [PLANNED]}}


_KNOWN = Query(SITE, (Column('last("devices") * 1.0', "known"), Column('last("devices") * 0.0', "now"),
                      Column('last("devices") * 0.0 + 1.0', "silent")), by=("site",))
_ANSWER = Query(SITE, (Column('last("devices_online") * 1.0', "now"), Column('last("devices_online") * 0.0 - 1.0', "silent")),
                when=_LATELY, by=("site",))
_MONTH, _HALF_HOUR = 30 * 86_400, 1800

RULES = (
    Rule("silent", Text("Gateway silent", "网关失联"),
         Text("{{ $labels.site }}: nothing for 10 minutes. Whether it still watches is not known: call the site",
              "{{ $labels.site }}：10 分钟无数据，是否仍在监测未知，请联系现场"),
         Query((_KNOWN, _ANSWER), (call("sum", "silent"),), by=("site",)), ("gt", 0.5), "2m", _MONTH, "overview", "Alerting"),
    Rule("ahead", Text("Clock of a gateway ahead", "网关时钟超前"),
         Text("{{ $labels.site }} writes rows of the future: its state and alarms come late on every dashboard. Set its clock",
              "{{ $labels.site }} 写入未来时刻的数据：看板上的状态和告警会延后，请校准其时钟"),
         Query(SITE, (call("count", "devices", "ahead"),), when=AHEAD, by=("site",)), ("gt", 0.5), "2m", _HALF_HOUR, "fleet"),
    Rule("lag", Text("Database falls behind", "数据库写入滞后"),
         Text("{{ $labels.site }}: more than 100,000 samples wait to be written. Is the database or its network too slow?",
              "{{ $labels.site }}：超过 10 万个样本等待写入，请检查数据库和网络是否过慢"),
         Query(GATEWAY, (call("last", "lag_samples", "lag"),), when=RANGE, by=("site",)), ("gt", 100_000), "15m",
         _HALF_HOUR, "fleet"),
    Rule("region-offline", Text("Region below the online target", "区域在线率低于目标"),
         Text("Less than 99.5 % of the region's devices give data", "区域设备在线率低于 99.5%"),
         Query((_KNOWN, _ANSWER), (Column('sum("now") / sum("known") * 100', "online"),)), ("lt", 99.5), "1h", _MONTH,
         "overview", "Alerting"),
    Rule("disk", Text("Disk of a gateway nearly full", "网关磁盘将满"),
         Text("{{ $labels.site }}: less than 2 GB free; it will delete data that was not sent",
              "{{ $labels.site }}：剩余空间不足 2 GB，未发送的数据将被删除"),
         Query(GATEWAY, (call("last", "disk_free_bytes", "free"),), when=RANGE, by=("site",)), ("lt", 2e9), "10m",
         _HALF_HOUR, "fleet"),
    Rule("centre-disk", Text("Disk of the centre nearly full", "中心磁盘将满"),
         Text("{{ $labels.centre }}: less than 10 % of the databases' disk is free. When it is full, no site can be seen",
              "{{ $labels.centre }}：数据库磁盘剩余不足 10%。占满后将看不到任何站点"),
         Query(CENTRE, (Column('last("disk_free_bytes") / last("disk_bytes") * 100', "free"),), when=RANGE, by=("centre",)),
         ("lt", 10), "10m", _HALF_HOUR, "fleet", "Alerting"),
)


def contact_point() -> dict:
    """Where the second line calls. The address comes from the environment of Grafana's server."""
    return {"uid": RECEIVER, "type": "email", "settings": {"addresses": "${DAVYLAMP_ALERT_EMAIL}", "singleEmail": True},
            "disableResolveMessage": False}


def mute_timing() -> dict:
    """For planned work on the central database: an interval long past, to be set to the hours of the work."""
    return {"name": PLANNED, "time_intervals": [{"years": ["2000"]}]}


def provisioning() -> dict:
    """The content of grafana/provisioning/alerting/davylamp.json. It leaves the notification policies of others alone: each
    rule names its receiver itself."""
    return {
        "apiVersion": 1,
        "contactPoints": [{"orgId": 1, "name": RECEIVER, "receivers": [contact_point()]}],
        "muteTimes": [{"orgId": 1, **mute_timing()}],
        "groups": [{"orgId": 1, "name": GROUP, "folder": FOLDER, "interval": "1m", "rules": [rule.rule() for rule in RULES]}]}
