"""`davylamp route --dry-run`: who would be told of an alarm, how and when, and why the others would not."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

from alerting.wording import lasting
from gateway.model.alarm import Priority
from gateway.model.text import Text
from gateway.replay.columns import table


def of_file(options: argparse.Namespace) -> dict[str, Any]:
    """By a site file, in the form of the API's answer."""
    from alerting.oncall.escalation import wall
    from gateway.api import oncall
    from gateway.api.answer import encode
    from gateway.model.clock import Instant
    from gateway.parts.people import routing
    from gateway.replay import asked

    site_file = asked.site_file(options.site)
    site = site_file.site
    alarm = asked.alarm(site, options.alarm)
    at = asked.wall_time("--at", options.at, site) if options.at else time.time_ns()
    return json.loads(encode(oncall.route(routing(site_file), alarm, wall(Instant(0, at)))))


def lines(found: dict[str, Any], language: str) -> Iterator[str]:
    def told(text: Text) -> str:
        return text[language]

    policy = found["policy"]
    yield told(Text("{alarm} {name}: {priority}, policy {policy}",
                    "{alarm} {name}：{priority}，通知策略 {policy}").format(
        alarm=found["alarm"], name=found["name"][language], priority=Priority(found["priority"]).name,
        policy=policy or Text("none", "无")))
    if not found["steps"]:
        yield told(Text("It calls nobody: P4 is for the page and the journal.", "不通知人员：P4 仅显示并记录。"))
        return
    yield told(Text("if it is raised at {time} and nobody acknowledges:", "若在 {time} 报警且无人确认：").format(
        time=_time(found["time"])))
    rows = []
    for step in found["steps"]:
        when = f"{_time(step['time'])}  +{told(lasting(step['after_s']))}"
        for mark, group in ((Text("tells", "通知"), step["told"]), (Text("not", "不通知"), step["not_told"])):
            for one in group:
                who = one["name"][language] if one["name"] else one["person"] or told(Text("everybody", "全部"))
                rows.append([when, told(mark), who, one["channel"], one["reason"][language]])
                when = ""
    if not rows:
        yield told(Text("nobody is told: the site has no notifier", "无人会收到通知：站点未配置通知渠道"))
        return
    yield from table(rows)
    yield told({None: Text("and again from the first step, until somebody acknowledges",
                           "之后从第一步重新开始，直到有人确认")}.get(found["repeats"], Text(
        "rounds in all: {n}", "以上步骤共执行 {n} 遍").format(n=found["repeats"])))


def _time(iso: str) -> str:
    return iso[:16].replace("T", " ")
