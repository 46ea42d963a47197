"""One site: do the three systems work, what is open, is there gas, are people and machines where they should be?"""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks import schema
from gateway.sinks.schema import STROKE
from grafana.boards.board import THE_SITE, Board
from grafana.boards.influxql import EVER, INTERVAL, SITE, Column, Query, call, columns, last, one_of
from grafana.boards.look import (
    ANY_BLUE,
    ANY_ORANGE,
    ANY_RED,
    ANY_YELLOW,
    BLUE,
    GREEN,
    LOAD,
    ONLINE,
    ORANGE,
    OUTCOME,
    PASSED,
    RED,
    RISKS,
    SWITCH,
    SYSTEM,
    YELLOW,
    YES,
)
from grafana.boards.overview import THE_PAGE
from grafana.boards.panel import Ask, Panel, Show
from grafana.boards.parts import NO_MINUTES, NO_ROW, SIGNAL_LINK, alarms_now, gas_curve, minutes, of_kinds

NO_SYSTEM = Text("The site file names no such system, or the gateway has not reported in this time",
                 "站点文件未配置该系统，或网关在该时段内没有上报")


def now(key: str, width: int, title: Text, question: Text, *fields: str, **look) -> Panel:
    """Last figures of the site."""
    return Panel(key, "stat", (width, 4), title, question, look.pop("empty", NO_ROW), tuple(
        Ask(Query(schema.SITE, last(field), (SITE,)), Text.same(field)) for field in fields), **look)


SYSTEMS = tuple(Show(name, title, words=SYSTEM) for name, title in (
    ("video", Text("video", "视频监控")), ("gas", Text("gas detection", "气体检测")), ("shutoff", Text("shut-off", "紧急切断"))))

SHUT_OFF = one_of("condition", "shutdown")  # a bump test of a gas head is in the log of proof tests, too
PROOFS = Panel(
    "proofs", "table", (12, 8), Text("Last proof test of each shut-off", "各切断装置最近一次验证"),
    Text("When was each emergency shut-off last seen to work, and was it in time? A site with a shut-off and no row has never "
         "proved it.", "各紧急切断装置最近一次动作验证是何时，是否按时完成？有切断装置但无记录，表示从未验证。"),
    Text("No shut-down or proof test has been recorded in two years: none was made, or it has no rule in the site file",
         "两年内没有切断或验证测试记录：未进行过，或站点文件中没有相应规则"),
    (Ask(Query(STROKE, columns("outcome", "passed", "test", "seconds"), (SITE, SHUT_OFF), when=EVER, by=("rule",), newest=1)),),
    sort=("Time", False), shows=(
        Show("Time", Text("when", "时间"), unit="dateTimeFromNow", width=140), Show("rule", Text("shut-off", "切断装置")),
        Show("outcome", Text("outcome", "结果"), words=OUTCOME, width=100),
        Show("passed", Text("in time", "按时"), words=PASSED, width=80),
        Show("seconds", Text("took", "用时"), unit="s", decimals=1, width=80),
        Show("test", Text("test", "测试"), words=YES, width=70)))

SITE_BOARD = Board(
    "site", Text("Davylamp: site", "Davylamp 站点"),
    Text("One site: its three systems, what is open, gas, valves, people and load",
         "单个站点：三大系统、当前告警、气体、阀门、人员与负荷"),
    choices=(THE_SITE,), panels=(
        now("risk", 4, Text("Risk", "风险等级"), Text("How high is the site's risk now, by its worst standing alarm?",
                                                  "站点当前风险等级（按最高告警颜色）？"), "risk",
            shows=(Show("risk", Text("risk", "风险"), words=RISKS,
                        steps=((None, GREEN), (1, BLUE), (2, YELLOW), (3, ORANGE), (4, RED))),)),
        now("systems", 8, Text("The three systems", "三大系统"),
            Text("Do video, gas detection and emergency shut-off work now?", "视频监控、气体检测、紧急切断三大系统现在是否可用？"),
            "video", "gas", "shutoff", empty=NO_SYSTEM, shows=SYSTEMS, steps=((None, RED), (1, ORANGE), (2, GREEN))),
        now("open", 8, Text("Open alarms", "当前告警数"), Text("How many alarms stand, by colour?", "各颜色告警有多少？"),
            "red", "orange", "yellow", "blue", shows=tuple(
                Show(name, title, steps=steps) for name, title, steps in (
                    ("red", Text("red", "红色"), ANY_RED), ("orange", Text("orange", "橙色"), ANY_ORANGE),
                    ("yellow", Text("yellow", "黄色"), ANY_YELLOW), ("blue", Text("blue", "蓝色"), ANY_BLUE)))),
        now("wait", 4, Text("Wait for a person", "待确认"), Text("How many alarms has nobody acknowledged?",
                                                              "有多少告警无人确认？"), "unacknowledged", steps=ANY_ORANGE),
        Panel("who", "table", (12, 4), Text("Whom to call", "联系人"),
              Text("Who is responsible for the site, and when did its gateway last report?", "谁负责该站点，网关最后何时上报？"),
              NO_ROW, (Ask(Query(schema.SITE, columns("name_{language}", "contact", "page"), (SITE,), by=("site",), newest=1)),), shows=(
                  Show("name_{language}", Text("site", "站点")), Show("contact", Text("whom to call", "联系人")),
                  Show("Time", Text("last contact", "最后联系"), unit="dateTimeFromNow"),
                  Show("page", Text("gateway's page", "网关页面"), link=THE_PAGE))),
        Panel("online", "stat", (4, 4), Text("Devices online", "设备在线率"),
              Text("What share of the site's devices gives data? Target: 99.5 % or more.", "站点设备在线率？目标不低于 99.5%。"),
              NO_ROW, (Ask(Query(schema.SITE, (Column('last("online_ratio") * 100', "online"),), (SITE,))),), unit="percent",
              decimals=1, steps=ONLINE),
        now("people", 4, Text("People", "现场人数"), Text("How many people are counted on the site now?", "现场当前有多少人？"),
            "people", empty=Text("The site counts no people, or its count is not good", "站点无人数信号，或人数信号不可用")),
        now("load", 4, Text("Load", "负荷状态"), Text("Does the site work now?", "站点当前是否在生产？"), "load",
            empty=Text("No load of the site has a known state", "站点没有已知状态的负荷"),
            shows=(Show("load", Text("load", "负荷"), words=LOAD),)),
        alarms_now((24, 9)),
        Panel("availability", "timeline", (24, 5), Text("Availability of the three systems", "三大系统可用性"),
              Text("Since when, and how often, was a system down? Each interval shows its worst minute.",
                   "各系统何时、多少次不可用？每个时段取最差的一分钟。"), NO_SYSTEM,
              tuple(Ask(Query(schema.SITE, (call("min", name),), (SITE,), every=INTERVAL), Text.same(name))
                    for name in ("video", "gas", "shutoff")), shows=SYSTEMS),
        gas_curve("gas", (12, 9), Text("Combustible gas", "可燃气体"), "suffix:%LEL", ("combustible_gas",)),
        Panel("valves", "curve", (12, 9), Text("Valve positions", "阀位"),
              Text("Where do the valves stand? 0 is shut; each point is the lowest of its interval.", "阀门位置？0 为全关；每个点取该时段最低值。"), NO_MINUTES,
              (minutes("min", "min", of_kinds("valve_position")),), unit="percent", least=0, most=100, link=SIGNAL_LINK),
        PROOFS,
        Panel("switches", "timeline", (12, 8), Text("Switches: shut-down command, limit switches, machines", "开关量：切断指令、限位开关、设备"),
              Text("Was a shut-down commanded, and did the valves follow?", "是否发出切断指令，阀门是否跟随动作？"), NO_MINUTES,
              (minutes("max", "max", of_kinds("switch")),), words=SWITCH),
        Panel("video", "curve", (12, 8), Text("Camera frames", "摄像机帧率"),
              Text("Do the cameras send pictures? Each point is the lowest of its interval.", "摄像机是否有画面？每个点取该时段最低值。"),
              NO_MINUTES, (minutes("min", "min", of_kinds("video_fps")),), unit="suffix:fps", least=0, link=SIGNAL_LINK),
        Panel("work", "curve", (12, 8), Text("People and load", "人员与负荷"),
              Text("Were people there while machines ran, or machines running when nobody was?",
                   "设备运行时是否有人在场，无人时设备是否在运行？"), NO_ROW,
              (Ask(Query(schema.SITE, (call("max", "people"),), (SITE,), every=INTERVAL), Text.same("people")),
               Ask(Query(schema.SITE, (call("max", "load"),), (SITE,), every=INTERVAL), Text.same("load"))), least=0, shows=(
                   Show("people", Text("people", "人数")), Show("load", Text("state of load (0 stopped, 1 idle, 2 running)",
                                                                     "负荷状态（0 停机，1 空载，2 运行）")))),
    ))
