"""The commands that ask a running gateway, over its API: acknowledge, put alarms aside, and what was learnt.

Somebody waits for them at 3 a.m., on a small machine that is busy: only what asking needs is imported here, all else
within the function that needs it (tests/test_cli.py keeps it so).
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from gateway.client import ask, missing, token_header
from gateway.model import installed
from gateway.model.errors import CommandError
from gateway.model.person import named
from gateway.model.text import Text
from gateway.model.units import parse_duration


def acknowledge(options: argparse.Namespace, language: str) -> int:
    done = ask(options, f"alarms/{_quoted(options.alarm)}/ack", options.alarm,
                {"name": options.name, "comment": options.comment})
    print(Text("{alarm} acknowledged by {who}", "{alarm} 已由 {who} 确认").format(
        alarm=options.alarm, who=named(done["name"]))[language])
    return 0


@dataclass(frozen=True, slots=True)
class _Words:
    """Of one kind of hold. path: of the API; one, many: keys of its answers; nothing: none stands."""

    path: str
    one: str
    many: str
    name: Text
    nothing: Text


_HOLDS = {
    "bypass": _Words("bypasses", "bypass", "bypasses", Text("bypass", "旁路"),
                     Text("Nothing is bypassed.", "当前没有旁路。")),
    "shelve": _Words("shelve", "hold", "holds", Text("shelving", "搁置"),
                     Text("Nothing is shelved.", "当前没有搁置的告警。")),
    "out-of-service": _Words("out-of-service", "hold", "holds", Text("time out of service", "停用"),
                             Text("Nothing is out of service.", "当前没有停用的告警。")),
}


def hold(options: argparse.Namespace, language: str) -> int:
    """bypass, shelve, out-of-service: begin, end and list them."""
    words = _HOLDS[options.hold]
    if options.list or options.target is None:
        return _list_holds(options, words, language)
    if options.name is None:
        raise missing("--name", Text("who answers for it", "责任人姓名"))
    if options.end:
        ended = ask(options, f"{words.path}/{_quoted(options.target)}/end", options.target,
                     {"name": options.name, "why": options.why or ""})
        print(Text("The {name} of {target} is over; people are called for what is still active.{unsaved}",
                   "{target} 的{name}已解除；仍在报警的告警将通知人员。{unsaved}").format(
            name=words.name, target=options.target, unsaved=_unsaved(ended))[language])
        return 0
    for option, value, what in (("--for", options.duration, Text("how long, at most", "最长时长")),
                                ("--why", options.why, Text("why nobody shall be called", "不通知人员的原因"))):
        if not value:
            raise missing(option, what)
    made = ask(options, words.path, options.target, {
        "target": options.target, "name": options.name, "why": options.why, "approved": options.approved_by or "",
        "for_s": _seconds(options.duration), **_approval(options, language),
        **({"once": True} if getattr(options, "once", False) else {})})
    found = made[words.one]
    once = Text(" (or until it is back to normal)", "（或至恢复正常）") if found["once"] else Text("", "")
    print(Text("Nobody is called for {target} until {until}{once}. Its alarms: {alarms}.{unsaved}",
               "{target} 在 {until} 之前{once}不通知人员。涉及告警：{alarms}。{unsaved}").format(
        target=options.target, until=_time(found["until"]), once=once, unsaved=_unsaved(made),
        alarms=Text(", ".join(found["alarms"]), "、".join(found["alarms"])))[language])
    return 0


def _approval(options: argparse.Namespace, language: str) -> dict[str, str]:
    """By what the second person shows who they are: asked for where there are accounts."""
    if options.approved_by is None or not token_header(options):
        return {}
    if (given := os.environ.get("DAVYLAMP_APPROVAL")) is not None:
        return {"approval": given}
    return {"approval": getpass.getpass(Text("Password of {who}, or their code for this alarm: ",
                                             "{who} 的密码，或其为该告警生成的批准码：").format(
        who=options.approved_by)[language])}


def annunciator(options: argparse.Namespace, language: str) -> int:
    if options.act is None:
        found = ask(options, "annunciators", "annunciators")
    else:
        for option, value, what in (("ID", options.annunciator, Text("which one", "编号")),
                                    ("--name", options.name, Text("who does it", "操作人姓名")),
                                    ("--why", options.why, Text("why", "原因"))):
            if not value:
                raise missing(option, what)
        found = ask(options, f"annunciators/{_quoted(options.annunciator)}", options.annunciator,
                     {"act": options.act, "name": options.name, "why": options.why})
    shown = [one for one in found["annunciators"] if options.annunciator in (None, one["id"])]
    if not shown:
        print(Text("The site has no such siren or beacon.", "站点没有此声光报警器。")[language])
    for one in shown:
        print(_annunciator(one)[language])
    return 0


def _annunciator(one: dict[str, Any]) -> Text:
    if one["armed"] is None:
        state = Text("not armed: nothing is written to it", "未启用：不写入任何命令")
    else:
        driven = {True: Text("ON", "动作中"), False: Text("released", "已释放"), None: Text("not known", "未知")}
        state = Text("armed by {who} since {since}; {driven}",
                     "已启用，操作人：{who}，时间：{since}；状态：{driven}").format(
            who=named(one["armed"]["who"]), since=_time(one["armed"]["since"]), driven=driven[one["driven"]])
    trouble = one["trouble"] and Text("; FAILS: {why}", "；故障：{why}").format(why=Text(**one["trouble"]))
    return Text("{id}  {name}: {state}{trouble}", "{id}  {name}：{state}{trouble}").format(
        id=one["id"], name=Text(**one["name"]), state=state, trouble=trouble or Text("", ""))


def self_test(options: argparse.Namespace, language: str) -> int:
    ask(options, "selftest", "selftest", {"name": options.name})
    while (found := ask(options, "selftest", "selftest"))["running"] or found["last"] is None:
        time.sleep(0.5)
    last = found["last"]
    for station in last["stations"]:
        after = "-" if station["after_s"] is None else f"{station['after_s']:8.3f} s"
        print(f"{after:>12}  {Text(**station['name'])[language]}")
    print((Text("The self-test has FAILED.", "自检未通过。") if last["failed"] else
           Text("The self-test has passed.", "自检通过。"))[language])
    return 1 if last["failed"] else 0


def log_level(options: argparse.Namespace, language: str) -> int:
    found = ask(options, "log-level", "log-level", None if options.level is None else {
        "level": options.level, "for_s": _seconds(options.duration), "name": options.name or getpass.getuser()})
    seconds = round(found["left_s"])
    left = Text(f", for {seconds} s more", f"，{seconds} 秒后恢复") if seconds else Text("", "")
    print(Text("The gateway logs: {level}{left}", "网关日志级别：{level}{left}").format(
        level=found["level"], left=left)[language])
    return 0


def drill(options: argparse.Namespace, language: str) -> int:
    if options.act == "sheet":
        from gateway.vigil.sheet import markdown

        found = ask(options, "drill", "drill")["sheet"]
        if options.json:
            print(json.dumps(found, ensure_ascii=False, indent=1))
        elif found is None:
            print(Text("There was no drill.", "尚无演练记录。")[language])
        else:
            site = ask(options, "site", "site")
            print(markdown(Text(**site["name"]), found, language), end="")
        return 0
    if options.name is None:
        raise missing("--name", Text("who answers for it", "责任人姓名"))
    asked: dict[str, Any] = {"act": options.act, "name": options.name, "why": options.why or ""}
    if options.act == "begin":
        if not options.duration:
            raise missing("--for", Text("how long, at most", "演练时长"))
        asked |= {"signals": options.signals, "target_s": _seconds(options.target)}
    elif options.act == "inject":
        if len(options.signals) != 1:
            raise missing("SIGNAL", Text("which signal", "信号编号"))
        asked |= {"signal": options.signals[0]} | ({} if options.value is None else {"value": options.value})
    if options.duration:
        asked["for_s"] = _seconds(options.duration)
    going_on = ask(options, "drill", "drill", asked)["going_on"]
    print((Text("The drill is over. Result: davylamp drill sheet", "演练已结束。结果：davylamp drill sheet")
           if going_on is None else Text("Drill until {until}: {signals}", "演练至 {until}：{signals}").format(
        until=_time(going_on["until"]), signals=", ".join(going_on["signals"])))[language])
    return 0


def baseline(options: argparse.Namespace, language: str) -> int:
    from gateway.replay import learnt

    act = next((act for act in _ACTS if getattr(options, act)), None)
    if options.site is not None:
        if act is not None:
            raise CommandError(Text("only a running gateway takes this", "只有运行中的网关才能执行此操作"),
                               where=f"--{act}", fix=Text("leave the site file out, and start the gateway",
                                                          "请去掉站点文件参数，并启动网关"))
        found = learnt.of_file(options)
    elif act is None:
        found = ask(options, f"signals/{_quoted(options.signal)}/baseline", options.signal)
    else:
        for option, value, what in (("--name", options.name, Text("who does it", "操作人姓名")),
                                    ("--why", options.why, Text("why", "原因"))):
            if not value:
                raise missing(option, what)
        done = ask(options, f"signals/{_quoted(options.signal)}/baseline", options.signal,
                    {"act": act, "name": options.name, "why": options.why})
        found = done["baseline"]
        print(Text("{act} by {who}{unsaved}", "{act}，操作人：{who}{unsaved}").format(
            act=_ACTS[act], who=named(done["name"]), unsaved=_unsaved(done))[language])
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        for line in learnt.lines(found, language):
            print(line)
    return 0


def kpi(options: argparse.Namespace, language: str) -> int:
    """Of the running gateway; with a site file, or a stretch of time: of its journal."""
    from gateway.replay import kpi as figures

    if options.site is None and (options.start or options.to or options.data):
        options.site = installed.site()
        if options.site is None:
            raise CommandError(Text("--from, --to and --data need the site file",
                                    "--from、--to 和 --data 需要站点文件"),
                               where="davylamp kpi", fix=Text("davylamp kpi SITE.toml --from ... --to ...",
                                                              "davylamp kpi SITE.toml --from …… --to ……"))
    found = ask(options, "kpi", "kpi") if options.site is None else figures.of_file(options)
    print(json.dumps(found, ensure_ascii=False, indent=1) if options.json else "\n".join(
        figures.lines(found, language)))
    return 0


def route(options: argparse.Namespace, language: str) -> int:
    """By the running gateway, or by a site file."""
    from gateway.replay import route as routes

    asked = {"alarm": options.alarm} | ({"at": options.at} if options.at else {})
    found = (ask(options, f"route?{urllib.parse.urlencode(asked)}", options.alarm) if options.site is None
             else routes.of_file(options))
    print(json.dumps(found, ensure_ascii=False, indent=1) if options.json else "\n".join(
        routes.lines(found, language)))
    return 0


_ACTS = {"freeze": Text("frozen", "已冻结"), "thaw": Text("learns again", "已恢复学习"),
         "reset": Text("reset: learns anew", "已重置，重新学习")}


def _list_holds(options: argparse.Namespace, words: _Words, language: str) -> int:
    standing = ask(options, words.path, words.path)[words.many]
    if not standing:
        print(words.nothing[language])
    for one in standing:
        approved = Text(", approved by {who}", "，批准人：{who}").format(who=named(one["approved"]))
        print(Text("{target}  until {until}  by {who}{approved}: {why}",
                   "{target}  至 {until}  责任人：{who}{approved}；原因：{why}").format(
            target=one["target"], until=_time(one["until"]), who=named(one["who"]), why=one["why"],
            approved=approved if one["approved"] else Text("", ""))[language])
    return 0


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError:
        raise CommandError(Text(f"`{text}` is not a duration", f"`{text}` 不是时长"), where="--for",
                           fix=Text('write it as "30min" or "2h"', '请写成 "30min" 或 "2h"')) from None


def _unsaved(answer: dict[str, Any]) -> Text:
    return Text("", "") if answer["recorded"] else Text(" NOT SAVED YET: look again later.",
                                                        "（尚未保存，请稍后再查看）")


def _time(iso: str) -> str:
    return iso[:19].replace("T", " ")


def _quoted(part: str) -> str:
    return urllib.parse.quote(part, safe="")
