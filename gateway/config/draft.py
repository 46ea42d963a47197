"""The site file table by table: validated as far as it is valid, so that the cross-checks can go on with the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.config.centre import CentreSection
from gateway.config.document import Document, Location, Spot, children
from gateway.config.kinds import GAS_DEADMAN, CatalogueKind, catalogue, overlaid
from gateway.config.messages import problems, unknown_key
from gateway.config.overlay_sections import SuppressionSection
from gateway.config.page import ApiSection
from gateway.config.points_csv import PointRow, read_points
from gateway.config.rule_sections import RULES
from gateway.config.salvage import salvaged
from gateway.config.sections import AlarmsSection, AnnunciatorSection, AreaSection, SiteSection, StoreSection
from gateway.config.shape import keys, models_at
from gateway.config.signal_sections import GroupSection, KindSection, SignalSection
from gateway.config.values import did_you_mean, shown
from gateway.config.vigil import HeartbeatSection, SelfTestSection
from gateway.model.errors import Problem
from gateway.model.text import Text

M = TypeVar("M", bound=BaseModel)
Locate = Callable[[Location], Spot]
ModelOf = Callable[[int, dict], type[BaseModel] | None]  # number and table of a list element -> its model


@dataclass(frozen=True)
class Plugins:
    """The `type` of every section a plugin can read -> its pydantic model. oncall: of the table `[oncall]`."""

    sources: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    sinks: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    notifiers: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    oncall: type[BaseModel] | None = None


@dataclass(frozen=True)
class Written:
    """A section and where each of its keys was written. `whole` is false when parts that were refused are left out:
    then something that is missing means nothing."""

    section: Any
    spot: Locate
    whole: bool = True


@dataclass(frozen=True)
class Kind:
    """A kind as this site uses it; `written` is None where the site says nothing of it."""

    kind: CatalogueKind
    written: Written | None = None


TABLES = ("site", "areas", "kinds", "signals", "groups", "rules", "sources", "sinks", "notifiers", "oncall", "store",
          "api", "alarms", "suppressions", "annunciators", "heartbeat", "selftest", "centre")


class Draft:
    """Everything the file says. What is not valid is absent, and `problems` says why.

    named       "areas", "kinds", "signals" ... -> the names that are given, valid or not: a reference to one of them is
                no further error
    bound_all   every source is whole: a signal that none of them binds is really bound nowhere
    points_files  the spreadsheets that it names
    """

    def __init__(self, document: Document, plugins: Plugins):
        self.document = document
        self.problems: list[Problem] = []
        self.points_files: list[Path] = []
        self._rows: list[PointRow] = []
        self._rows_lost: set[int] = set()  # sources with a points file that can not be used as it is
        for key in document.data:
            if key not in TABLES:
                self._report(document.spot((key,)), *unknown_key(key, TABLES))
        self.site = self._site()
        self.named: dict[str, dict[str, None]] = {}
        self.areas = self._list("areas", lambda number, table: AreaSection)
        self.kinds = self._kinds()
        self.sources = self._list("sources", self._source(plugins.sources))
        self.signals = self._signals()
        self.groups = self._list("groups", lambda number, table: GroupSection)
        self.rules = self._list("rules", self._typed("rules", RULES))
        self.suppressions = self._list("suppressions", lambda number, table: SuppressionSection)
        self.sinks = self._list("sinks", self._typed("sinks", plugins.sinks))
        self.notifiers = self._list("notifiers", self._typed("notifiers", plugins.notifiers))
        asked = plugins.oncall is not None and "oncall" in document.data
        self.oncall = self._table("oncall", plugins.oncall) if asked else None
        self.bound_all = (len(self.sources) == len(self.named["sources"])
                          and all(source.whole for source in self.sources.values()))
        self.annunciators = self._list("annunciators", lambda number, table: AnnunciatorSection)
        self.store = self._table("store", StoreSection)
        self.api = self._table("api", ApiSection)
        self.alarms = self._table("alarms", AlarmsSection)
        self.heartbeat = self._table("heartbeat", HeartbeatSection)
        self.centre = self._table("centre", CentreSection) if "centre" in document.data else None
        self.selftest = self._table("selftest", SelfTestSection) if "selftest" in document.data else None

    def unknown_signal(self, signal: str) -> tuple[Text, Text]:
        """What and fix where a signal is referred to that nobody has named."""
        hint = did_you_mean(signal, self.named["signals"])
        return (Text(f'unknown signal "{signal}"{hint.en}', f'未知的信号 "{signal}"{hint.zh}'),
                Text("correct it, or add it under [[signals]] (in a points file: give it a kind)",
                     "更正，或在 [[signals]] 下新增（点表文件中：填写其种类）"))

    def _report(self, spot: Spot, what: Text, fix: Text) -> None:
        self.problems.append(spot.problem(what, fix))

    def _report_twice(self, name: str, second: Spot, first: Spot) -> None:
        where = first.seen_from(second)
        self._report(second,
                     Text(f'"{name}" is there twice; first in {where.en}', f'"{name}" 重复；首次出现在 {where.zh}'),
                     Text("give one of them another id, or delete it", "修改其中一个的标识，或删除一个"))

    def _at(self, *base: str | int) -> Locate:
        return lambda location: self.document.spot((*base, *location))

    def _valid(self, model: type[BaseModel], data: object, spot: Locate) -> Written | None:
        """The section, or what is left of it without the parts that are refused (and reported), or nothing."""
        try:
            return Written(model.model_validate(data), spot)
        except ValidationError as error:
            self.problems += problems(error, model, data, spot)
            rest, original = salvaged(data, [(finding["type"], finding["loc"]) for finding in error.errors()])
        try:
            return Written(model.model_validate(rest), lambda location: spot(original(location)), whole=False)
        except ValidationError:
            return None  # all there is to say has been said

    def _table(self, name: str, model: type[M]) -> M | None:
        written = self._valid(model, self.document.data.get(name, {}), self._at(name))
        return written.section if written is not None else None

    def _site(self) -> SiteSection | None:
        if "site" in self.document.data:
            return self._table("site", SiteSection)
        self._report(self.document.spot(("site",)), Text("table [site] is missing", "缺少表 [site]"),
                     Text("add [site] with id, name and timezone", "增加 [site] 表，包含 id、name 和 timezone"))
        return None

    def _tables(self, name: str) -> Iterator[tuple[int, dict]]:
        """The elements of an array of tables."""
        listed = self.document.data.get(name, [])
        if not isinstance(listed, list):
            self._report(self.document.spot((name,)),
                         Text(f"expected a list of tables, got {shown(listed).en}",
                              f"应为表的列表，实际为{shown(listed).zh}"),
                         Text(f"write [[{name}]] with double brackets for each of them",
                              f"每一项都写成双方括号 [[{name}]]"))
            return
        for number, table in enumerate(listed):
            if isinstance(table, dict):
                yield number, table
            else:
                self._report(self.document.spot((name, number)),
                             Text(f"expected a table, got {shown(table).en}", f"应为表，实际为 {shown(table).zh}"),
                             Text(f"write [[{name}]] with keys below it", f"写成 [[{name}]]，各键写在其后"))

    def _list(self, name: str, model_of: ModelOf) -> dict[str, Written]:
        """An array of tables -> its valid sections by id. A second one with the same id is an error naming both."""
        found: dict[str, Written] = {}
        first: dict[str, int] = {}
        names: list[str] = []
        for number, table in self._tables(name):
            model = model_of(number, table)
            written = self._valid(model, table, self._at(name, number)) if model is not None else None
            if name == "sources" and number in self._rows_lost and written is not None:
                written = replace(written, whole=False)
            known = written.section.id if written is not None else table.get("id")
            names.append(str(known))
            if isinstance(known, str) and first.setdefault(known, number) != number:
                self._report_twice(known, self.document.spot((name, number, "id")),
                                   self.document.spot((name, first[known])))
            elif written is not None:
                found[known] = written
        self.named[name] = dict.fromkeys(names)
        return found

    def _typed(self, name: str, types: Mapping[str, type[BaseModel]]) -> ModelOf:
        """The model that the key `type` of a table asks for."""
        def model_of(number: int, table: dict) -> type[BaseModel] | None:
            kind = table.get("type")
            if isinstance(kind, str) and kind in types:
                return types[kind]
            choices = ", ".join(f'"{known}"' for known in types)
            hint = did_you_mean(kind, types) if isinstance(kind, str) else Text("", "")
            what = (Text("required key is missing", "缺少必填的键") if kind is None
                    else Text(f"unknown type {shown(kind).en}{hint.en}", f"未知的类型 {shown(kind).zh}{hint.zh}"))
            self._report(self.document.spot((name, number, "type")), what,
                         Text(f"write one of {choices}", f"可填写 {choices}"))
            return None
        return model_of

    def _source(self, types: Mapping[str, type[BaseModel]]) -> ModelOf:
        """The model of a source, after the rows of its points files have been put into their tables."""
        typed = self._typed("sources", types)

        def model_of(number: int, table: dict) -> type[BaseModel] | None:
            model = typed(number, table)
            if model is not None:
                self._read_points_files(("sources", number), (), table, model, table)
            return model
        return model_of

    def _read_points_files(self, base: Location, inner: Location, node: object, model: type[BaseModel],
                           table: dict) -> None:
        if isinstance(node, dict) and isinstance(node.get("points_csv"), str):
            point = next(iter(models_at(model, (*inner, "points", 0), table)), None)
            if point is not None:
                self._append_rows((*base, *inner), node, point)
                if not any("points_csv" in keys(option) for option in models_at(model, inner, table)):
                    del node["points_csv"]
        for key, child in list(children(node)):
            self._read_points_files(base, (*inner, key), child, model, table)

    def _append_rows(self, location: Location, node: dict, point: type[BaseModel]) -> None:
        points = node.setdefault("points", [])
        if not isinstance(points, list):
            return
        before = len(self.problems)
        path = Path(self.document.file).parent / node["points_csv"]
        self.points_files.append(path)
        for row in read_points(path, point, self.document.spot((*location, "points_csv")), self.problems.append):
            self.document.rows[(*location, "points", len(points))] = row.row
            points.append(row.point)
            self._rows.append(row)
        if len(self.problems) > before:
            self._rows_lost.add(int(location[1]))

    def _kinds(self) -> dict[str, Kind]:
        """The catalogue, overlaid with what this site says."""
        kinds = {name: Kind(kind) for name, kind in catalogue().items()}
        said = self.document.data.get("kinds", {})
        self.named["kinds"] = dict.fromkeys((*kinds, *(said if isinstance(said, dict) else ())))
        if not isinstance(said, dict):
            self._report(self.document.spot(("kinds",)), Text("expected a table", "应为表"),
                         Text("write [kinds.NAME]", "写成 [kinds.名称]"))
            return kinds
        for name, table in said.items():
            written = self._valid(KindSection, table, self._at("kinds", name))
            if written is None:
                continue
            section = written.section
            if name in kinds:
                kinds[name] = Kind(overlaid(kinds[name].kind, section), written)
            elif section.name is None or section.unit is None:
                hint = did_you_mean(name, kinds)
                self._report(self.document.spot(("kinds", name)),
                             Text(f"unknown kind{hint.en}", f"未知的种类{hint.zh}"),
                             Text("correct the name; a new kind needs name and unit",
                                  "更正名称；新增种类需要 name 和 unit"))
            else:
                bare = CatalogueKind(name=section.name, unit=section.unit, deadman=GAS_DEADMAN if section.gas else None)
                kinds[name] = Kind(overlaid(bare, section), written)
        return kinds

    def _signals(self) -> dict[str, Written]:
        """Signals from the site file and from points files. Both may speak of one signal; the site file prevails."""
        found: dict[str, Written] = {}
        from_rows: dict[str, PointRow] = {}
        for row in self._rows:
            name = row.point.get("signal")
            if name is None or not row.attributes:
                continue
            if name in from_rows:
                self._report_twice(name, row.row.spot(("signal",)), from_rows[name].row.spot(()))
            from_rows.setdefault(name, row)
        tables: dict[str, int] = {}
        for number, table in self._tables("signals"):
            name = table.get("id")
            if isinstance(name, str) and name in tables:
                self._report_twice(name, self.document.spot(("signals", number, "id")),
                                   self.document.spot(("signals", tables[name])))
                continue
            row = from_rows.pop(name, None) if isinstance(name, str) else None
            if isinstance(name, str):
                tables[name] = number
            self._signal(found, _merged(row, table), self._written_in(row, table, number))
        for name, row in from_rows.items():
            self._signal(found, {"id": name, **row.attributes}, row.row.spot)
        self.named["signals"] = dict.fromkeys((*tables, *from_rows))
        return found

    def _signal(self, found: dict[str, Written], data: dict, spot: Locate) -> None:
        written = self._valid(SignalSection, data, spot)
        if written is not None:
            found[written.section.id] = written

    def _written_in(self, row: PointRow | None, table: dict, number: int) -> Locate:
        """A key stands in the site file if it is there, else in the row of the points file if it is there."""
        def spot(location: Location) -> Spot:
            if row is not None and not _says(table, location) and _says(row.attributes, location):
                return row.row.spot(location)
            return self.document.spot(("signals", number, *location))
        return spot


def _says(table: Mapping, location: Location) -> bool:
    """Does `table` say something at this place? For limits: of this very limit."""
    if not location or location[0] not in table:
        return False
    inner = table[location[0]]
    return not (location[0] == "limits" and isinstance(inner, Mapping) and len(location) > 1) or location[1] in inner


def _merged(row: PointRow | None, table: dict) -> dict:
    if row is None:
        return table
    merged = {**row.attributes, **table}
    limits = [said.get("limits") for said in (row.attributes, table)]
    if all(isinstance(said, dict) for said in limits):
        merged["limits"] = {**limits[0], **limits[1]}
    return merged
