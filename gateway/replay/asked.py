"""What a person names on the command line, found: a site file, its data folder, a stretch of time, an alarm."""

from __future__ import annotations

import argparse
from pathlib import Path

from gateway.app import load
from gateway.config import SiteFile
from gateway.config.values import did_you_mean
from gateway.data_folder import ALARM_FILE
from gateway.model.alarm import AlarmDefinition
from gateway.model.errors import CommandError, ConfigError
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.units import parse_duration
from gateway.replay.table import stamp
from gateway.store import EVER


def site_file(path: Path) -> SiteFile:
    loaded = load(path)
    if loaded.site_file is None:
        raise ConfigError(tuple(problem for problem in loaded.problems if problem.severity == "error"))
    return loaded.site_file


def data_folder(options: argparse.Namespace, of: SiteFile) -> Path:
    return options.data or Path(of.store.folder)


def alarm_file(options: argparse.Namespace, of: SiteFile) -> Path:
    """In the data folder. CommandError when there is none."""
    path = data_folder(options, of) / ALARM_FILE
    if not path.exists():
        raise CommandError(
            Text("there is no alarm file: no gateway has run here yet", "没有告警文件：此处尚未运行过网关"),
            where=str(path), fix=Text("give the data folder of the gateway with --data",
                                      "用 --data 指定网关的数据目录"))
    return path


def bounds(options: argparse.Namespace, site: Site) -> tuple[int, int]:
    """--from and --to as wall times (UTC ns); EVER where one is not given."""
    start = wall_time("--from", options.start, site) if options.start else EVER[0]
    end = wall_time("--to", options.to, site) if options.to else EVER[1]
    if start > end:
        raise CommandError(Text("the end lies before the beginning", "结束时间早于开始时间"), where="--from, --to",
                           fix=Text("exchange the two", "请调换两个时间"))
    return start, end


def wall_time(option: str, text: str, site: Site) -> int:
    """What a person writes without a zone is the site's own time."""
    try:
        return stamp(text, site.zone)
    except ValueError:
        raise CommandError(Text(f"`{text}` is not a time", f"`{text}` 不是时间"), where=option, fix=Text(
            f"write it as 2026-09-21T20:53:45 ({site.timezone}) or with a zone, 2026-09-21T12:53:45Z",
            f"请写成 2026-09-21T20:53:45（{site.timezone}），或带时区，如 2026-09-21T12:53:45Z")) from None


def seconds(option: str, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError:
        raise CommandError(Text(f"`{text}` is not a duration", f"`{text}` 不是时长"), where=option,
                           fix=Text('write it as "30s", "10min" or "1h"', '请写成 "30s"、"10min" 或 "1h"')) from None


def alarm(site: Site, id: str) -> AlarmDefinition:
    found = site.alarms.get(id)
    if found is None:
        hint = did_you_mean(id, [alarm.id for alarm in site.alarms])
        raise CommandError(Text(f"the site has no such alarm{hint.en}", f"站点没有此告警{hint.zh}"), where=id, fix=Text(
            "take the id from the page or from `davylamp replay`", "请从页面或 `davylamp replay` 的输出中选取编号"))
    return found
