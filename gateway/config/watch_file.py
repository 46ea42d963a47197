"""The file of `davylamp watch`: whose life to watch, and whom to tell. Checked as a site file is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError, create_model, model_validator

from gateway.config.document import Unreadable, read_document
from gateway.config.messages import problems
from gateway.config.page import is_loopback
from gateway.config.section import Section
from gateway.config.values import Id, Name, PositiveDuration, TimeZone, Whole
from gateway.config.vigil import BrokerSection, PeerSection, Url, check_peers
from gateway.model.errors import Problem
from gateway.model.text import Text


class WatchSection(Section):
    id: Id
    """Id of this watcher, used in the keys of its notices."""
    name: Name
    """What people call it."""
    timezone: TimeZone
    """IANA name, such as `Asia/Shanghai`. Every time a person sees is in it."""
    language: Literal["en", "zh"] = "en"
    """Language of notices where only one language fits."""
    folder: str = "watch-data"
    """Where it keeps what it knows. Relative: from the folder of this file."""
    repeat: Annotated[PositiveDuration, Field(ge=1, le=86400)] = 300.0
    """How often a page is repeated while the gateway is silent and nobody has acknowledged; over a restart, too."""
    base_url: Url | None = None
    """Address under which the receiver of a notice reaches this watcher; notices then carry a link."""


def _loopback(value: str) -> str:
    if not is_loopback(value):
        raise ValueError(Text("a watcher has no accounts and is served to this machine only",
                              "监视程序没有账户，仅对本机提供服务"),
                         Text('keep "127.0.0.1"', '请保留 "127.0.0.1"'))
    return value


class WatchApiSection(Section):
    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    """Address its API listens on: a loopback one."""
    port: Annotated[Whole, Field(ge=0, le=65535)] = 8081
    """TCP port; 0 takes any free one."""


class WatchedSection(PeerSection):
    health: Url | None = None
    """Address of the gateway's page, such as `http://127.0.0.1:8080`: asked `every` so often whether it works."""
    every: Annotated[PositiveDuration, Field(ge=1)] = 15.0
    """How often it is asked; at most half of `silent_after`, so that one lost answer is no silence."""

    @model_validator(mode="after")
    def _asked_in_time(self) -> WatchedSection:
        if self.health is not None and 2 * self.every > self.silent_after:
            raise ValueError(
                Text(f"asked every {self.every:g} s and silent after {self.silent_after:g} s: one lost answer, or a "
                     "slow start, would page people",
                     f"每 {self.every:g} 秒询问一次，{self.silent_after:g} 秒未应答即视为失联：丢失一次应答或启动稍慢"
                     "就会误报"),
                Text(f"write every = {self.silent_after / 2:g} or less, or lengthen silent_after",
                     f"将 every 设为不超过 {self.silent_after / 2:g}，或延长 silent_after"))
        return self


class WatchFile(Section):
    """The whole file. `notifiers` are those of a site file."""

    watch: WatchSection
    api: WatchApiSection = WatchApiSection()
    broker: BrokerSection | None = None
    gateways: Annotated[tuple[WatchedSection, ...], Field(min_length=1)]
    notifiers: Annotated[tuple[Any, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_together(self) -> WatchFile:
        check_peers(self.gateways, self.broker)
        ids = [notifier.id for notifier in self.notifiers]
        if twice := next((id for id in ids if ids.count(id) > 1), None):
            raise ValueError(Text(f'"{twice}" is there twice', f'"{twice}" 重复'),
                             Text("give one of them another id, or delete it", "修改其中一个的标识，或删除一个"))
        return self


@dataclass(frozen=True)
class LoadedWatch:
    """`file` is None when there are problems; `folder` of it is then as seen from here."""

    file: WatchFile | None
    problems: tuple[Problem, ...] = ()


def load_watch(path: Path, notifiers: Mapping[str, type[BaseModel]]) -> LoadedWatch:
    """Read and validate. notifiers: the plugins. Never raises for what a person wrote."""
    try:
        document = read_document(path)
    except Unreadable as error:
        return LoadedWatch(None, (error.problem,))
    kinds = tuple(notifiers.values())
    either = kinds[0] if len(kinds) == 1 else Annotated[reduce(or_, kinds), Field(discriminator="type")]
    model = create_model("WatchFile", __base__=WatchFile,
                         notifiers=(Annotated[tuple[either, ...], Field(min_length=1)], ...))
    try:
        file = model.model_validate(document.data)
    except ValidationError as error:
        return LoadedWatch(None, tuple(problems(error, model, document.data, document.spot)))
    watch = file.watch.model_copy(update={"folder": str(path.parent / file.watch.folder)})
    return LoadedWatch(file.model_copy(update={"watch": watch}))
