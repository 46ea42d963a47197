"""`davylamp report`: what a regulator reads of a week, a month, a quarter or a year."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.commands import Commands, Later


def register(commands: Commands) -> None:
    command = commands.add("report", Later("gateway.reporting.command:report"),
                           "a week, month, quarter or year in one HTML file, to print or send",
                           "生成周报、月报、季报或年报（单个 HTML 文件，可打印或发送）")
    command.site()
    command.data()
    command.option("--period", default="month", metavar=command.text("PERIOD", "周期"),
                   en="week, month, quarter or year (month)",
                   zh="week 周、month 月、quarter 季度、year 年（默认 month）")
    command.option("--ending", default=None, metavar=command.text("DATE", "日期"),
                   en="its last day, in the zone of the site (today)", zh="最后一天，按站点时区（默认今天）")
    command.option("--from", dest="source", choices=("store", "influx"), default="store",
                   en="store: the data folder, also of a running gateway or a copy (default); influx: a database of "
                      "[[sinks]]",
                   zh="store：数据目录，网关运行时或其副本均可（默认）；influx：[[sinks]] 中的数据库")
    command.option("--sink", default=None, metavar="ID", en="which of several databases", zh="有多个数据库时指定其一")
    command.option("--language", choices=("en", "zh", "both"), default="both", en="of the report (both)",
                   zh="报告语言（默认 both，中英双语）")
    command.option("--out", type=Path, default=None, metavar=command.text("FILE", "文件"),
                   en="file (default: named after site and period)", zh="输出文件（默认按站点和周期命名）")
