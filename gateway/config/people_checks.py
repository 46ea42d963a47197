"""Do the counts, kinds of shift and cards of people refer to signals that are there?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.config.build import SignalPlan
from gateway.config.draft import Draft
from gateway.model.errors import Problem
from gateway.model.text import Text


def people_problems(plan: SignalPlan, draft: Draft, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    """All findings on the head-count and the stillness of one signal."""
    yield from _headcount(plan, draft, plans)
    still, written = plan.section.still, draft.signals[plan.section.id]
    if still is not None and still.only_while is not None:
        yield from _current(plan, "still", "only_while", (still.only_while.signal,), draft, plans)
    elif still is not None and plan.section.kind == "head_count":
        yield written.spot(("still",)).problem(
            Text(f"{plan.section.id}: a count of people that does not change is no person who does not move",
                 f"{plan.section.id}：人数不变并不表示有人未移动"),
            Text("use it on a card, and headcount on a count", "对单张卡使用 still，对人数使用 headcount"), "warning")


def _headcount(plan: SignalPlan, draft: Draft, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    section, id, written = plan.section.headcount, plan.section.id, draft.signals[plan.section.id]
    if section is None:
        return
    if section.most is None and not section.by_shift and written.whole:
        yield written.spot(("headcount",)).problem(
            Text(f"{id}: headcount without a limit", f"{id}：headcount 没有限值"),
            Text("add most = 25, or shift and by_shift = { 1 = 25, 2 = 8 }",
                 "补上 most = 25，或 shift 和 by_shift = { 1 = 25, 2 = 8 }"))
    if bool(section.by_shift) != (section.shift is not None) and written.whole:
        there, missing = ("by_shift", "shift") if section.by_shift else ("shift", "by_shift")
        yield written.spot(("headcount", there)).problem(
            Text(f"{id}: {there} without {missing}", f"{id}：有 {there}，但没有 {missing}"),
            Text(f"add {missing}, or remove {there}", f"补上 {missing}，或删除 {there}"))
    for key, signals in (("shift", (section.shift,)), ("exempt", section.exempt), ("faces", (section.faces,)),
                         ("handover", (section.handover.signal,) if section.handover else ())):
        yield from _current(plan, "headcount", key, tuple(filter(None, signals)), draft, plans)
    if section.shift in plans and section.by_shift:
        labels = plans[section.shift].section.labels
        if forgotten := [kind for kind in labels if kind not in section.by_shift]:
            named = Text(*(", ".join(f"{kind} ({labels[kind][language]})" for kind in forgotten)
                           for language in ("en", "zh")))
            yield written.spot(("headcount", "by_shift")).problem(
                Text("{id}: no limit for shift kind {named}: the strictest limit applies",
                     "{id}：班次类型 {named} 没有限值，按最严限值处理").format(id=id, named=named),
                Text("add it to by_shift", "在 by_shift 中补上"), "warning")


def _current(plan: SignalPlan, table: str, key: str, signals: tuple[str, ...], draft: Draft,
             plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    """They are there, they are not the signal itself, and their last word does not hold for ever."""
    id, spot = plan.section.id, draft.signals[plan.section.id].spot((table, key))
    for signal in signals:
        if signal not in draft.named["signals"]:
            yield spot.problem(*draft.unknown_signal(signal))
        elif signal == id and key != "only_while":
            yield spot.problem(Text(f"{id}: {key} names the count itself", f"{id}：{key} 指向该计数自身"),
                               Text("name another signal", "改填其他信号"))
        elif signal in plans and plans[signal].deadman_s is None:
            yield spot.problem(
                Text(f"{id}: {signal} has no deadman: its last word would make {table} milder for ever",
                     f"{id}：{signal} 没有数据中断时限：其最后数值会一直放宽 {table}"),
                Text(f"set deadman for {signal}", f"为 {signal} 设置 deadman"))
