"""What was learnt of a signal, as text and small plots for the terminal."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from gateway.core.learning import STATE_NAMES, LearningState
from gateway.model.errors import CommandError
from gateway.model.nearest import did_you_mean
from gateway.model.text import Text
from gateway.replay.chart import chart, columns

_DAY_S = 86400.0
_DAYS = Text("Mon Tue Wed Thu Fri Sat Sun", "周一 周二 周三 周四 周五 周六 周日")


def of_file(options: argparse.Namespace) -> dict[str, Any]:
    """From the snapshot in the data folder, as it was saved last; in the form of the API's answer."""
    from gateway.api import present
    from gateway.api.answer import encode
    from gateway.pipeline import saved_bank
    from gateway.replay import asked

    site_file = asked.site_file(options.site)
    site, signal = site_file.site, options.signal
    if signal not in site.signals:
        hint = did_you_mean(signal, site.signals.ids)
        raise CommandError(Text(f"the site has no such signal{hint.en}", f"站点没有此信号{hint.zh}"), where=signal,
                           fix=Text("take the id from the site file or the page", "请从站点文件或页面中选取编号"))
    bank, at = saved_bank(site, asked.data_folder(options, site_file))
    pictures = bank.learning.pictures(site.signals.index(signal))
    return json.loads(encode(present.baseline(site, bank.learning.lessons(), pictures, at, signal)))


def lines(found: dict[str, Any], language: str) -> Iterator[str]:
    """found: what `GET /api/v1/signals/{signal}/baseline` answers."""
    yield f"{found['signal']}  {found['name'][language]}  ({found['time'][:19].replace('T', ' ')})"
    lesson = found["learning"]
    if lesson is None:
        yield Text("Nothing is learnt of this signal.", "该信号没有任何学习内容。")[language]
        return
    state = STATE_NAMES[LearningState(lesson["state"])]
    yield Text("{state}, {progress:.0%} of the learning time is over{held}",
               "{state}，学习进度 {progress:.0%}{held}").format(
        state=state, progress=lesson["progress"], held=_HELD if lesson["held"] and lesson["state"] != "frozen"
        else Text("", ""))[language]
    for learner in found["learners"]:
        yield ""
        yield Text("{name} ({progress:.0%})", "{name}（{progress:.0%}）").format(
            name=_text(learner["name"]), progress=learner["progress"])[language]
        wide = max((columns(figure["name"][language]) for figure in learner["figures"]), default=0)
        for figure in learner["figures"]:
            yield f"  {_padded(figure['name'][language], wide)}  {_value(figure)}"
        for profile in learner["profiles"]:
            yield from _profile(profile, learner["figures"], found["decimals"], language)


def _profile(profile: dict[str, Any], figures: list[dict[str, Any]], decimals: int, language: str) -> Iterator[str]:
    values = [float("nan") if value is None else value for value in profile["value"]]
    starts = [profile["first_s"] + place * profile["step_s"] for place in range(len(values))]
    week = len(values) * profile["step_s"] > _DAY_S
    level = next((figure["value"] for figure in figures if figure["name"]["en"] == _LEVEL.en), None)
    usual = {} if level is None else {_LEVEL[language]: level}
    drawn = chart(starts, values, [True] * len(values), usual, (_clock(starts[0], week, language),
                                                               _clock(starts[-1], week, language)), decimals)
    unit = f" ({profile['unit']})" if profile["unit"] else ""
    yield ""
    yield f"  {profile['name'][language]}{unit}"
    yield from drawn or [_NOT_SEEN[language]]


_HELD = Text("; not learnt from now: an alarm stands or it is bypassed", "；当前不学习：有告警或处于旁路状态")
_LEVEL = Text("usual level", "正常水平")
_NOT_SEEN = Text("    no hour is complete yet", "    尚无完整的小时数据")


def _value(figure: dict[str, Any]) -> str:
    return "-" if figure["value"] is None else f"{figure['value']:.6g} {figure['unit']}".rstrip()


def _clock(seconds: float, week: bool, language: str) -> str:
    days, rest = divmod(int(seconds), 86400)
    day = f"{_DAYS[language].split()[days % 7]} " if week else ""
    return f"{day}{rest // 3600:02d}:{rest % 3600 // 60:02d}"


def _text(both: dict[str, str]) -> Text:
    return Text(both["en"], both["zh"])


def _padded(text: str, wide: int) -> str:
    return text + " " * (wide - columns(text))
