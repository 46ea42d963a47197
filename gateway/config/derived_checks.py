"""Can a derived signal be calculated, and is nobody else giving it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.config.build import SignalPlan
from gateway.config.document import Spot
from gateway.config.draft import Draft, Written
from gateway.config.signal_sections import LoadStateSection, SignalSection
from gateway.model.errors import Problem
from gateway.model.expression import Expression, ExpressionError, levels
from gateway.model.text import Text

_MEASURED_ONLY = {
    "loop_ma": Text("a derived signal is no 4-20 mA loop", "计算信号不是 4-20 mA 回路"),
    "status_signal": Text("a derived signal is no instrument and has no status", "计算信号不是仪表，没有状态信号"),
    "status_values": Text("a derived signal is no instrument and has no status", "计算信号不是仪表，没有状态信号"),
}


def derived_problems(draft: Draft, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    """All findings on expressions, but for those of a single text (its validator has told them)."""
    derived = {id: written for id, written in draft.signals.items() if written.section.calculated}
    for id, written in derived.items():
        yield from _inputs(written, draft, plans)
        yield from _load(id, written, draft, derived)
        for key, what in _MEASURED_ONLY.items():
            if key in written.section.model_fields_set and getattr(written.section, key):
                yield written.spot((key,)).problem(what, Text("delete the key, or what it is calculated by",
                                                              "删除该键，或删除其计算方式"))
        if id in plans and plans[id].kind.gas:
            yield written.spot(("kind",)).problem(
                Text(f"{id}: a calculated value is no gas detector", f"{id}：计算值不能作为气体探测器"),
                Text("add a kind of your own under [kinds], with name and unit and without gas",
                     "在 [kinds] 下新增自己的种类，填写 name 和 unit，不写 gas"))
    yield from _circles(derived)


def bound(spot: Spot, signal: str) -> Problem:
    """A source gives a signal that is calculated."""
    return spot.problem(
        Text(f'signal "{signal}" is calculated from others and can not be read from a device',
             f'信号 "{signal}" 由其他信号计算得出，不能再从设备读取'),
        Text("delete this point, or what the signal is calculated by", "删除该点，或删除该信号的计算方式"))


def _inputs(written: Written, draft: Draft, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    expression: Expression | None = written.section.expression
    if expression is None:
        return
    spot, told = written.spot(("expression",)), set()
    for reading in expression.readings():
        if reading.signal in told:
            continue
        told.add(reading.signal)
        if reading.signal not in draft.named["signals"]:
            yield _problem(spot, expression.error(reading, *draft.unknown_signal(reading.signal)))
        elif reading.signal in plans and _goes_on(plans[reading.signal]):
            what = Text("{signal} has no deadman: if it falls silent, its last value goes on to be used",
                        "{signal} 没有数据中断时限：信号中断后，仍会采用其最后数值").format(signal=reading.signal)
            yield spot.problem(what, Text("set deadman for this signal", "为该信号设置 deadman"), "warning")


def _load(id: str, written: Written, draft: Draft, derived: Mapping[str, Written]) -> Iterator[Problem]:
    state: LoadStateSection | None = written.section.load_state
    if state is None:
        return
    spot = written.spot(("load_state", "load"))
    if written.section.expression is not None:
        yield spot.problem(Text("load_state and expression exclude each other",
                                "load_state 与 expression 不能同时填写"),
                           Text("delete one of them", "删除其中一个"))
    if state.load not in draft.named["signals"]:
        yield spot.problem(*draft.unknown_signal(state.load))
    first = next(name for name, other in derived.items()
                 if other.section.load_state is not None and other.section.load_state.load == state.load)
    if first != id:
        yield spot.problem(
            Text(f'"{state.load}" has a state already: {first}', f'"{state.load}" 已有负荷状态信号：{first}'),
            Text("use that one in your rules", "在规则中使用该信号即可"))


def _goes_on(plan: SignalPlan) -> bool:
    """A derived signal that is not watched is stale as soon as what it is made of."""
    return plan.deadman_s is None and not plan.kind.gas and not plan.section.calculated


def _circles(derived: Mapping[str, Written]) -> Iterator[Problem]:
    """One error for each circle, told at one of its signals."""
    inputs = {id: _needs(written.section) for id, written in derived.items()}
    while True:
        try:
            levels(inputs)
            return
        except ValueError as error:
            (circle,) = error.args
        first = min(range(len(circle) - 1), key=lambda place: _rank(circle[place], derived))
        circle = (*circle[first:-1], *circle[:first + 1])
        yield _circle(derived[circle[0]], circle)
        del inputs[circle[0]]


def _needs(section: SignalSection) -> tuple[str, ...]:
    return section.expression.inputs if section.expression is not None else (section.load_state.load,)


def _rank(id: str, derived: Mapping[str, Written]) -> tuple[bool, int]:
    """A circle is told at an expression, where there is one: its text can be pointed into."""
    return derived[id].section.expression is None, list(derived).index(id)


def _circle(written: Written, circle: tuple[str, ...]) -> Problem:
    way = " -> ".join(f"[{id}]" for id in circle)
    what = Text(f"circular: {way}", f"循环引用：{way}")
    fix = Text("a signal can not be calculated from itself: take one of them out of the circle",
               "信号不能由自身计算得出：请从循环中去掉一个引用")
    expression: Expression | None = written.section.expression
    if expression is None:
        return written.spot(("load_state", "load")).problem(what, fix)
    reading = next(one for one in expression.readings() if one.signal == circle[1])
    return _problem(written.spot(("expression",)), expression.error(reading, what, fix))


def _problem(spot: Spot, error: ExpressionError) -> Problem:
    what, fix = error.args
    return spot.problem(what, fix)
