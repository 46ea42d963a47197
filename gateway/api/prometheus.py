"""Prometheus text exposition format, version 0.0.4."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

from gateway.api.view import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


def exposition(metrics: Iterable[Metric]) -> str:
    """All families, one after the other. ValueError for a name that Prometheus would refuse: that is a bug of ours."""
    return "".join(line for metric in metrics for line in _family(metric))


def _family(metric: Metric) -> Iterator[str]:
    if not _METRIC.fullmatch(metric.name):
        raise ValueError(f"not a metric name: {metric.name!r}")
    yield f"# HELP {metric.name} {_escape(metric.help)}\n# TYPE {metric.name} {metric.kind}\n"
    for labels, value in metric.samples:
        if wrong := [name for name in labels if not _LABEL.fullmatch(name)]:
            raise ValueError(f"not label names: {wrong} of {metric.name}")
        inside = ",".join(f'{name}="{_escape(str(text), quote=True)}"' for name, text in labels.items())
        yield f"{metric.name}{{{inside}}} {_number(value)}\n" if inside else f"{metric.name} {_number(value)}\n"


def _escape(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
