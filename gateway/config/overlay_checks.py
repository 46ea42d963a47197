"""Do suppressions name what is there, and only what may be suppressed? The ids of alarms are known of a site that is
otherwise whole; of any other, at least what they are about."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gateway.config.document import Spot
from gateway.config.draft import Draft, Written
from gateway.config.values import did_you_mean
from gateway.model.alarm import AlarmDefinition
from gateway.model.errors import Problem
from gateway.model.site import Site
from gateway.model.text import Text


def suppression_problems(draft: Draft, site: Site) -> Iterator[Problem]:
    for written in draft.suppressions.values():
        test = written.section.test
        if test is not None:
            yield from _tested(draft, written, site)
        for number, target in enumerate(written.section.alarms):
            yield from _target(written.spot(("alarms", number)), target, site)


def named_problems(draft: Draft) -> Iterator[Problem]:
    """Of a file with errors elsewhere: targets that can not be an alarm of anything that is named in it."""
    known = {"gateway", "site", *(name for table in draft.named.values() for name in table)}
    known |= {f"{source}/{device}" for source, written in draft.sources.items() for device in written.section.wired()}
    for written in draft.suppressions.values():
        for number, target in enumerate(written.section.alarms):
            parts = target.split("/")
            if not known & {"/".join(parts[:length]) for length in range(1, len(parts) + 1)}:
                yield written.spot(("alarms", number)).problem(*_unknown(target, known))
        if (test := written.section.test) is not None and test.signal not in draft.named["signals"]:
            yield written.spot(("while",)).problem(*draft.unknown_signal(test.signal))


def _tested(draft: Draft, written: Written, site: Site) -> Iterator[Problem]:
    test = written.section.test
    if test.signal not in site.signals:
        yield written.spot(("while",)).problem(*draft.unknown_signal(test.signal))
    elif site.signal(test.signal).deadman_s is None:
        yield written.spot(("while",)).problem(
            Text(f"{test.signal} has no deadman: its state is believed for 60 s only",
                 f"{test.signal} 没有数据中断时限：其状态只采信 60 秒"),
            Text("set deadman for this signal", "为该信号设置 deadman"), "warning")


def _target(spot: Spot, target: str, site: Site) -> Iterator[Problem]:
    found = targeted(site, target)
    if not found:
        yield spot.problem(*unknown_target(site, target))
    elif not any(site.may_be_suppressed(alarm) for alarm in found):
        yield spot.problem(
            Text(f"{target} is never suppressed: P1, a limit of a gas detector, a blind gas zone and the gateway's own "
                 "alarms always call",
                 f"{target} 不允许抑制：P1 告警、气体探测器限值、气体检测失效和网关自身告警必须通知人员"),
            Text("remove it; a person may bypass it for a short time", "删除；如有需要可由人员短时旁路"))


def targeted(site: Site, target: str) -> list[AlarmDefinition]:
    """The alarms that are meant: one by its id, or all of a signal, rule, group or device."""
    return [alarm for alarm in site.alarms if target in (alarm.id, alarm.origin)]


def unknown_target(site: Site, target: str) -> tuple[Text, Text]:
    """What and fix where an alarm, signal or rule is named that is not there."""
    return _unknown(target, {name for alarm in site.alarms for name in (alarm.id, alarm.origin)})


def _unknown(target: str, known: Collection[str]) -> tuple[Text, Text]:
    hint = did_you_mean(target, known)
    return (Text(f'no alarm, signal or rule "{target}"{hint.en}', f'没有告警、信号或规则 "{target}"{hint.zh}'),
            Text("take the id of an alarm (`GD-01/H`), of a signal or of a rule",
                 "填写告警编号（如 `GD-01/H`）、信号编号或规则编号"))
