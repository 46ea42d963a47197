"""Reading one value out of one message. Pure: bytes in, numbers out, `Malformed` with its reason otherwise.

JSON is read by orjson, which refuses NaN, Infinity and numbers beyond a double (1e999) that the standard library lets
through. A number is never silently made from something else: "5" in quotes is text unless the mapping allows it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import orjson
from numpy.typing import NDArray

from gateway.model.text import Text

Path = tuple[str | int, ...]  # keys and array indexes, from the outside in

SWITCH_WORDS: Mapping[str, float] = MappingProxyType(
    {"on": 1.0, "off": 0.0, "true": 1.0, "false": 0.0, "online": 1.0, "offline": 0.0})

ABSENT = object()  # stands for an item that is not in the message

_DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
STAMP_UNITS = ("iso", *_UNIT_NS)
_INT64 = 1 << 63


class Reason(StrEnum):
    """Why a message or one of its values was not taken as it came. The value is also the name of its counter."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_FINITE = "not_finite"
    TOO_DEEP = "too_deep"
    MISSING = "missing"
    NO_VALUE = "no_value"
    NOT_A_NUMBER = "not_a_number"
    NUMBER_AS_TEXT = "number_as_text"
    UNKNOWN_WORD = "unknown_word"
    WRONG_COUNT = "wrong_count"
    WRONG_SHAPE = "wrong_shape"
    UNKNOWN_ID = "unknown_id"
    BAD_STAMP = "bad_stamp"
    FUTURE_STAMP = "future_stamp"
    CLOCK_NOT_SET = "clock_not_set"
    DECODER_FAILED = "decoder_failed"


REASONS: Mapping[Reason, Text] = MappingProxyType({
    Reason.EMPTY: Text("the message is empty", "报文为空"),
    Reason.TOO_LARGE: Text("the message is larger than max_payload", "报文超过 max_payload 上限"),
    Reason.NOT_UTF8: Text("the message is not UTF-8 text", "报文不是 UTF-8 文本"),
    Reason.NOT_JSON: Text("the message is not valid JSON", "报文不是有效的 JSON"),
    Reason.NOT_FINITE: Text("NaN, infinity or a number too large to hold", "数值为 NaN、无穷大或超出可表示范围"),
    Reason.TOO_DEEP: Text("JSON nested too deeply", "JSON 嵌套层级过深"),
    Reason.MISSING: Text("the value is not in the message", "报文中没有该值"),
    Reason.NO_VALUE: Text("the device sent null", "设备上报的值为空（null）"),
    Reason.NOT_A_NUMBER: Text("not a number", "不是数值"),
    Reason.NUMBER_AS_TEXT: Text("a number sent as text; set text_numbers = true if the device means it so",
                                "数值以文本形式发送；若设备确实如此，请设置 text_numbers = true"),
    Reason.UNKNOWN_WORD: Text("a word that is not in the map", "该文字不在 map 对照表中"),
    Reason.WRONG_COUNT: Text("the array has another length than `order`", "数组长度与 order 不一致"),
    Reason.WRONG_SHAPE: Text("an object or array stands where another was expected", "报文结构与配置不符"),
    Reason.BAD_STAMP: Text("the time stamp can not be read", "时间戳无法解析"),
    Reason.UNKNOWN_ID: Text("a sample of an id that is not in `names`", "样本的 id 不在 names 对照表中"),
    Reason.FUTURE_STAMP: Text("the time stamp lies in the future: the sender's clock is wrong",
                              "时间戳超前，发送方时钟有误"),
    Reason.CLOCK_NOT_SET: Text("the time stamp is before the year 2000: the sender's clock is not set",
                               "时间戳早于 2000 年，发送方时钟未校准"),
    Reason.DECODER_FAILED: Text("the decoder failed; please report the log", "解码程序出错，请上报日志"),
})


class Malformed(ValueError):
    def __init__(self, reason: Reason):
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Conversion:
    """raw * scale + offset. words: text -> raw value, keys in lower case. text_numbers: "5" in quotes is a number."""

    scale: float = 1.0
    offset: float = 0.0
    words: Mapping[str, float] = field(default_factory=lambda: SWITCH_WORDS)
    text_numbers: bool = False

    @property
    def plain(self) -> bool:
        return self.scale == 1.0 and self.offset == 0.0

    def __call__(self, raw: object) -> float:
        """The value of one JSON item in engineering units. Malformed when it is none."""
        value = raw * self.scale + self.offset if type(raw) in (float, int) else self._text(raw)
        if not math.isfinite(value):
            raise Malformed(Reason.NOT_FINITE)
        return value

    def _text(self, raw: object) -> float:
        if raw is ABSENT:
            raise Malformed(Reason.MISSING)
        if raw is None:
            raise Malformed(Reason.NO_VALUE)
        if isinstance(raw, bool):
            return self.words.get(str(raw).lower(), float(raw)) * self.scale + self.offset
        if not isinstance(raw, str):
            raise Malformed(Reason.NOT_A_NUMBER)
        word = raw.strip()
        if (value := self.words.get(word.lower())) is None:
            if _DECIMAL.fullmatch(word) is None:
                raise Malformed(Reason.NOT_FINITE if word.lower().lstrip("+-") in ("nan", "inf", "infinity")
                                else Reason.UNKNOWN_WORD)
            if not self.text_numbers:
                raise Malformed(Reason.NUMBER_AS_TEXT)
            value = float(word)
        return value * self.scale + self.offset


def scalar(payload: bytes, conversion: Conversion) -> float:
    """The value of a message that is nothing but one value: 23.5, +5, ON, true, online."""
    try:
        raw = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raw = _bare_text(payload)
    return conversion(raw)


def _bare_text(payload: bytes) -> float | str:
    try:
        text = bytes(payload).decode().strip("\ufeff \t\r\n\0")
    except UnicodeDecodeError:
        raise Malformed(Reason.NOT_UTF8) from None
    if not text:
        raise Malformed(Reason.EMPTY)
    return float(text) if _DECIMAL.fullmatch(text) else text  # +5 and 05 are no JSON, but devices do send them


def document(payload: bytes) -> object:
    """A JSON message. Malformed with the nearest reason when it is none."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise Malformed(_json_reason(payload, str(error))) from None


def _json_reason(payload: bytes, message: str) -> Reason:
    if not payload.strip():
        return Reason.EMPTY
    try:
        bytes(payload).decode()
    except UnicodeDecodeError:
        return Reason.NOT_UTF8
    if "depth limit" in message or "ecursion" in message:
        return Reason.TOO_DEEP
    if "infinity" in message or re.search(rb"\b(NaN|Infinity)\b", payload):
        return Reason.NOT_FINITE
    return Reason.NOT_JSON


def find(node: object, path: Path) -> object:
    """What stands at `path`. Malformed(MISSING) when the way there does not exist."""
    for step in path:
        try:
            node = node[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            raise Malformed(Reason.MISSING) from None
    return node


def parse_path(text: str | Sequence[str | int]) -> Path:
    """"cameras.yard.camera_fps", "rows[0].v"; as a list where a key has a dot: ["a.b", 0]. "" is the whole message."""
    if not isinstance(text, str):
        return tuple(text)
    if not text:
        return ()
    path: list[str | int] = []
    for part in text.split("."):
        key, *indexes = part.split("[")
        if key:
            path.append(key)
        if (not key and not indexes) or any(not re.fullmatch(r"\d+\]", index, re.ASCII) for index in indexes):
            raise ValueError(Text(f'"{text}" is not a path', f'"{text}" 不是有效的路径'),
                             Text('write keys and indexes as in rows[0].power; '
                                  'a key with a dot needs the list form ["a.b", "c"]',
                                  '按 rows[0].power 的形式书写；键名中含有点号时用列表形式 ["a.b", "c"]'))
        path.extend(int(index[:-1]) for index in indexes)
    return tuple(path)


def stamp_ns(raw: object, unit: str, zone: tzinfo = UTC) -> int:
    """A sender's own time as ns since the epoch, UTC. unit: "iso", "s", "ms", "us" or "ns". zone: of an ISO time that
    names none. Malformed(BAD_STAMP) when it can not be read."""
    try:
        if unit == "iso":
            moment = datetime.fromisoformat(raw)  # type: ignore[arg-type]
            moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
            return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
        if type(raw) not in (int, float):
            raise ValueError
        whole = math.floor(raw)  # type: ignore[arg-type]
        value = whole * _UNIT_NS[unit] + round((raw - whole) * _UNIT_NS[unit])  # type: ignore[operator]
    except (TypeError, ValueError, OverflowError):
        raise Malformed(Reason.BAD_STAMP) from None
    if not -_INT64 <= value < _INT64:
        raise Malformed(Reason.BAD_STAMP)
    return value


def stamps_ns(raws: Sequence[object], unit: str, zone: tzinfo = UTC) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """`stamp_ns` of many: (ns, True where it could be read)."""
    if unit != "iso" and set(map(type, raws)) == {int}:
        factor = _UNIT_NS[unit]
        if min(raws) * factor > -_INT64 and max(raws) * factor < _INT64:  # type: ignore[operator]
            return np.array(raws, np.int64) * factor, np.ones(len(raws), np.bool_)
    stamps, readable = np.zeros(len(raws), np.int64), np.ones(len(raws), np.bool_)
    for row, raw in enumerate(raws):
        try:
            stamps[row] = stamp_ns(raw, unit, zone)
        except Malformed:
            readable[row] = False
    return stamps, readable


def numbers(raws: Sequence[object], conversion: Conversion) -> tuple[NDArray[np.float64], list[tuple[int, Reason]]]:
    """Many JSON items of one conversion: (values, NaN where refused; the refused rows and why).

    Every item is checked for its type first, because numpy would quietly take "5" for a number.
    """
    if {int, float}.issuperset(map(type, raws)):
        values = np.array(raws, np.float64)
        if not conversion.plain:
            values = values * conversion.scale + conversion.offset
        return values, [(int(row), Reason.NOT_FINITE) for row in np.flatnonzero(~np.isfinite(values))]
    values, refused = np.full(len(raws), np.nan), []
    for row, raw in enumerate(raws):
        try:
            values[row] = conversion(raw)
        except Malformed as error:
            refused.append((row, error.reason))
    return values, refused
