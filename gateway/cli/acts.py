"""What a person does to the running gateway: look at what stands, acknowledge, put alarms aside, arm a siren, teach."""

from __future__ import annotations

from gateway.cli.commands import Commands, Later


def register(commands: Commands) -> None:
    text = commands.text
    command = commands.add("status", Later("gateway.cli.standing:status"),
                           "the alarms that stand on the running gateway", "运行中网关的当前告警")
    command.json()
    command.running()

    command = commands.add("ack", Later("gateway.remote:acknowledge"), "acknowledge an alarm of the running gateway",
                           "确认运行中网关的告警")
    command.option("alarm", metavar="ALARM", en='id as on the page, e.g. "GD-03/HH"', zh='告警编号，如 "GD-03/HH"')
    command.person("who acknowledges", "确认人姓名", required=True)
    command.option("--comment", default="", en="what was seen or done", zh="现场情况或处置说明")
    command.running()

    _holds(commands)

    command = commands.add("annunciator", Later("gateway.remote:annunciator"),
                           "sirens and beacons on relays: show, arm, disarm, test",
                           "继电器上的声光报警器：查看、启用、停用、测试")
    command.option("annunciator", nargs="?", default=None, metavar="ID", en="id in the site file",
                   zh="配置文件中的编号")
    acts = command.parser.add_mutually_exclusive_group()
    for act, help_text in (("arm", text("alarms drive it from now on", "从现在起由告警驱动")),
                           ("disarm", text("release it, and write nothing to it any more", "释放并停止写入")),
                           ("test", text("drive it for 3 s", "驱动 3 秒"))):
        acts.add_argument(f"--{act}", dest="act", action="store_const", const=act, default=None, help=help_text)
    command.person("who does it", "操作人姓名")
    command.option("--why", default=None, en="the reason, for the journal", zh="原因（记入日志）")
    command.running()

    command = commands.add("baseline", Later("gateway.remote:baseline"),
                           "what was learnt of a signal; freeze, thaw or reset it",
                           "查看信号已学习的内容；冻结、恢复或重置")
    command.option("signal", metavar="SIGNAL", en="id of the signal", zh="信号编号")
    command.site(optional=("read the data folder of this site instead of asking the running gateway",
                           "不询问运行中的网关，而是读取该站点的数据目录"))
    command.data()
    group = command.parser.add_mutually_exclusive_group()
    for act, help_text in (("freeze", text("judge by what was learnt until now, learn no more",
                                           "按目前所学判断，不再学习")),
                           ("thaw", text("learn again", "恢复学习")),
                           ("reset", text("forget it all and learn anew", "清除所学内容，重新学习"))):
        group.add_argument(f"--{act}", action="store_true", default=False, help=help_text)
    command.person("who does it", "操作人姓名")
    command.option("--why", default=None, en="the reason, for the journal", zh="原因（记入日志）")
    command.json()
    command.running()


def _holds(commands: Commands) -> None:
    text = commands.text
    for name, en, zh in (
            ("bypass", "call nobody for an alarm for a while; list and end bypasses",
             "在一段时间内不为某告警通知人员；查看和解除旁路"),
            ("shelve", "put an alarm that stands in the way aside, for a time or once; list and end",
             "搁置妨碍处置的告警（限时或单次）；查看和解除搁置"),
            ("out-of-service", "take an alarm out of service for maintenance, and return it",
             "检修期间停用告警，并恢复投用")):
        command = commands.add(name, Later("gateway.remote:hold"), en, zh)
        command.parser.set_defaults(hold=name)
        command.option("target", nargs="?", default=None, metavar="ALARM|SIGNAL|RULE",
                       en="an alarm, or a signal or rule with all its alarms",
                       zh="告警，或信号、联锁规则（含其全部告警）")
        command.option("--for", dest="duration", default=None, metavar=text("DURATION", "时长"),
                       en='how long, e.g. "2h"; it always ends', zh='时长，如 "2h"；到期必定结束')
        if name == "shelve":
            command.option("--once", action="store_true", default=False, en="only until the alarm is back to normal",
                           zh="仅至该告警恢复正常为止")
        command.option("--why", default=None, en="the reason", zh="原因")
        command.person("who answers for it", "责任人姓名")
        always = name == "out-of-service"
        command.option(
            "--approved-by", default=None,
            en=f"second person, {'always needed' if always else 'needed for P1'}; with accounts their account: their "
               "password, or the code that they made on the page, is asked for (or read from DAVYLAMP_APPROVAL)",
            zh=f"批准人，{'必填' if always else 'P1 告警必填'}；设有账户时填写其账户，"
               "随后询问其密码或其在页面生成的批准码（也可由环境变量 DAVYLAMP_APPROVAL 提供）")
        command.option("--list", action="store_true", default=False, en="show those that stand", zh="查看当前清单")
        command.option("--end", "--return", action="store_true", default=False, en="end it now", zh="立即解除")
        command.running()
