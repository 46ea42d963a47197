"""Two configurations over the same recording, as text for the terminal and as JSON."""

from __future__ import annotations

from typing import Any

from gateway.model.site import Site
from gateway.model.text import Text
from gateway.replay.count import Difference, Score, definition, differences, floods
from gateway.replay.run import Outcome
from gateway.replay.run_words import about, count_json, not_judged_lines, replay_json
from gateway.replay.settings import settings
from gateway.replay.words import Lines, false_alarms, lead, span

_NONE = Text("none", "无")


def backtest_lines(before: Outcome, after: Outcome, names: tuple[str, str],
                   scores: tuple[Score, Score] | None) -> Lines:
    """names: of the two site files, before and after."""
    yield from about(after)
    yield Text("before: {before}    would be: {after}", "原配置：{before}    新配置：{after}").format(
        before=names[0], after=names[1])
    yield Text("", "")
    changed = [one for one in differences(before, after) if one.changed]
    for one in changed:
        yield from _difference_lines(one, before, after, scores)
    same = len(differences(before, after)) - len(changed)
    if same:
        yield Text("{n} other alarm(s) would have come exactly as before.",
                   "其余 {n} 个告警与原配置完全相同。").format(n=same)
    if not changed and not same:
        yield Text("Neither would have raised any alarm.", "两份配置都不会产生告警。")
    old, new = _called(before), _called(after)
    yield Text("In all: {new} alarms that call people (before {old}), {nf} floods (before {of}).",
               "合计：需呼叫人员的告警 {new} 次（原 {old} 次），告警洪泛 {nf} 次（原 {of} 次）。").format(
        new=new, old=old, nf=len(floods(after.occurrences)), of=len(floods(before.occurrences)))
    if scores is not None:
        yield Text("", "")
        yield from _score_change_lines(*scores)
    yield from not_judged_lines(after)


def backtest_json(before: Outcome, after: Outcome, names: tuple[str, str],
                  scores: tuple[Score, Score] | None) -> dict[str, Any]:
    return {
        "before": {"file": names[0], **replay_json(before, scores and scores[0])},
        "after": {"file": names[1], **replay_json(after, scores and scores[1])},
        "differences": [{
            "alarm": one.alarm, "changed": one.changed, "before": one.before and count_json(one.before),
            "after": one.after and count_json(one.after), "new": one.new, "gone": one.gone,
            "earlier_s": one.earlier_s} for one in differences(before, after)],
    }


def _difference_lines(one: Difference, before: Outcome, after: Outcome, scores: tuple[Score, Score] | None) -> Lines:
    """In words: "GD-03/H would have alarmed 37 times (before 12), 2 floods; 41 s earlier"."""
    alarm = definition(one, before, after)
    yield Text("{id}  {name}", "{id}  {name}").format(id=one.alarm, name=alarm.name)
    was, would = _setting(before.site, one.alarm), _setting(after.site, one.alarm)
    if was != would:
        yield Text("    before: {was}; would be: {would}", "    原：{was}；新：{would}").format(
            was=was or _NONE, would=would or _NONE)
    if one.after is None:
        assert one.before is not None
        yield Text("    would no longer exist (before: alarmed {n})", "    将不再存在（原告警 {n}）").format(
            n=_times(one.before.count))
        return
    yield Text("    would have alarmed: {n} ({before}), {active} in all ({was}), {floods} floods ({had})",
               "    会告警 {n}（{before}），累计 {active}（{was}），洪泛 {floods} 次（{had}）").format(
        n=_times(one.after.count), active=span(one.after.active_s), floods=one.after.floods,
        before=_before(one.before and one.before.count), was=_before(one.before and span(one.before.active_s)),
        had=_before(one.before and one.before.floods))
    if one.before is not None and (one.new or one.gone):
        yield Text("    {new} of them new, {gone} of those before missed",
                   "    其中新增 {new} 次，原有 {gone} 次将漏报").format(
            new=one.new, gone=one.gone)
    if one.earlier_s:
        yield Text("    {earlier} than before (median)", "    比原来{earlier}（中位数）").format(
            earlier=_earlier(one.earlier_s))
    for old, new in zip(*(score.catches for score in scores), strict=True) if scores else ():
        yield from _event_change(old.event.name, old.leads_s.get(one.alarm), new.leads_s.get(one.alarm))


def _event_change(name: str, old: float | None, new: float | None) -> Lines:
    if old is not None and new is None:
        yield Text("    {name}: missed (before: {old})", "    {name}：未发现（原：{old}）").format(
            name=name, old=lead(old))
    elif new is not None and old is None:
        yield Text("    {name}: caught, {new} (before: missed)", "    {name}：发现，{new}（原：未发现）").format(
            name=name, new=lead(new))
    elif new is not None and old is not None and new != old:
        yield Text("    {name}: caught {earlier}", "    {name}：发现{earlier}").format(
            name=name, earlier=_earlier(new - old))


def _score_change_lines(old: Score, new: Score) -> Lines:
    yield Text("Events: {new} of {all} caught (before {old}); alarms near no event: {false} (before {was})",
               "事件：{all} 个中发现 {new} 个（原 {old} 个）；与事件无关的告警：{false}（原 {was}）").format(
        new=new.caught, all=len(new.catches), old=old.caught, false=false_alarms(new), was=false_alarms(old))
    for was, would in zip(old.catches, new.catches, strict=True):
        if was.lead_s == would.lead_s and was.lead_s is not None:
            yield Text("    {name}: as before, {lead}", "    {name}：与原来相同，{lead}").format(
                name=was.event.name, lead=lead(was.lead_s))
        elif was.lead_s is None and would.lead_s is None:
            yield Text("    {name}: missed by both", "    {name}：两者均未发现").format(name=was.event.name)
        else:
            yield from _event_change(was.event.name, was.lead_s, would.lead_s)


def _setting(site: Site, alarm: str) -> Text | None:
    found = site.alarms.get(alarm)
    words = list(settings(site, found)) if found else []
    return Text(", ".join(one.en for one in words), "，".join(one.zh for one in words)) if words else None


def _called(outcome: Outcome) -> int:
    return sum(one.called for one in outcome.occurrences)


def _before(figure: object) -> Text:
    return Text("before: no such alarm", "原无此告警") if figure is None else Text(f"before {figure}", f"原 {figure}")


def _times(count: int) -> Text:
    return Text("never" if not count else "once" if count == 1 else f"{count} times", f"{count} 次")


def _earlier(seconds: float) -> Text:
    if seconds >= 0:
        return Text(f"{span(seconds)} earlier", f"提早 {span(seconds)}")
    return Text(f"{span(-seconds)} later", f"推迟 {span(-seconds)}")
