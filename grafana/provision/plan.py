"""What has to be done to a Grafana server, found by looking at it: nothing is changed here.

A dashboard that we wrote carries a mark in the message of its newest version, the hash of its content. Another message
there means that a person has saved it since: it is kept and reported, unless it is named in `overwrite`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.model.text import Text
from grafana.provision.server import Grafana

MARK = "davylamp "
RULE_MARK = "davylamp"  # label of a rule; its value is the hash


class Act(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    SAME = "same"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing and what becomes of it. why: the difference in words, or why it is kept. method, path, body: how."""

    act: Act
    kind: Text
    name: str
    why: Text = Text("", "")
    method: str = ""
    path: str = ""
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """source: a data source; None: that which exists stays as it is. email: for the contact point, if none is there."""

    folders: Mapping[str, str]  # title by uid
    dashboards: Mapping[str, Collection[dict]]  # by uid of the folder
    rules: tuple[dict, ...]
    rule_folder: str
    rule_group: str
    contact: dict
    timing: dict
    source: dict | None = None
    email: str = ""
    overwrite: frozenset[str] = frozenset()


DASHBOARD, FOLDER, SOURCE = Text("dashboard", "看板"), Text("folder", "文件夹"), Text("data source", "数据源")
RULE, CONTACT, TIMING = Text("alert rule", "告警规则"), Text("contact point", "联络点"), Text("mute timing", "静默时段")

_BY_HAND = Text(
    "somebody has saved it since (version {version}, by {who}: {message}): kept; --overwrite {uid} replaces it",
    "该看板已被人修改（版本 {version}，{who}：{message}），保留不动；如需覆盖请加 --overwrite {uid}",
)
_FROM_FILE = Text("Grafana has it from a file: change it there", "由 Grafana 服务器上的文件提供，请在文件中修改")
_OTHERS = Text(
    "was not made by this command, or was taken over by a person: kept", "并非由本命令创建或已被人接管，保留不动"
)
_THEIRS = Text("exists: its settings are yours, and stay", "已存在：其内容由你们维护，保持不变")


def digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


def plan(server: Grafana, wanted: Wanted) -> Iterator[Step]:
    """Every step, in the order in which they have to be done. Refused: the server does not let itself be looked at.

    Each step is found when it is asked for, so that what a step before it has made is there.
    """
    yield from _source(server, wanted)
    for uid, title in wanted.folders.items():
        found = server.ask(f"/folders/{uid}")
        yield (
            Step(Act.SAME, FOLDER, title)
            if found
            else Step(Act.CREATE, FOLDER, title, method="POST", path="/folders", body={"uid": uid, "title": title})
        )
    for folder, dashboards in wanted.dashboards.items():
        for dashboard in dashboards:
            yield _dashboard(server, folder, dashboard, dashboard["uid"] in wanted.overwrite)
    yield from _calls(server, wanted)
    for rule in wanted.rules:
        yield _rule(server, wanted, rule)


def _source(server: Grafana, wanted: Wanted) -> Iterator[Step]:
    found = server.ask("/datasources/uid/davylamp")
    if wanted.source is None:
        yield (
            Step(Act.SAME, SOURCE, "Davylamp")
            if found
            else Step(
                Act.KEEP,
                SOURCE,
                "Davylamp",
                Text("is not there: give --influx-url and --database", "不存在：请给出 --influx-url 和 --database"),
            )
        )
        return
    if found is None:
        yield Step(Act.CREATE, SOURCE, "Davylamp", method="POST", path="/datasources", body=wanted.source)
        return
    if found.get("readOnly"):
        yield Step(Act.KEEP, SOURCE, "Davylamp", _FROM_FILE)
        return
    changed = [key for key in ("url", "user", "type") if found.get(key, "") != wanted.source.get(key, "")]
    changed += [
        f"jsonData.{key}"
        for key, value in wanted.source["jsonData"].items()
        if found.get("jsonData", {}).get(key) != value
    ]
    if not changed and not wanted.source.get("secureJsonData"):
        yield Step(Act.SAME, SOURCE, "Davylamp")
        return  # a secret can not be compared: when one is given, it is written
    yield Step(
        Act.UPDATE, SOURCE, "Davylamp", Text.same(", ".join(changed)), "PUT", "/datasources/uid/davylamp", wanted.source
    )


def _dashboard(server: Grafana, folder: str, dashboard: dict, overwrite: bool) -> Step:
    uid, mark = dashboard["uid"], MARK + digest(dashboard)
    body = {"dashboard": {**dashboard, "id": None}, "folderUid": folder, "message": mark, "overwrite": overwrite}
    found = server.ask(f"/dashboards/uid/{uid}")
    if found is None:
        return Step(Act.CREATE, DASHBOARD, uid, method="POST", path="/dashboards/db", body=body)
    if found["meta"].get("provisioned"):
        return Step(Act.KEEP, DASHBOARD, uid, _FROM_FILE)
    version = found["dashboard"].get("version", 0)
    newest = _newest(server, uid)
    message = newest.get("message", "")
    if message == mark:
        return Step(Act.SAME, DASHBOARD, uid)
    if not message.startswith(MARK) and not overwrite:
        return Step(
            Act.KEEP,
            DASHBOARD,
            uid,
            _BY_HAND.format(version=version, who=newest.get("createdBy", "?"), message=message or "-", uid=uid),
        )
    body["dashboard"]["version"] = version  # 412 if somebody saves between our look and our act
    return Step(Act.UPDATE, DASHBOARD, uid, _difference(found["dashboard"], dashboard), "POST", "/dashboards/db", body)


def _newest(server: Grafana, uid: str) -> dict:
    """The newest version. Grafana 11 answers with a list, later ones with an object around it."""
    found = server.ask(f"/dashboards/uid/{uid}/versions") or []
    versions = found.get("versions", []) if isinstance(found, dict) else found
    return max(versions, key=lambda one: one["version"], default={})


def _difference(found: dict, wanted: dict) -> Text:
    """Which panels differ, by their titles."""
    old, new = ({panel.get("title", ""): panel for panel in board.get("panels", [])} for board in (found, wanted))
    changed = sorted(title for title in old.keys() & new.keys() if digest(old[title]) != digest(new[title]))
    parts = [
        (Text("new panels: {names}", "新增面板：{names}"), sorted(new.keys() - old.keys())),
        (Text("panels that go: {names}", "删除面板：{names}"), sorted(old.keys() - new.keys())),
        (Text("changed panels: {names}", "改动面板：{names}"), changed),
    ]
    told = [text.format(names=", ".join(names)) for text, names in parts if names]
    if not told:
        return Text("settings of the dashboard", "看板设置")
    return Text("; ".join(text.en for text in told), "；".join(text.zh for text in told))


def _calls(server: Grafana, wanted: Wanted) -> Iterator[Step]:
    """Contact point and mute timing: made where there are none. What people have put into them is theirs."""
    name = wanted.contact["name"]
    if server.ask(f"/v1/provisioning/contact-points?name={name}"):
        yield Step(Act.SAME, CONTACT, name, _THEIRS)
    elif wanted.email:
        yield Step(
            Act.CREATE,
            CONTACT,
            name,
            Text.same(wanted.email),
            "POST",
            "/v1/provisioning/contact-points",
            {**wanted.contact, "settings": {**wanted.contact["settings"], "addresses": wanted.email}},
        )
    else:
        yield Step(
            Act.KEEP,
            CONTACT,
            name,
            Text("is not there, and the rules need it: give --email", "不存在，而告警规则需要它：请给出 --email"),
        )
    timing = wanted.timing["name"]
    if server.ask(f"/v1/provisioning/mute-timings/{timing}"):
        yield Step(Act.SAME, TIMING, timing, _THEIRS)
    else:
        yield Step(Act.CREATE, TIMING, timing, method="POST", path="/v1/provisioning/mute-timings", body=wanted.timing)


def _rule(server: Grafana, wanted: Wanted, rule: dict) -> Step:
    mark = digest(rule)
    body = {
        **rule,
        "labels": {**rule["labels"], RULE_MARK: mark},
        "folderUID": wanted.rule_folder,
        "ruleGroup": wanted.rule_group,
        "orgID": 1,
    }
    uid = rule["uid"]
    found = server.ask(f"/v1/provisioning/alert-rules/{uid}")
    if found is None:
        return Step(Act.CREATE, RULE, uid, method="POST", path="/v1/provisioning/alert-rules", body=body)
    if found.get("provenance") == "file":
        return Step(Act.KEEP, RULE, uid, _FROM_FILE)
    if found.get("provenance") != "api":
        return Step(Act.KEEP, RULE, uid, _OTHERS)
    if found.get("labels", {}).get(RULE_MARK) == mark:
        return Step(Act.SAME, RULE, uid)
    return Step(
        Act.UPDATE,
        RULE,
        uid,
        Text("another version of the rule", "规则版本不同"),
        "PUT",
        f"/v1/provisioning/alert-rules/{uid}",
        body,
    )
