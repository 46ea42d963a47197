"""load: a site file and its points files -> one validated SiteFile, or every problem there is."""

from __future__ import annotations

import hashlib
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from gateway.config import build, checks, in_clear, rules
from gateway.config.build import SignalPlan
from gateway.config.centre import CentreSection
from gateway.config.document import Unreadable, read_document
from gateway.config.draft import Draft, Plugins
from gateway.config.overlay_checks import named_problems, suppression_problems
from gateway.config.page import ApiSection
from gateway.config.sections import AlarmsSection, StoreSection
from gateway.config.vigil import HeartbeatSection, SelfTestSection
from gateway.model import installed
from gateway.model.annunciator import Annunciator
from gateway.model.errors import Problem
from gateway.model.signal import SELFTEST, Device
from gateway.model.site import Site


@dataclass(frozen=True)
class SiteFile:
    """A valid site file. `sources`, `sinks`, `notifiers` are the plugins' own models, in the order of the file."""

    path: Path
    site: Site
    sources: tuple[BaseModel, ...]
    sinks: tuple[BaseModel, ...]
    notifiers: tuple[BaseModel, ...]
    store: StoreSection
    api: ApiSection
    alarms: AlarmsSection
    heartbeat: HeartbeatSection
    selftest: SelfTestSection | None
    oncall: BaseModel | None = None
    centre: CentreSection | None = None
    annunciators: tuple[Annunciator, ...] = ()
    clock_kept: bool = False  # by somebody whom the kernel does not know

    def origin(self) -> dict[str, str | int]:
        """Which file this is, when and by whose hand it was written last, as far as the file system tells. Reads it."""
        try:
            stat, digest = self.path.stat(), hashlib.sha256(self.path.read_bytes()).hexdigest()
        except OSError:  # it was moved away since it was read
            return {"file": self.path.name}
        try:
            owner = pwd.getpwuid(stat.st_uid).pw_name
        except KeyError:
            owner = str(stat.st_uid)
        return {"file": self.path.name, "sha256": digest, "modified_wall_ns": stat.st_mtime_ns, "owner": owner}


@dataclass(frozen=True)
class Loaded:
    """`site_file` is None when any problem is an error; then the rest is empty. tables: what is written, with the rows
    of its points files in their places. points_files: those it names."""

    site_file: SiteFile | None
    problems: tuple[Problem, ...]
    tables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    points_files: tuple[Path, ...] = ()


def load(path: str | Path, plugins: Plugins, overrides: Mapping[str, object] = MappingProxyType({}),
         home: Path | None = None) -> Loaded:
    """Read, validate and cross-check a site file. Never raises for what a person wrote.

    home        of a copy: the folder that the site file belongs in, where the page's certificate and the data lie

    overrides   "store.folder", "api.port", "sources.ID.port" ... -> value, in place of what the file says
    """
    path = Path(path)
    try:
        document = read_document(path)
    except Unreadable as error:
        return Loaded(None, (error.problem,))
    refused = [problem for dotted, value in overrides.items() if (problem := document.override(dotted, value))]
    draft = Draft(document, plugins)
    plans = {id: SignalPlan.of(written.section, draft.kinds[written.section.kind])
             for id, written in draft.signals.items() if written.section.kind in draft.kinds}
    problems = checks.duplicates((*refused, *in_clear.problems(document), *draft.problems, *checks.check(draft, plans)))
    if any(problem.severity == "error" for problem in problems):
        return Loaded(None, (*problems, *named_problems(draft)))
    site_file = _site_file(path, draft, plans, "store.folder" in overrides, home or path.parent)
    problems = (*problems, *suppression_problems(draft, site_file.site))
    if any(problem.severity == "error" for problem in problems):
        return Loaded(None, problems)
    return Loaded(site_file, problems, document.data, tuple(draft.points_files))


def _beside(home: Path, api: ApiSection) -> ApiSection:
    """Relative paths are from the folder of the site file."""
    given = {key: str(home / file) for key in ("tls_cert", "tls_key") if (file := getattr(api, key)) is not None}
    return api.model_copy(update=given)


def _site_file(path: Path, draft: Draft, plans: Mapping[str, SignalPlan], folder_given: bool,
               home: Path) -> SiteFile:
    """Only for a draft without errors: every section is there and every reference is known."""
    assert draft.site is not None and draft.store is not None and draft.api is not None and draft.alarms is not None
    assert draft.heartbeat is not None
    areas = build.areas(draft.site, [written.section for written in draft.areas.values()])
    names = {area.id: area.name for area in areas}
    signals = {id: plan.signal(plan.section.area or areas[0].id) for id, plan in plans.items()}
    if draft.selftest is not None:
        signals |= {SELFTEST: draft.selftest.signal}
    relations = []
    for written in draft.rules.values():
        first = rules.first_signal(written.section)
        area = written.section.area or signals[first].area
        relations.append(rules.rule(written.section, area, names[area]))
    groups = [build.group(section, section.area or signals[section.signals[0]].area)
              for section in (written.section for written in draft.groups.values())]
    devices = [Device(f"{id}/{device}", tuple(own)) for id, written in draft.sources.items()
               for device, own in written.section.wired().items() if own]
    site = build.site(draft.site, areas, signals.values(), relations, draft.kinds, groups, devices,
                      [section.peer for section in draft.heartbeat.peers],
                      [written.section.built() for written in draft.suppressions.values()],
                      draft.alarms)
    folder = draft.store.folder
    if not folder_given:
        ours = home == installed.CONFIG and installed.DATA.is_dir()
        folder = str(installed.DATA if ours else home / folder)
    return SiteFile(path, site, *(tuple(written.section for written in part.values())
                                  for part in (draft.sources, draft.sinks, draft.notifiers)),
                    store=draft.store.model_copy(update={"folder": folder}), api=_beside(home, draft.api),
                    alarms=draft.alarms, heartbeat=draft.heartbeat, selftest=draft.selftest,
                    oncall=draft.oncall, centre=draft.centre, annunciators=tuple(
                        build.annunciator(written.section) for written in draft.annunciators.values()),
                    clock_kept=draft.site.clock == "kept")
