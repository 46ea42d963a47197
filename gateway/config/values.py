"""The kinds of value a person writes in the site file: names, durations, sizes, priorities, dead bands, tests.

A validator that refuses a value raises `ValueError(Text(what), Text(fix))`, so that the message exists in both
languages; `gateway.config.messages` reads it back. Plugins may do the same in their own models.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WrapValidator

from gateway.model.advice import ALL, catalogue
from gateway.model.alarm import Priority
from gateway.model.expression import Expression
from gateway.model.guidance import PARTS, Guidance
from gateway.model.nearest import did_you_mean, nearest
from gateway.model.rules import Test
from gateway.model.signal import Reference
from gateway.model.text import Text
from gateway.model.units import parse_duration, parse_size

NONE = "none"  # what a person writes to say "deliberately not"


def shown(value: object) -> Text:
    """A value as TOML writes it, shortened."""
    match value:
        case bool():
            return Text.same(str(value).lower())
        case str():
            return Text.same(f'"{value}"' if len(value) <= 60 else f'"{value[:60]}..."')
        case dict():
            return Text("a table", "一个表")
        case list() | tuple():
            return Text("a list", "一个列表")
        case _:
            return Text.same(str(value))


def expected(value: object, wanted: Text) -> Text:
    """"expected ..., got ...", for the validators of this package."""
    return Text("expected {wanted}, got {value}", "应为{wanted}，实际为 {value}").format(
        wanted=wanted, value=shown(value))


def _name(value: Any) -> Text:
    """A plain string reads the same in both languages; a table gives each."""
    if isinstance(value, Text):
        return value
    texts = [value] * 2 if isinstance(value, str) else (
        [value["en"], value["zh"]] if isinstance(value, dict) and set(value) == {"en", "zh"} else [None])
    if all(isinstance(text, str) and text.strip() for text in texts):
        return Text(*(text.strip() for text in texts))
    raise ValueError(Text("expected a text, or one text for each language", "应为文本，或中英文各一段文本"),
                     Text('write "text" or { en = "...", zh = "..." }', '写成 "文本" 或 { en = "...", zh = "..." }'))


def _advice(value: Any) -> Text:
    """A text is the action alone; a table may say each part."""
    if not isinstance(value, dict) or not value or set(value) & {"en", "zh"}:
        return _name(value)
    if strange := [name for name in value if name not in PARTS]:
        hint = did_you_mean(strange[0], PARTS)
        raise ValueError(Text(f"unknown part of a guidance: {strange[0]}{hint.en}",
                              f"处置指南中有未知的项：{strange[0]}{hint.zh}"),
                         Text(f"write one or more of {', '.join(PARTS)}", f"可填写：{'、'.join(PARTS)}"))
    return Guidance.from_parts({name: _name(part) for name, part in value.items()})


def _alarm_name(value: str) -> str:
    known = {ALL, *(name for name in catalogue() if "." not in name)}
    if value not in known:
        hint = did_you_mean(value, known)
        raise ValueError(Text(f'no kind of alarm "{value}"{hint.en}', f'没有此类告警 "{value}"{hint.zh}'),
                         Text("write a condition such as HH, deadman or blind, the id of a gateway alarm, or all",
                              "填写告警条件（如 HH、deadman、blind）、网关告警编号或 all"))
    return value


def _number(value: Any) -> Any:
    """TOML keeps true and 1 apart; Python does not."""
    if isinstance(value, bool):
        raise ValueError(expected(value, Text("a number", "数字")), Text("write a number", "填写数字"))
    return value


_ID = re.compile(r"\w[\w.:-]*")


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError(Text(f'"{value}" can not be an id', f'"{value}" 不能用作标识'),
                         Text("use letters, digits and . : _ - only, without spaces, beginning with a letter or digit",
                              "只用字母、汉字、数字和 . : _ -，不含空格，以字母、汉字或数字开头"))
    return value


_OTHER_ZONES = {"beijing": "Asia/Shanghai", "asia/beijing": "Asia/Shanghai", "china": "Asia/Shanghai",
                "cst": "Asia/Shanghai",
                "北京": "Asia/Shanghai", "上海": "Asia/Shanghai", "utc+8": "Asia/Shanghai", "gmt+8": "Asia/Shanghai",
                "utc+08:00": "Asia/Shanghai", "shanghai": "Asia/Shanghai"}


def split_address(written: str) -> tuple[str, int | None]:
    """HOST, HOST:PORT, an IPv6 address with or without brackets, [IPv6]:PORT. ValueError: none of them."""
    host, port = written, ""
    if written.startswith("["):
        host, closed, port = written[1:].partition("]")
        if not closed or not is_ip(host) or port[:1] not in ("", ":") or port == ":":
            raise ValueError(written)
        port = port[1:]
    elif written.count(":") == 1:
        host, _, port = written.partition(":")
        if not port:
            raise ValueError(written)
    if not (is_ip(host) or _HOST.fullmatch(host)) or (port and not (port.isascii() and port.isdigit())):
        raise ValueError(written)
    return host, int(port) if port else None


_HOST = re.compile(r"\w([\w.-]*\w)?\.?")


def is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host(value: str) -> str:
    try:
        host, port = split_address(value)
    except ValueError:
        raise ValueError(Text(f'"{value}" is no host', f'"{value}" 不是主机名或地址'),
                         Text('write only a name or an IP address, such as "centre.example" or "2001:db8::1"',
                              '只写主机名或 IP 地址，例如 "centre.example" 或 "2001:db8::1"')) from None
    if port is not None:
        raise ValueError(Text(f'"{value}" has the port in it', f'"{value}" 中含有端口'),
                         Text(f'write host = "{host}" and port = {port}', f'请写成 host = "{host}" 和 port = {port}'))
    return host


def _timezone(value: str) -> str:
    known = available_timezones()
    if value in known:
        return value
    guess = _OTHER_ZONES.get(value.strip().casefold()) or nearest(value, known)
    hint = Text(f'; did you mean "{guess}"?', f'；是否应为 "{guess}"？') if guess else Text("", "")
    raise ValueError(Text(f'unknown time zone "{value}"{hint.en}', f'未知时区 "{value}"{hint.zh}'),
                     Text('write an IANA name such as "Asia/Shanghai"', '填写 IANA 时区名，例如 "Asia/Shanghai"'))


def _priority(value: Any) -> Priority:
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        written = str(value).strip().upper().removeprefix("P")
        if written in {"1", "2", "3", "4"}:
            return Priority(int(written))
    raise ValueError(expected(value, Text("a priority", "优先级")),
                     Text('write "P1" (most urgent), "P2", "P3" or "P4"', '填写 "P1"（最紧急）、"P2"、"P3" 或 "P4"'))


@dataclass(frozen=True, slots=True)
class Deadband:
    """A width in engineering units, or in per cent of the measuring range."""

    value: float
    percent: bool = False

    def within(self, span: float | None) -> float | None:
        """The width in engineering units; None when it is a percentage and there is no measuring range."""
        if not self.percent:
            return self.value
        return None if span is None else self.value * span / 100


def _deadband(value: Any) -> Deadband:
    if isinstance(value, Deadband):
        return value
    written = str(value).strip()
    percent = isinstance(value, str) and written.endswith("%")
    try:
        width = math.nan if isinstance(value, bool) else float(written.removesuffix("%"))
    except ValueError:
        width = math.nan
    if not (math.isfinite(width) and width >= 0 and (not percent or width < 100)):
        raise ValueError(expected(value, Text("a dead band", "回差")),
                         Text('write a number in the unit of the signal, such as 2, or part of the range, such as "2%"',
                              '填写以信号单位表示的数，例如 2；或量程的百分数，例如 "2%"'))
    return Deadband(width, percent)


def _test(value: Any) -> Test:
    if isinstance(value, Test):
        return value
    try:
        return Test.parse(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(expected(value, Text("a test", "条件")),
                         Text('write SIGNAL OPERATOR NUMBER, such as "P-101.P > 2.0"; operators: > >= < <= == !=',
                              '写成“信号 运算符 数字”，例如 "P-101.P > 2.0"；运算符：> >= < <= == !=')) from None


def _expression(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if not isinstance(value, str):
        raise ValueError(expected(value, Text("an expression", "表达式")),
                         Text('write it in quotes, such as "[T-101.level] * 78.5"',
                              '写在引号中，例如 "[T-101.level] * 78.5"'))
    return Expression.parse(value)


def _reference(value: Any) -> Reference:
    match value:
        case Reference():
            return value
        case int() | float() if not isinstance(value, bool) and math.isfinite(value):
            return Reference(float(value))
        case str() if value.strip():
            return Reference(signals=(value.strip(),))
        case list() if value and all(isinstance(peer, str) and peer.strip() for peer in value):
            return Reference(signals=tuple(peer.strip() for peer in value))
    raise ValueError(expected(value, Text("what to compare with", "比较对象")),
                     Text('write a number such as 20, a signal such as "T-2", or several for their median, such as '
                          '["T-2", "T-3"]',
                          '填写数字（例如 20）、一个信号（例如 "T-2"），或多个信号取中位数（例如 ["T-2", "T-3"]）'))


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def any_of(value: Any) -> Any:
    """A single test or a list stands for `{ any = [...] }`."""
    return {"any": value} if isinstance(value, (str, list)) else value


def all_of(value: Any) -> Any:
    """A single test or a list stands for `{ all = [...] }`."""
    return {"all": value} if isinstance(value, (str, list)) else value


def _never(value: Any, handler: Callable[[Any], float]) -> float:
    return math.inf if value == NONE else handler(value)


Name = Annotated[Text, PlainValidator(_name)]
Advice = Annotated[Text, PlainValidator(_advice)]
AlarmName = Annotated[str, AfterValidator(_alarm_name)]  # of the catalogue of alarms
Number = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_number)]
Id = Annotated[str, AfterValidator(_id)]
Host = Annotated[str, AfterValidator(_host)]  # a name or an IP address; an IPv6 one without brackets
TimeZone = Annotated[str, AfterValidator(_timezone)]
Duration = Annotated[float, BeforeValidator(parse_duration)]  # seconds
PositiveDuration = Annotated[float, Field(gt=0), BeforeValidator(parse_duration)]
Deadman = Annotated[float, Field(gt=0), BeforeValidator(parse_duration), WrapValidator(_never)]  # seconds; inf: "none"
Size = Annotated[int, BeforeValidator(parse_size)]  # bytes
Urgency = Annotated[Priority, PlainValidator(_priority)]
Width = Annotated[Deadband, PlainValidator(_deadband)]
Condition = Annotated[Test, PlainValidator(_test)]
Formula = Annotated[Expression, PlainValidator(_expression)]
Ids = Annotated[tuple[str, ...], BeforeValidator(_listed)]
From = Annotated[Reference, PlainValidator(_reference)]
Conditions = Annotated[tuple[Condition, ...], Field(min_length=1), BeforeValidator(_one_or_more)]

# What the reference calls them.
WRITTEN_AS: dict[Callable, str] = {
    _name: "text, or `{ en, zh }`", _advice: "text, `{ en, zh }`, or table of parts",
    _alarm_name: "kind of alarm", _id: "id", _timezone: "time zone", parse_duration: "duration",
    parse_size: "size", _priority: '`"P1"` .. `"P4"`', _deadband: 'number, or `"2%"` of the range', _test: "test",
    _expression: "expression",
    _one_or_more: "list of tests", _listed: "signal id, or list of them",
    **dict.fromkeys((any_of, all_of), "test, list of tests, or table, below"),
    _reference: "number, signal id, or list of signal ids",
}
