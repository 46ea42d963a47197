"""Electrical load: what runs, when, and whether it was allowed to."""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks.schema import MINUTE
from grafana.boards.board import THE_SITE, Board
from grafana.boards.influxql import SITE, Column, Query, one_of
from grafana.boards.look import ANY_ORANGE, LOAD
from grafana.boards.panel import Ask, Panel
from grafana.boards.parts import NO_MINUTES, SIGNAL_LINK, history, minutes, of_kinds, raised, set_point

RUN = '("breach" = \'run\' OR ' + one_of("condition", "profile", "load") + ")"


def _curve(key: str, title: Text, question: Text, kind: str, unit: str, function: str = "mean") -> Panel:
    return Panel(key, "curve", (12, 9), title, question, NO_MINUTES, (minutes(function, function, of_kinds(kind)),), unit=unit,
                 link=SIGNAL_LINK)


LOAD_BOARD = Board(
    "load", Text("Davylamp: electrical load", "Davylamp 用电负荷"),
    Text("State of machines by their load, power, current, energy, runs against a stop order",
         "由用电判断的设备状态、功率、电流、电量、停产期间运行"),
    since="now-24h", choices=(THE_SITE,), panels=(
        Panel("violations", "stat", (6, 6), Text("Runs that were not allowed", "违规运行次数"),
              Text("How often did a machine run against a stop order or without a permit, or at an hour at which it never "
                   "runs? Work without video is on the board of video and work.",
                   "设备违反停产指令、许可条件或在非正常时段运行多少次？无视频作业见“视频与作业”看板。"),
              Text("No such run in this time", "该时段内无违规运行"), (raised(RUN),), steps=ANY_ORANGE),
        Panel("states", "timeline", (18, 6), Text("State of machines", "设备状态"),
              Text("Which machine was stopped, idle or running, when? Each interval shows its highest state.", "各设备何时停机、空载、运行？每个时段取最高状态。"), NO_MINUTES,
              (minutes("max", "max", of_kinds("load_state")),), words=LOAD),
        _curve("power", Text("Power", "有功功率"), Text("How much power does each load take?", "各负荷功率多少？"), "power", "kwatt"),
        Panel("current", "curve", (12, 9), Text("Current", "电流"),
              Text("How much current, and how far from the strictest set point?", "电流多少，距最严设定值多远？"), NO_MINUTES,
              (minutes("max", "max", of_kinds("current")), set_point("h", of_kinds("current"))), unit="amp", link=SIGNAL_LINK),
        _curve("residual", Text("Residual current", "剩余电流"),
               Text("Does current leak to earth? Highest of each interval.", "是否有漏电？取每个时段最高值。"),
               "residual_current", "mamp", "max"),
        _curve("voltage", Text("Voltage", "电压"), Text("Is the supply steady?", "供电电压是否稳定？"), "voltage", "volt"),
        Panel("energy", "bars", (24, 8), Text("Energy per day", "每日电量"),
              Text("How much energy did each meter count on each day? A site under a stop order should count next to "
                   "none. What was used while the gateway did not run is not in it.",
                   "各电表每天计量多少电量？停产站点应接近于零。网关未运行期间的用电不计入。"), NO_MINUTES,
              (Ask(Query(MINUTE, (Column('max("max") - min("min")', "energy"),), (SITE, of_kinds("energy")), by=("signal",), every="1d",
                         days=True), Text.same("$tag_signal")),), unit="kwatth", since="30d", least=0),
        history("alarms", (24, 8), Text("Runs and loads", "运行与负荷告警"),
                Text("Which runs were not allowed or not usual?", "哪些运行不被允许或不正常？"), RUN),
    ))
