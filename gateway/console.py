"""What the terminal shows while the gateway runs: one line per event, and every alarm as it begins and ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from alerting.views import AlarmView
from gateway.model.alarm import AlarmDefinition
from gateway.model.text import Text

LABELS = {"field": Text("FIELD", "现场"), "alarm": Text("ALARM", "告警"), "end": Text("ended", "结束"),
          "page": Text("PAGE", "通知"), "gateway": Text("gateway", "网关"), "watch": Text("watch", "监视")}
_COLOURS = {"field": "36", "alarm": "1;31", "end": "32", "page": "35", "gateway": "0", "watch": "0"}


class Console:
    """`console(kind, text)` prints one line: when (as `stamp` says it), who speaks, what happened."""

    def __init__(self, language: str, stamp: Callable[[], str]):
        self._language, self._stamp = language, stamp
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def __call__(self, kind: str, text: Text) -> None:
        label = LABELS[kind][self._language]
        line = f"{label:<{7 if self._language == 'en' else 2}} {text[self._language]}"
        if self._colour:
            line = f"\033[{_COLOURS[kind]}m{line}\033[0m"
        print(f"{self._stamp()}  {line}", flush=True)


class AlarmLines:
    """Called with every alarm that is not normal, after each change; prints what has begun or ended since."""

    def __init__(self, console: Console):
        self._console = console
        self._active: dict[tuple[str, int], AlarmDefinition] = {}  # by alarm and occurrence

    def __call__(self, views: Sequence[AlarmView]) -> None:
        active = {(view.definition.id, view.occurrence): view for view in views if view.active}
        for key in self._active.keys() - active.keys():
            self._console("end", self._active[key].name)
        for key, view in active.items():
            if key not in self._active:
                self._begun(view)
        self._active = {key: view.definition for key, view in active.items()}

    def _begun(self, view: AlarmView) -> None:
        definition = view.definition
        value = "" if definition.limit is None else f" {view.value:.{definition.decimals}f} {definition.unit}"
        self._console("alarm", Text("P{priority} {name}{value}", "P{priority} {name}{value}").format(
            priority=int(definition.priority), name=definition.name, value=value))
        for line in view.evidence:
            self._console("alarm", Text("   {note}", "   {note}").format(note=line.note))
