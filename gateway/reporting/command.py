"""`davylamp report`: read, judge, write."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path

from gateway.config import SiteFile
from gateway.model.errors import CommandError
from gateway.model.text import Text
from gateway.model.trouble import reason
from gateway.replay import asked
from gateway.reporting.folder import Folder
from gateway.reporting.gather import Progress, gather
from gateway.reporting.influx import Influx
from gateway.reporting.page import render
from gateway.reporting.period import day, period
from gateway.reporting.source import Source

_EVERY_S = 2.0  # between two lines of progress


def report(options: argparse.Namespace, language: str) -> int:
    """0: written. The file names what could not be had."""
    site_file, now = asked.site_file(options.site), time.time_ns()
    site = site_file.site
    last = day(options.ending) if options.ending else datetime.fromtimestamp(now / 1e9, site.zone).date()
    span = period(options.period, last, site.zone)
    facts = gather(site, span, _source(options, site_file), now, site_file.alarms.operators, _progress(language))
    out = options.out or Path(f"{site.id}-{span.name}-{span.days[-1]}.html")
    try:
        out.write_text(render(facts, options.language, now), encoding="utf-8", errors="replace")
    except OSError as error:
        why = reason(error)
        raise CommandError(Text("the report can not be written: {why}", "报告无法写入：{why}").format(why=why),
                           where=str(out), fix=Text("give another file with --out", "用 --out 指定其他文件")) from error
    for text in facts.missing:
        print(text[language], file=sys.stderr)
    print(Text("{out}: {first} to {last}", "{out}：{first} 至 {last}").format(
        out=out, first=span.days[0], last=span.days[-1])[language])
    return 0


def _source(options: argparse.Namespace, site_file: SiteFile) -> Source:
    if options.source == "store":
        return Folder(site_file.site, asked.data_folder(options, site_file))
    sinks = [sink for sink in site_file.sinks if options.sink in (None, sink.id)]
    if not sinks:
        raise CommandError(Text("the site file has no such database", "站点文件中没有该数据库"),
                           where="--from influx", fix=Text(
                "add [[sinks]], or make the report from the data folder (--from store)",
                "请添加 [[sinks]]，或用数据目录生成报告（--from store）"))
    return Influx(site_file.site, sinks[0])


def _progress(language: str) -> Progress:
    told_at = 0.0

    def progress(text: Text) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > _EVERY_S:
            told_at = time.monotonic()
            print(f"... {text[language]}", file=sys.stderr)
    return progress
