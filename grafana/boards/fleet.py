"""Fleet health: are the gateways themselves well?"""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks.schema import CENTRE, GATEWAY
from grafana.boards.board import Board, Choice
from grafana.boards.influxql import AHEAD, INTERVAL, NOW, SITE, Column, Query, call, column, columns
from grafana.boards.look import ANY_ORANGE, ANY_RED, GREEN, ORANGE, RED, Word
from grafana.boards.overview import SITE_LINK
from grafana.boards.panel import Ask, Panel, Show

NO_GATEWAY = Text("No gateway has written about itself in this time", "该时段内没有网关写入自身状态")
NONE_NOW = Text("No gateway has reported in the last 5 minutes", "最近 5 分钟没有网关上报")
CLOCK = {True: Word(Text("NOT TRUSTED", "不可信"), RED), False: Word(Text("good", "正常"), GREEN)}
FREE = ((None, RED), (1e9, ORANGE), (4e9, GREEN))  # bytes
LAG = ((None, GREEN), (10_000, ORANGE), (1_000_000, RED))  # samples


def _curve(key: str, title: Text, question: Text, select: Column, unit: str, steps=((None, "text"),)) -> Panel:
    return Panel(key, "curve", (12, 9), title, question, NO_GATEWAY,
                 (Ask(Query(GATEWAY, (select,), (SITE,), by=("site",), every=INTERVAL), Text.same("$tag_site")),), unit=unit,
                 least=0, steps=steps)


def _counted(key: str, title: Text, question: Text, condition: str) -> Panel:
    """How many gateways are in a state now."""
    field = condition.split('"')[1]
    each = Query(GATEWAY, (call("last", field),), (SITE,), when=NOW, by=("site",))
    return Panel(key, "stat", (4, 4), title, question, Text("None, or no gateway reports", "没有，或无网关上报"),
                 (Ask(Query((each,), (call("count", field),), (condition,))),), steps=ANY_RED)


FLEET = Board(
    "fleet", Text("Davylamp: fleet health", "Davylamp 网关群健康"),
    Text("Versions, settings, clocks, disks, memory and backlog of all gateways", "全部网关的版本、配置、时钟、磁盘、内存与积压"),
    since="now-24h", choices=(Choice("site", Text("Site", "站点"), GATEWAY),), panels=(
        _counted("clock", Text("Clocks not trusted", "时钟不可信"),
                 Text("How many gateways have a clock that is not synchronised?", "时钟未同步的网关有几个？"), '"clock_untrusted" = true'),
        Panel("ahead", "stat", (4, 4), Text("Clocks ahead", "时钟超前"),
              Text("How many gateways write rows of the future? What they say of now is seen only when that time comes: their "
                   "alarms come late here, though not to the people whom they call.",
                   "有几个网关写入未来时刻的数据？其当前状态要到该时刻才会显示在这里，告警在本页会延后（不影响网关自身的通知）。"),
              Text("No gateway writes rows of the future", "没有网关写入未来时刻的数据"),
              (Ask(Query((Query(GATEWAY, (call("last", "uptime_s", "ahead"),), (SITE,), when=AHEAD, by=("site",)),),
                         (call("count", "ahead"),))),), steps=ANY_RED),
        _counted("faults", Text("Gateways with faults", "有故障的网关"),
                 Text("How many gateways report a fault of their own?", "报告自身故障的网关有几个？"), '"faults" >= 1'),
        _counted("hung", Text("Gateways that hang", "停滞的网关"),
                 Text("In how many gateways does a task make no progress?", "内部任务停滞的网关有几个？"), '"hung" = true'),
        _counted("full", Text("Disks nearly full", "磁盘将满"),
                 Text("How many gateways have less than 1 GB free?", "剩余空间不足 1 GB 的网关有几个？"), '"disk_free_bytes" < 1000000000'),
        Panel("reporting", "stat", (4, 4), Text("Gateways that report", "上报的网关"),
              Text("How many gateways have reported in the last 5 minutes?", "最近 5 分钟有几个网关上报？"), NONE_NOW,
              (Ask(Query((Query(GATEWAY, (call("last", "uptime_s", "up"),), (SITE,), when=NOW, by=("site",)),),
                         (call("count", "up"),))),)),
        Panel("centre", "stat", (24, 4), Text("Disk of the centre", "中心磁盘剩余"),
              Text("How much of the disk of the databases is free? When it is full, no site can be seen any more, though each gateway "
                   "goes on watching and calling.", "数据库磁盘还剩多少？占满后看板不再更新，但各网关照常监测和通知。"),
              Text("Nobody says how full the disk of the centre is: let deploy/central-disk.sh run there every minute",
                   "未获知中心磁盘占用：请在中心服务器上每分钟运行 deploy/central-disk.sh"),
              (Ask(Query(CENTRE, (Column('last("disk_free_bytes") / last("disk_bytes") * 100', "free"),), when=NOW,
                         by=("centre",)), Text.same("$tag_centre")),), unit="percent", decimals=0,
              steps=((None, RED), (10, ORANGE), (25, GREEN))),
        Panel("list", "table", (24, 12), Text("Gateways", "网关一览"),
              Text("Which gateway runs which version and settings, and how is it?", "各网关运行什么版本和配置，状态如何？"), NO_GATEWAY,
              (Ask(Query(GATEWAY, (*columns("version", "config", "clock_untrusted", "faults", "lag_samples", "refused", "evicted",
                                            "disk_free_bytes", "rss_bytes", "restarts"), column("uptime_s", "uptime")),
                         (SITE,), by=("site",), newest=1)),), sort=("Time", False), shows=(
                  Show("Time", Text("last contact", "最后联系"), unit="dateTimeFromNow", width=140),
                  Show("site", Text("site", "站点"), link=SITE_LINK), Show("version", Text("version", "版本"), width=90),
                  Show("config", Text("settings", "配置指纹"), width=110),
                  Show("uptime", Text("runs for", "已运行"), unit="s", width=110),
                  Show("clock_untrusted", Text("clock", "时钟"), words=CLOCK, width=110),
                  Show("faults", Text("faults", "故障"), steps=ANY_ORANGE, width=70),
                  Show("lag_samples", Text("not sent yet", "未发送样本"), steps=LAG, width=110),
                  Show("refused", Text("refused", "被拒行数"), steps=ANY_ORANGE, width=90),
                  Show("evicted", Text("lost before sending", "发送前删除"), steps=ANY_RED, width=130),
                  Show("disk_free_bytes", Text("disk free", "磁盘剩余"), unit="decbytes", steps=FREE, width=100),
                  Show("rss_bytes", Text("memory", "内存"), unit="decbytes", width=90),
                  Show("restarts", Text("restarts", "任务重启"), steps=ANY_ORANGE, width=90))),
        _curve("lag", Text("Samples not sent yet", "未发送样本"),
               Text("Does the database keep up? A line that rises means that data waits on the gateway's disk.",
                    "数据库是否跟得上？曲线上升表示数据滞留在网关磁盘。"), call("max", "lag_samples"), "short", LAG),
        _curve("waiting", Text("Samples not evaluated yet", "待处理样本"),
               Text("Does a gateway keep up with its instruments?", "网关处理是否跟得上采集？"), call("max", "waiting"), "short"),
        _curve("disk", Text("Disk free", "磁盘剩余"), Text("When will a disk be full?", "磁盘何时会满？"),
               call("min", "disk_free_bytes"), "decbytes"),
        _curve("memory", Text("Memory", "内存"), Text("Does memory grow without end?", "内存是否持续增长？"), call("max", "rss_bytes"),
               "decbytes"),
        Panel("cpu", "curve", (12, 9), Text("Processor", "处理器占用"), Text("How busy is each gateway? 100 % is one core.",
                                                                       "各网关有多忙？100% 为一个核。"), NO_GATEWAY,
              (Ask(Query(GATEWAY, (Column('non_negative_derivative(max("cpu_s"), 1s) * 100', "cpu"),), (SITE,), by=("site",),
                         every=INTERVAL), Text.same("$tag_site")),), unit="percent", least=0),
        Panel("wear", "curve", (12, 9), Text("Written to disk", "写盘速率"), Text("How fast does a gateway write to its card?",
                                                                          "网关写存储卡的速率是多少？"), NO_GATEWAY,
              (Ask(Query(GATEWAY, (Column('non_negative_derivative(max("bytes_written"), 1s)', "written"),), (SITE,),
                         by=("site",), every=INTERVAL), Text.same("$tag_site")),), unit="Bps", least=0),
    ))
