"""Are the signals there that a limit is compared with, or gated by, and fit for it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from gateway.config.build import SignalPlan
from gateway.config.document import Spot
from gateway.config.draft import Draft
from gateway.config.limit_checks import limit_spots
from gateway.config.limit_sections import DeviationSection
from gateway.model.errors import Problem
from gateway.model.rules import Test
from gateway.model.text import Text


def relation_problems(plan: SignalPlan, draft: Draft, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    """All findings on what the limits of one signal refer to."""
    written, kind = draft.signals[plan.section.id], draft.kinds[plan.section.kind]
    at = limit_spots(plan, written, kind)
    for condition, limit in plan.limits.items():
        if limit.only_while is not None:
            yield from _gate(plan, condition, limit.only_while, at(condition, "only_while"), draft, plans)
        if isinstance(limit, DeviationSection):
            spot = at(condition, "from")
            if limit.reference is not None:
                yield from _peers(plan, condition, limit.reference.signals, spot, draft, plans)
            elif written.whole and (kind.written is None or kind.written.whole):
                yield spot.problem(
                    Text(f"{plan.section.id}: {condition} has nothing to compare with",
                         f"{plan.section.id}：{condition} 没有比较对象"),
                    Text('add from = with a number, a signal such as "T-2", or several such as ["T-2", "T-3"]',
                         '补上 from = ，填写数字、信号（例如 "T-2"）或多个信号（例如 ["T-2", "T-3"]）'))


def _gate(plan: SignalPlan, condition: str, test: Test, spot: Spot, draft: Draft,
          plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    id, by = plan.section.id, test.signal
    if plan.kind.gas:
        yield spot.problem(Text(f"{id}: {condition} of a gas detector can not be held back by another signal",
                                f"{id}：气体探测器的 {condition} 不得由其他信号屏蔽"),
                           Text("remove only_while; an instrument out of service says so in its status_signal",
                                "删除 only_while；仪表退出工作应由其 status_signal 表明"))
    if by not in draft.named["signals"]:
        yield spot.problem(*draft.unknown_signal(by))
    elif by in plans and plans[by].deadman_s is None:
        yield spot.problem(
            Text(f"{id}: {condition} is held back by {by}, which has no deadman: its last word would hold for ever",
                 f"{id}：{condition} 由 {by} 屏蔽，而 {by} 没有数据中断时限：其最后数值会一直起作用"),
            Text(f"set deadman for {by}", f"为 {by} 设置 deadman"))


def _peers(plan: SignalPlan, condition: str, peers: tuple[str, ...], spot: Spot, draft: Draft,
           plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    id = plan.section.id
    if id in peers:
        yield spot.problem(Text(f"{id}: {condition} compares the signal with itself",
                                f"{id}：{condition} 将信号与其自身比较"),
                           Text("name another signal, or delete it from the list", "改填其他信号，或从列表中删除"))
    if twice := [peer for peer, count in Counter(peers).items() if count > 1]:
        yield spot.problem(Text(f"{id}: {condition} names {twice[0]} twice: it would count double in the median",
                                f"{id}：{condition} 重复列出 {twice[0]}，它在中位数中会计算两次"),
                           Text("delete one of them", "删除其中一个"))
    for peer in dict.fromkeys(peers):
        if peer not in draft.named["signals"]:
            yield spot.problem(*draft.unknown_signal(peer))
        elif peer in plans and peer != id:
            if plans[peer].unit != plan.unit:
                yield spot.problem(
                    Text("{id}: {condition} compares {own} with {other} ({peer})",
                         "{id}：{condition} 将 {own} 与 {other}（{peer}）比较").format(
                        id=id, condition=condition, own=_unit(plan), other=_unit(plans[peer]), peer=peer),
                    Text("compare quantities of one unit", "请比较相同单位的量"), "warning")
            if plans[peer].deadman_s is None:
                yield spot.problem(
                    Text(f"{peer} has no deadman: if it falls silent, {id} is compared with its last value for ever",
                         f"{peer} 没有数据中断时限：信号中断后，{id} 会一直与其最后数值比较"),
                    Text("set deadman for this signal", "为该信号设置 deadman"), "warning")


def _unit(plan: SignalPlan) -> Text:
    return Text.same(plan.unit) if plan.unit else Text("a plain number", "无单位数")
