"""Expressions of derived signals: `[T-101.level] * 78.5`.

Python's own grammar, of which a short list is allowed, read once into a small tree; gateway.core.expressions evaluates
it. A signal stands in square brackets, because its id holds dots and dashes. Nothing of an expression is ever executed
as Python.
"""

from __future__ import annotations

import ast
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from gateway.model.text import Text

LONGEST = 500  # characters
DEEPEST = 100  # levels
HIGHEST_POWER = 10.0
MANY = 100  # arguments
FUNCTIONS: dict[str, tuple[int, int]] = {  # least and most arguments
    "min": (1, MANY), "max": (1, MANY), "mean": (1, MANY), "median": (1, MANY), "sum": (1, MANY), "abs": (1, 1),
    "sqrt": (1, 1), "exp": (1, 1), "log": (1, 1), "clip": (3, 3),
}
_ARITHMETIC: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%", ast.Pow: "**"}
_COMPARISONS: dict[type, str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_SHOWN = 100  # characters of a long expression around its error


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Reading:
    signal: str
    column: int  # where it stands in the text, from 1


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or function by its sign or name ("negative" is the sign, "if" has condition, then, else)."""

    operation: str
    arguments: tuple[Node, ...]


Node = Number | Reading | Apply


class ExpressionError(ValueError):
    """args: what (with the place: column, and the text with a caret below) and fix, each a Text."""


@dataclass(frozen=True, slots=True)
class Expression:
    """text as a person wrote it; root: the tree. Read one with `Expression.parse`."""

    text: str
    root: Node

    @classmethod
    def parse(cls, text: str) -> Expression:
        """ExpressionError says what is wrong, where in the text, and how to fix it."""
        expression = cls(text, _Reader(text).read())
        if not expression.inputs:
            raise _error(text, 0, Text("no signal is used", "没有引用任何信号"),
                         Text("write a signal in square brackets, such as [T-101.level]",
                              "信号写在方括号中，例如 [T-101.level]"))
        return expression

    @property
    def inputs(self) -> tuple[str, ...]:
        """The signals that it uses, in order, each once."""
        return tuple(dict.fromkeys(reading.signal for reading in self.readings()))

    def readings(self) -> Iterator[Reading]:
        """Every place where a signal is used."""
        return (leaf for leaf in leaves(self.root) if isinstance(leaf, Reading))

    def error(self, reading: Reading, what: Text, fix: Text) -> ExpressionError:
        """What is wrong with one of its signals, with the place."""
        return _error(self.text, reading.column - 1, what, fix)

    def __str__(self) -> str:
        return self.text


def leaves(node: Node) -> Iterator[Number | Reading]:
    """From left to right."""
    if isinstance(node, Apply):
        for argument in node.arguments:
            yield from leaves(argument)
    else:
        yield node


def levels(inputs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The keys in groups, each after those it needs. ValueError with a circle of keys, first and last the same."""
    needs = {key: [other for other in used if other in inputs] for key, used in inputs.items()}
    order, found = TopologicalSorter(needs), []
    try:
        order.prepare()
    except CycleError as error:
        raise ValueError(tuple(reversed(error.args[1]))) from None
    while order.is_active():
        ready = sorted(order.get_ready())
        order.done(*ready)
        found.append(ready)
    return found


class _Reader:
    """One text -> its tree."""

    def __init__(self, text: str):
        self._text = text
        self._signals: dict[int, str] = {}  # by the place of their bracket

    def read(self) -> Node:
        if len(self._text) > LONGEST:
            raise self._error(LONGEST, Text(f"longer than {LONGEST} characters", f"超过 {LONGEST} 个字符"),
                              Text("split it: a derived signal may use other derived signals",
                                   "请拆分：计算信号可以引用其他计算信号"))
        bare = self._bare()
        start = len(bare) - len(bare.lstrip())
        if start == len(bare):
            raise self._error(0, Text("the expression is empty", "表达式为空"), _EXAMPLE)
        try:
            tree = ast.parse(bare[start:], mode="eval")
        except SyntaxError as error:
            raise self._unreadable(error, start) from None
        except (MemoryError, RecursionError):
            raise self._too_deep(0) from None
        return self._node(tree.body, start, 0)

    def _bare(self) -> str:
        """The text with a plain name of the same length in place of every `[signal]`, so that columns stay."""
        text, parts, at = self._text, [], 0
        while at < len(text):
            if text[at] == "[":
                end = text.find("]", at)
                signal = text[at + 1:end].strip()
                if end < 0 or "[" in signal:
                    raise self._error(at, Text("this bracket is not closed", "方括号没有闭合"),
                                      Text("close it with ] after the id of the signal", "在信号标识后加上 ]"))
                if not signal:
                    raise self._error(at, Text("no signal stands in these brackets", "方括号中没有信号"), _EXAMPLE)
                if (at and _joins(text[at - 1])) or (end + 1 < len(text) and _joins(text[end + 1])):
                    raise self._error(at, Text(f"an operator is missing beside [{signal}]",
                                               f"[{signal}] 旁边缺少运算符"),
                                      Text("write + - * / or a comparison between them; brackets only hold signals",
                                           "在两者之间写运算符 + - * / 或比较符；方括号只用于信号"))
                self._signals[at] = signal
                parts.append("q" + "_" * (end - at))
                at = end + 1
            else:
                parts.append(self._character(at))
                at += 1
        return "".join(parts)

    def _character(self, at: int) -> str:
        letter = self._text[at]
        if letter in "\r\n\t":
            return " "
        if " " <= letter <= "~":
            return letter
        plain = unicodedata.normalize("NFKC", letter)
        plain = {"×": "*", "÷": "/", "−": "-", "≤": "<=", "≥": ">=", "≠": "!=", "。": ".", "、": ",",
                 "【": "[", "】": "]"}.get(letter, plain)
        if plain != letter and plain.isascii():
            fix = Text(f"write {plain} (switch the input method to half-width)", f"改写为半角字符 {plain}")
        else:
            fix = Text("names are allowed in square brackets only: [signal]", "名称只能写在方括号中：[信号]")
        raise self._error(at, Text(f'"{letter}" can not stand here', f'此处不能使用字符 "{letter}"'), fix)

    def _unreadable(self, error: SyntaxError, start: int) -> ExpressionError:
        """Python's own finding, of which only the place and the plainest causes are passed on."""
        at = start + max((error.offset or 1) - 1, 0)
        reason = str(error.msg)
        if "too many nested" in reason:
            return self._too_deep(at)
        if "never closed" in reason:
            return self._error(at, Text("this bracket is not closed", "括号没有闭合"),
                               Text("close it", "补上右括号"))
        if reason.startswith(("unmatched", "closing parenthesis")):
            return self._error(at, Text("this bracket closes nothing", "多余的右括号"),
                               Text("delete it, or open it before", "删除它，或在前面补上左括号"))
        fix = Text("allowed are numbers, [signals], + - * / % **, comparisons (== for equal), and, or, not, "
                   "A if CONDITION else B, and functions: {names}",
                   "可以使用数字、[信号]、+ - * / % **、比较（相等写作 ==）、and、or、not、"
                   "A if 条件 else B，以及函数：{names}").format(names=", ".join(FUNCTIONS))
        return self._error(min(at, len(self._text)), Text("it can not be read here", "此处无法解析"), fix)

    def _node(self, node: ast.expr, start: int, depth: int) -> Node:
        at = start + node.col_offset
        if depth > DEEPEST:
            raise self._too_deep(at)

        def inner(*nodes: ast.expr) -> tuple[Node, ...]:
            return tuple(self._node(one, start, depth + 1) for one in nodes)

        match node:
            case ast.Constant():
                return self._number(node.value, at)
            case ast.Name() if at in self._signals:
                return Reading(self._signals[at], at + 1)
            case ast.Name():
                raise self._unknown_name(node.id, at)
            case ast.BinOp():
                operation = _ARITHMETIC.get(type(node.op))
                if operation is None:
                    raise self._no_operator(start + node.left.end_col_offset, start + node.right.col_offset)
                if operation == "**":
                    self._check_power(node.right, start)
                return Apply(operation, inner(node.left, node.right))
            case ast.UnaryOp(op=ast.USub()):
                return Apply("negative", inner(node.operand))
            case ast.UnaryOp(op=ast.UAdd()):
                return inner(node.operand)[0]
            case ast.UnaryOp(op=ast.Not()):
                return Apply("not", inner(node.operand))
            case ast.BoolOp():
                return Apply("and" if isinstance(node.op, ast.And) else "or", inner(*node.values))
            case ast.Compare():
                return self._comparison(node, start, inner(node.left, *node.comparators))
            case ast.IfExp():
                return Apply("if", inner(node.test, node.body, node.orelse))
            case ast.Call(func=ast.Name()):
                return Apply(self._function(node, start), inner(*node.args))
        raise self._error(at, Text("this is not allowed in an expression", "表达式中不允许这种写法"), _ALLOWED)

    def _number(self, value: object, at: int) -> Number:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._error(at, Text("this is not a number", "这不是数字"),
                              Text("write a number; 1 and 0 for true and false", "填写数字；真和假写作 1 和 0"))
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._error(at, Text("the number is too large", "数字过大"), Text("write a smaller one", "改小"))
        return Number(number)

    def _comparison(self, node: ast.Compare, start: int, sides: tuple[Node, ...]) -> Node:
        places = (node.left, *node.comparators)
        pairs = []
        for number, operator in enumerate(node.ops):
            operation = _COMPARISONS.get(type(operator))
            if operation is None:
                raise self._no_operator(start + places[number].end_col_offset, start + places[number + 1].col_offset)
            pairs.append(Apply(operation, sides[number:number + 2]))
        return pairs[0] if len(pairs) == 1 else Apply("and", tuple(pairs))

    def _function(self, node: ast.Call, start: int) -> str:
        at, name = start + node.func.col_offset, node.func.id
        if at in self._signals:
            raise self._error(at, Text("a signal is not a function", "信号不是函数"),
                              Text("write an operator between them", "在两者之间写运算符"))
        if name not in FUNCTIONS:
            raise self._unknown_name(name, at)
        if node.keywords or any(isinstance(one, ast.Starred) for one in node.args):
            raise self._error(at, Text(f"{name} takes plain values only", f"{name} 只接受普通参数"), _ALLOWED)
        least, most = FUNCTIONS[name]
        if not least <= len(node.args) <= most:
            count = Text(f"{least} to {most}", f"{least} 到 {most}") if most > least else Text.same(str(least))
            raise self._error(at, Text("{name} takes {count} value(s), not {given}",
                                       "{name} 需要 {count} 个参数，实际为 {given} 个").format(
                                  name=name, count=count, given=len(node.args)),
                              Text("write clip(x, low, high)", "写成 clip(x, 下限, 上限)") if name == "clip" else
                              Text(f"put them in brackets, separated by commas: {name}(...)",
                                   f"写在括号中，用逗号分隔：{name}(...)"))
        return name

    def _check_power(self, node: ast.expr, start: int) -> None:
        number = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
        value = number.value if isinstance(number, ast.Constant) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= HIGHEST_POWER:
            raise self._error(start + node.col_offset,
                              Text("an exponent must be a plain number", "指数必须是固定数字"),
                              Text(f"write one between -{HIGHEST_POWER:g} and {HIGHEST_POWER:g}",
                                   f"填写 -{HIGHEST_POWER:g} 到 {HIGHEST_POWER:g} 之间的数字"))

    def _no_operator(self, left: int, right: int) -> ExpressionError:
        between = self._text[left:right]
        sign = between.strip(" ()\r\n\t") or between
        at = left + max(between.find(sign), 0)
        fix = Text("write ** for a power", "乘方写作 **") if sign == "^" else _ALLOWED
        return self._error(at, Text(f"unknown operator {sign}", f"未知的运算符 {sign}"), fix)

    def _unknown_name(self, name: str, at: int) -> ExpressionError:
        if name in FUNCTIONS:
            return self._error(at, Text(f"{name} is a function: its values are missing", f"{name} 是函数，缺少参数"),
                               Text(f"write {name}(...)", f"写成 {name}(...)"))
        return self._error(at, Text(f"unknown name {name}", f"未知的名称 {name}"),
                           Text(f"a signal stands in square brackets: [{name}]; functions are {', '.join(FUNCTIONS)}",
                                f"信号写在方括号中：[{name}]；可用的函数：{', '.join(FUNCTIONS)}"))

    def _too_deep(self, at: int) -> ExpressionError:
        return self._error(at, Text("nested too deeply", "嵌套过深"),
                           Text("split it: a derived signal may use other derived signals",
                                "请拆分：计算信号可以引用其他计算信号"))

    def _error(self, at: int, what: Text, fix: Text) -> ExpressionError:
        return _error(self._text, at, what, fix)


_EXAMPLE = Text("write such as [T-101.level] * 78.5", "例如 [T-101.level] * 78.5")
_ALLOWED = Text("allowed are + - * / % **, comparisons, and, or, not, A if CONDITION else B, and functions: "
                + ", ".join(FUNCTIONS),
                "可以使用 + - * / % **、比较、and、or、not、A if 条件 else B，以及函数：" + ", ".join(FUNCTIONS))


def _joins(letter: str) -> bool:
    return letter.isalnum() or letter in "_[]."


def _error(text: str, at: int, what: Text, fix: Text) -> ExpressionError:
    """The place as a column, and as a caret below the text (of a long one: the part around it)."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    first = max(0, min(at - _SHOWN // 2, len(text) - _SHOWN))
    lead = "".join("  " if unicodedata.east_asian_width(letter) in "WF" else " " for letter in text[first:at])
    place = f"\n{text[first:first + _SHOWN]}\n{lead}^"
    return ExpressionError(Text(f"column {at + 1}: {what.en}{place}", f"第 {at + 1} 列：{what.zh}{place}"), fix)
