"""Region overview: which of many sites needs a person now, and whom to call."""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks.schema import KPI, SITE
from grafana.boards.board import Board, to
from grafana.boards.influxql import NOW, Column, Query, call, columns
from grafana.boards.look import (
    ANY_BLUE,
    ANY_ORANGE,
    ANY_RED,
    ANY_YELLOW,
    BLUE,
    GREEN,
    ONLINE,
    ORANGE,
    RED,
    RISKS,
    SYSTEM,
    YELLOW,
    Word,
)
from grafana.boards.panel import Ask, Panel, Show

NOBODY = Text("No site has reported in the last 5 minutes: see silent gateways", "最近 5 分钟无站点上报：请查看失联网关")
NO_SITES = Text("No site has written here in this time: check the gateways' sinks and the database chosen above",
                "该时段内没有站点写入数据：请检查网关的输出配置和上方选择的数据库")
NO_HOURS = Text("No hourly figures yet: gateways write them after each full hour", "尚无每小时统计：网关在每个整点后写入")

SILENCE = 1_000_000_000  # more than anything that a site that reports can need
NEED = (
    (SILENCE, 10 * SILENCE, Word(Text("SILENT", "失联"), RED)),
    (1_000_000, SILENCE - 1, Word(Text("RED", "红色"), RED)), (10_000, 999_999, Word(Text("orange", "橙色"), ORANGE)),
    (100, 9_999, Word(Text("waits for a person", "待确认"), YELLOW)), (1, 99, Word(Text("yellow", "黄色"), YELLOW)),
    (0, 0, Word(Text("quiet", "正常"), GREEN)))


def _open(colour: str) -> Ask:
    each = Query(SITE, (call("last", colour),), when=NOW, by=("site",))
    return Ask(Query((each,), (call("sum", colour),)), Text.same(colour))


# A silent site has a row in the first only. Each has a zero for what the other counts: no site at all may report now.
KNOWN = Query(SITE, (Column('last("devices") * 1.0', "known"), Column('last("devices") * 0.0', "now"),
                     Column('last("devices") * 0.0 + 1.0', "silent")), by=("site",))
ANSWER = Query(SITE, (Column('last("devices_online") * 1.0', "now"), Column('last("devices_online") * 0.0 - 1.0', "silent")),
               when=NOW, by=("site",))
# Two queries joined by site, not one around both: see Query. A site that has no row now keeps its whole SILENCE.
NAMES = Query(SITE, (Column('"name_{language}"', "name"), *columns("contact", "page"),
                     Column(f'"risk" * 0.0 + {SILENCE}.0', "silence")), by=("site",), newest=1)
STATE = Query(SITE, (
    Column(f'"red" * 1000000.0 + "orange" * 10000.0 + "unacknowledged" * 100.0 + "yellow" - {SILENCE}.0', "loudness"),
    *columns("risk", "red", "orange", "unacknowledged", "video", "gas", "shutoff"),
    Column('"online_ratio" * 100.0', "online")), when=NOW, by=("site",), newest=1)
SITE_LINK = to("site", "var-site=${__value.raw}")

THE_PAGE = "${__value.raw}"  # as the site file gives it

OVERVIEW = Board(
    "overview", Text("Davylamp: region overview", "Davylamp 区域总览"),
    Text("Which sites need a person now, and whom to call", "哪些站点现在需要处理，联系谁"),
    since="now-24h", marked=None, panels=(
        Panel("open", "stat", (8, 4), Text("Open alarms", "当前告警数"),
              Text("How many alarms stand now in the region, by colour? Sites that are silent are not in it.",
                   "全区域当前各颜色告警有多少？失联站点不计入。"), NOBODY,
              tuple(_open(colour) for colour in ("red", "orange", "yellow", "blue")),
              shows=(Show("red", Text("red", "红色"), steps=ANY_RED), Show("orange", Text("orange", "橙色"), steps=ANY_ORANGE),
                     Show("yellow", Text("yellow", "黄色"), steps=ANY_YELLOW),
                     Show("blue", Text("blue", "蓝色"), steps=ANY_BLUE))),
        Panel("urgent", "stat", (4, 4), Text("Sites with red or orange", "红色或橙色站点数"),
              Text("How many sites have a red or orange alarm now?", "当前有红色或橙色告警的站点有几个？"), NOBODY,
              (Ask(Query((Query(SITE, (call("last", "risk"),), when=NOW, by=("site",)),), (call("count", "risk"),),
                         ('"risk" >= 3',))),), steps=ANY_RED),
        Panel("online", "stat", (4, 4), Text("Devices online", "设备在线率"),
              Text("What share of all devices gives data now? Devices of silent sites count as offline. The national "
                   "warning system aims at 99.5 % or more.",
                   "当前全部设备的在线率是多少？失联站点的设备按离线计。国家监测预警系统的目标为不低于 99.5%。"),
              NOBODY, (Ask(Query((KNOWN, ANSWER), (Column('sum("now") / sum("known") * 100', "online"),))),),
              unit="percent", decimals=2, steps=ONLINE),
        Panel("silent", "stat", (4, 4), Text("Silent gateways", "失联网关数"),
              Text("How many gateways that reported in this time have said nothing for 5 minutes?",
                   "该时段内曾上报、但最近 5 分钟无数据的网关有几个？"), NO_SITES,
              (Ask(Query((KNOWN, ANSWER), (call("sum", "silent"),))),), steps=ANY_RED),
        Panel("sites", "stat", (4, 4), Text("Sites", "站点总数"),
              Text("How many sites have reported in this time?", "该时段内有多少站点上报？"), NO_SITES,
              (Ask(Query((KNOWN,), (call("count", "known"),))),)),
        Panel("map", "map", (10, 14), Text("Where", "站点分布"),
              Text("Where are the sites whose risk is raised? Sites without coordinates in their site file are only in the "
                   "table. No map server is needed.",
                   "风险升高的站点在哪里？未配置坐标的站点只出现在表中。无需地图服务器。"), NO_SITES,
              (Ask(Query(SITE, columns("latitude", "longitude", "risk", "name_{language}", "contact"), by=("site",),
                         newest=1)),),
              shows=(Show("risk", Text("risk", "风险"), words=RISKS,
                          steps=((None, GREEN), (1, BLUE), (2, YELLOW), (3, ORANGE), (4, RED))),
                     Show("site", Text("site", "站点"), link=SITE_LINK))),
        Panel("need", "table", (14, 14), Text("Sites by need for attention", "站点（按需要处理的程度排序）"),
              Text("Which site first? Silent sites stand above all, for nobody knows how they are; then red, orange, what "
                   "waits for a person, yellow. Click a site to see it, or the address of its gateway's own page.",
                   "先处理哪个站点？失联站点排在最前（情况不明），其次为红色、橙色、待确认、黄色。点击站点查看详情，或点击网关页面地址。"), NO_SITES,
              (Ask(NAMES), Ask(STATE)), join="site", sum=("need", ("silence", "loudness")), sort=("need", True), shows=(
                  Show("need", Text("because", "原因"), bands=NEED, width=120),
                  Show("site", Text("site", "站点"), link=SITE_LINK), Show("name", Text("name", "名称")),
                  Show("contact", Text("whom to call", "联系人")), Show("risk", Text("risk", "风险"), words=RISKS, width=80),
                  Show("red", Text("red", "红色"), width=60), Show("orange", Text("orange", "橙色"), width=70),
                  Show("unacknowledged", Text("wait", "待确认"), width=70),
                  Show("online", Text("online", "在线率"), unit="percent", decimals=1, steps=ONLINE, width=90),
                  Show("video", Text("video", "视频"), words=SYSTEM, width=80),
                  Show("gas", Text("gas detection", "气体检测"), words=SYSTEM, width=100),
                  Show("shutoff", Text("shut-off", "紧急切断"), words=SYSTEM, width=90),
                  Show("page", Text("gateway's page", "网关页面"), link=THE_PAGE))),
        Panel("contact", "table", (10, 9), Text("Last contact", "最后联系时间"),
              Text("Which site has been silent longest, and whom to call?", "哪个站点失联最久，联系谁？"), NO_SITES,
              (Ask(Query(SITE, columns("name_{language}", "contact"), by=("site",), newest=1)),), sort=("Time", False), shows=(
                  Show("Time", Text("last contact", "最后联系"), unit="dateTimeFromNow"),
                  Show("site", Text("site", "站点"), link=SITE_LINK), Show("name_{language}", Text("name", "名称")),
                  Show("contact", Text("whom to call", "联系人")))),
        Panel("days", "bars", (14, 9), Text("Alarms per day", "每日告警数"),
              Text("How many alarms called a person on each day, in the whole region? The figure that the ministry quotes. "
                   "Beside it, of how many sites there is data of that day (24 hours each): a day without bars has none.",
                   "全区域每天有多少条通知人员的告警？即主管部门通报的指标。旁边为当日有数据的站点数（按 24 小时折算）；"
                   "没有柱形的日期表示无数据。"), NO_HOURS,
              (Ask(Query(KPI, (call("sum", "alarms"),), every="1d", fill="none", days=True), Text("alarms", "告警数")),
               Ask(Query(KPI, (Column('sum("minutes") / 1440', "watched"),), every="1d", days=True),
                   Text("sites with data", "有数据的站点数"))),
              since="30d", least=0),
        Panel("history", "curve", (14, 9), Text("Devices online, day by day", "设备在线率（逐日）"),
              Text("Has the online rate kept its target of 99.5 % over the last 30 days? Mean of the sites that reported.",
                   "近 30 天设备在线率是否保持在 99.5% 以上？取上报站点的平均值。"), NO_HOURS,
              (Ask(Query(KPI, (Column('mean("online_ratio") * 100', "online"),), every="1d", days=True), Text("online", "在线率")),),
              unit="percent", decimals=2, most=100, since="30d", steps=((None, "text"), (99.5, GREEN))),
        Panel("loudest", "ranking", (10, 9), Text("Sites with most alarms", "告警最多的站点"),
              Text("Which sites raised most alarms in the last 30 days?", "近 30 天告警最多的是哪些站点？"), NO_HOURS,
              (Ask(Query(KPI, (call("sum", "alarms"),), by=("site",))),), since="30d", sort=("alarms", True), shows=(
                  Show("site", Text("site", "站点"), link=SITE_LINK), Show("alarms", Text("alarms", "告警数")))),
    ))
