"""Alarm performance: do people have a chance? Figures in the manner of EEMUA 191, hour by hour."""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks.schema import ALARM, KPI
from grafana.boards.board import THE_SITE, Board
from grafana.boards.influxql import REAL, SITE, Column, Query, call, column, last
from grafana.boards.look import ANY_ORANGE, GREEN, NEUTRAL, ORANGE, RED, YELLOW, Steps
from grafana.boards.panel import Ask, Panel, Show
from grafana.boards.parts import NOTHING_HAPPENED, SIGNAL_CELL

NO_HOURS = Text("No hourly figures yet: the gateway writes them after each full hour", "尚无每小时统计：网关在每个整点后写入")
AVERAGE: Steps = ((None, GREEN), (1, YELLOW), (2, ORANGE), (5, RED))  # alarms per 10 minutes and operator
PEAK: Steps = ((None, GREEN), (10, RED))  # more is a flood


def _figure(key: str, title: Text, question: Text, select: Column, *, unit: str = "short", decimals: int = 0,
            steps: Steps = NEUTRAL, width: int = 4) -> Panel:
    return Panel(key, "stat", (width, 5), title, question, NO_HOURS, (Ask(Query(KPI, (select,), (SITE,))),), unit=unit,
                 decimals=decimals, steps=steps)


def _hours(function: str, field: str, name: Text) -> Ask:
    return Ask(Query(KPI, (call(function, field),), (SITE,), every="1h"), name)


ALARMS = Board(
    "alarms", Text("Davylamp: alarm performance", "Davylamp 告警绩效"),
    Text("How many alarms, floods, standing and chattering alarms, how fast they are answered (EEMUA 191)",
         "告警数量、泛滥、长期告警、抖动告警、响应速度（参照 EEMUA 191）"),
    since="now-7d", choices=(THE_SITE,), panels=(
        _figure("count", Text("Alarms", "告警数"), Text("How many alarms called a person?", "通知人员的告警有多少？"),
                call("sum", "alarms")),
        _figure("average", Text("Average per 10 min", "每 10 分钟平均"),
                Text("Can the operators handle the mean rate? Up to 1 alarm per 10 minutes and operator is held to be "
                     "acceptable, 2 is too much, 5 is not manageable (defaults after EEMUA 191).",
                     "平均告警率是否可承受？每名操作员每 10 分钟不超过 1 条为可接受，2 条过多，5 条无法应对（默认值，参照 EEMUA 191）。"),
                call("mean", "average"), decimals=2, steps=AVERAGE),
        _figure("peak", Text("Peak in 10 min", "10 分钟峰值"),
                Text("How many alarms came in the worst 10 minutes, per operator? More than 10 is a flood.",
                     "最密集的 10 分钟内每名操作员收到多少告警？超过 10 条为告警泛滥。"),
                call("max", "peak_10min"), decimals=1, steps=PEAK),
        _figure("flood", Text("Time in flood", "泛滥时长"), Text("For how long was there a flood of alarms?", "告警泛滥持续多久？"),
                call("sum", "flood_minutes"), unit="m", steps=((None, GREEN), (1, ORANGE))),
        _figure("answer", Text("Time to acknowledge", "确认用时"),
                Text("How long does it take until somebody acknowledges? Mean of the hourly medians.",
                     "告警多久后有人确认？取每小时中位数的平均值。"), call("mean", "answer_median_s"), unit="s"),
        _figure("withheld", Text("Nobody was called", "未通知"),
                Text("For how many alarms was nobody called, because they were bypassed, shelved, suppressed or chattering?",
                     "因旁路、搁置、抑制或抖动而未通知人员的告警有多少？"), call("sum", "withheld")),
        Panel("now", "stat", (24, 4), Text("At the last full hour", "最近整点的状态"),
              Text("How many alarms stand, wait, are older than a day, chatter; how many are withheld from people?",
                   "当前、待确认、超过一天、抖动的告警有多少；有多少被旁路、搁置、停用、抑制？"), NO_HOURS,
              tuple(Ask(Query(KPI, last(name), (SITE,)), Text.same(name)) for name in (
                  "standing", "unacknowledged", "stale", "chattering", "bypassed", "shelved", "out_of_service", "suppressed")),
              steps=ANY_ORANGE, shows=tuple(Show(name, title) for name, title in (
                  ("standing", Text("standing", "当前告警")), ("unacknowledged", Text("unacknowledged", "待确认")),
                  ("stale", Text("older than a day", "超过一天")), ("chattering", Text("chattering", "抖动")),
                  ("bypassed", Text("bypassed", "旁路")), ("shelved", Text("shelved", "搁置")),
                  ("out_of_service", Text("out of service", "停用")), ("suppressed", Text("suppressed", "设计抑制"))))),
        Panel("hours", "bars", (12, 9), Text("Alarms per hour", "每小时告警数"), Text("When did the alarms come?", "告警集中在什么时间？"),
              NO_HOURS, (_hours("sum", "alarms", Text("alarms", "告警数")),), least=0),
        Panel("days", "bars", (12, 9), Text("Alarms per day", "每日告警数"),
              Text("Does the number of alarms per day fall? Beside it, for how many hours of the day the gateway ran: a day "
                   "without bars has no data.", "每日告警数是否在下降？旁边为网关当日运行小时数；没有柱形的日期表示无数据。"), NO_HOURS,
              (Ask(Query(KPI, (call("sum", "alarms"),), (SITE,), every="1d", days=True), Text("alarms", "告警数")),
               Ask(Query(KPI, (Column('sum("minutes") / 60', "watched"),), (SITE,), every="1d", days=True),
                   Text("hours of data", "有数据的小时数"))),
              least=0, since="30d"),
        Panel("actors", "ranking", (12, 10), Text("Most frequent alarms", "最频繁的告警"),
              Text("Which few alarms make most of the noise? They are the first to be improved.", "哪些告警最频繁？应优先整改。"),
              NOTHING_HAPPENED, (Ask(Query(ALARM, (Column('count("active")', "raised"),), (SITE, REAL, '"event" = \'raise\''),
                                           by=("alarm",))),), sort=("raised", True),
              shows=(Show("alarm", Text("alarm", "告警")), Show("raised", Text("times", "次数")))),
        Panel("priorities", "stat", (12, 5), Text("By priority", "按优先级"),
              Text("Is the mix of priorities sound? P1 should be rare, about 5 % (default after EEMUA 191).",
                   "优先级比例是否合理？P1 应很少，约 5%（默认值，参照 EEMUA 191）。"), NO_HOURS,
              tuple(Ask(Query(KPI, (call("sum", name),), (SITE,)), Text.same(name.upper())) for name in ("p1", "p2", "p3", "p4"))),
        Panel("slow", "curve", (12, 5), Text("Time to acknowledge, hour by hour", "确认用时（逐小时）"),
              Text("When were alarms answered late? 9 of 10 were answered within this time.", "何时响应变慢？十次中九次在此时间内确认。"),
              Text("Nobody had to acknowledge anything in this time", "该时段内无需确认"),
              (_hours("max", "answer_p90_s", Text("9 of 10 within", "90% 在此时间内")),), unit="s", least=0),
        Panel("log", "table", (24, 9), Text("All alarms", "全部告警"), Text("What was raised, and was anybody called?", "发生了哪些告警，是否通知人员？"),
              NOTHING_HAPPENED, (Ask(Query(ALARM, (column("text_{language}"), column("subject"), column("withheld"),
                                                   column("priority"), column("alarm")),
                                           (SITE, REAL, '"event" = \'raise\''), newest=500)),), sort=("Time", True), shows=(
                  Show("Time", Text("when", "时间"), unit="dateTimeAsLocal", width=170),
                  Show("priority", Text("priority", "优先级"), width=70), Show("text_{language}", Text("alarm", "告警")),
                  Show("subject", Text("about", "对象"), link=SIGNAL_CELL, width=130),
                  Show("withheld", Text("not told, because", "未通知原因"), width=200))),
    ))
