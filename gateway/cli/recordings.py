"""Commands over recorded data: `davylamp replay`, `backtest`, `explain`."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.commands import Command, Commands, Later

_DATA = ("data folder of a gateway, also of a running one, or a file: CSV (time and signal ids as titles) or InfluxDB "
         "line protocol (default: [store] folder of the site file)",
         "网关的数据目录（网关运行时也可读取），或文件：CSV（首行为 time 和信号编号）、InfluxDB 行协议"
         "（默认取配置文件 [store] folder）")


def register(commands: Commands) -> None:
    text = commands.text

    command = _recorded(commands, "replay", "the alarms of recorded data, as they would have come",
                        "用已记录的数据重放：告警会如何产生")
    command.option("data", type=Path, nargs="?", default=None, metavar="DATA", help=text(*_DATA))
    command.named_site()
    command.option("--summary", action="store_true", default=False, en="only the counts, not every alarm",
                   zh="只显示统计，不逐条列出告警")
    _whole(command)

    command = _recorded(commands, "backtest",
                        "recorded data through one site file: how often each rule alarms; through two: what would "
                        "change",
                        "用已记录的数据检验站点文件：一份则统计各告警次数，两份则比较差异")
    command.option("site", type=Path, metavar="SITE.toml", en="the site file as it is now", zh="现用的站点文件")
    command.option("candidate", type=Path, nargs="?", default=None, metavar="CANDIDATE.toml",
                   en="as it might become", zh="拟改用的站点文件")
    command.option("--data", type=Path, default=None, help=text(*_DATA))
    command.option("--sweep", action="append", default=[], metavar="SIGNAL.LIMIT=FROM:TO:STEP",
                   en="what each of these settings would have done, e.g. GD-03.H=18:26:0.5 (may be given again)",
                   zh="逐一检验这些设置的效果，如 GD-03.H=18:26:0.5（可重复使用）")
    _whole(command)

    command = _recorded(commands, "explain", "why an alarm stood, or not, at one time", "某一时刻告警为何成立或不成立")
    command.option("alarm", metavar="ALARM", en='id as on the page, e.g. "GD-03/HH"', zh='告警编号，如 "GD-03/HH"')
    command.named_site()
    command.option("--data", type=Path, default=None, help=text(*_DATA))
    command.option("--at", default=None, metavar=text("TIME", "时间"), en="when (default: the end of the recording)",
                   zh="时刻（默认：记录末尾）")


def _recorded(commands: Commands, name: str, en: str, zh: str) -> Command:
    command = commands.add(name, Later(f"gateway.replay.commands:{name}"), en, zh)
    command.option("--skip-unknown", action="store_true", default=False,
                   en="leave out what a file holds of signals that the site does not have",
                   zh="忽略文件中不属于本站点的信号")
    command.since()
    command.json()
    return command


def _whole(command: Command) -> None:
    """Options of a run over a stretch of time."""
    command.until()
    command.option("--events", type=Path, default=None, metavar="FILE",
                   en="CSV of what really happened (time, name, within, alarm): what was caught, missed, false",
                   zh="实际事件 CSV（time、name、within、alarm）：统计发现、漏报和误报")
    command.option("--ack-after", default="5min", metavar=command.text("DURATION", "时长"),
                   en="every alarm is taken as acknowledged after this time; matters for first-out only (5min)",
                   zh="假定每个告警在此时长后被确认；只影响首发判断（5min）")
