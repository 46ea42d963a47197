"""What the gateway says of itself: its own faults, and the alarms that they are."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.model.alarm import AlarmDefinition, Priority, Risk
from gateway.model.condition import Condition
from gateway.model.text import Text


class GatewayFault:
    """Ids of the alarms that the gateway raises about itself."""

    LEDGER = "gateway/ledger"
    STORE = "gateway/store"
    EVICTION = "gateway/eviction"
    DROPPED = "gateway/dropped"
    DETECTION = "gateway/detection"
    NOTIFY = "gateway/notify"
    CLOCK = "gateway/clock"
    SINK = "gateway/sink"
    REFUSED = "gateway/refused"
    TASK = "gateway/task"
    OUTPUT = "gateway/output"
    SELFTEST = "gateway/selftest"
    CERTIFICATE = "gateway/certificate"
    CONFIGURATION = "gateway/configuration"


_ALARMS: tuple[tuple[str, Text, Priority, Risk, Text], ...] = (
    (GatewayFault.LEDGER, Text("Alarm file can not be written: alarms go out, but are not recorded",
                               "告警文件无法写入：告警照常发出，但未被记录"), Priority.P1, Risk.ORANGE,
     Text("Check disk space and the state of the SD card; keep a written log until this clears.",
          "检查磁盘空间和存储卡状态；恢复前请人工记录告警。")),
    (GatewayFault.STORE, Text("Measured data can not be stored", "测量数据无法存储"), Priority.P2, Risk.BLUE,
     Text("Detection goes on. Check disk space and the state of the SD card.",
          "检测仍在进行。检查磁盘空间和存储卡状态。")),
    (GatewayFault.EVICTION, Text("Oldest measured data was deleted before it was sent", "最早的测量数据在送出前被删除"),
     Priority.P3, Risk.BLUE,
     Text("Check the database connection; enlarge the store's limit.", "检查数据库连接；调大本地存储上限。")),
    (GatewayFault.DROPPED, Text("Incoming data was dropped: intake full", "接收缓冲已满，部分数据被丢弃"),
     Priority.P3, Risk.BLUE,
     Text("Lower the publishing rate or the poll rate.", "降低上报频率或轮询频率。")),
    (GatewayFault.DETECTION, Text("Detection has failed on incoming data", "检测程序处理数据时出错"),
     Priority.P1, Risk.RED,
     Text("Watch the certified system; restart the gateway; report the log.",
          "请盯守认证系统；重启网关；上报日志。")),
    (GatewayFault.NOTIFY, Text("A notice could not be delivered", "通知未能送达"), Priority.P2, Risk.ORANGE,
     Text("Inform the on-call person by another way; check the channel.",
          "改用其他方式通知值班人员；检查通知渠道。")),
    (GatewayFault.CLOCK, Text("Clock not trusted: not synchronised, or it was set", "时钟不可信：未同步或被调整"),
     Priority.P4, Risk.BLUE,
     Text("Check the network time service. Alarm delays are not affected.",
          "检查网络校时服务。告警延时不受影响。")),
    (GatewayFault.SINK, Text("Database does not take data: kept on disk",
                             "数据库未接收数据：数据保留在本地磁盘"), Priority.P4, Risk.BLUE,
     Text("Check the database and the network.", "检查数据库和网络。")),
    (GatewayFault.REFUSED, Text("A database refuses data: refused lines are set aside",
                                "数据库拒收部分数据：被拒数据已另存"), Priority.P3, Risk.BLUE,
     Text("See the reason in the sink's refused file and correct the database; the store still has the data.",
          "查看拒收文件中的原因并修正数据库；数据同时保存在网关本地存储中。")),
    (GatewayFault.TASK, Text("A part of the gateway has failed and is started again",
                             "网关的某个部分出错，正在重新启动"),
     Priority.P2, Risk.ORANGE, Text("See the gateway's log and report it.", "查看网关日志并上报。")),
    (GatewayFault.SELFTEST, Text("The self-test of the whole chain has failed", "全链路自检未通过"), Priority.P2,
     Risk.ORANGE,
     Text("The evidence names the station that was not passed; until then alarms may not reach anybody.",
          "依据中列出了未通过的环节；修复前告警可能无法送达。")),
    (GatewayFault.CERTIFICATE, Text("The certificate of the page ends soon, or has ended", "页面证书即将到期或已过期"),
     Priority.P4, Risk.BLUE,
     Text("Renew it: davylamp ca issue NAME, or ask whoever has issued it. It is taken up without a restart.",
          "请续签：davylamp ca issue 名称，或联系签发机构。更新后无需重启即可生效。")),
    (GatewayFault.CONFIGURATION, Text("A new configuration was taken back: the old one is in force",
                                      "新配置已退回，原配置继续生效"), Priority.P2, Risk.BLUE,
     Text("Nothing that it was to change is watched. `davylamp apply --history` says why it was taken back.",
          "新配置中的改动均未生效。用 `davylamp apply --history` 查看退回原因。")),
    (GatewayFault.OUTPUT, Text("A siren or beacon can not be driven", "声光报警器无法驱动"), Priority.P2, Risk.ORANGE,
     Text("People near it are not warned: tell them by another way; check the relay, its bus and its supply.",
          "附近人员无法收到声光警示：请用其他方式通知；检查继电器、总线和供电。")),
)


def gateway_alarms() -> Iterator[AlarmDefinition]:
    for fault, name, priority, risk, guidance in _ALARMS:
        yield AlarmDefinition(fault, Condition.GATEWAY, "gateway", "", name, priority, risk, group="gateway",
                              guidance=guidance)
