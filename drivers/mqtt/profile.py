"""Shipped mappings: `devices/<name>.toml` says what a kind of device publishes, the site file which signal it is."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path as FilePath

from drivers.mqtt.feed import Feed, Point, Presence
from drivers.mqtt.payload import Conversion, Path
from drivers.mqtt.topics import Pattern, fill, names_in
from gateway.model.text import Text

_FOLDER = FilePath(__file__).parent / "devices"


@dataclass(frozen=True, slots=True)
class Offer:
    """One value that a kind of device publishes. topic, path: may name {topic} and {item}. path None: plain scalar."""

    name: str
    topic: str
    path: tuple[str, ...] | None
    unit: str
    title: Text

    @property
    def needs_item(self) -> bool:
        return "item" in names_in("/".join((self.topic, *(self.path or ()))))


@dataclass(frozen=True, slots=True)
class Wish:
    """What the site file wants of a device: `value` is "name" or "item/name"."""

    signal: str
    value: str
    scale: float
    offset: float
    location: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    title: Text
    topic: str | None  # default of {topic}
    presence: Mapping[str, object] | None
    offers: Mapping[str, Offer]

    def expand(self, wishes: Iterable[Wish], topic: str, device: str, qos: int, period_s: float | None) -> list[Feed]:
        """The feeds that fulfil the wishes, one for each topic. ValueError(what, fix) for a value nobody offers."""
        feeds: list[Feed] = []
        documents: dict[str, list[Point]] = {}
        for wish in wishes:
            item, _, name = wish.value.rpartition("/")
            offer = self.offer(name, item)
            filling = {"topic": topic, "item": item}
            where = fill(offer.topic, filling)
            path: Path = tuple(fill(step, filling) for step in offer.path or ())
            point = Point(wish.signal, Conversion(wish.scale, wish.offset), path, wish.location)
            if offer.path is None:
                feeds.append(Feed(Pattern(where), where, "scalar", (point,), device, qos, period_s=period_s))
            else:
                documents.setdefault(where, []).append(point)
        return feeds + [Feed(Pattern(where), where, "document", tuple(points), device, qos, period_s=period_s)
                        for where, points in documents.items()]

    def offer(self, name: str, item: str) -> Offer:
        offer = self.offers.get(name)
        if offer is None:
            near = get_close_matches(name, self.offers, 1)
            hint = Text(f'; did you mean "{near[0]}"?', f'；是否想写 "{near[0]}"？') if near else Text("", "")
            known = ", ".join(self.offers)
            raise ValueError(Text(f'{self.title.en} has no value "{name}"{hint.en}',
                                  f'{self.title.zh}没有名为 "{name}" 的值{hint.zh}'),
                             Text(f"write one of: {known}", f"可填写：{known}"))
        if offer.needs_item and not item:
            raise ValueError(Text(f'"{name}" needs to know of what', f'"{name}" 需要指明所属对象'),
                             Text(f'write "<camera, zone or sensor>/{name}"', f'写成 "<摄像机、区域或传感器>/{name}"'))
        if item and not offer.needs_item:
            raise ValueError(Text(f'"{name}" exists once for the device', f'"{name}" 在该设备上只有一个'),
                             Text(f'write "{name}"', f'写成 "{name}"'))
        return offer

    def available(self, topic: str, device: str) -> Presence | None:
        if self.presence is None:
            return None
        return Presence(device, fill(str(self.presence["topic"]), {"topic": topic}),
                        tuple(self.presence["online"]), tuple(self.presence["offline"]))  # type: ignore[arg-type]


def profile_names() -> list[str]:
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


@cache
def profile(name: str) -> Profile:
    """A shipped profile. KeyError when there is none of this name."""
    file = _FOLDER / f"{name}.toml"
    if name not in profile_names():
        raise KeyError(name)
    raw = tomllib.loads(file.read_text(encoding="utf-8"))
    offers = {key: Offer(key, value["topic"], tuple(value["path"]) if "path" in value else None, value.get("unit", ""),
                         Text(**value["title"])) for key, value in raw["values"].items()}
    return Profile(name, Text(**raw["title"]), raw.get("topic"), raw.get("availability"), offers)
