"""Panels and queries that several dashboards share."""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks.schema import ALARM, MINUTE, SIGNAL, VERDICT
from grafana.boards.board import THIS_SITE, Choice, to
from grafana.boards.influxql import (
    EVER,
    INTERVAL,
    REAL,
    SET_POINTS,
    SITE,
    Column,
    Query,
    call,
    chosen,
    column,
    columns,
    one_of,
)
from grafana.boards.look import COLOURS, FAULT, RED, WAITS, YELLOW
from grafana.boards.panel import Ask, Panel, Show

SIGNAL_LINK = to("signal", THIS_SITE, "var-signal=${__field.labels.signal}")
SIGNAL_CELL = to("signal", THIS_SITE, "var-signal=${__value.raw}")

NO_MINUTES = Text("No minutes of such signals in this time: the site has none, or its gateway does not reach the database",
                  "该时段内没有此类信号的分钟数据：站点未配置此类信号，或网关未连接到数据库")
NO_ALARM = Text("No alarm stands, and none waits for a person", "当前无告警，也无待确认告警")
NOTHING_HAPPENED = Text("Nothing of the sort happened in this time", "该时段内未发生此类事件")
NO_ROW = Text("This site has not reported in this time", "该站点在该时段内没有上报")

A_SIGNAL = Choice("signal", Text("Signal", "信号"), MINUTE, (SITE,), many=False)


def of_kinds(*kinds: str) -> str:
    return one_of("kind", *kinds)


def minutes(function: str, field: str, *where: str) -> Ask:
    """One series for each signal, from its minutes."""
    return Ask(Query(MINUTE, (call(function, field),), (SITE, *where), by=("signal",), every=INTERVAL), Text.same("$tag_signal"))


def set_point(name: str, *where: str) -> Ask:
    """The strictest set point of the signals, as a line to the end of the range: rows of set points come every hour."""
    strictest = "min" if name.startswith("h") else "max"
    return Ask(Query(SIGNAL, (call(strictest, name),), (SITE, *where), when=SET_POINTS, every=INTERVAL, fill="previous"),
               Text.same(name.upper()))


LIMITS = {name: Show(name.upper(), Text(f"set point {name.upper()}", f"{name.upper()} 设定值"), colour=colour, dashed=True)
          for name, colour in (("hh", RED), ("h", YELLOW), ("l", YELLOW), ("ll", RED))}


def gas_curve(key: str, size: tuple[int, int], title: Text, unit: str, kinds: tuple[str, ...], *, low: bool = False,
              where: tuple[str, ...] = (), decimals: int = 1) -> Panel:
    """The worst of each interval: highest of a gas, lowest of oxygen. A mean would hide a short cloud."""
    condition = (of_kinds(*kinds), *where)
    names = ("l",) if low else ("h", "hh")
    return Panel(key, "curve", size, title,
                 Text("How much gas is there, and how far from the set points? Each point is the worst of its interval; the "
                      "dashed lines are the strictest set points of these detectors.",
                      "气体浓度多少，距设定值多远？每个点取该时段内的最不利值；虚线为这些探测器中最严的设定值。"),
                 NO_MINUTES, (minutes(*(("min", "min") if low else ("max", "max")), *condition),
                              *(set_point(name, *condition) for name in names)),
                 unit=unit, decimals=decimals, shows=tuple(LIMITS[name] for name in names), link=SIGNAL_LINK)


_ALARM_COLUMNS = columns("text_{language}", "active", "acknowledged", "subject", "value", "unit", "occurrence")


def alarms_now(size: tuple[int, int], *where: str, key: str = "alarms") -> Panel:
    by = ("alarm", "area", "colour", "priority")
    latest = Query(ALARM, _ALARM_COLUMNS, (SITE, REAL, *where), when=EVER, by=by, newest=1)
    stands = Query((latest,), _ALARM_COLUMNS, ('("active" = true OR "acknowledged" = false)',), by=by, newest=1)
    return Panel(key, "table", size, Text("Alarms now", "当前告警"),
                 Text("What stands or waits for a person now, since when? What to do is on the gateway's own page and in the "
                      "message that it sent: click the alarm.",
                      "当前有哪些告警或待确认告警，何时发生？处置办法见网关页面和已发送的通知：点击告警打开。"),
                 NO_ALARM, (Ask(stands),), sort=("priority", False), shows=(
                     Show("priority", Text("priority", "优先级"), width=70),
                     Show("colour", Text("colour", "颜色"), words=COLOURS, width=80),
                     Show("text_{language}", Text("alarm", "告警"), link="${gateway}/#now"),
                     Show("Time", Text("since", "最近变化"), unit="dateTimeAsLocal", width=170),
                     Show("active", Text("stands", "仍存在"), words=FAULT, width=80),
                     Show("acknowledged", Text("acknowledged", "确认"), words=WAITS, width=110),
                     Show("subject", Text("about", "对象"), link=SIGNAL_CELL, width=120),
                     Show("value", Text("value", "数值"), decimals=1, width=80), Show("unit", Text("unit", "单位"), width=60),
                     Show("area", Text("area", "区域"), width=110)))


def history(key: str, size: tuple[int, int], title: Text, question: Text, *where: str) -> Panel:
    """Every alarm of a sort that was raised, newest first."""
    return Panel(key, "table", size, title, question, NOTHING_HAPPENED, (Ask(Query(
        ALARM, (*columns("text_{language}", "subject", "value", "unit", "priority", "area"),),
        (SITE, REAL, '"event" = \'raise\'', *where), newest=200)),), sort=("Time", True), shows=(
            Show("Time", Text("when", "时间"), unit="dateTimeAsLocal", width=170),
            Show("priority", Text("priority", "优先级"), width=70), Show("text_{language}", Text("alarm", "告警")),
            Show("subject", Text("about", "对象"), link=SIGNAL_CELL, width=130),
            Show("value", Text("value", "数值"), decimals=1, width=80), Show("unit", Text("unit", "单位"), width=60),
            Show("area", Text("area", "区域"), width=110)))


def raised(*where: str) -> Ask:
    """How often, in the range."""
    return Ask(Query(ALARM, (Column('count("active")', "raised"),), (SITE, REAL, '"event" = \'raise\'', *where)))


def faults_now(size: tuple[int, int], *where: str, key: str = "faults") -> Panel:
    by = ("area", "condition", "signal")
    said = columns("text_{language}", "active", "value")
    latest = Query(VERDICT, said, (SITE, *where), when=EVER, by=by, newest=1)
    return Panel(key, "table", size, Text("Instruments that do not work", "不能正常工作的仪表"),
                 Text("Which instruments does the gateway not believe, since when and why: silent, invalid, stuck, covered, "
                      "drifting, noisy?",
                      "网关认为哪些仪表不可信，从何时起，原因是什么：中断、无效、卡死、被包裹、漂移、噪声？"),
                 Text("The gateway finds nothing wrong with any instrument", "网关未发现仪表异常"),
                 (Ask(Query((latest,), said, ('"active" = true',), by=by, newest=1)),), sort=("Time", False), shows=(
                     Show("Time", Text("since", "开始时间"), unit="dateTimeAsLocal", width=170),
                     Show("signal", Text("signal", "信号"), link=SIGNAL_CELL, width=130),
                     Show("condition", Text("what", "故障种类"), width=110), Show("text_{language}", Text("finding", "判断")),
                     Show("value", Text("reading", "当时读数"), decimals=2, width=90),
                     Show("area", Text("area", "区域"), width=110)))


def name_of(*where: str) -> Ask:
    """Names of signals, to be joined to other columns by signal."""
    return Ask(Query(SIGNAL, (column("name_{language}", "name"), *columns("unit", "h", "hh")), (SITE, *where), when=EVER,
                     by=("signal",), newest=1))


THESE_SIGNALS = chosen("signal")
