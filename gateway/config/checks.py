"""Cross-checks: what no single table can know. Each check yields problems; none of them changes anything."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.config.annunciator_checks import annunciator_problems
from gateway.config.build import SignalPlan
from gateway.config.derived_checks import bound, derived_problems
from gateway.config.document import Spot
from gateway.config.draft import Draft, Kind, Written
from gateway.config.fault_checks import fault_problems, fault_timing
from gateway.config.kinds import CatalogueKind, catalogue
from gateway.config.limit_checks import ceiling, limit_problems, trend_spot
from gateway.config.limit_sections import NO_LIMITS, LimitsSection, RateSection
from gateway.config.load_checks import share_problems
from gateway.config.people_checks import people_problems
from gateway.config.relation_checks import relation_problems
from gateway.config.rules import rule_problems
from gateway.config.status_checks import status_problems, status_timing
from gateway.config.store_checks import store_problems
from gateway.config.values import did_you_mean
from gateway.model.alarm import Priority
from gateway.model.errors import Problem
from gateway.model.text import Text

WARNING = "warning"
POINTS_OF_A_TREND = 12  # see gateway.core.detectors.trend


def check(draft: Draft, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    """Everything there is to say about the tables that are valid. `plans`: the signals whose kind is known."""
    for name, kind in draft.kinds.items():
        if kind.written is not None:
            yield from _kind(name, kind.kind, kind.written)
    for signal in draft.signals.values():
        yield from _references(draft, signal)
    for id, plan in plans.items():
        yield from _signal(plan, draft.signals[id], draft.kinds[plan.section.kind])
        yield from status_problems(plan, draft, plans)
        yield from relation_problems(plan, draft, plans)
        yield from people_problems(plan, draft, plans)
    yield from derived_problems(draft, plans)
    for group in draft.groups.values():
        yield from _group(draft, group)
    yield from share_problems(draft, plans)
    for rule in draft.rules.values():
        if rule.section.area is not None:
            yield from _area(draft, rule.section.area, rule)
        yield from rule_problems(draft, rule, plans)
    yield from annunciator_problems(draft)
    bindings = list(_bindings(draft))
    yield from bindings
    told = {_spot(problem) for problem in bindings}  # a plugin may see the same
    yield from (problem for problem in _plugin_findings(draft) if _spot(problem) not in told)
    yield from _oncall(draft)
    yield from _readers(draft)
    yield from _fallbacks(draft)
    yield from _timing(draft, plans)
    yield from _uncovered(draft, plans)
    yield from store_problems(draft)


def _spot(problem: Problem) -> Spot:
    return Spot(problem.file, problem.place, problem.key)


def _kind(name: str, kind: CatalogueKind, written: Written) -> Iterator[Problem]:
    """What a site may say of a kind of the catalogue is bounded by the catalogue."""
    shipped = catalogue().get(name)
    if shipped is not None:
        if kind.gas != shipped.gas:
            yield written.spot(("gas",)).problem(
                Text(f'whether "{name}" is a gas detector is fixed', f'"{name}" 是否为气体探测器是固定的'),
                Text("remove the key, or add a kind of your own", "删除该键，或新增自己的种类"))
        if shipped.ceilings and kind.unit != shipped.unit:
            yield written.spot(("unit",)).problem(*_fixed_unit(name, shipped))
    if kind.gas:
        yield from _gas_watch(written)
    for condition, limit in (kind.limits.given() if kind.limits is not None else {}).items():
        if limit.value is not None:
            yield from ceiling(name, kind, condition, limit.value, written.spot(("limits", condition, "value")))


def _gas_watch(written: Written) -> Iterator[Problem]:
    """Loss of a gas detector is announced, and is at least P2."""
    if (priority := written.section.fault_priority) is not None and priority > Priority.P2:
        yield written.spot(("fault_priority",)).problem(
            Text(f"{priority.name} is too low for the loss of a gas detector",
                 f"对气体探测器失效而言，{priority.name} 优先级过低"),
            Text('write "P2" or "P1", or leave it out', '填写 "P2" 或 "P1"，或删除该键'))
    if written.section.deadman == math.inf:
        yield written.spot(("deadman",)).problem(
            Text("a gas detector must be watched", "气体探测器必须监视数据中断"),
            Text('write a duration such as "5s", or leave it out', '填写时长，例如 "5s"，或删除该键'))


def _fixed_unit(name: str, shipped: CatalogueKind) -> tuple[Text, Text]:
    return (Text(f'the unit of "{name}" is {shipped.unit}: its ceilings are in this unit',
                 f'"{name}" 的单位是 {shipped.unit}：其上限以该单位规定'),
            Text("scale the value in the source, or use another kind", "在数据源中换算数值，或改用其他种类"))


def _references(draft: Draft, signal: Written) -> Iterator[Problem]:
    section = signal.section
    if section.kind not in draft.named["kinds"]:
        hint = did_you_mean(section.kind, draft.kinds)
        yield signal.spot(("kind",)).problem(
            Text(f'unknown kind "{section.kind}"{hint.en}', f'未知的种类 "{section.kind}"{hint.zh}'),
            Text("choose one of the catalogue, or add it under [kinds]", "从种类目录中选择，或在 [kinds] 下新增"))
    yield from _area(draft, section.area, signal)


def _area(draft: Draft, area: str | None, written: Written) -> Iterator[Problem]:
    spot = written.spot
    known = draft.named["areas"]
    if area is None:
        if len(known) > 1 and written.whole:
            yield spot(("area",)).problem(Text("required key is missing: the site has several areas",
                                               "缺少必填的键：站点有多个区域"),
                                          Text("add area = with one of: " + ", ".join(known),
                                               "补上 area = ，可填写：" + "、".join(known)))
    elif area not in known and not (area == "site" and not known):
        hint = did_you_mean(area, known)
        yield spot(("area",)).problem(Text(f'unknown area "{area}"{hint.en}', f'未知的区域 "{area}"{hint.zh}'),
                                      Text("correct it, or add it under [[areas]]", "更正，或在 [[areas]] 下新增"))


def _signal(plan: SignalPlan, written: Written, kind: Kind) -> Iterator[Problem]:
    section, spot = plan.section, written.spot
    shipped = catalogue().get(section.kind)
    if shipped is not None and shipped.ceilings and section.unit is not None and section.unit != shipped.unit:
        yield spot(("unit",)).problem(*_fixed_unit(section.kind, shipped))
    if plan.kind.gas:
        yield from _gas_watch(written)
    if section.low is not None and section.high is not None and section.low >= section.high:
        yield spot(("low",)).problem(Text(f"low = {section.low:g} is not below high = {section.high:g}",
                                          f"low = {section.low:g} 不低于 high = {section.high:g}"),
                                     Text("exchange or correct them", "对调或更正"))
        return
    if section.loop_ma and plan.span is None and written.whole:
        yield spot(("loop_ma",)).problem(Text("a 4-20 mA loop needs a measuring range", "4-20 mA 回路需要量程"),
                                         Text("add low and high: what 4 mA and 20 mA mean",
                                              "补上 low 和 high：4 mA 和 20 mA 对应的值"))
    yield from limit_problems(plan, written, kind)
    yield from fault_problems(plan, written, kind)


def _group(draft: Draft, group: Written) -> Iterator[Problem]:
    if group.section.area is not None:
        yield from _area(draft, group.section.area, group)
    if group.section.id in draft.named["signals"]:
        yield group.spot(("id",)).problem(
            Text(f'"{group.section.id}" is the id of a signal', f'"{group.section.id}" 已用作信号标识'),
            Text("give the group another id", "为该组改用其他标识"))
    for number, id in enumerate(group.section.signals):
        if id not in draft.named["signals"]:
            yield group.spot(("signals", number)).problem(*draft.unknown_signal(id))


def _bindings(draft: Draft) -> Iterator[Problem]:
    """Every signal is read by one point and one only."""
    first: dict[str, Spot] = {}
    for source in draft.sources.values():
        for signal, location in source.section.bindings():
            spot = source.spot(location)
            if signal not in draft.named["signals"]:
                yield spot.problem(*draft.unknown_signal(signal))
            elif signal in draft.signals and draft.signals[signal].section.calculated:
                yield bound(spot, signal)
            if signal in first:
                where = first[signal].seen_from(spot)
                yield spot.problem(Text(f'signal "{signal}" is bound twice; first in {where.en}',
                                        f'信号 "{signal}" 绑定了两次；首次在 {where.zh}'),
                                   Text("one signal has one source: delete one, or use another signal id",
                                        "一个信号只能有一个来源：删除一个，或改用其他信号标识"))
            first.setdefault(signal, spot)
    if draft.bound_all:
        for id, signal in draft.signals.items():
            if id not in first and signal.whole and not signal.section.calculated:
                yield signal.spot(("id",)).problem(
                    Text(f'no source gives signal "{id}"', f'没有数据源提供信号 "{id}"'),
                    Text("bind it to a point or topic, or delete it", "绑定到点或主题，或删除该信号"), WARNING)


def _plugin_findings(draft: Draft) -> Iterator[Problem]:
    for source in filter(lambda source: source.whole, draft.sources.values()):
        for location, what, fix, severity in source.section.findings():
            yield source.spot(location).problem(what, fix, severity)


def _fallbacks(draft: Draft) -> Iterator[Problem]:
    """The other way out of a notifier is there, and is another one."""
    for written in draft.notifiers.values():
        id, other = written.section.id, getattr(written.section, "fallback", None)
        if other == id:
            yield written.spot(("fallback",)).problem(
                Text(f"{id} falls back to itself", f"{id} 的备用渠道是它自己"),
                Text("name another notifier, or remove fallback", "改填其他通知渠道，或删除 fallback"))
        elif other is not None and other not in draft.named["notifiers"]:
            yield written.spot(("fallback",)).problem(
                Text('unknown notifier "{name}"{hint}', '未知的通知渠道 "{name}"{hint}').format(
                    name=other, hint=did_you_mean(other, draft.named["notifiers"])),
                Text("correct it, or add it", "更正，或新增"))


def _oncall(draft: Draft) -> Iterator[Problem]:
    """Every name in `[oncall]` is known; and what it finds in itself."""
    if draft.oncall is None or draft.site is None:
        return
    people, rosters = ([one.id for one in getattr(draft.oncall, table)] for table in ("people", "rosters"))
    known = {"people": people, "targets": [*people, *rosters], "notifiers": draft.named["notifiers"],
             "areas": draft.named["areas"]}
    for location, kind, name in draft.oncall.references():
        if name not in known[kind]:
            hint, what = did_you_mean(name, known[kind]), _ONCALL[kind]
            yield draft.document.spot(("oncall", *location)).problem(
                Text('unknown {what} "{name}"{hint}', '未知的{what} "{name}"{hint}').format(
                    what=what, name=name, hint=hint), Text("correct it, or add it", "更正，或新增"))
    yield from _addresses(draft)
    for location, what, fix, severity in draft.oncall.findings(ZoneInfo(draft.site.timezone), datetime.now(UTC)):
        yield draft.document.spot(("oncall", *location)).problem(what, fix, severity)


def _addresses(draft: Draft) -> Iterator[Problem]:
    """Each personal address is one that its notifier understands: at night it would be too late to find out."""
    for place, person in enumerate(draft.oncall.people):
        for channel, address in person.contacts.items():
            notifier = draft.notifiers.get(channel)
            wrong = notifier.section.wrong_address(address) if address and notifier is not None else None
            if wrong is not None:
                yield draft.document.spot(("oncall", "people", place, "contacts", channel)).problem(
                    wrong, Text("correct the person's address", "修正该人员的地址"))


def _readers(draft: Draft) -> Iterator[Problem]:
    """A notifier has somebody for what is not for one person."""
    for notifier in draft.notifiers.values():
        if getattr(notifier.section, "to", None) == ():
            yield notifier.spot(("to",)).problem(
                Text("reaches nobody by itself: what no policy covers would not be told through it",
                     "自身没有收件人：通知策略未覆盖的告警无法经此渠道送达"),
                Text("give the addresses of those who read everything", "请填写接收全部告警的地址"), WARNING)


_ONCALL = {"people": Text("person", "人员"), "targets": Text("person or roster", "人员或值班表"),
           "notifiers": Text("notifier", "通知渠道"), "areas": Text("area", "区域")}


def _timing(draft: Draft, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    """A source must speak often enough for what is judged on it."""
    for source in draft.sources.values():
        for id, period in source.section.periods().items():
            if id in plans:
                yield from _signal_timing(plans[id], draft.signals[id], draft.kinds[plans[id].section.kind], period)
                yield from status_timing(plans[id], draft, plans, period)
                yield from fault_timing(plans[id], draft.signals[id], draft.kinds[plans[id].section.kind], period)
                yield from _group_timing(id, draft, period)


def _signal_timing(plan: SignalPlan, written: Written, kind: Kind, period: float) -> Iterator[Problem]:
    if plan.deadman_s is not None and plan.deadman_s < 2 * period:
        yield written.spot(("deadman",)).problem(
            Text("{id}: deadman ({deadman:g} s) is shorter than two periods of its source ({period:g} s): "
                 "one lost answer raises an alarm",
                 "{id}：数据中断时限（{deadman:g} s）短于数据源的两个周期（周期 {period:g} s），丢一次应答就会告警"
                 ).format(id=plan.section.id, deadman=plan.deadman_s, period=period),
            Text("lengthen deadman, or shorten the period", "延长 deadman，或缩短周期"), WARNING)
    for condition, limit in plan.limits.items():
        if isinstance(limit, RateSection) and limit.window < 2 * period:
            yield written.spot(("limits", condition, "window")).problem(
                Text("{id}: window of {condition} ({window:g} s) is shorter than two periods of its source "
                     "({period:g} s): there is no rate to take",
                     "{id}：{condition} 的时间窗（{window:g} s）短于数据源两个周期（周期 {period:g} s），无法计算"
                     ).format(id=plan.section.id, condition=condition, window=limit.window, period=period),
                Text("lengthen window", "延长 window"), WARNING)
    if plan.trend is not None and plan.trend.window < POINTS_OF_A_TREND * period:
        yield trend_spot(plan, written, kind, "window").problem(
            Text("{id}: window of trend ({window:g} s) is shorter than {points} periods of its source ({period:g} s)",
                 "{id}：trend 的时间窗（{window:g} s）短于数据源 {points} 个周期（周期 {period:g} s）").format(
                id=plan.section.id, window=plan.trend.window, points=POINTS_OF_A_TREND, period=period),
            Text("lengthen window to at least {least:g} s", "将 window 延长到至少 {least:g} s").format(
                least=POINTS_OF_A_TREND * period), WARNING)


def _group_timing(id: str, draft: Draft, period: float) -> Iterator[Problem]:
    """A span in which a member has no sample is not learnt."""
    for group in draft.groups.values():
        if id in group.section.signals and group.section.every < period:
            yield group.spot(("every",)).problem(
                Text("{id} comes every {period:g} s: many means over {every:g} s would lack it, and nothing is learnt "
                     "from those",
                     "{id} 每 {period:g} s 更新一次：许多 {every:g} s 均值会缺少该信号，不能用于学习").format(
                    id=id, period=period, every=group.section.every),
                Text("lengthen every to at least {period:g} s", "将 every 延长到至少 {period:g} s").format(
                    period=period), WARNING)


def _uncovered(draft: Draft, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    """One list each, not one line for each signal."""
    site = Spot(draft.document.file, "signals", "")
    for signals, what, fix in (
        ([id for id, plan in plans.items() if not plan.limits and (plan.kind.gas or _says_nothing(plan))],
         Text("no limit is set on {count} signal(s): {signals}", "{count} 个信号没有设置限值：{signals}"),
         Text('set limits, or write limits = "none" with the signal or its kind',
              '设置限值，或在信号或其种类中写 limits = "none"')),
        ([f"{id} ({', '.join(missing)})" for id,
          plan in plans.items() if plan.limits and (missing := _missing_levels(plan))],
         Text("{count} signal(s) lack a level that their kind has: {signals}",
              "{count} 个信号缺少其种类应有的报警级别：{signals}"),
         Text("set it, or check that the certified system alone is meant to alarm there",
              "设置该级别，或确认只由认证系统报警")),
        ([id for id, plan in plans.items() if plan.section.deadman is None and plan.kind.deadman is None],
         Text("{count} signal(s) have no deadman: {signals}", "{count} 个信号没有数据中断时限：{signals}"),
         Text('set deadman, or write deadman = "none" with the signal or its kind',
              '设置 deadman，或在信号或其种类中写 deadman = "none"')),
        ([id for id, plan in plans.items() if plan.kind.gas and plan.status_values and not plan.section.status_signal],
         Text("{count} gas detector(s) have no status_signal though their kind says what a status means: {signals}",
              "{count} 个气体探测器没有 status_signal，而其种类给出了状态值含义：{signals}"),
         Text('set status_signal, or write status_signal = "none" with the signal',
              '设置 status_signal，或在信号中写 status_signal = "none"')),
    ):
        if signals:
            yield site.problem(what.format(count=len(signals), signals=", ".join(signals)), fix, WARNING)


def _says_nothing(plan: SignalPlan) -> bool:
    """Neither the signal nor its kind says that it is meant to be without limits."""
    said: Iterable[LimitsSection | None] = (plan.section.limits, plan.kind.limits)
    return next((limits is not NO_LIMITS for limits in said if limits is not None), True)


def _missing_levels(plan: SignalPlan) -> list[str]:
    return [condition for condition in plan.kind.ceilings if condition not in plan.limits]


def duplicates(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The same finding on a kind, met again with each of its signals, is one finding."""
    return tuple(dict.fromkeys(problems))
