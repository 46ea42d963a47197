"""One dashboard: its panels in reading order, its variables, the alarms marked on its curves, the way to the others."""

from __future__ import annotations

import json
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from gateway.model.text import Text
from gateway.sinks import schema
from gateway.sinks.schema import Measurement
from grafana.boards.influxql import REAL, SITE, Query, columns, place
from grafana.boards.panel import SOURCE, Panel

COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable filled by the database: values of a tag. within: conditions, such as the chosen site."""

    tag: str
    label: Text
    measurement: Measurement
    within: tuple[str, ...] = ()
    many: bool = True

    def query(self) -> str:
        where = f" WHERE {' AND '.join(self.within)}" if self.within else ""
        return f'SHOW TAG VALUES FROM {place(self.measurement)} WITH KEY = "{self.tag}"{where}'


@dataclass(frozen=True, slots=True)
class Mark:
    """Vertical lines on every curve. tags: columns shown beside the text."""

    name: Text
    colour: str
    query: Query
    tags: str
    shown: bool


THE_SITE = Choice("site", Text("Site", "站点"), schema.SITE, many=False)


@dataclass(frozen=True, slots=True)
class Board:
    """name: last part of its uid. about: what it is for, one sentence. marked: which alarms are marked on curves; None: no
    marks, where there would be thousands."""

    name: str
    title: Text
    about: Text
    panels: tuple[Panel, ...]
    choices: tuple[Choice, ...] = ()
    since: str = "now-6h"
    refresh: str = "1m"
    marked: tuple[str, ...] | None = (SITE,)

    def __post_init__(self) -> None:
        keys = [panel.key for panel in self.panels]
        if len(set(keys)) != len(keys):
            raise ValueError(f"{self.name}: two panels have one key")

    def uid(self, language: str) -> str:
        return f"davylamp-{self.name}-{language}"

    @property
    def marks(self) -> tuple[Mark, ...]:
        if self.marked is None:
            return ()
        raised = ('"event" = \'raise\'', REAL, *self.marked)
        alarm = columns("text_{language}", "alarm", "priority", "colour")
        return (
            Mark(Text("Red and orange alarms", "红色和橙色告警"), "red", Query(
                schema.ALARM, alarm, ('"colour" =~ /^(red|orange)$/', *raised)), "priority,colour", True),
            Mark(Text("Yellow and blue alarms", "黄色和蓝色告警"), "yellow", Query(
                schema.ALARM, alarm, ('"colour" =~ /^(yellow|blue)$/', *raised)), "priority,colour", False),
            Mark(Text("Bypasses, settings, drills", "旁路、配置变更、演练"), "purple", Query(
                schema.AUDIT, columns("text_{language}", "kind"), (SITE,)), "kind", False))

    def build(self, language: str) -> model.Dashboard:
        board = (build.Dashboard(self.title[language]).uid(self.uid(language)).description(self.about[language])
                 .tags(["davylamp", f"davylamp-{language}"]).timezone("browser").refresh(self.refresh).editable()
                 .time(self.since, "now").tooltip(model.DashboardCursorSync.CROSSHAIR)).build()
        board.panels = list(self._placed(language))
        board.templating = model.DashboardDashboardTemplating(list_val=list(self._variables(language)))
        board.annotations = model.AnnotationContainer(list_val=[_mark(mark, language) for mark in self.marks])
        board.links = [model.DashboardLink(
            title=Text("Dashboards", "其他看板")[language], type_val=model.DashboardLinkType.DASHBOARDS,
            tags=[f"davylamp-{language}"], include_vars=True, keep_time=True)]
        return board

    def json(self, language: str) -> str:
        text = json.dumps(self.build(language), cls=JSONEncoder, indent=1, ensure_ascii=False, sort_keys=True)
        return text.replace("{language}", language) + "\n"

    def _placed(self, language: str):
        x = y = tallest = 0
        for number, panel in enumerate(self.panels, 1):
            width, height = panel.size
            if x + width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            yield panel.build(number, x, y, language)
            x, tallest = x + width, max(tallest, height)

    def _variables(self, language: str):
        yield model.VariableModel(
            type_val=model.VariableType.DATASOURCE, name="datasource", label=Text("Database", "数据库")[language],
            query="influxdb", refresh=model.VariableRefresh.ON_DASHBOARD_LOAD)
        for choice in self.choices:
            yield model.VariableModel(
                type_val=model.VariableType.QUERY, name=choice.tag, label=choice.label[language], query=choice.query(),
                datasource=SOURCE, refresh=model.VariableRefresh.ON_TIME_RANGE_CHANGED,
                sort=model.VariableSort.NATURAL_ASC, multi=choice.many, include_all=choice.many,
                all_value=".*" if choice.many else None,
                current=model.VariableOption(text=Text("All", "全部")[language], value="$__all") if choice.many else None)
        yield _typed("zone", Text("Time zone of days", "统计日时区")[language], "Asia/Shanghai")
        if any("$raw" in str(ask.query) for panel in self.panels for ask in panel.asks):
            yield _typed("raw", Text("Database of single samples", "原始样本数据库")[language], "davylamp_raw")
        if THE_SITE in self.choices:
            yield _typed("gateway", Text("Page of the gateway", "网关页面地址")[language], "http://127.0.0.1:8080")


def _typed(name: str, label: str, value: str) -> model.VariableModel:
    return model.VariableModel(type_val=model.VariableType.TEXTBOX, name=name, label=label, query=value,
                               current=model.VariableOption(text=value, value=value))


def _mark(mark: Mark, language: str) -> model.AnnotationQuery:
    columns_shown = {"textColumn": "text_{language}", "tagsColumn": mark.tags, "titleColumn": "", "timeEndColumn": ""}
    return model.AnnotationQuery(
        name=mark.name[language], datasource=SOURCE, enable=mark.shown, icon_color=mark.colour,
        target={"refId": "Anno", "query": str(mark.query), "rawQuery": True, "fromAnnotations": True,
                "queryType": "tags", "textEditor": True, "resultFormat": "table", **columns_shown})


def to(board: str, *variables: str) -> str:
    """Path of another dashboard in the same language, with the same time range and database."""
    carried = ["${__url_time_range}", "${datasource:queryparam}", "${zone:queryparam}", *variables]
    return f"/d/davylamp-{board}-{{language}}?" + "&".join(carried)


THIS_SITE = "${site:queryparam}"
