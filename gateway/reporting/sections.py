"""Facts as sections: what each table and picture of a report shows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from alerting import proof
from alerting.figures import report as targets
from alerting.figures.figures import STALE_S
from alerting.overlays.hold import Kind
from gateway.historian.journal import ACTS, JUDGED, KINDS
from gateway.model.alarm import RISK_NAMES, Priority, Risk
from gateway.model.breach import stop_orders, without_video
from gateway.model.condition import CONDITION_NAMES, Condition
from gateway.model.site import Site
from gateway.model.stroke import OUTCOME_NAMES
from gateway.model.text import Text
from gateway.reporting import charts
from gateway.reporting.document import Cell, Note, Picture, Section, Table
from gateway.reporting.facts import Episode, Facts
from gateway.reporting.judge import SYSTEM_NAMES, fault_seconds, of_condition, of_rules
from gateway.reporting.words import NONE, name, percent, personal, span, stamp, target

MOST: Final = 25  # rows of a table; what is left out is counted
_CURVES: Final = 12  # gas detectors that get a picture: those nearest to their set point
_COLOURS: Final = (charts.RED, charts.ORANGE, charts.YELLOW, charts.BLUE)
_LIMITS: Final = (Condition.HIGH_HIGH, Condition.HIGH, Condition.LOW, Condition.LOW_LOW)
_STATES: Final = (Text("whole", "完好"), Text("in part", "部分可用"), Text("down", "停用"))
_HELD: Final = {Kind.BYPASS: Text("bypass", "旁路"), Kind.SHELF: Text("shelving", "搁置"),
                Kind.OUT_OF_SERVICE: Text("out of service", "停用"),
                Kind.SUPPRESSION: Text("suppression by design", "设计抑制")}
_TIMES, _TIME, _ALARM = Text("times", "次数"), Text("time", "时长"), Text("alarm", "告警")
_SIGNAL, _AREA, _SINCE = Text("signal", "信号"), Text("area", "区域"), Text("since", "开始")


def sections(facts: Facts) -> list[Section]:
    return [_alarms(facts), _systems(facts), _gas(facts), _instruments(facts), _proofs(facts), _work(facts), _data(facts),
            _overlays(facts), _changes(facts), _exercises(facts), _journal(facts)]


def _table(title: Text, head: Sequence[Text], rows: Iterable[Sequence[Cell]], numbers: Iterable[int] = ()) -> Table:
    rows = list(rows)
    return Table(title, head, rows[:MOST], frozenset(numbers), max(len(rows) - MOST, 0))


# -- alarms


def _alarms(facts: Facts) -> Section:
    site, figures, risks = facts.site, facts.figures, list(Risk)
    by_colour = facts.per_day.sum(0).tolist()
    stale = [one for one in facts.episodes if one.seconds(one.begun_ns, facts.until_ns) > STALE_S]
    longest = sorted(facts.episodes, key=lambda one: -one.seconds(facts.start_ns, facts.until_ns))[:10]
    return Section(Text("Alarms", "告警"), [
        Picture(Text("Alarms that began, by day and colour", "每日新增告警（按颜色）"), lambda language: charts.bars(
            facts.period.days, facts.per_day, _COLOURS, [RISK_NAMES[risk][language] for risk in risks],
            facts.presence.by_day + facts.per_day.sum(1) > 0, Text("no data", "无数据")[language])),
        _table(Text("Alarms that began, by colour", "新增告警（按颜色）"),
               [*(RISK_NAMES[risk] for risk in risks), Text("together", "合计")],
               [[*map(str, by_colour), str(sum(by_colour))]], range(5)),
        _table(Text("Figures after EEMUA 191 (recommended values as practice quotes them: defaults)",
                    "告警绩效（参照 EEMUA 191；推荐值为行业惯用默认值）"),
               [Text("figure", "指标"), Text("value", "数值"), Text("recommended", "推荐值")], _figures(facts, len(stale)), (1,)),
        _table(Text("Most frequent", "最频繁告警"), [_ALARM, _TIMES],
               [[name(site, alarm), str(count)] for alarm, count in figures.worst], (1,)),
        _table(Text("Stood longest", "持续最久的告警"), [_ALARM, _SINCE, Text("end", "结束"), _TIME],
               [[*_when(facts, one), span(one.seconds(facts.start_ns, facts.until_ns))] for one in longest], (3,)),
        _table(Text("Floods", "告警洪泛"), [_SINCE, Text("end", "结束"), Text("alarms", "告警数")],
               [[stamp(site, flood.begun.wall_ns), Text("goes on", "持续中") if flood.end is None
                 else stamp(site, flood.end.wall_ns), str(flood.alarms)] for flood in figures.floods], (2,)),
        _table(Text("Chattering", "频繁抖动"), [_ALARM, _TIMES],
               [[name(site, alarm), str(count)] for alarm, count in figures.chattered], (1,)),
        _table(Text("Raised while withheld: nobody was called", "抑制期间产生、未通知人员的告警"), [_ALARM, _TIMES],
               [[name(site, alarm), str(count)] for alarm, count in figures.withheld], (1,))])


def _figures(facts: Facts, stale: int) -> Iterator[Sequence[Cell]]:
    found = facts.figures
    yield [Text("alarms that called a person (P1 to P3)", "已通知人员的告警（P1 至 P3）"), str(found.alarms), NONE]
    for priority in Priority:
        count, share = found.by_priority[priority], targets.SPLIT_TARGET.get(priority)
        own = found.split.get(priority)
        yield [Text(f"of priority {priority.name}", f"其中 {priority.name}"),
               str(count) if own is None else f"{count} ({100 * own:.0f} %)", "-" if share is None else f"{100 * share:g} %"]
    yield [Text("per 10 min and operator", "每人每 10 分钟"), f"{found.average:.3f}", f"<= {targets.RATE_TARGET:g}"]
    yield [Text("most in 10 min", "10 分钟峰值"), f"{found.peak:g}", f"<= {targets.PEAK_TARGET:g}"]
    yield [Text("time in floods", "洪泛时间占比"), f"{100 * found.flood_share:.2f} %",
           f"<= {100 * targets.FLOOD_TARGET:g} %"]
    yield [Text("chattering alarms", "抖动告警数"), str(len(found.chattered)), "0"]
    yield [Text("active for more than a day", "持续超过一天"), str(stale), f"<= {targets.STALE_TARGET}"]
    yield [Text("ten most frequent, share", "前十告警占比"), f"{100 * found.worst_share:.0f} %",
           f"<= {100 * targets.WORST_TARGET:g} %"]
    yield [Text("acknowledged", "已确认次数"), str(found.answers.count), NONE]
    yield [Text("time to acknowledge, median", "确认用时中位数"), span(found.answers.median_s), NONE]
    yield [Text("time to acknowledge, 90 %", "确认用时 90% 分位"), span(found.answers.p90_s), NONE]


def _when(facts: Facts, one: Episode) -> list[Cell]:
    end: Cell = Text("stands", "仍未恢复") if one.ended_ns is None else stamp(facts.site, one.ended_ns)
    return [name(facts.site, one.alarm), stamp(facts.site, one.begun_ns), end]


# -- systems and gas


def _systems(facts: Facts) -> Section:
    if not facts.systems:
        return Section(Text("The three systems", "三大系统可用性"), [Note(Text(
            "Not known: the gateway kept no minutes of them.", "未知：没有相应的分钟数据。"))])
    days = np.maximum(facts.systems[next(iter(facts.systems))].expected, 1)[:, None]
    return Section(Text("The three systems", "三大系统可用性"), [
        Picture(Text("By day, in shares of the time; empty: the gateway did not run", "按日的时间占比；空白：网关未运行"),
                lambda language: charts.strips(
            facts.period.days, [(SYSTEM_NAMES[system][language], found.minutes / days)
                                for system, found in facts.systems.items()],
            (charts.GREEN, charts.YELLOW, charts.RED), [state[language] for state in _STATES])),
        _table(Text("Of the minutes in which the gateway ran", "网关运行期间的分钟数"),
               [Text("system", "系统"), *_STATES, Text("availability", "完好率")],
               [[SYSTEM_NAMES[system], *(f"{count} min" for count in found.minutes.sum(0).tolist()),
                 percent(found.share)] for system, found in facts.systems.items()], range(1, 5))])


def _gas(facts: Facts) -> Section:
    site = facts.site
    found = []
    for number, signal in enumerate(site.signals):
        limits = [(limit.condition, limit.value) for condition in _LIMITS
                  if (limit := signal.limit(condition)) is not None and limit.value is not None]
        if signal.gas and facts.signals and limits:
            found.append((_nearness(facts.signals[number], limits), signal, facts.signals[number], limits))
    found.sort(key=lambda one: -one[0])
    pictures = [Picture(Text("{id} {name}, {area}: {most} of each day, {unit}", "{area} {id} {name}：每日{most}，{unit}").format(
        id=signal.id, name=signal.name, area=site.area_name(signal.area), unit=signal.unit,
        most=Text("highest", "最高值") if _rises(limits) else Text("lowest", "最低值")),
        lambda language, own=own, limits=limits, unit=signal.unit: charts.line(
            facts.period.days, own.high if _rises(limits) else own.low, limits, unit))
        for nearness, signal, own, limits in found[:_CURVES] if nearness > -math.inf]
    return Section(Text("Gas against set points", "气体与报警设定值"), [
        Note(Text("The detectors that came nearest to their set points.", "最接近报警设定值的探测器。")), *pictures,
        _table(Text("All gas detectors", "全部气体探测器"),
               [_SIGNAL, _AREA, Text("lowest", "最低"), Text("highest", "最高"), Text("set points", "设定值")],
               [[Text("{id} {name}", "{id} {name}").format(id=signal.id, name=signal.name), site.area_name(signal.area),
                 _value(np.fmin.reduce(own.low), signal), _value(np.fmax.reduce(own.high), signal),
                 ", ".join(f"{label} {value:g}" for label, value in limits)] for _, signal, own, limits in found], (2, 3))])


def _rises(limits: Sequence[tuple[str, float]]) -> bool:
    return any(label in (Condition.HIGH, Condition.HIGH_HIGH) for label, _ in limits)


def _nearness(own: Any, limits: Sequence[tuple[str, float]]) -> float:
    """How near to a set point, as a share of it."""
    high, low = float(np.fmax.reduce(own.high)), float(np.fmin.reduce(own.low))
    shares = [(high - value if label.startswith("H") else value - low) / max(abs(value), 1e-9) for label, value in limits]
    return max((share for share in shares if not math.isnan(share)), default=-math.inf)


def _value(value: float, signal: Any) -> str:
    return "-" if math.isnan(value) else f"{value:.{signal.decimals}f} {signal.unit}".strip()


# -- instruments and proof tests


def _instruments(facts: Facts) -> Section:
    site, length_s = facts.site, max((facts.until_ns - facts.start_ns) / 1e9, 1.0)
    times: dict[str, Counter[str]] = {}
    for one in facts.episodes:
        alarm = site.alarms.get(one.alarm)
        if alarm is not None and alarm.condition in JUDGED and alarm.origin in site.signals:
            seconds = times.setdefault(alarm.origin, Counter())
            seconds[alarm.condition] += one.seconds(facts.start_ns, facts.until_ns)
    total = fault_seconds(facts)
    bad = [(own.bad / (own.bad + own.count), site.signals[number].id) for number, own in enumerate(facts.signals)
           if own.bad]
    return Section(Text("Sensor health", "传感器健康状况"), [
        _table(Text("Faults, by how long they stood", "故障（按持续时间）"),
               [_SIGNAL, Text("faults", "故障"), Text("faulty for", "故障时长"), Text("of the time", "时间占比")],
               [[target(site, signal), _listed(times[signal]), span(total[signal]), percent(total[signal] / length_s)]
                for signal in sorted(times, key=lambda signal: (-total[signal], signal))], (2, 3)),
        _table(Text("Samples that were bad", "坏样本占比"), [_SIGNAL, Text("bad", "坏样本")],
               [[target(site, signal), percent(share)] for share, signal in sorted(bad, reverse=True)], (1,))])


def _listed(seconds: Counter[str]) -> Text:
    texts = [Text("{what} {time}", "{what} {time}").format(what=CONDITION_NAMES[Condition(condition)], time=span(time))
             for condition, time in seconds.most_common()]
    return Text("; ".join(text.en for text in texts), "；".join(text.zh for text in texts))


def _proofs(facts: Facts) -> Section:
    site = facts.site
    outcomes = Counter(stroke.outcome for stroke in facts.strokes)
    return Section(Text("Proof tests: valves and instruments", "验证测试：阀门与仪表"), [
        Note(Text("In this period: {n} shut-downs and tests; {outcomes}.", "本期切断与测试共 {n} 次；{outcomes}。").format(
            n=len(facts.strokes), outcomes=Text(
                ", ".join(f"{count} {OUTCOME_NAMES[outcome].en}" for outcome, count in sorted(outcomes.items())) or "-",
                "，".join(f"{OUTCOME_NAMES[outcome].zh} {count} 次" for outcome, count in sorted(outcomes.items())) or "-"))),
        _table(Text("Last proof at the end of the period", "期末验证状态"),
               [Text("rule", "规则"), Text("test", "验证对象"), Text("last passed", "最近一次通过"), Text("took", "用时"),
                Text("due", "到期")],
               [[one.rule.id, one.test, Text("never", "从未") if one.last is None else stamp(site, one.last.wall_ns),
                 NONE if one.after_s is None else span(one.after_s), _due(site, one)] for one in facts.proofs], (3,)),
        _table(Text("Shut-downs and tests", "切断与测试记录"), [Text("at", "时间"), Text("what was seen", "结果")],
               [[stamp(site, stroke.wall_ns), proof.words(stroke)] for stroke in facts.strokes])])


def _due(site: Site, one: proof.Proof) -> Text:
    due = NONE if one.due_wall_ns is None else Text.same(stamp(site, one.due_wall_ns)[:10])
    return Text("{due} OVERDUE", "{due} 已逾期").format(due=due) if one.overdue else due


# -- work and people


def _work(facts: Facts) -> Section:
    presence, parts = facts.presence, []
    told = [Text("Load at work: {time}.", "负荷运行时长：{time}。").format(time=span(60 * presence.running_minutes))
            ] if presence.running_minutes is not None else []
    if presence.most_people is not None:
        told.append(Text(f"Most people at one time: {presence.most_people}. People are counted, never named.",
                         f"同时在场最多 {presence.most_people} 人。只统计人数，不记录姓名。"))
    parts += [Note(text) for text in told]
    head = [_ALARM, _SINCE, Text("end", "结束"), _TIME]
    for title, episodes in (
            (Text("Work against a stop order or without a permit (load)", "违反停产指令或许可条件作业（负荷）"),
             of_rules(facts, stop_orders(facts.site))),
            (Text("Work without video", "无视频监控作业"), of_rules(facts, without_video(facts.site))),
            (Text("Too many people", "人数超限"), of_condition(facts, Condition.HEADCOUNT)),
            (Text("No working gas detector in an area", "区域气体检测失效"), of_condition(facts, Condition.BLIND))):
        parts.append(_table(title, head, [
            [*_when(facts, one), span(one.seconds(facts.start_ns, facts.until_ns))] for one in episodes], (3,)))
    return Section(Text("Work, people, loss of detection", "作业、人员与检测失效"), parts)


# -- data


def _data(facts: Facts) -> Section:
    site, presence = facts.site, facts.presence
    watched = [(own.present / own.expected, site.signals[number].id, own) for number, own in enumerate(facts.signals)
               if own.expected]
    short = sorted((one for one in watched if one[2].present < one[2].expected), key=lambda one: one[0])
    expected, present = (sum(getattr(own, part) for _, _, own in watched) for part in ("expected", "present"))
    return Section(Text("Data completeness", "数据完整性"), [
        _table(Text("The gateway and all signals that must report", "网关及全部应上报信号"),
               [Text("", ""), Text("expected", "应有"), Text("present", "实有"), Text("share", "占比")],
               [[Text("minutes in which the gateway ran", "网关运行分钟数"), str(presence.expected), str(presence.present),
                 percent(presence.present / presence.expected if presence.expected else math.nan)],
                [Text("minutes of signals", "信号分钟数"), str(expected), str(present),
                 percent(present / expected if expected else math.nan)],
                [Text("devices online, mean", "设备平均在线率"), percent(site.online_target / 100, 1), NONE,
                 percent(presence.online)],
                [Text("clock not trusted", "时钟不可信"), NONE, NONE, span(60 * presence.untrusted)]], (1, 2, 3)),
        _table(Text("When the gateway did not run", "网关未运行时段"), [_SINCE, _TIME],
               [[stamp(site, start), span(60 * minutes)] for start, minutes in presence.gaps], (1,)),
        _table(Text("Signals with gaps longer than their deadman", "中断超过允许时长的信号"),
               [_SIGNAL, Text("present", "完整率"), Text("longest gap from", "最长中断始于"), _TIME],
               [[target(site, signal), percent(share), stamp(site, own.longest[0]), span(60 * own.longest[1])]
                for share, signal, own in short if own.longest is not None], (1, 3))])


# -- what people did


def _overlays(facts: Facts) -> Section:
    site = facts.site
    by_kind = Counter(one.kind for one in facts.held)
    return Section(Text("Alarms that were held back", "告警的旁路、搁置与停用"), [
        _table(Text("How many", "数量"), [_HELD[kind] for kind in Kind], [[str(by_kind[kind]) for kind in Kind]], range(4)),
        _table(Text("Each of them (names as they were given)", "明细（姓名为操作时填写）"),
               [Text("kind", "类型"), Text("of", "对象"), Text("by", "操作人"), Text("why", "原因"), _SINCE, _TIME],
               [[_HELD[Kind(one.kind)], target(site, one.target), one.who or "-", one.why or "-", stamp(site, one.begun_ns),
                 _held_for(facts, one)] for one in facts.held], (5,))])


def _held_for(facts: Facts, one: Any) -> Text:
    lasted = span(((facts.until_ns if one.ended_ns is None else one.ended_ns) - one.begun_ns) / 1e9)
    return Text("{time}, stands", "{time}，未解除").format(time=lasted) if one.ended_ns is None else lasted


def _changes(facts: Facts) -> Section:
    acts = [act for act in facts.acts if act.kind in ("configuration", "learning", "output")]
    return Section(Text("Changes of settings", "配置变更"), [
        _table(Text("What was changed, by whom, why", "变更内容、操作人与原因"),
               [Text("at", "时间"), Text("kind", "类型"), Text("of", "对象"), Text("change", "变更"), Text("by", "操作人"),
                Text("why", "原因")],
               [[stamp(facts.site, act.wall_ns), KINDS.get(act.kind, Text.same(act.kind)), target(facts.site, act.subject),
                 act.detail or ACTS.get(act.act, Text.same(act.act or "-")), act.who or "-", act.why or "-"]
                for act in facts.acts if act in acts])])


def _exercises(facts: Facts) -> Section:
    tests = [act for act in facts.acts if act.kind == "selftest"]
    failed = sum(act.passed is False for act in tests)
    outcome = (Text("outcome not told by this source", "本数据来源不含结果") if any(act.passed is None for act in tests)
               else Text(f"{failed} failed", f"未通过 {failed} 次"))
    taken = [(one.taken_ns - one.begun_ns) / 1e9 for one in facts.drills if one.taken_ns is not None]
    answers = targets.answers(taken)
    return Section(Text("Drills and self-tests", "演练与自检"), [
        Note(Text("Self-tests of the whole alarm chain: {n}, {outcome}.", "告警全链路自检 {n} 次，{outcome}。").format(
            n=len(tests), outcome=outcome) if tests else Text("The whole alarm chain was not tested.", "未进行告警全链路自检。")),
        Note(Text("Drill alarms: {n}; acknowledged {taken}, median {median}. They count for nothing above.",
                  "演练告警 {n} 个；已确认 {taken} 个，用时中位数 {median}。演练不计入上述统计。").format(
            n=len(facts.drills), taken=answers.count, median=span(answers.median_s))),
        _table(Text("Drills", "演练"), [Text("at", "时间"), Text("act", "操作"), Text("of", "对象"), Text("by", "操作人"),
                                      Text("why", "原因")],
               [[stamp(facts.site, act.wall_ns), ACTS.get(act.act, Text.same(act.act)), _drilled(facts.site, act.subject),
                 act.who or "-", act.why or "-"] for act in facts.acts if act.kind == "drill"])])


def _drilled(site: Site, subject: str) -> str:
    return "-" if subject == "drill" else ", ".join(id for id in subject.split() if not personal(site, id))


def _journal(facts: Facts) -> Section:
    chain = facts.chain
    if chain is None:
        return Section(Text("The journal", "日志"), [Note(Text("Not verified: this source does not have the journal.",
                                                             "未校验：本数据来源不含日志原件。"))])
    lost = [act for act in facts.acts if act.kind == "gap"]
    sound = (Text("Every row is as it was written.", "逐行校验通过，与写入时一致。") if chain.examination.sound else Text(
        f"{chain.examination.wrong} ROWS ARE NOT AS THEY WERE WRITTEN: run davylamp journal verify, keep the file as evidence.",
        f"有 {chain.examination.wrong} 行与写入时不一致：请运行 davylamp journal verify，并保留该文件作为证据。"))
    more = [Note(Text(f"{len(lost)} times the alarm file could not take all rows.",
                      f"告警文件有 {len(lost)} 次未能记录全部内容。"))] if lost else []
    return Section(Text("The journal", "日志"), [
        Note(sound), *more, _table(Text("The chain, as it stood when this report was made", "生成报告时的日志链条"),
                                   [Text("row", "行号"), Text("SHA-256", "SHA-256")],
                                   [[str(end[0]), end[1]] for end in (chain.first, chain.last) if end is not None])])


