"""`davylamp self-test` and `drill`."""

from __future__ import annotations

from gateway.cli.commands import Commands, Later


def register(commands: Commands) -> None:
    command = commands.add("self-test", Later("gateway.remote:self_test"),
                           "send a marked test sample through the whole chain, from the driver to the acknowledgement",
                           "全链路自检：注入带标记的测试样本，跟踪至告警确认")
    command.person("who asks for it", "操作人姓名", required=True)
    command.running()

    command = commands.add("drill", Later("gateway.remote:drill"),
                           "a drill: let chosen signals seem in alarm, and see who is told and who answers",
                           "演练：模拟所选信号报警，查看通知与确认情况")
    command.option("act", choices=("begin", "inject", "end", "sheet"))
    command.option("signals", nargs="*", default=[], metavar="SIGNAL")
    command.option("--for", dest="duration", default=None, metavar=commands.text("DURATION", "时长"),
                   en='of the drill, or of what is injected, e.g. "30min"; every drill ends',
                   zh='演练或模拟报警的时长，如 "30min"；演练必定到期')
    command.option("--value", type=float, default=None,
                   en="what the signal seems to read (default: just beyond its most urgent limit)",
                   zh="模拟读数（默认：刚超过最紧急的限值）")
    command.option("--target", default="5min", en="people should acknowledge within (5min)", zh="确认时限（5min）")
    command.person("who answers for it", "责任人姓名")
    command.option("--why", default=None, en="the reason", zh="原因")
    command.json()
    command.running()
