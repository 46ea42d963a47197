"""Sensor health: which instruments can not be believed, and which are due."""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks.schema import MINUTE, VERDICT
from grafana.boards.board import THE_SITE, Board
from grafana.boards.influxql import INTERVAL, SITE, Column, Query, call, columns, one_of
from grafana.boards.look import ANY_ORANGE, FAULT, GREEN, QUALITY, RED
from grafana.boards.panel import Ask, Panel, Show
from grafana.boards.parts import NO_MINUTES, NOTHING_HAPPENED, SIGNAL_CELL, faults_now, history, name_of, raised

DUE = one_of("condition", "overdue")


def _begun(key: str, title: Text, question: Text, *conditions: str) -> Panel:
    return Panel(key, "stat", (4, 5), title, question, NOTHING_HAPPENED, (Ask(Query(
        VERDICT, (Column('count("active")', "begun"),), (SITE, '"active" = true', one_of("condition", *conditions)))),),
        steps=ANY_ORANGE)


SENSORS = Board(
    "sensors", Text("Davylamp: sensor health", "Davylamp 仪表健康"),
    Text("Instruments that are silent, stuck, covered, drifting or due, and how much of the data is good",
         "中断、卡死、被包裹、漂移、逾期的仪表，以及数据完好率"),
    since="now-7d", choices=(THE_SITE,), panels=(
        _begun("silent", Text("Silent", "数据中断"), Text("How often did a signal fall silent?", "信号中断多少次？"), "deadman"),
        _begun("stuck", Text("Stuck", "读数卡死"), Text("How often did a reading get stuck?", "读数卡死多少次？"), "stuck", "saturated"),
        _begun("wrapped", Text("Covered", "疑似被包裹"), Text("How often did a probe seem to be covered?", "探头疑似被包裹多少次？"),
               "wrapped"),
        _begun("drift", Text("Drift", "漂移"), Text("How often was drift found?", "发现漂移多少次？"), "drift"),
        _begun("noise", Text("Spikes, lost reads", "尖峰与丢读"), Text("How often were there spikes, noise or lost reads?",
                                                                "尖峰、噪声或反复丢读多少次？"), "spike", "dropout"),
        Panel("due", "stat", (4, 5), Text("Tests that fell due", "到期测试"),
              Text("How many calibrations and proof tests became overdue?", "有多少标定、验证测试逾期？"),
              Text("No test became overdue in this time", "该时段内无测试逾期"), (raised(DUE),), steps=ANY_ORANGE),
        faults_now((24, 8)),
        Panel("good", "stat", (6, 8), Text("Good data", "数据完好率"),
              Text("What share of all samples was good or usable?", "全部样本中可用数据的比例？"), NO_MINUTES,
              (Ask(Query(MINUTE, (Column('sum("count") * 100 / (sum("count") + sum("bad"))', "good"),), (SITE,))),),
              unit="percent", decimals=2, steps=((None, RED), (95, "orange"), (99.5, GREEN))),
        Panel("worst", "table", (18, 8), Text("Signals with most bad data", "坏数据最多的信号"),
              Text("Which signals gave bad samples, how many?", "哪些信号有坏样本，有多少？"), NO_MINUTES,
              (Ask(Query(MINUTE, (call("sum", "bad"), Column('sum("count") * 100 / (sum("count") + sum("bad"))', "good")),
                         (SITE,), by=("signal",))), name_of()), join="signal", sort=("bad", True), shows=(
                  Show("signal", Text("signal", "信号"), link=SIGNAL_CELL), Show("name", Text("name", "名称")),
                  Show("bad", Text("bad samples", "坏样本数")),
                  Show("good", Text("good data", "数据完好率"), unit="percent", decimals=2))),
        Panel("quality", "timeline", (24, 10), Text("Worst quality", "最差质量"),
              Text("When was which signal not good?", "哪些信号何时不正常？"), NO_MINUTES,
              (Ask(Query(MINUTE, (call("max", "quality"),), (SITE,), by=("signal",), every=INTERVAL),
                   Text.same("$tag_signal")),), words=QUALITY),
        Panel("log", "table", (24, 8), Text("All findings", "全部判断记录"),
              Text("What did the gateway conclude of its instruments, and when did it end?", "网关对仪表作出过哪些判断，何时结束？"),
              NOTHING_HAPPENED, (Ask(Query(VERDICT, columns("signal", "condition", "active", "text_{language}"), (SITE,),
                                           newest=200)),), sort=("Time", True), shows=(
                  Show("Time", Text("when", "时间"), unit="dateTimeAsLocal", width=170),
                  Show("signal", Text("signal", "信号"), link=SIGNAL_CELL, width=130),
                  Show("condition", Text("what", "故障种类"), width=110), Show("active", Text("state", "状态"), words=FAULT, width=90),
                  Show("text_{language}", Text("finding", "判断")))),
        history("overdue", (24, 7), Text("Tests due", "到期记录"), Text("Which tests fell due?", "哪些测试到期？"), DUE),
    ))
