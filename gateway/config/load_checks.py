"""Is the load that another one is compared with there, and is it compared in one way?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.config.build import SignalPlan
from gateway.config.draft import Draft
from gateway.model.errors import Problem
from gateway.model.text import Text


def share_problems(draft: Draft, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    """All findings on shares of loads."""
    first: dict[str, SignalPlan] = {}
    for id, plan in plans.items():
        share, spot = plan.section.share, draft.signals[id].spot(("share", "of"))
        if share is None:
            continue
        if share.of == id:
            yield spot.problem(Text(f"{id}: a share of itself", f"{id}：与自身比较"),
                               Text("name the main meter, or the load that this machine serves",
                                    "填写总表，或该设备所服务的负荷"))
        elif share.of not in draft.named["signals"]:
            yield spot.problem(*draft.unknown_signal(share.of))
        elif share.of in plans and plans[share.of].unit != plan.unit:
            yield spot.problem(
                Text(f"{id}: {plan.unit} is compared with {plans[share.of].unit} of {share.of}",
                     f"{id}：单位 {plan.unit} 与 {share.of} 的单位 {plans[share.of].unit} 不同"),
                Text("compare quantities of one unit", "请比较相同单位的量"), "warning")
        other = first.setdefault(share.of, plan)
        if other.section.share is not None and other.section.share.every != share.every:
            yield draft.signals[id].spot(("share", "every")).problem(
                Text(f"shares of {share.of} over {share.every:g} s and, for {other.section.id}, over "
                     f"{other.section.share.every:g} s",
                     f"{share.of} 的占比周期不一致：{share.every:g} 秒与 {other.section.id} 的 "
                     f"{other.section.share.every:g} 秒"),
                Text("write the same every for all shares of one load", "同一负荷的各项占比应使用相同的 every"))
