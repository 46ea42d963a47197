"""What the API says of the site file: every alarm it can raise, and what it relates with each other. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api.present import advised, number
from gateway.core.detectors.group import GroupState
from gateway.model.condition import Condition
from gateway.model.group import Group
from gateway.model.rules import ResponseTest, Rule, ShutdownVerification, Vote
from gateway.model.site import Site
from gateway.model.text import Text


def definitions(here: Site) -> dict:
    """Every alarm that this site can raise."""
    return {"alarms": [{
        "id": one.id, "name": one.name, "condition": one.condition, "origin": one.origin, "area": one.area,
        "group": one.group, "priority": one.priority, "risk": one.risk, "limit": one.limit, "unit": one.unit,
        "decimals": one.decimals, "latch": one.latch, **advised(one.guidance)} for one in here.alarms]}


def rules(here: Site, groups: Sequence[GroupState]) -> dict:
    """What the site file relates with each other: rules as tests (the page judges them on what it shows), groups with
    where their members stand, calculated signals."""
    states = {state.id: state for state in groups}
    return {
        "rules": [_rule(here, rule) for rule in here.rules],
        "groups": [_group(here, group, states[group.id]) for group in here.groups],
        "derived": [{"signal": signal.id, "expression": signal.derived.text, "inputs": [*signal.derived.inputs]}
                    for signal in here.signals if signal.derived],
    }


def _rule(here: Site, rule: Rule) -> dict:
    answer = None
    match rule:
        case ShutdownVerification():
            kind, parts = "shutdown", [("command", (rule.command,), 1), ("feedback", rule.feedback, len(rule.feedback)),
                                       ("effect", rule.effect, len(rule.effect))]
        case Vote():
            kind, parts = "vote", [("members", rule.members, rule.m)]
        case ResponseTest():  # the response itself is a motion, not a test on what is shown
            kind, parts = "response", [("stimulus", (rule.stimulus,), 1)]
            answer = Text("{response} within {s:g} s", "{s:g} 秒内变化 {response}").format(
                response=rule.response, s=rule.within_s)
        case _:
            kind = "interlock"
            parts = [(name, side.tests, len(side.tests) if side.every else 1)
                     for name, side in (("when", rule.when), ("requires", rule.requires))]
    alarms = [rule.id, *([f"{rule.id}/{Condition.DEGRADED}"] if kind == "vote" else ())]
    return {"id": rule.id, "name": rule.name, "area": rule.area, "kind": kind, "priority": rule.priority,
            "risk": rule.risk, **advised(here.alarms[here.alarms.index(rule.id)].guidance), "alarms": alarms,
            "answer": answer, "parts": [
                {"part": name, "needed": needed, "tests": [
                    {"text": str(test), "signal": test.signal, "op": test.op, "value": test.value} for test in tests]}
                for name, tests, needed in parts if tests]}


def _group(here: Site, group: Group, state: GroupState) -> dict:
    return {"id": group.id, "name": group.name, "area": group.area, "priority": group.priority, "risk": group.risk,
            "alarm": f"{group.id}/{Condition.GROUP}", "every_s": group.every_s, "learn_s": group.learn_s,
            "progress": round(state.progress, 3), "members": [
                {"signal": member.signal, "usual": number(member.usual), "now": number(member.now),
                 "size": number(member.size), "there": member.there} for member in state.members]}
