"""`davylamp proof-tests`: what was last seen to work, and when: valves that close, instruments that respond."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence

from alerting import proof
from alerting.ledger import AlarmLedger
from alerting.message import local_time
from gateway.api.present import proof_tests as as_json
from gateway.model.clock import NS
from gateway.model.site import Site
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.replay import asked
from gateway.replay.columns import table

_DAY_NS = 86_400 * NS
_NONE = Text.same("-")


def proof_tests(options: argparse.Namespace, language: str) -> int:
    site_file = asked.site_file(options.site)
    site = site_file.site
    path = asked.alarm_file(options, site_file)
    log = proof.strokes(AlarmLedger(path).history(proof.NEWEST, kind=proof.KIND))
    now = time.time_ns()
    if options.json:
        print(json.dumps(as_json(site, log, now), ensure_ascii=False, indent=2, default=_plain))
    else:
        print("\n".join(lines(site, log, now, language)))
    return 0


def lines(site: Site, log: Sequence[Stroke], now_wall_ns: int, language: str) -> Iterator[str]:
    """log: newest first. Times are in the zone of the site."""
    rules = site.proved
    yield Text("{site}: proof tests (times: {zone})",
               "{site}：验证测试记录（时区：{zone}）").format(site=site.name, zone=site.timezone)[language]
    if not rules:
        yield Text("The site has no rule of type shutdown_verification or response_test.",
                   "站点没有 shutdown_verification 或 response_test 类型的规则。")[language]
        return
    titles = (Text("test", "验证对象"), Text("rule", "规则"), Text("passed", "最近一次通过"),
              Text("days ago", "距今天数"), Text("took", "用时"), Text("due", "下次到期"))
    rows = [titles, *(_row(site, one, now_wall_ns) for rule in rules for one in proof.proofs(rule, log, now_wall_ns))]
    yield ""
    yield from table([[cell[language] for cell in row] for row in rows])
    yield ""
    if not log:
        yield Text("No shut-down and no test since the log began.", "自有记录以来没有切断，也没有测试。")[language]
    for stroke in log:
        yield f"{_clock(site, stroke.wall_ns)}  {proof.words(stroke)[language]}"


def _row(site: Site, one: proof.Proof, now_wall_ns: int) -> tuple[Text, ...]:
    late = Text("OVERDUE", "已逾期") if one.overdue else _NONE
    valve, rule = Text.same(one.test), Text.same(one.rule.id)
    if one.last is None:
        return valve, rule, Text("never", "从未"), _NONE, _NONE, late
    due = _NONE if one.due_wall_ns is None else Text.same(f"{local_time(site, one.due_wall_ns):%Y-%m-%d}")
    if one.overdue:
        due = Text("{due} OVERDUE", "{due} 已逾期").format(due=due)
    return (valve, rule, Text.same(_clock(site, one.last.wall_ns)),
            Text.same(str((now_wall_ns - one.last.wall_ns) // _DAY_NS)),
            Text("{s:.1f} s", "{s:.1f} 秒").format(s=one.after_s), due)


def _clock(site: Site, wall_ns: int) -> str:
    return f"{local_time(site, wall_ns):%Y-%m-%d %H:%M:%S}"


def _plain(value: object) -> object:
    """Texts in both languages."""
    if isinstance(value, Text):
        return {"en": value.en, "zh": value.zh}
    raise TypeError(type(value))
