"""What a site file says about the messages of a topic, and how names are filled in."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import product
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from drivers.mqtt.feed import Feed, Point, SampleKeys, Shape, Stamp
from drivers.mqtt.payload import SWITCH_WORDS, Conversion, Path, parse_path
from drivers.mqtt.topics import Pattern, fill, names_in
from gateway.model.text import Text
from gateway.model.units import parse_duration

PositiveDuration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
JsonPath = Annotated[str | tuple[str | int, ...], BeforeValidator(lambda value: _checked_path(value))]
Qos = Annotated[int, Field(ge=0, le=1)]  # 2 costs two more round trips and gives a store that knows duplicates nothing

_MOST_EXPANSIONS = 20_000


def _checked_path(value: Any) -> Any:
    if isinstance(value, str):
        parse_path(value)
    return value


def _as_value(value: Any) -> Any:
    """"path" is short for { path = "path" }."""
    return {"path": value} if isinstance(value, (str, list)) else value


def _as_names(value: Any) -> Any:
    """["a", "b"] is short for { a = "a", b = "b" }."""
    if not isinstance(value, dict):
        return value
    return {name: dict(zip(texts, texts, strict=True)) if _is_texts(texts) else texts for name, texts in value.items()}


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _topic(value: Any) -> Any:
    if isinstance(value, str):
        Pattern.parse(value)
    return value


def _zone(value: Any) -> Any:
    if isinstance(value, str):
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(Text(f'unknown time zone "{value}"', f'未知的时区 "{value}"'),
                             Text('write an IANA name such as "Asia/Shanghai"',
                                  '填写 IANA 时区名称，例如 "Asia/Shanghai"')) from None
    return value


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Converted(Section):
    """signal = scale * raw + offset. map: text in the message -> raw, any case; default on/off, true/false,
    online/offline. text_numbers: take "5" in quotes for a number."""

    scale: Finite | None = None
    offset: Finite | None = None
    map: dict[str, Finite] | None = None
    text_numbers: bool | None = None

    def conversion(self, default: Conversion) -> Conversion:
        words = default.words if self.map is None else {word.lower(): raw for word, raw in self.map.items()}
        return Conversion(default.scale if self.scale is None else self.scale,
                          default.offset if self.offset is None else self.offset, words,
                          default.text_numbers if self.text_numbers is None else self.text_numbers)


class Value(_Converted):
    """Where one value stands in a JSON message. A plain string is short for { path = ... }."""

    path: JsonPath


class Samples(Section):
    """Keys of one sample in a JSON array of samples. good, uncertain: marks of the key `quality`; any other is bad."""

    id: str = "id"
    value: str = "v"
    quality: str | None = None
    good: tuple[int | str, ...] = SampleKeys().good
    uncertain: tuple[int | str, ...] = SampleKeys().uncertain


class Topic(_Converted):
    """One topic, or many of the same kind.

    topic      with + or # or named levels: "plant/{tank}/level"
    names      name -> the texts it may be, as a list, or as a table text -> what the signal ids have instead:
               names.tank = ["T-101", "T-102"], names.zone = { pump_house = "PUMP", tank_farm = "TANK" }
    Exactly one of
    signal     the message is the value. With `samples`: the signal of the sample's {id}
    values     JSON: signal -> path. Names may stand for keys: "CAM-{cam}.fps" = "cameras.{cam}.camera_fps"
    order      JSON array of numbers: the signals in its order; `at` says where the array stands
    time       path to the sender's own time (with samples: the key); time_unit iso, s, ms, us, ns
    partial    values: a message that lacks some of them is no fault
    period     expected between two messages
    """

    topic: Annotated[str, BeforeValidator(_topic)]
    signal: str | None = None
    values: dict[str, Annotated[Value, BeforeValidator(_as_value)]] | None = None
    order: tuple[str, ...] | None = None
    samples: Samples | None = None
    names: Annotated[dict[str, dict[str, str]], BeforeValidator(_as_names)] = Field(default_factory=dict)
    at: JsonPath = ""
    time: JsonPath | None = None
    time_unit: Literal["iso", "s", "ms", "us", "ns"] = "iso"
    time_zone: Annotated[str, BeforeValidator(_zone)] = "UTC"
    partial: bool = False
    qos: Qos | None = None
    period: PositiveDuration | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Topic:
        given = [key for key in ("signal", "values", "order") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(Text("a topic needs exactly one of signal, values and order",
                                  "每个主题须且只能填写 signal、values、order 之一"),
                             Text("signal: the message is the value; values: JSON; order: JSON array",
                                  "signal：报文即数值；values：JSON；order：JSON 数组"))
        wanted = dict.fromkeys(name for text in self._templates() for name in names_in(text))
        if self.samples is not None:
            if self.signal is None or "id" not in names_in(self.signal):
                raise ValueError(Text("samples needs a signal with {id} in it", "使用 samples 时，signal 中须含 {id}"),
                                 Text('write signal = "{id}" and names.id = [...]',
                                  '填写 signal = "{id}" 和 names.id = [...]'))
            wanted["id"] = None
        if missing := [name for name in wanted if name not in self.names]:
            near = get_close_matches(missing[0], self.names, 1)
            hint = Text(f'; did you mean {{{near[0]}}}?', f'；是否想写 {{{near[0]}}}？') if near else Text("", "")
            raise ValueError(Text(f"names does not say what {{{missing[0]}}} may be{hint.en}",
                                  f"names 中没有 {{{missing[0]}}} 的取值{hint.zh}"),
                             Text(f'add names.{missing[0]} = ["...", "..."]: every signal a message may set is listed',
                                  f'添加 names.{missing[0]} = ["...", "..."]；报文可写入的每个信号都必须事先列出'))
        size = 1
        for texts in self.names.values():
            size *= max(1, len(texts))
        if size > _MOST_EXPANSIONS:
            raise ValueError(Text(f"names make {size} combinations", f"names 共产生 {size} 种组合"),
                             Text("split it into several topics", "拆分为多个主题"))
        return self

    def _templates(self) -> Iterator[str]:
        yield self.topic
        yield from [self.signal] if self.signal else self.order or ()
        for signal, value in (self.values or {}).items():
            yield signal
            yield from [value.path] if isinstance(value.path, str) else map(str, value.path)

    def feeds(self, place: tuple[str | int, ...], device: str | None, qos: int) -> Iterator[Feed]:
        """One feed for each topic, every name filled in. `place`: where this table stands in the section."""
        pattern = Pattern(self.topic)
        inside = {name: texts for name, texts in self.names.items() if name not in pattern.names}
        shape: Shape = ("samples" if self.samples else "scalar" if self.signal is not None
                        else "document" if self.values is not None else "array")
        keys = SampleKeys(**self.samples.model_dump()) if self.samples else SampleKeys()
        at = self.at or ("values" if shape == "array" else "")
        stamp = None if self.time is None else Stamp(parse_path(self.time), self.time_unit, ZoneInfo(self.time_zone))
        outside = {name: self.names[name] for name in pattern.names}
        for chosen in _choices(outside):
            points = tuple(self._points(place, chosen, inside))
            topic = pattern.fill({name: text for name, (text, _) in chosen.items()})
            yield Feed(topic, pattern.filter, shape, points, device, qos if self.qos is None else self.qos,
                       parse_path(at), stamp, self.partial, keys, self.period)

    def _points(self, place: tuple[str | int, ...], outside: _Chosen,
                inside: dict[str, dict[str, str]]) -> Iterator[Point]:
        common = self.conversion(Conversion(1.0, 0.0, SWITCH_WORDS))
        for chosen in ({**outside, **more} for more in _choices(inside)):
            texts = {name: text for name, (text, _) in chosen.items()}
            ids = {name: signal for name, (_, signal) in chosen.items()}
            if self.signal is not None:
                path: Path = (texts["id"],) if self.samples else ()
                yield Point(fill(self.signal, ids), common, path, (*place, "signal"))
            for signal, value in (self.values or {}).items():
                where = tuple(fill(step, texts) if isinstance(step, str) else step for step in parse_path(value.path))
                yield Point(fill(signal, ids), value.conversion(common), where, (*place, "values", signal))
            for number, signal in enumerate(self.order or ()):
                yield Point(fill(signal, ids), common, (), (*place, "order", number))


_Chosen = dict[str, tuple[str, str]]  # name -> (text in topic or message, text in signal ids)


def _choices(names: dict[str, dict[str, str]]) -> Iterator[_Chosen]:
    for combination in product(*(texts.items() for texts in names.values())):
        yield dict(zip(names, combination, strict=True))
