"""Questions to the running gateway or to its data folder: `davylamp proof-tests`, `kpi`, `route`."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.commands import Commands, Later


def register(commands: Commands) -> None:
    command = commands.add("proof-tests", Later("gateway.replay.proof_tests:proof_tests"),
                           "when each valve and instrument last passed its test, and all that was tested",
                           "各阀门、仪表最近一次通过测试的时间，以及全部记录")
    command.site()
    command.data()
    command.json()

    command = commands.add("kpi", Later("gateway.remote:kpi"),
                           "alarm figures after EEMUA 191: load, floods, chattering, time to acknowledge",
                           "告警统计（EEMUA 191）：负荷、洪泛、抖动、确认用时")
    command.site(optional=("read the journal of this site instead of asking the running gateway",
                           "不询问运行中的网关，而是读取该站点的告警日志"))
    command.data()
    command.since()
    command.until()
    command.json()
    command.running()

    command = commands.add("route", Later("gateway.remote:route"),
                           "who would be told of an alarm, how and when; nothing is sent",
                           "某告警会通知谁、以何种方式、何时通知；不发送任何通知")
    command.option("alarm", metavar="ALARM", en='id as on the page, e.g. "GD-03/HH"', zh='告警编号，如 "GD-03/HH"')
    command.option("--dry-run", action="store_true", default=False, en="say it, send nothing; the only way there is",
                   zh="仅演练，不发送；目前只有这种方式")
    command.option("--at", default=None, metavar=commands.text("TIME", "时间"),
                   en="if it is raised then; without a zone it is the site's own time (default: now)",
                   zh="假定报警时刻；不写时区时按站点当地时间（默认：现在）")
    command.option("--site", type=Path, default=None, metavar="SITE.toml",
                   en="read this site file instead of asking the running gateway",
                   zh="不询问运行中的网关，而是读取该站点文件")
    command.json()
    command.running()
