"""Templates of a site, in Jinja2 with everything taken out that can go on for ever or grow without bound.

A template is run on the loop that carries the alarms. So there is nothing in it that repeats: no loop, no macro, no
`set`, no call, no multiplication, only filters whose result is bounded. What is left costs time in proportion to its
length, which is bounded too. (A time-out would not do: one multiplication of a long text can not be interrupted.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from traceback import extract_tb
from typing import Final

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.sandbox import SandboxedEnvironment

from gateway.model.text import Text

LONGEST: Final = 16_000  # characters of a template, and of what it says; DingTalk takes 20,000 bytes
DEEPEST: Final = 200  # brackets within brackets, in which Python's compiler would lose itself

FILTERS: Final = ("abs", "capitalize", "count", "d", "default", "first", "float", "format", "int", "last", "length",
                  "lower", "replace", "round", "string", "title", "trim", "truncate", "upper")
_PARTS: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.CondExpr, nodes.Name, nodes.Const, nodes.Filter,
    nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Add, nodes.Sub,
    nodes.Div, nodes.Neg, nodes.Pos, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Keyword)
_FIX: Final = Text("there are {{{{ values }}}}, {{% if %}} and filters ({filters}): see docs/how-to/notifications.md",
                   "可用 {{{{ 变量 }}}}、{{% if %}} 和过滤器（{filters}）：见 docs/how-to/notifications.md").format(
    filters=", ".join(FILTERS))

# What Jinja2 says -> the same in Chinese.
_SAID: Final[tuple[tuple[str, str], ...]] = (
    (r"'(?P<name>[^']*)' is undefined", "没有变量 {name}"),
    (r"No filter named '(?P<name>[^']*)'", "没有过滤器 {name}"),
    (r"No test named '(?P<name>[^']*)'", "没有测试 {name}"),
    (r"Encountered unknown tag '(?P<name>[^']*)'", "未知的标签 {name}"),
    (r"[Uu]nexpected end of template|.*end of the template", "模板不完整，末尾缺少结束符"),
    (r"expected token '(?P<name>[^']*)', got '(?P<other>[^']*)'", "此处应为 {name}，实际为 {other}"),
    (r"(?:Expected an expression, got|unexpected) '?(?P<name>[^']*)'?", "此处不应出现 {name}"),
    (r"access to attribute .* is unsafe", "不允许访问内部属性"),
    (r"(?:float |integer )?division( or modulo)? by zero", "除数为零"),
)


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    text, old, new = str(text), str(old), str(new)
    if len(text) + text.count(old) * len(new) > LONGEST:
        raise ValueError(f"the text becomes longer than {LONGEST} characters")
    return text.replace(old, new, count)


def _format(pattern: str, *values: object) -> str:
    if re.search(r"\d{3}|\*", str(pattern)):
        raise ValueError("a width of three digits")
    return str(pattern) % values


def _environment() -> SandboxedEnvironment:
    made = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)  # plain text, never HTML
    made.filters = {name: made.filters[name] for name in FILTERS} | {"replace": _replace, "format": _format}
    made.globals.clear()
    return made


_ENVIRONMENT: Final = _environment()


def compiled(source: str) -> Template:
    """ValueError: what is wrong, and on which line."""
    if len(source) > LONGEST:
        raise ValueError(Text(f"the template has more than {LONGEST} characters", f"模板超过 {LONGEST} 个字符"), _FIX)
    try:
        if (wrong := _not_allowed(_ENVIRONMENT.parse(source))) is not None:
            name = type(wrong).__name__
            raise _refused(wrong.lineno, Text(f"{name} is not for templates of messages", f"消息模板中不能使用 {name}"))
        return _ENVIRONMENT.from_string(source)
    except TemplateSyntaxError as error:
        raise _refused(error.lineno, _said(str(error.message))) from None
    except (RecursionError, SyntaxError, MemoryError):  # of Python's own compiler
        raise _refused(1, Text("nested too deeply", "嵌套过深")) from None


def tried(source: str, sample: Mapping[str, object]) -> None:
    """ValueError: the template can not be read, or uses what there is not."""
    template = compiled(source)
    try:
        rendered(template, sample)
    except UndefinedError as error:
        names = ", ".join(sorted(sample))
        raise _refused(_line(error), Text("{why}; there are: {names}", "{why}；可用：{names}").format(
            why=_said(str(error)), names=names)) from None
    except Exception as error:  # a template may do whatever Python can fail at
        raise _refused(_line(error), _said(str(error))) from None


def rendered(template: Template, values: Mapping[str, object]) -> str:
    """At most `LONGEST` characters of it. Raises whatever the template fails at."""
    pieces, size = [], 0
    for piece in template.generate(values):
        pieces.append(piece)
        size += len(piece)
        if size > LONGEST:
            break
    return "".join(pieces).strip()[:LONGEST]


def _not_allowed(tree: nodes.Node) -> nodes.Node | None:
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if not isinstance(node, _PARTS):
            return node
        if depth > DEEPEST:
            raise RecursionError
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]
    return None


def _refused(line: int, why: Text) -> ValueError:
    return ValueError(Text(f"line {line}: {why.en}", f"第 {line} 行：{why.zh}"), _FIX)


def _said(reason: str) -> Text:
    for pattern, chinese in _SAID:
        if found := re.match(pattern, reason):
            return Text(reason, chinese.format(**found.groupdict()))
    return Text(reason, "模板无法使用")


def _line(error: Exception) -> int:
    """Of the template; 1 where nobody knows."""
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return lines[-1] if lines else 1
