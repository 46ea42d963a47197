"""`davylamp influx`: what a database must hold before the gateway writes into it."""

from __future__ import annotations

import argparse

from gateway.cli.commands import Commands
from gateway.model.text import Text


def register(commands: Commands) -> None:
    influx = commands.group("influx", "set up a database of the InfluxDB family", "设置 InfluxDB 数据库")
    command = influx.add("setup", setup, "create databases (1.x), or buckets and their mappings (2.x), which keep rows "
                         "for as long as the data contract asks; what is there is left",
                         "按数据约定创建数据库（1.x）或存储桶及映射（2.x）并设置保存期限；已存在的保持不变")
    command.site(optional=("take the databases and kinds of signals from this site file",
                           "从该站点文件读取数据库和信号种类"))
    command.option("--url", default=None, en="address of the database", zh="数据库地址")
    command.option("--api", choices=("v1", "v2"), default=None, en="v1: InfluxDB 1.x (default); v2: 2.x",
                   zh="v1：InfluxDB 1.x（默认）；v2：2.x")
    command.option("--org", default=None, en="2.x: organisation", zh="2.x：组织")
    command.option("--name", default="davylamp", en="database or bucket (davylamp); raw samples go into NAME_raw",
                   zh="数据库或存储桶名称（davylamp），原始样本存入 NAME_raw")
    command.option("--username", default=None, en="1.x: an administrator", zh="1.x：管理员用户名")
    command.option("--password-file", default=None, en="1.x: file with the password", zh="1.x：密码文件")
    command.option("--token-file", default=None, en="2.x: file with the token", zh="2.x：令牌文件")
    command.option("--ca", default=None, metavar="FILE", en="certificate of the authority, for https",
                   zh="https 的 CA 证书文件")
    command.option("--days", type=int, default=None, en="keep everything else for so many days (730)",
                   zh="其余数据保存天数（730）")
    command.option("--raw-days", type=int, default=None, en="keep raw samples for so many days (30; methane 92)",
                   zh="原始样本保存天数（30；瓦斯 92）")
    command.option("--dry-run", action="store_true", default=False, en="only say what would be done",
                   zh="只显示将要执行的操作")


def setup(options: argparse.Namespace, language: str) -> int:
    from gateway.sinks.schema import LONG, RAW, kept_days
    from gateway.sinks.setup import steps

    sinks, kinds = _asked(options)
    days = kept_days(kinds)
    days = {RAW: options.raw_days or days[RAW], LONG: options.days or days[LONG]}
    changes = wrong = 0
    for settings in sinks:
        for step in steps(settings, days):
            print(("! " if step.wrong else "= " if step.do is None else "+ ") + step.text[language])
            wrong += step.wrong
            if step.do is not None:
                changes += 1
                if not options.dry_run:
                    step.do()
    if options.dry_run:
        print(Text("dry run: nothing was changed", "试运行：未做任何更改")[language])
    elif not changes and not wrong:
        print(Text("nothing to do", "无需更改")[language])
    return 1 if wrong else 0


def _asked(options: argparse.Namespace):
    """The sinks, and the kinds of signals whose data they get."""
    from pydantic import ValidationError

    from gateway.app import load
    from gateway.model.errors import CommandError, ConfigError
    from gateway.sinks.config import InfluxSettings

    kinds, sinks = set(), []
    if options.site is not None:
        loaded = load(options.site)
        if loaded.site_file is None:
            raise ConfigError(tuple(loaded.problems))
        kinds, sinks = {signal.kind for signal in loaded.site_file.site.signals}, list(loaded.site_file.sinks)
    if options.url is not None:
        settings = {"type": "influx", "url": options.url, "api": options.api or ("v2" if options.org else "v1"),
                    "org": options.org, "username": options.username, "password_file": options.password_file,
                    "token_file": options.token_file, "token_env": None if options.token_file else "INFLUX_TOKEN",
                    "ca": options.ca}
        place = "database" if settings["api"] == "v1" else "bucket"
        try:
            sinks = [InfluxSettings(**settings, **{place: options.name, f"raw_{place}": f"{options.name}_raw"})]
        except ValidationError as error:
            raise CommandError(Text.same("; ".join(one["msg"] for one in error.errors())), where="influx setup",
                               fix=Text("see davylamp influx setup --help",
                                        "参见 davylamp influx setup --help")) from None
    elif options.username or options.token_file or options.ca:
        sinks = [one.model_copy(update={name: said for name, said in (
            ("username", options.username), ("password_file", options.password_file),
            ("token_file", options.token_file), ("ca", options.ca)) if said is not None}) for one in sinks]
    if not sinks:
        raise CommandError(Text("no database is named", "未指定数据库"), fix=Text(
            "give --url, or a site file with [[sinks]]", "请给出 --url，或含 [[sinks]] 的站点文件"))
    return sinks, kinds
