"""Words that all results share: instants, spans, evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from alerting.message import local_time
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence
from gateway.replay.count import DAY_S, Score

Lines = Iterator[Text]


def clock(site: Site, wall_ns: int) -> str:
    """The site's own time."""
    return f"{local_time(site, wall_ns):%Y-%m-%d %H:%M:%S.%f}"[:-5]


def iso(site: Site, wall_ns: int) -> str:
    """The site's own time with its offset, ISO 8601."""
    return local_time(site, wall_ns).isoformat()


def span(seconds: float) -> str:
    """"41.0 s", "12 min", "3.5 h"; units that read the same in both languages."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def lead(seconds: float) -> Text:
    """How long an alarm came before its event; negative: after."""
    if seconds >= 0:
        return Text(f"{span(seconds)} before it", f"提前 {span(seconds)}")
    return Text(f"{span(-seconds)} after it", f"滞后 {span(-seconds)}")


def false_alarms(score: Score) -> Text:
    """A rate by the day is said only of a day or more."""
    if score.watched_s < DAY_S:
        return Text(f"{score.false_alarms} in {span(score.watched_s)}",
                    f"{span(score.watched_s)} 内 {score.false_alarms} 次")
    return Text(f"{score.false_alarms}, {score.false_per_day:.2f} a day",
                f"{score.false_alarms} 次，每天 {score.false_per_day:.2f} 次")


def evidence(site: Site, line: Evidence) -> Text:
    value = f" {line.value:g}" if math.isfinite(line.value) else ""
    return Text("      {time} {signal}{value}: {note}", "      {time} {signal}{value}：{note}").format(
        time=clock(site, line.wall_ns), signal=line.signal, value=value, note=line.note)


def evidence_json(site: Site, lines: Iterable[Evidence]) -> list[dict[str, Any]]:
    return [{"time": iso(site, line.wall_ns), "signal": line.signal, "value": number(line.value),
             "note": line.note.both} for line in lines]


def number(value: float) -> float | None:
    """As JSON can say it: null for what is no number."""
    return value if math.isfinite(value) else None


def told(lines: Iterable[Text], language: str) -> str:
    """As one text."""
    return "\n".join(line[language] for line in lines)
