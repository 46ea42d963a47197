"""What pydantic found wrong, in words for a technician, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.config import in_clear
from gateway.config.document import Location, Spot
from gateway.config.shape import keys, models_at
from gateway.config.values import did_you_mean, nearest, shown
from gateway.model.errors import Problem
from gateway.model.text import Text
from gateway.model.units import parse_duration, parse_size

_NUMBER_FIX = Text("write a number without quotes", "填写数字，不加引号")
_WHOLE_FIX = Text("write a whole number without quotes", "填写整数，不加引号")
_TEXT_FIX = Text('write a text in quotes, such as "abc"', '填写带引号的文本，例如 "abc"')
_TABLE_FIX = Text("write a table: [name] with keys below it, or {{ key = value }}",
                  "写成表：[名称] 后跟各键，或 {{ 键 = 值 }}")
_LIST_FIX = Text("write a list: [ ..., ... ], or one [[table]] for each element",
                 "写成列表：[ ..., ... ]，或每个元素一个 [[表]]")
_SWITCH_FIX = Text("write true or false, without quotes", "填写 true 或 false，不加引号")

# pydantic's error type -> what is wrong, how to fix it. Places to fill: pydantic's own context, and {got}.
MESSAGES: dict[str, tuple[Text, Text]] = {
    "missing": (Text("required key is missing", "缺少必填的键"), Text("add it", "补上该键")),
    "extra_forbidden": (Text("unknown key", "未知的键"), Text("remove it", "删除该键")),
    "invalid_key": (Text("a key must be a text", "键名必须是文本"), Text("rename the key", "修改键名")),
    "string_type": (Text("expected a text, got {got}", "应为文本，实际为 {got}"), _TEXT_FIX),
    "string_sub_type": (Text("expected a text, got {got}", "应为文本，实际为 {got}"), _TEXT_FIX),
    "string_unicode": (Text("the text is not valid Unicode", "文本不是有效的 Unicode"),
                       Text("save the file as UTF-8", "将文件另存为 UTF-8")),
    "string_too_short": (Text("the text is too short, got {got}", "文本过短：{got}"),
                         Text("write at least {min_length} character(s)", "至少 {min_length} 个字符")),
    "string_too_long": (Text("the text is too long", "文本过长"),
                        Text("write at most {max_length} characters", "最多 {max_length} 个字符")),
    "string_pattern_mismatch": (Text("{got} does not have the expected form", "{got} 的格式不符合要求"),
                                Text("write it in the form {pattern}", "按此格式填写：{pattern}")),
    "int_type": (Text("expected a whole number, got {got}", "应为整数，实际为 {got}"), _WHOLE_FIX),
    "int_parsing": (Text("expected a whole number, got {got}", "应为整数，实际为 {got}"), _WHOLE_FIX),
    "int_parsing_size": (Text("the number is too large: {got}", "数字过大：{got}"), _WHOLE_FIX),
    "int_from_float": (Text("expected a whole number, got {got}", "应为整数，实际为 {got}"), _WHOLE_FIX),
    "float_type": (Text("expected a number, got {got}", "应为数字，实际为 {got}"), _NUMBER_FIX),
    "float_parsing": (Text("expected a number, got {got}", "应为数字，实际为 {got}"), _NUMBER_FIX),
    "finite_number": (Text("{got} is not a usable number", "{got} 不是有效数值"),
                      Text("write a finite number", "填写有限的数值")),
    "bool_type": (Text("expected true or false, got {got}", "应为 true 或 false，实际为 {got}"), _SWITCH_FIX),
    "bool_parsing": (Text("expected true or false, got {got}", "应为 true 或 false，实际为 {got}"), _SWITCH_FIX),
    "greater_than": (Text("{got} is too small", "{got} 过小"),
                     Text("write a value greater than {gt}", "填写大于 {gt} 的值")),
    "greater_than_equal": (Text("{got} is too small", "{got} 过小"),
                           Text("write {ge} or more", "填写不小于 {ge} 的值")),
    "less_than": (Text("{got} is too large", "{got} 过大"), Text("write a value less than {lt}", "填写小于 {lt} 的值")),
    "less_than_equal": (Text("{got} is too large", "{got} 过大"), Text("write {le} or less", "填写不大于 {le} 的值")),
    "multiple_of": (Text("{got} is not a multiple of {multiple_of}", "{got} 不是 {multiple_of} 的整数倍"),
                    Text("write a multiple of {multiple_of}", "填写 {multiple_of} 的整数倍")),
    "too_short": (Text("the list has too few elements", "列表元素过少"),
                  Text("write at least {min_length} element(s)", "至少填写 {min_length} 个元素")),
    "too_long": (Text("the list has too many elements", "列表元素过多"),
                 Text("write at most {max_length} element(s)", "最多填写 {max_length} 个元素")),
    "list_type": (Text("expected a list, got {got}", "应为列表，实际为 {got}"), _LIST_FIX),
    "tuple_type": (Text("expected a list, got {got}", "应为列表，实际为 {got}"), _LIST_FIX),
    "set_type": (Text("expected a list, got {got}", "应为列表，实际为 {got}"), _LIST_FIX),
    "frozen_set_type": (Text("expected a list, got {got}", "应为列表，实际为 {got}"), _LIST_FIX),
    "iterable_type": (Text("expected a list, got {got}", "应为列表，实际为 {got}"), _LIST_FIX),
    "dict_type": (Text("expected a table, got {got}", "应为表，实际为 {got}"), _TABLE_FIX),
    "mapping_type": (Text("expected a table, got {got}", "应为表，实际为 {got}"), _TABLE_FIX),
    "model_type": (Text("expected a table, got {got}", "应为表，实际为 {got}"), _TABLE_FIX),
    "model_attributes_type": (Text("expected a table, got {got}", "应为表，实际为 {got}"), _TABLE_FIX),
    "dataclass_type": (Text("expected a table, got {got}", "应为表，实际为 {got}"), _TABLE_FIX),
    "none_required": (Text("this key takes no value here, got {got}", "此处不应有值，实际为 {got}"),
                      Text("remove the key", "删除该键")),
    "enum": (Text("{got} is not one of the choices", "{got} 不在可选值之中"),
             Text("write {expected}", "可填写 {expected}")),
    "literal_error": (Text("{got} is not one of the choices", "{got} 不在可选值之中"),
                      Text("write {expected}", "可填写 {expected}")),
    "union_tag_invalid": (Text("{got} is not one of the choices", "{got} 不在可选值之中"),
                          Text("write {expected_tags}", "可填写 {expected_tags}")),
    "union_tag_not_found": (Text("key {discriminator} is missing", "缺少键 {discriminator}"),
                            Text("add {discriminator}; it says which kind of table this is",
                                 "补上 {discriminator}，它说明表的类型")),
    "value_error": (Text("{error}", "值无效：{error}"), Text("correct the value", "修改该值")),
    "assertion_error": (Text("{error}", "值无效：{error}"), Text("correct the value", "修改该值")),
}

# Messages of gateway.model's parsers and of Python's own, which speak English only.
_PARSERS: tuple[tuple[re.Pattern[str], Text, Text], ...] = (
    (re.compile("expected a duration such as "), Text("{got} is not a duration", "{got} 不是有效的时长"),
     Text('write a number with a unit, such as "500ms", "5s", "2min", "1h" or "30d"',
          '填写带单位的数，例如 "500ms"、"5s"、"2min"、"1h" 或 "30d"')),
    (re.compile("expected a size such as "), Text("{got} is not a size", "{got} 不是有效的容量"),
     Text('write a number with a unit, such as "200MB" or "2GiB"', '填写带单位的数，例如 "200MB" 或 "2GiB"')),
    (re.compile(r"invalid literal for int\(\)"), Text("expected a whole number, got {got}", "应为整数，实际为 {got}"),
     Text("write a whole number", "填写整数")),
    (re.compile("could not convert string to float"), Text("expected a number, got {got}", "应为数字，实际为 {got}"),
     Text("write a number", "填写数字")),
)
_ADDRESS_FIX = Text('write an address such as "http://192.168.1.10:8086"', '填写网址，例如 "http://192.168.1.10:8086"')
_SECRET = re.compile(r"password|token|secret|passwd", re.IGNORECASE)


def problems(error: ValidationError, model: type[BaseModel], data: object,
             locate: Callable[[Location], Spot]) -> Iterator[Problem]:
    """Every finding of one validation, once for each place. `locate` says where a location in `data` was written."""
    told: dict[Spot, Problem] = {}
    findings = error.errors(include_url=False)
    misspelt = {(*finding["loc"][:-1], nearest(str(finding["loc"][-1]), _allowed(model, finding["loc"][:-1], data)))
                for finding in findings if finding["type"] == "extra_forbidden"}
    for finding in findings:
        location = finding["loc"]
        if (finding["type"] == "missing" and location in misspelt) or (finding["type"] == "too_short" and any(
                other["loc"][: len(location)] == location for other in findings if other is not finding)):
            continue  # said by another finding: the misspelt key, or the elements that were refused
        if location and location[-1] == "[key]":
            location = location[:-1]
        spot = locate(location)
        what, fix = _words(finding)
        if finding["type"] == "extra_forbidden":
            key, allowed = str(location[-1]), _allowed(model, location[:-1], data)
            what, fix = in_clear.of_key(key) if key in in_clear.KEYS else unknown_key(key, allowed)
        problem = spot.problem(what, fix)
        if spot in told:  # several members of a union refused the same value: any of them would do
            first = told[spot]
            if first.what != what:
                problem = spot.problem(Text(f"{first.what.en}; or {what.en}", f"{first.what.zh}；或 {what.zh}"),
                                       first.fix)
            else:
                problem = first
        told[spot] = problem
    yield from told.values()


def _allowed(model: type[BaseModel], location: Location, data: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for option in models_at(model, location, data) for key in keys(option)))


def unknown_key(key: str, allowed: tuple[str, ...]) -> tuple[Text, Text]:
    """What and fix for a key that nobody knows."""
    hint = did_you_mean(key, allowed)
    what = Text(f"unknown key{hint.en}", f"未知的键{hint.zh}")
    if hint.en:
        return what, Text("rename or remove it", "改名或删除")
    known = ", ".join(allowed)
    return what, Text(f"remove it; known keys here: {known}", f"删除该键；此处可用的键：{known}")


def _words(finding: Any) -> tuple[Text, Text]:
    context = dict(finding.get("ctx", {}))
    given = finding["input"]
    if (error := context.get("error")) is not None:
        if error.args and isinstance(error.args[0], Text):
            return error.args[0], error.args[1] if len(error.args) > 1 else MESSAGES["value_error"][1]
        for pattern, what, fix in _PARSERS:
            if pattern.match(str(error)):
                return what.format(got=shown(given)), fix
    if finding["type"] not in MESSAGES:  # an error type of a plugin's own
        return Text(finding["msg"], f"值无效：{finding['msg']}"), MESSAGES["value_error"][1]
    what, fix = MESSAGES[finding["type"]]
    if "https?://" in str(context.get("pattern")):
        fix = _ADDRESS_FIX
    context |= {bound: _in_its_unit(context[bound], given) for bound in ("gt", "ge", "lt", "le") if bound in context}
    secret = bool(finding["loc"]) and _SECRET.search(str(finding["loc"][-1])) is not None
    context["got"] = Text("a hidden value", "隐藏的值") if secret else shown(given)
    for key in ("expected", "expected_tags"):
        if choices := re.findall(r"'([^']*)'", str(context.get(key, ""))):
            context[key] = Text(*(mark.join(f'"{choice}"' for choice in choices) for mark in (", ", "、")))
            if isinstance(given, str):
                hint = did_you_mean(given, choices)
                what = Text(what.en + hint.en, what.zh + hint.zh)
    return what.format(**context), fix.format(**context)


def _in_its_unit(bound: float, given: object) -> str:
    """A bound in the unit that the value turned out to have: "5 s" for a duration, "1000000 B" for a size."""
    for unit, parse in (("s", parse_duration), ("B", parse_size)):
        try:
            if isinstance(given, str) and not given.strip().replace(".", "").isdigit() and parse(given) is not None:
                return f"{bound} {unit}"
        except ValueError:
            continue
    return str(bound)
