"""Are the limits of a signal possible, in order, and no laxer than the ceilings of its kind?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from gateway.config.build import SignalPlan
from gateway.config.document import Spot
from gateway.config.draft import Kind, Written
from gateway.config.kinds import HIGH_SIDE, CatalogueKind
from gateway.config.limit_sections import NO_LIMIT, NO_LIMITS, LimitSection
from gateway.model.errors import Problem
from gateway.model.text import Text

ORDER = ("LL", "L", "H", "HH")
At = Callable[[str, str], Spot]  # condition, key -> where it was said


def ceiling(name: str, kind: CatalogueKind, condition: str, value: float, spot: Spot) -> Iterator[Problem]:
    """A set point may be stricter than the ceiling of its kind, never laxer."""
    bound = kind.ceilings.get(condition)
    if bound is not None and bound.refuses(condition, value):
        most = Text("at most", "不高于") if condition in HIGH_SIDE else Text("at least", "不低于")
        yield spot.problem(
            Text("{condition} = {value:g} {unit} is laxer than the ceiling of {name}: {most} {bound:g} {unit}",
                 "{condition} = {value:g} {unit} 宽于{kind}允许的界限：应{most} {bound:g} {unit}").format(
                condition=condition, value=value, unit=kind.unit, name=name, kind=kind.name, most=most,
                bound=bound.value),
            Text("write {bound:g} or a stricter value (the ceiling is from: {source})",
                 "填写 {bound:g} 或更严格的值（界限依据：{source}）").format(bound=bound.value, source=bound.source))


def limit_spots(plan: SignalPlan, written: Written, kind: Kind) -> At:
    """Where a limit was said: with the signal or with its kind."""
    own = _own(plan)

    def at(condition: str, key: str) -> Spot:
        mine = condition in own and own[condition] is not NO_LIMIT
        return (written if mine or kind.written is None else kind.written).spot(("limits", condition, key))

    return at


def _own(plan: SignalPlan) -> Mapping[str, LimitSection]:
    limits = plan.section.limits
    return limits.given() if limits is not None and limits is not NO_LIMITS else {}


def limit_problems(plan: SignalPlan, written: Written, kind: Kind) -> Iterator[Problem]:
    """All findings on the limits of one signal, told where the limit was said."""
    own, at = _own(plan), limit_spots(plan, written, kind)
    values = {condition: plan.limits[condition].value for condition in ORDER if condition in plan.limits}
    values = {condition: value for condition, value in values.items() if value is not None}
    for condition, value in values.items():
        if condition in own and own[condition].value is not None:
            yield from ceiling(plan.section.kind, plan.kind, condition, value, at(condition, "value"))
    if written.whole and (kind.written is None or kind.written.whole):
        yield from _incomplete(plan, at)
    yield from _out_of_order(plan, values, at)
    yield from _out_of_range(plan, values, at)
    yield from _deadbands(plan, values, at)
    yield from _delays(plan, written, at)
    yield from _trend(plan, written, kind)


def _incomplete(plan: SignalPlan, at: At) -> Iterator[Problem]:
    for condition, limit in plan.limits.items():
        if limit.value is None:
            yield at(condition, "value").problem(
                _of(plan, "{condition} has no set point", "{condition} 没有限值", condition=condition),
                Text("add value, here or with the kind", "补上 value，写在此处或写在种类中"))
        if limit.deadband is not None and limit.deadband.percent and plan.span is None:
            yield at(condition, "deadband").problem(
                _of(plan, "a dead band in per cent needs a measuring range", "以百分数表示的回差需要量程"),
                Text("add low and high to the signal, or write the dead band as a number",
                     "为信号补上 low 和 high，或用数值填写回差"))


def _out_of_order(plan: SignalPlan, values: Mapping[str, float], at: At) -> Iterator[Problem]:
    for lower, upper in pairwise(values):
        opposite = (lower in HIGH_SIDE) != (upper in HIGH_SIDE)
        if values[lower] > values[upper] or (opposite and values[lower] == values[upper]):
            yield at(upper, "value").problem(
                _of(plan, "limits in wrong order: {lower} = {low:g}, {upper} = {high:g}",
                    "限值顺序错误：{lower} = {low:g}，{upper} = {high:g}",
                    lower=lower, low=values[lower], upper=upper, high=values[upper]),
                Text("the order is LL <= L < H <= HH", "顺序应为 LL <= L < H <= HH"))


def _out_of_range(plan: SignalPlan, values: Mapping[str, float], at: At) -> Iterator[Problem]:
    low, high = plan.section.low, plan.section.high
    for condition, value in values.items():
        if (low is not None and value < low) or (high is not None and value > high):
            ends = f"{'' if low is None else f'{low:g}'} .. {'' if high is None else f'{high:g}'} {plan.unit}".strip()
            yield at(condition, "value").problem(
                _of(plan, "{condition} = {value:g} is outside the measuring range {ends}: it would never be seen",
                    "{condition} = {value:g} 超出量程 {ends}，永远不会触发",
                    condition=condition, value=value, ends=ends),
                Text("correct the limit, or low and high", "更正限值，或更正 low 和 high"))


def _deadbands(plan: SignalPlan, values: Mapping[str, float], at: At) -> Iterator[Problem]:
    """A limit must be able to end inside the range, and before the value is at the next limit on its way back."""
    low, high = plan.section.low, plan.section.high
    order = list(values)
    for place, condition in enumerate(order):
        width = plan.deadband(plan.limits[condition]) or 0.0
        falling = condition in HIGH_SIDE
        back = values[condition] - width if falling else values[condition] + width
        if (low is not None and falling and back < low) or (high is not None and not falling and back > high):
            yield at(condition, "deadband").problem(
                _of(plan,
                    "{condition} can never end: with a dead band of {width:g} the value would have to come back to "
                    "{back:g}, outside the measuring range",
                    "{condition} 永远无法恢复：回差为 {width:g} 时，数值须回到 {back:g}，已超出量程",
                    condition=condition, width=width, back=back),
                Text("make deadband smaller", "减小 deadband"))
            continue
        next_on_the_way = place - 1 if falling else place + 1
        if not 0 <= next_on_the_way < len(order):
            continue
        neighbour = order[next_on_the_way]
        distance = abs(values[condition] - values[neighbour])
        if 0 < distance < width:
            yield at(condition, "deadband").problem(
                _of(plan,
                    "dead band of {condition} ({width:g}) is larger than the distance to {neighbour} ({distance:g})",
                    "{condition} 的回差（{width:g}）大于与 {neighbour} 的间距（{distance:g}）",
                    condition=condition, width=width, neighbour=neighbour, distance=distance),
                Text("make deadband smaller, or move the limits apart", "减小 deadband，或拉开限值间距"), "warning")


def _delays(plan: SignalPlan, written: Written, at: At) -> Iterator[Problem]:
    late = {condition: plan.on_delay_s(limit) for condition, limit in plan.limits.items()
            if plan.deadman_s is not None and plan.on_delay_s(limit) > plan.deadman_s}
    own = [condition for condition in late if plan.limits[condition].on_delay is not None]
    by_default = [condition for condition in late if condition not in own]
    for conditions, spot in (*(((condition,), at(condition, "on_delay")) for condition in own),
                             (by_default, written.spot(("deadman",)))):
        if conditions:
            yield spot.problem(
                _of(plan, "on-delay of {conditions} ({delay:g} s) is longer than the deadman ({deadman:g} s)",
                    "{conditions} 的触发延时（{delay:g} s）长于数据中断时限（{deadman:g} s）",
                    conditions=", ".join(conditions), delay=late[conditions[0]], deadman=plan.deadman_s),
                Text("shorten on_delay, or lengthen deadman", "缩短 on_delay，或延长 deadman"), "warning")


def trend_spot(plan: SignalPlan, written: Written, kind: Kind, key: str) -> Spot:
    own = plan.section.trend is not None or kind.written is None
    return (written if own else kind.written).spot(("trend", key))  # type: ignore[union-attr]


def _trend(plan: SignalPlan, written: Written, kind: Kind) -> Iterator[Problem]:
    """A trend leads to a limit that is there. Told where the trend was said."""
    if plan.trend is None or plan.trend.to in plan.limits or not written.whole:
        return
    if kind.written is not None and not kind.written.whole:
        return
    yield trend_spot(plan, written, kind, "to").problem(
        _of(plan, "trend to {to}, but there is no limit {to}", "trend 指向 {to}，但没有设置限值 {to}",
            to=plan.trend.to),
        Text('set the limit, or write another one in `to`, or trend = "none" with the signal',
             '设置该限值，或在 to 中改写其他限值，或在信号中写 trend = "none"'))


def _of(plan: SignalPlan, english: str, chinese: str, **values: object) -> Text:
    return Text("{signal}: " + english, "{signal}：" + chinese).format(signal=plan.section.id, **values)
