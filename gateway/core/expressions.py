"""Evaluates the expressions of derived signals, many of one shape at once, with the quality of what they use.

Every value travels with its quality code. What a result is worth: the worst of the values *used*:

    arithmetic, comparisons, not, functions   all of them
    A if C else B                             C and the branch that C chooses; the other one does not matter
    and                                       the best of those that are not so, if there are any: one of them decides;
                                              else all of them
    or                                        the best of those that are so, if there are any; else all of them

so that a bad value never counts as normal, and the larger code is the worse one. A step without a finite result
(division by zero, root of a negative number, overflow) is BAD_CALCULATION, also where a comparison would hide it.
Comparisons, and, or, not give 1 or 0; everything but 0 is true. The remainder % has the sign of the divisor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.core.rows import BAD
from gateway.model.expression import Apply, Expression, Node, Number, Reading, leaves
from gateway.model.quality import Quality

Known = tuple[NDArray[np.float64], NDArray[np.uint16]]  # values and their quality codes, both (m,)
Operation = Callable[..., Known]
Program = Callable[[Iterator[Known]], Known]
_FAILED = np.uint16(Quality.BAD_CALCULATION)


class Formula:
    """m expressions of one shape: the same operations on other signals and with other numbers."""

    def __init__(self, expressions: Sequence[Expression], places: Sequence[Sequence[int]]):
        """places: of each expression, where each of its readings is found in what `values` is given."""
        self._program = _compiled(expressions[0].root)
        every = [list(leaves(expression.root)) for expression in expressions]
        found = [iter(place) for place in places]
        good = np.zeros(len(every), np.uint16)
        self._leaves: list[Known | NDArray[np.int64]] = []  # numbers as they are, readings by their places
        for column in zip(*every, strict=True):
            if isinstance(column[0], Number):
                self._leaves.append((np.array([leaf.value for leaf in column]), good))
            else:
                self._leaves.append(np.array([next(one) for one in found], np.int64))

    def values(self, value: NDArray[np.float64], code: NDArray[np.uint16]) -> Known:
        """The m results; NaN where the quality is bad."""
        return self._run((value[leaf], code[leaf]) if isinstance(leaf, np.ndarray) else leaf for leaf in self._leaves)

    def over(self, known: Sequence[Known], counts: NDArray[np.int64]) -> Known:
        """The results of each expression at `counts` instants (int64[m]), one expression after the other. known: what
        is found at each place, at the instants of the expression that it belongs to."""
        return self._run(tuple(np.concatenate(column) for column in zip(*(known[place] for place in leaf), strict=True))
                         if isinstance(leaf, np.ndarray) else tuple(np.repeat(column, counts) for column in leaf)
                         for leaf in self._leaves)

    def _run(self, readings: Iterator[Known]) -> Known:
        with np.errstate(all="ignore"):
            result, quality = self._program(readings)
        return np.where(quality < BAD, result, np.nan), quality


def shape(node: Node) -> tuple | str:
    """Equal for expressions that one Formula can hold."""
    if isinstance(node, Apply):
        return (node.operation, *map(shape, node.arguments))
    return "signal" if isinstance(node, Reading) else "number"


def _compiled(node: Node) -> Program:
    """Takes its leaves from left to right."""
    if not isinstance(node, Apply):
        return next
    operation, arguments = _OPERATIONS[node.operation], tuple(map(_compiled, node.arguments))

    def run(known: Iterator[Known]) -> Known:
        return operation(*[argument(known) for argument in arguments])

    return run


def _worst(known: Sequence[Known]) -> NDArray[np.uint16]:
    worst = known[0][1]
    for _, code in known[1:]:
        worst = np.maximum(worst, code)
    return worst


def _of_numbers(function: Callable[..., NDArray]) -> Operation:
    def run(*known: Known) -> Known:
        value, code = function(*[value for value, _ in known]), _worst(known)
        return value, np.where(np.isfinite(value) | (code >= BAD), code, _FAILED)
    return run


def _of_many(function: Callable[..., NDArray]) -> Operation:
    return _of_numbers(lambda *values: function(np.stack(values), axis=0))


def _of_truths(function: Callable[..., NDArray]) -> Operation:
    def run(*known: Known) -> Known:
        return function(*[value for value, _ in known]).astype(np.float64), _worst(known)
    return run


def _decided_by(decisive: bool) -> Operation:
    """`and` is decided by one that is not so, `or` by one that is."""
    def run(*known: Known) -> Known:
        decides = np.stack([(value != 0) == decisive for value, _ in known])
        code = np.stack([code for _, code in known])
        decided = decides.any(axis=0)
        best = np.where(decides, code, np.uint16(0xFFFF)).min(axis=0)
        return np.where(decided, float(decisive), float(not decisive)), np.where(decided, best, code.max(axis=0))
    return run


def _if(condition: Known, then: Known, other: Known) -> Known:
    chosen = condition[0] != 0
    return (np.where(chosen, then[0], other[0]),
            np.maximum(condition[1], np.where(chosen, then[1], other[1])))


_OPERATIONS: dict[str, Operation] = {
    "+": _of_numbers(np.add), "-": _of_numbers(np.subtract), "*": _of_numbers(np.multiply),
    "/": _of_numbers(np.divide), "%": _of_numbers(np.mod), "**": _of_numbers(np.power),
    "negative": _of_numbers(np.negative), "abs": _of_numbers(np.abs), "sqrt": _of_numbers(np.sqrt),
    "exp": _of_numbers(np.exp), "log": _of_numbers(np.log), "clip": _of_numbers(np.clip),
    "min": _of_many(np.min), "max": _of_many(np.max), "mean": _of_many(np.mean), "median": _of_many(np.median),
    "sum": _of_many(np.sum),
    "<": _of_truths(np.less), "<=": _of_truths(np.less_equal), ">": _of_truths(np.greater),
    ">=": _of_truths(np.greater_equal), "==": _of_truths(np.equal), "!=": _of_truths(np.not_equal),
    "not": _of_truths(np.logical_not), "and": _decided_by(False), "or": _decided_by(True), "if": _if,
}
