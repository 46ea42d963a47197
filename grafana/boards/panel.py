"""One panel: the question that it answers, what it asks, how it looks. Rendered for one language at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog import builder as cog
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.models import (
    bargauge,
    common,
    geomap,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import dashboard as model

from gateway.model.text import Text
from grafana.boards.influxql import Query
from grafana.boards.look import NEUTRAL, Bands, Steps, Words, bands, mapping, thresholds

SOURCE = model.DataSourceRef(type_val="influxdb", uid="${datasource}")

Kind = Literal["stat", "table", "curve", "bars", "ranking", "timeline", "map"]


class InfluxTarget(variants.Dataquery, cog.Builder):
    """A raw InfluxQL query as Grafana's InfluxDB data source keeps it."""

    def __init__(self, ref: str, query: str, result: str, alias: str):
        self._fields = {"refId": ref, "datasource": SOURCE, "query": query, "rawQuery": True, "resultFormat": result,
                        **({"alias": alias} if alias else {})}

    def build(self) -> InfluxTarget:
        return self

    def to_json(self) -> dict[str, object]:
        return self._fields


@dataclass(frozen=True, slots=True)
class Ask:
    """One query. names: what its columns are called on a curve or number; `$tag_x` and `$col` are Grafana's."""

    query: Query
    name: Text = Text("", "")


@dataclass(frozen=True, slots=True)
class Show:
    """One column of a table, or one series: how it looks.

    link  path of a dashboard with the variables that it needs, "{language}" filled in; or ""
    """

    name: str
    title: Text
    unit: str = ""
    words: Words = field(default_factory=dict)
    steps: Steps = ()
    decimals: int | None = None
    link: str = ""
    width: int = 0
    colour: str = ""
    bands: Bands = ()
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """key: stable name within its dashboard. size: columns of 24, rows. question: what a person wants to know who looks
    here. empty: shown where there is no data, and says why. since: the panel's own time range, such as "30d"."""

    key: str
    kind: Kind
    size: tuple[int, int]
    title: Text
    question: Text
    empty: Text
    asks: tuple[Ask, ...]
    unit: str = "short"
    shows: tuple[Show, ...] = ()
    words: Words = field(default_factory=dict)
    steps: Steps = NEUTRAL
    decimals: int | None = None
    since: str = ""
    sort: tuple[str, bool] | None = None  # column, descending
    least: float | None = None
    most: float | None = None
    link: str = ""
    join: str = ""
    sum: tuple[str, tuple[str, ...]] | None = None  # a column that is the sum of others in its row
    reduce: str = "lastNotNull"

    def build(self, number: int, x: int, y: int, language: str) -> model.Panel:
        panel = (build.Panel().id(number).type(_TYPES[self.kind]).title(self.title[language])
                 .description(self.question[language]).datasource(SOURCE)
                 .grid_pos(model.GridPos(x=x, y=y, w=self.size[0], h=self.size[1]))
                 .targets([InfluxTarget(chr(ord("A") + at), str(ask.query),
                                        "table" if self._tabular else "time_series", ask.name[language])
                           for at, ask in enumerate(self.asks)])
                 .options(_options(self, language))
                 .field_config(model.FieldConfigSource(defaults=self._defaults(language),
                                                       overrides=self._overrides(language))))
        if self.since:
            panel = panel.time_from(self.since)
        if steps := self._transformations(language):
            panel = panel.transformations(steps)
        return panel.build()

    @property
    def _tabular(self) -> bool:
        return self.kind in ("table", "map", "ranking")

    def _defaults(self, language: str) -> model.FieldConfig:
        coloured = model.FieldColorModeId.PALETTE_CLASSIC if self.kind in ("curve", "bars") \
            else model.FieldColorModeId.THRESHOLDS
        return model.FieldConfig(
            unit=self.unit, decimals=self.decimals, no_value=self.empty[language], min_val=self.least, max_val=self.most,
            mappings=[mapping(self.words, language)] if self.words else [], thresholds=thresholds(self.steps),
            color=model.FieldColor(mode=coloured), custom=_CUSTOM[self.kind](self),
            links=[_link(self.link, language)] if self.link else None)

    def _overrides(self, language: str) -> list[model.DashboardFieldConfigSourceOverrides]:
        found = []
        if self.kind == "table":  # the sentence that explains an empty table is not for an empty cell
            found.append(_override("byRegexp", ".*", {"noValue": "–"}))
        for show in self.shows:
            name = show.title[language] if self._tabular else show.name
            said: dict[str, object] = {} if self._tabular else {"displayName": show.title[language]}
            if show.unit:
                said["unit"] = show.unit
            if show.decimals is not None:
                said["decimals"] = show.decimals
            if show.words:
                said["mappings"] = [mapping(show.words, language)]
            if show.bands:
                said["mappings"] = bands(show.bands, language)
            if show.steps:
                said["thresholds"] = thresholds(show.steps)
            if show.colour:
                said["color"] = model.FieldColor(mode=model.FieldColorModeId.FIXED, fixed_color=show.colour)
            if show.dashed:
                said["custom.lineStyle"] = {"fill": "dash", "dash": [10, 10]}
                said["custom.fillOpacity"] = 0
            if self.kind == "table" and (show.steps or show.bands or any(word.colour for word in show.words.values())):
                said["custom.cellOptions"] = {"type": "color-text"}
            if show.width:
                said["custom.width"] = show.width
            if show.link:
                said["links"] = [_link(show.link, language)]
            if said:
                found.append(_override("byName", name, said))
        return found

    def _transformations(self, language: str) -> list[model.DataTransformerConfig]:
        """Tables: join, then only the columns that are shown, in their order and with their names, then sorted. (Grafana
        gives tags as columns in no fixed order.)"""
        if not self._tabular:
            return []
        steps = []
        if self.join:
            steps.append(model.DataTransformerConfig(id_val="joinByField",
                                                     options={"byField": self.join, "mode": "outer"}))
        if self.sum is not None:
            name, parts = self.sum
            steps.append(model.DataTransformerConfig(id_val="calculateField", options={
                "mode": "reduceRow", "alias": name, "replaceFields": False,
                "reduce": {"reducer": "sum", "include": list(parts)}}))
        if self.kind == "map":
            return steps
        names = [show.name for show in self.shows]
        steps.append(model.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": names}}))
        steps.append(model.DataTransformerConfig(id_val="organize", options={
            "excludeByName": {}, "indexByName": {name: at for at, name in enumerate(names)},
            "renameByName": {show.name: show.title[language] for show in self.shows}}))
        if self.sort is not None:
            title = next(show.title[language] for show in self.shows if show.name == self.sort[0])
            steps.append(model.DataTransformerConfig(id_val="sortBy", options={
                "fields": {}, "sort": [{"field": title, "desc": self.sort[1]}]}))
        return steps


def _override(matcher: str, what: str, said: Mapping[str, object]) -> model.DashboardFieldConfigSourceOverrides:
    return model.DashboardFieldConfigSourceOverrides(
        matcher=model.MatcherConfig(id_val=matcher, options=what),
        properties=[model.DynamicConfigValue(id_val=key, value=value) for key, value in said.items()])


_OPEN = Text("Open", "打开")


def _link(path: str, language: str) -> model.DashboardLink:
    return model.DashboardLink(title=_OPEN[language], url=path.replace("{language}", language))


_TYPES: dict[Kind, str] = {"stat": "stat", "table": "table", "curve": "timeseries", "bars": "timeseries",
                           "ranking": "bargauge", "timeline": "state-timeline", "map": "geomap"}


def _line(panel: Panel) -> timeseries.FieldConfig:
    """Gaps stay gaps: a line is never drawn across time in which nothing was measured."""
    marked = len(panel.steps) > 1
    return timeseries.FieldConfig(
        draw_style=common.GraphDrawStyle.BARS if panel.kind == "bars" else common.GraphDrawStyle.LINE, line_width=1,
        fill_opacity=80 if panel.kind == "bars" else 5, span_nulls=False,
        thresholds_style=common.GraphThresholdsStyleConfig(
            mode=common.GraphThresholdsStyleMode.DASHED if marked else common.GraphThresholdsStyleMode.OFF))


_CUSTOM = {"stat": lambda _: None, "table": lambda _: {"align": "auto", "cellOptions": {"type": "auto"}},
           "curve": _line, "bars": _line, "ranking": lambda _: None, "map": lambda _: None,
           "timeline": lambda _: statetimeline.FieldConfig(fill_opacity=80)}


def _options(panel: Panel, language: str) -> object:
    reduce = common.ReduceDataOptions(values=False, calcs=[panel.reduce], fields="")
    match panel.kind:
        case "stat":
            return stat.Options(reduce_options=reduce, color_mode=common.BigValueColorMode.BACKGROUND,
                                graph_mode=common.BigValueGraphMode.NONE, text_mode=common.BigValueTextMode.AUTO)
        case "table":
            return table.Options(cell_height=common.TableCellHeight.SM,
                                 footer=common.TableFooterOptions(show=False, enable_pagination=True, reducer=[]))
        case "ranking":
            return bargauge.Options(
                reduce_options=common.ReduceDataOptions(values=True, calcs=[], fields="", limit=15),
                orientation=common.VizOrientation.HORIZONTAL, display_mode=common.BarGaugeDisplayMode.BASIC)
        case "timeline":
            return statetimeline.Options(show_value=common.VisibilityMode.AUTO, merge_values=True)
        case "map":
            return _map(language)
    return timeseries.Options(
        legend=common.VizLegendOptions(display_mode=common.LegendDisplayMode.LIST, show_legend=True,
                                       placement=common.LegendPlacement.BOTTOM, calcs=[]),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING))


def _map(language: str) -> geomap.Options:
    """Sites by their coordinates on a blank base: no tile server is asked, so it works in an office without the internet,
    and it draws no border. The base must be some layer, and Grafana takes any of its layers for it: an outline file that
    Grafana itself carries, not visible. A map of one's own county takes its place: docs/how-to/grafana.md."""
    return geomap.Options(
        view=geomap.MapViewConfig(id_val="fit", all_layers=False, layer="sites", padding=10, zoom=10, max_zoom=12),
        controls=geomap.ControlsOptions(show_zoom=True, mouse_wheel_zoom=True, show_attribution=False, show_scale=True),
        basemap=common.MapLayerOptions(type_val="geojson", name="blank", opacity=0, tooltip=False, config={
            "src": "public/maps/countries.geojson", "rules": [],
            "style": {"color": {"fixed": "#808080"}, "opacity": 0}}),
        layers=[common.MapLayerOptions(
            type_val="markers", name="sites", tooltip=True,
            location=common.FrameGeometrySource(mode=common.FrameGeometrySourceMode.COORDS, latitude="latitude",
                                                longitude="longitude"),
            config={"showLegend": False, "style": {
                "color": {"field": "risk", "fixed": "#808080"}, "opacity": 0.9,
                "size": {"fixed": 8, "min": 4, "max": 12}, "symbol": {"fixed": "img/icons/marker/circle.svg",
                                                                      "mode": "fixed"},
                "text": {"field": f"name_{language}", "fixed": "", "mode": "field"},
                "textConfig": {"fontSize": 11, "offsetX": 0, "offsetY": 12, "textAlign": "center",
                               "textBaseline": "middle"}}})],
        tooltip=geomap.TooltipOptions(mode=geomap.TooltipMode.DETAILS))
