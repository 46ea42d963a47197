"""Is the status of an instrument there, does it come often enough, and is it said what its numbers mean?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.config.build import SignalPlan
from gateway.config.draft import Draft
from gateway.model.errors import Problem
from gateway.model.text import Text


def status_problems(plan: SignalPlan, draft: Draft, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    """All findings on the status link of one signal."""
    id, status, written = plan.section.id, plan.status_signal, draft.signals[plan.section.id]
    if status is None:
        if plan.section.status_values is not None and written.whole:
            yield written.spot(("status_values",)).problem(
                Text(f"{id}: status_values without a status_signal", f"{id}：有 status_values，但没有 status_signal"),
                Text("add status_signal = with the id of the signal that holds the status",
                     "补上 status_signal = ，填写状态所在信号的标识"))
        return
    spot = written.spot(("status_signal",))
    if status not in draft.named["signals"]:
        yield spot.problem(*draft.unknown_signal(status))
    elif status == id or (status in plans and (plans[status].kind.gas or plans[status].status_signal is not None)):
        yield spot.problem(Text(f'{id}: "{status}" is a reading, not the status of one',
                                f'{id}："{status}" 是测量值，不是状态信号'),
                           Text("name the signal that holds the status of the instrument", "填写仪表状态所在的信号"))
    kind = draft.kinds[plan.section.kind].written
    if plan.status_values is None:
        if written.whole and (kind is None or kind.whole):
            yield spot.problem(
                Text(f"{id}: nothing says what the numbers of {status} mean", f"{id}：未说明 {status} 各状态值的含义"),
                Text("add [kinds.{kind}.status_values] with normal, fault, out_of_service and over_range, from the "
                     "manual of the instrument",
                     "按仪表说明书增加 [kinds.{kind}.status_values]，包含 normal、fault、out_of_service 和 over_range"
                     ).format(kind=plan.section.kind))
        return
    labels = plans[status].section.labels if status in plans else {}
    if forgotten := [value for value in labels if value not in plan.status_values.listed]:
        named = Text(*(", ".join(f"{value} ({labels[value][language]})" for value in forgotten)
                       for language in ("en", "zh")))
        yield spot.problem(
            Text("{id}: {status} has states that status_values does not list: {named}; in such a state the reading is "
                 "taken for not valid",
                 "{id}：{status} 有未列入 status_values 的状态：{named}；处于该状态时读数视为无效").format(
                id=id, status=status, named=named),
            Text("add them to normal, fault, out_of_service or over_range",
                 "加入 normal、fault、out_of_service 或 over_range"), "warning")


def status_timing(status: SignalPlan, draft: Draft, plans: Mapping[str, SignalPlan],
                  period: float) -> Iterator[Problem]:
    """A status without a deadman is believed for the deadman of its reading; `period`: between two of its samples."""
    if status.deadman_s is not None:
        return
    for id, plan in plans.items():
        if plan.status_signal == status.section.id and plan.deadman_s is not None and plan.deadman_s < 2 * period:
            yield draft.signals[id].spot(("status_signal",)).problem(
                Text("{id}: {status} comes every {period:g} s, and is believed for {deadman:g} s, the deadman of {id}",
                     "{id}：{status} 每 {period:g} s 更新一次，而其有效时间为 {id} 的数据中断时限 {deadman:g} s"
                     ).format(id=id, status=status.section.id, period=period, deadman=plan.deadman_s),
                Text("set deadman of {status} to more than two periods, or read it more often",
                     "将 {status} 的 deadman 设为两个周期以上，或缩短其读取周期").format(status=status.section.id),
                "warning")
