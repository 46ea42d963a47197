"""One signal: the end of every link. Its curve with band and set points, its quality, its alarms, what was found of it."""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks.schema import MINUTE, SIGNAL, TELEMETRY
from grafana.boards.board import THE_SITE, Board
from grafana.boards.influxql import EVER, INTERVAL, SITE, Query, call, chosen, columns
from grafana.boards.look import QUALITY
from grafana.boards.panel import Ask, Panel, Show
from grafana.boards.parts import A_SIGNAL, LIMITS, NO_MINUTES, THESE_SIGNALS, faults_now, history, set_point

NO_SAMPLES = Text("No single samples in this time: they are kept for 30 days only, minutes for two years; or the signal gave none",
                  "该时段内没有原始样本：原始样本只保留 30 天（分钟数据 2 年），或该信号没有数据")


def _band(function: str, field: str, name: str) -> Ask:
    return Ask(Query(MINUTE, (call(function, field),), (SITE, THESE_SIGNALS), every=INTERVAL), Text.same(name))


SIGNAL_BOARD = Board(
    "signal", Text("Davylamp: signal", "Davylamp 信号"),
    Text("One signal: curve, set points, quality, alarms, findings", "单个信号：曲线、设定值、质量、告警、判断"),
    choices=(THE_SITE, A_SIGNAL), marked=(SITE, chosen("subject", "signal")), panels=(
        Panel("what", "table", (24, 4), Text("What it is", "信号信息"), Text("What does it measure, in what unit and range?",
                                                                     "测量什么，单位与量程是什么？"),
              Text("No gateway has described this signal", "没有网关写入该信号的信息"),
              (Ask(Query(SIGNAL, columns("name_{language}", "area_name_{language}", "kind", "unit", "low", "high", "ll", "l", "h", "hh"),
                         (SITE, THESE_SIGNALS), when=EVER, by=("signal",), newest=1)),), shows=(
                  Show("signal", Text("signal", "信号")), Show("name_{language}", Text("name", "名称")),
                  Show("area_name_{language}", Text("area", "区域")), Show("kind", Text("kind", "种类")), Show("unit", Text("unit", "单位")),
                  Show("low", Text("range from", "量程下限")), Show("high", Text("range to", "量程上限")),
                  Show("ll", Text("LL", "LL")), Show("l", Text("L", "L")), Show("h", Text("H", "H")), Show("hh", Text("HH", "HH")))),
        Panel("curve", "curve", (24, 11), Text("Curve", "曲线"),
              Text("What did it read? Mean, lowest and highest of each interval, and the set points.", "读数如何？每个时段的平均、最低、最高值与设定值。"),
              NO_MINUTES, (_band("mean", "mean", "mean"), _band("min", "min", "lowest"), _band("max", "max", "highest"),
                           *(set_point(name, THESE_SIGNALS) for name in ("ll", "l", "h", "hh"))), unit="none", shows=(
                  Show("mean", Text("mean", "平均")), Show("lowest", Text("lowest", "最低"), colour="#8080FF"),
                  Show("highest", Text("highest", "最高"), colour="#FF8080"), *LIMITS.values())),
        Panel("samples", "curve", (24, 8), Text("Single samples", "原始样本"), Text("What did it read, sample by sample?", "逐个样本的读数？"),
              NO_SAMPLES, (Ask(Query(TELEMETRY, (call("mean", "value"),), (SITE, THESE_SIGNALS), every=INTERVAL),
                               Text("value", "读数")),), unit="none"),
        Panel("quality", "timeline", (24, 4), Text("Worst quality", "最差质量"), Text("When was it not good, and why?", "何时不正常，原因是什么？"),
              NO_MINUTES, (Ask(Query(MINUTE, (call("max", "quality"),), (SITE, THESE_SIGNALS), every=INTERVAL), Text.same("quality")),),
              shows=(Show("quality", Text("quality", "质量"), words=QUALITY),)),
        history("alarms", (12, 8), Text("Its alarms", "该信号的告警"), Text("What did it raise?", "产生过哪些告警？"), chosen("subject", "signal")),
        faults_now((12, 8), THESE_SIGNALS),
    ))
