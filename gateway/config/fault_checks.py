"""Can the faults of a sensor be seen with these windows?"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.build import SignalPlan
from gateway.config.document import Spot
from gateway.config.draft import Kind, Written
from gateway.model.errors import Problem
from gateway.model.text import Text

PARTS = 6  # see gateway.core.motion
WARNING = "warning"


def fault_problems(plan: SignalPlan, written: Written, kind: Kind) -> Iterator[Problem]:
    """A window holds six means at least. Told where the faults were said."""
    faults = plan.faults
    if faults is not None and faults.window < PARTS * faults.every:
        yield _spot(plan, written, kind, "window").problem(
            Text("{id}: window of faults ({window:g} s) holds fewer than {parts} means of {every:g} s",
                 "{id}：faults 的时间窗（{window:g} s）不足 {parts} 个均值（每个 {every:g} s）").format(
                id=plan.section.id, window=faults.window, every=faults.every, parts=PARTS),
            Text("lengthen window to at least {least:g} s, or shorten every",
                 "将 window 延长到至少 {least:g} s，或缩短 every").format(least=PARTS * faults.every))


def fault_timing(plan: SignalPlan, written: Written, kind: Kind, period: float) -> Iterator[Problem]:
    """A mean of a time in which nothing is read is no mean: windows would last longer than they say."""
    faults = plan.faults
    if faults is not None and faults.every < period:
        yield _spot(plan, written, kind, "every").problem(
            Text("{id}: every of faults ({every:g} s) is shorter than the period of its source ({period:g} s)",
                 "{id}：faults 的 every（{every:g} s）短于数据源周期（{period:g} s）").format(
                id=plan.section.id, every=faults.every, period=period),
            Text("lengthen every, or shorten the period", "延长 every，或缩短周期"), WARNING)


def _spot(plan: SignalPlan, written: Written, kind: Kind, key: str) -> Spot:
    own = plan.section.faults is not None or kind.written is None
    return (written if own else kind.written).spot(("faults", key))  # type: ignore[union-attr]
