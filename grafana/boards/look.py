"""How values look: colours, words for codes, limits at which a colour changes. The same on every dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grafana_foundation_sdk.models import dashboard as model

from gateway.model.alarm import RISK_NAMES, Risk
from gateway.model.quality import LABELS
from gateway.model.text import Text

RED, ORANGE, YELLOW, BLUE, GREEN, GREY = "red", "orange", "yellow", "blue", "green", "#808080"


@dataclass(frozen=True, slots=True)
class Word:
    """What a code reads as. No colour: that of the text."""

    text: Text
    colour: str | None = None


Words = Mapping[object, Word]  # by code: number, True, False or text

RISKS: Words = {0: Word(Text("none", "无"), GREEN)} | {
    number: Word(RISK_NAMES[risk], colour)
    for number, (risk, colour) in enumerate(((Risk.BLUE, BLUE), (Risk.YELLOW, YELLOW), (Risk.ORANGE, ORANGE),
                                             (Risk.RED, RED)), 1)}
COLOURS: Words = {risk.value: Word(name, risk.value) for risk, name in RISK_NAMES.items()}
SYSTEM: Words = {0: Word(Text("DOWN", "停用"), RED), 1: Word(Text("in part", "部分可用"), ORANGE),
                 2: Word(Text("works", "正常"), GREEN)}
LOAD: Words = {0: Word(Text("stopped", "停机"), GREY), 1: Word(Text("idle / maintenance", "空载/检修"), BLUE),
               2: Word(Text("running", "运行"), GREEN)}
SWITCH: Words = {0: Word(Text("0", "0"), GREY), 1: Word(Text("1", "1"), GREEN)}
YES: Words = {True: Word(Text("yes", "是")), False: Word(Text("no", "否"))}
SILENT: Words = {1: Word(Text("SILENT", "失联"), RED), 0: Word(Text("reports", "在线"), GREEN)}
WAITS: Words = {False: Word(Text("WAITS", "待确认"), ORANGE), True: Word(Text("yes", "已确认"), GREEN)}
PASSED: Words = {True: Word(Text("in time", "按时"), GREEN), False: Word(Text("NO", "否"), RED)}
OUTCOME: Words = {"verified": Word(Text("verified", "已确认"), GREEN), "late": Word(Text("late", "超时"), ORANGE),
                  "failed": Word(Text("FAILED", "未确认"), RED), "broken off": Word(Text("broken off", "中止"), GREY)}
FAULT: Words = {True: Word(Text("stands", "存在"), RED), False: Word(Text("ended", "已结束"), GREEN)}
QUALITY: Words = {int(code): Word(text, GREEN if code == 0 else YELLOW if code < 0x80 else RED)
                  for code, text in LABELS.items()}


def mapping(words: Words, language: str) -> model.ValueMap:
    return model.ValueMap(options={
        str(code).lower() if isinstance(code, bool) else str(code):
            model.ValueMappingResult(text=word.text[language], color=word.colour, index=index)
        for index, (code, word) in enumerate(words.items())})


Bands = tuple[tuple[float, float, Word], ...]  # from, up to, what that reads as


def bands(found: Bands, language: str) -> list[model.RangeMap]:
    return [model.RangeMap(options=model.DashboardRangeMapOptions(
        from_val=low, to=high, result=model.ValueMappingResult(text=word.text[language], color=word.colour, index=index)))
        for index, (low, high, word) in enumerate(found)]


Steps = tuple[tuple[float | None, str], ...]  # from this value on, this colour; the first has no value

NEUTRAL: Steps = ((None, "text"),)
ANY_RED: Steps = ((None, GREEN), (1, RED))
ANY_ORANGE: Steps = ((None, GREEN), (1, ORANGE))
ANY_YELLOW: Steps = ((None, GREEN), (1, YELLOW))
ANY_BLUE: Steps = ((None, GREEN), (1, BLUE))
ONLINE: Steps = ((None, RED), (95, ORANGE), (99.5, GREEN))  # per cent; national target: at least 99.5


def thresholds(steps: Steps) -> model.ThresholdsConfig:
    return model.ThresholdsConfig(mode=model.ThresholdsMode.ABSOLUTE,
                                  steps=[model.Threshold(value=value, color=colour) for value, colour in steps])
