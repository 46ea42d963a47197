"""Shut-off valves: where they stand, whether they close in time, when that was last proved."""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks.schema import STROKE
from grafana.boards.board import THE_SITE, Board
from grafana.boards.influxql import SITE, Column, Query, call, columns, one_of
from grafana.boards.look import ANY_RED, OUTCOME, PASSED, SWITCH, YES
from grafana.boards.panel import Ask, Panel, Show
from grafana.boards.parts import NO_MINUTES, SIGNAL_LINK, history, minutes, of_kinds, raised
from grafana.boards.site import PROOFS, SHUT_OFF

NO_STROKE = Text("No shut-down or proof test in this time", "该时段内没有切断动作或验证测试")

VALVES = Board(
    "valves", Text("Davylamp: shut-off valves", "Davylamp 紧急切断阀"),
    Text("Emergency shut-off of one site: positions, strokes, proof tests, shut-downs that were not verified",
         "单个站点的紧急切断：阀位、动作记录、验证测试、未得到确认的切断"),
    since="now-30d", choices=(THE_SITE,), panels=(
        Panel("failed", "stat", (6, 5), Text("Shut-downs not verified", "未得到确认的切断"),
              Text("How often was a shut-down commanded and not seen to happen?", "发出切断指令而未确认动作的有多少次？"),
              Text("Every shut-down in this time was verified, or there was none", "该时段内切断均得到确认，或未发生切断"),
              (raised(one_of("condition", "shutdown")),), steps=ANY_RED),
        Panel("strokes", "stat", (6, 5), Text("Strokes", "动作次数"),
              Text("How often did the valves have to close, tests included?", "阀门动作（含测试）多少次？"), NO_STROKE,
              (Ask(Query(STROKE, (Column('count("passed")', "strokes"),), (SITE, SHUT_OFF))),)),
        Panel("slowest", "stat", (6, 5), Text("Slowest stroke", "最慢一次"),
              Text("How long did the slowest verified stroke take?", "已确认动作中最慢的一次用时多少？"), NO_STROKE,
              (Ask(Query(STROKE, (call("max", "seconds"),), (SITE, SHUT_OFF))),), unit="s", decimals=1),
        Panel("overdue", "stat", (6, 5), Text("Proof tests that fell due", "逾期的验证测试"),
              Text("How many proof tests became overdue in this time?", "该时段内有多少验证测试逾期？"),
              Text("No proof test became overdue in this time", "该时段内无验证测试逾期"),
              (raised(one_of("condition", "overdue")),), steps=ANY_RED),
        PROOFS,
        Panel("log", "table", (12, 8), Text("All strokes", "动作记录"),
              Text("Every shut-down and proof test: verified, how fast?", "每次切断和验证测试：是否确认，用时多少？"), NO_STROKE,
              (Ask(Query(STROKE, columns("rule", "outcome", "passed", "test", "seconds"), (SITE, SHUT_OFF), newest=200)),),
              sort=("Time", True), shows=(
                  Show("Time", Text("when", "时间"), unit="dateTimeAsLocal", width=170), Show("rule", Text("shut-off", "切断装置")),
                  Show("outcome", Text("outcome", "结果"), words=OUTCOME, width=100),
                  Show("passed", Text("in time", "按时"), words=PASSED, width=80),
                  Show("seconds", Text("took", "用时"), unit="s", decimals=1, width=80),
                  Show("test", Text("test", "测试"), words=YES, width=70))),
        Panel("positions", "curve", (12, 9), Text("Valve positions", "阀位"),
              Text("Where did the valves stand? 0 is shut; each point is the lowest of its interval.", "阀门位置？0 为全关；每个点取该时段最低值。"), NO_MINUTES,
              (minutes("min", "min", of_kinds("valve_position")),), unit="percent", least=0, most=100, link=SIGNAL_LINK),
        Panel("switches", "timeline", (12, 9), Text("Commands and limit switches", "指令与限位开关"),
              Text("Did each limit switch follow its command?", "限位开关是否跟随指令动作？"), NO_MINUTES,
              (minutes("max", "max", of_kinds("switch")),), words=SWITCH),
        history("alarms", (24, 8), Text("Alarms of shut-off", "紧急切断告警"),
                Text("Which shut-downs were not verified, which proof tests fell due?", "哪些切断未得到确认，哪些验证测试逾期？"),
                one_of("condition", "shutdown", "overdue", "response")),
    ))
