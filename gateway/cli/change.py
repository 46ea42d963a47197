"""`davylamp apply`: a new configuration, its trial, its history, the way back."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.commands import Commands, Later


def register(commands: Commands) -> None:
    text = commands.text
    command = commands.add(
        "apply", Later("gateway.cli.applying:apply"),
        "check a site file, show what it changes, and put it in force: it is taken back by itself if it does not work",
        "检查站点文件、显示变更内容并使其生效；若运行不正常则自动退回")
    command.site(optional=("the new site file; left out with --history and --back",
                           "新的站点文件；使用 --history 和 --back 时省略"))
    command.option("--in-force", type=Path, default=Path("/etc/davylamp/site.toml"), metavar="SITE.toml",
                   en="the site file in force, where no gateway runs (/etc/davylamp/site.toml)",
                   zh="未运行网关时，现行站点文件的位置（/etc/davylamp/site.toml）")
    command.option("--data", type=Path, default=None,
                   en="data folder, where no gateway runs (default: [store] folder of the site file)",
                   zh="未运行网关时的数据目录（默认取配置文件 [store] folder）")
    command.person("who does it", "操作人姓名")
    command.option("--reason", default=None, en="why; needed for whatever makes the watch laxer, or may",
                   zh="原因；放宽或可能放宽监测的变更必须填写")
    command.option("--check", action="store_true", default=False, en="only show what would change", zh="仅显示变更内容")
    command.option("--yes", action="store_true", default=False, en="do not ask before it is done",
                   zh="不再询问，直接执行")
    acts = command.parser.add_mutually_exclusive_group()
    acts.add_argument("--history", action="store_true", default=False, help=text(
        "every configuration there was: who, when, why, what became of it", "全部历史配置：操作人、时间、原因、结果"))
    acts.add_argument("--back", type=int, default=None, metavar="N", help=text(
        "put configuration N in force again", "恢复编号为 N 的配置"))
    command.json()
    command.running()
