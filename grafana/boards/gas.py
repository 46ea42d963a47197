"""Gas: how much, where, how close to the set points, and can the detectors be believed?"""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks.schema import MINUTE
from grafana.boards.board import THE_SITE, Board, Choice
from grafana.boards.influxql import SITE, Column, Query, call, one_of
from grafana.boards.look import ANY_RED
from grafana.boards.panel import Ask, Panel, Show
from grafana.boards.parts import (
    NO_MINUTES,
    SIGNAL_CELL,
    THESE_SIGNALS,
    alarms_now,
    faults_now,
    gas_curve,
    name_of,
    of_kinds,
    raised,
)

METHANE = ("methane", "methane_intake", "methane_drainage")
GASES = ("combustible_gas", "toxic_gas", "co_ppm", "h2s_ppm", "oxygen", *METHANE)
DETECTORS = of_kinds(*GASES)
LIMITS = (one_of("condition", "HH", "H", "L", "LL", "ROC+", "over-range"),  # of gas: a current has limits, too
          one_of("unit", *(unit + pace for unit in ("%LEL", "%OEL", "ppm", "%VOL", "%CH4") for pace in ("", "/s"))))


def _curve(key: str, title: Text, unit: str, *kinds: str, low: bool = False, decimals: int = 1) -> Panel:
    return gas_curve(key, (12, 9), title, unit, kinds, low=low, where=(THESE_SIGNALS,), decimals=decimals)


GAS = Board(
    "gas", Text("Davylamp: gas", "Davylamp 气体"),
    Text("Gas detectors of one site: curves with set points, highest values, alarms, detectors that do not work",
         "单个站点的气体探测器：曲线与设定值、最高值、告警、失效探测器"),
    choices=(THE_SITE, Choice("signal", Text("Detector", "探测器"), MINUTE, (SITE, DETECTORS))), panels=(
        Panel("raised", "stat", (4, 7), Text("Gas alarms", "气体告警次数"),
              Text("How often was a gas limit passed in this time?", "该时段内气体超限多少次？"),
              Text("No gas limit was passed in this time", "该时段内无气体超限"),
              (raised(*LIMITS),), steps=ANY_RED),
        faults_now((20, 7), THESE_SIGNALS),
        _curve("combustible", Text("Combustible gas", "可燃气体"), "suffix:%LEL", "combustible_gas"),
        _curve("toxic", Text("Toxic gas", "有毒气体"), "suffix:%OEL", "toxic_gas", decimals=0),
        _curve("co", Text("Carbon monoxide and hydrogen sulphide", "一氧化碳与硫化氢"), "ppm", "co_ppm", "h2s_ppm"),
        _curve("oxygen", Text("Oxygen", "氧气"), "suffix:%VOL", "oxygen", low=True),
        _curve("methane", Text("Methane", "甲烷"), "suffix:%CH4", *METHANE, decimals=2),
        Panel("highest", "table", (12, 9), Text("Highest and lowest", "最高值与最低值"),
              Text("How high did each detector read, and how much of its data was good?",
                   "各探测器的最高、最低读数是多少，数据完好率如何？"), NO_MINUTES,
              (Ask(Query(MINUTE, (call("max", "max", "highest"), call("min", "min", "lowest"),
                                  Column('sum("count") * 100 / (sum("count") + sum("bad"))', "good")),
                         (SITE, DETECTORS, THESE_SIGNALS), by=("signal",))), name_of(DETECTORS, THESE_SIGNALS)),
              join="signal", sort=("highest", True), shows=(
                  Show("signal", Text("detector", "探测器"), link=SIGNAL_CELL), Show("name", Text("name", "名称")),
                  Show("highest", Text("highest", "最高"), decimals=2), Show("lowest", Text("lowest", "最低"), decimals=2),
                  Show("unit", Text("unit", "单位")), Show("h", Text("set point H", "H 设定值")),
                  Show("hh", Text("set point HH", "HH 设定值")),
                  Show("good", Text("good data", "数据完好率"), unit="percent", decimals=2))),
        alarms_now((24, 8), *LIMITS),
    ))
