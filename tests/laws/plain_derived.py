"""The plain twin of derived signals: one signal at a time, one operation at a time."""

from __future__ import annotations

import math
import statistics

from gateway.model.clock import NS
from gateway.model.expression import Number, Reading
from gateway.model.learnt import LoadState
from gateway.model.quality import Quality
from gateway.model.rules import OPERATORS
from gateway.model.site import Site

FAILED = int(Quality.BAD_CALCULATION)
COUNTED = {"min": min, "max": max, "sum": math.fsum, "mean": statistics.fmean, "median": statistics.median}
PLAIN = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
         "%": lambda a, b: a % b, "**": lambda a, b: a ** b, "negative": lambda a: -a, "abs": abs, "sqrt": math.sqrt,
         "exp": math.exp, "log": math.log, "clip": lambda x, low, high: min(max(x, low), high)}


def worth(node, reading):
    """(value, quality code); the value of what is bad is None. reading: signal -> the same of one that is used."""
    if isinstance(node, Number):
        return node.value, 0
    if isinstance(node, Reading):
        return reading(node.signal)
    name, known = node.operation, [worth(argument, reading) for argument in node.arguments]
    if name == "if":
        condition, then, other = known
        value, code = then if condition[0] else other
        return value, max(condition[1], code)
    if name in ("and", "or"):
        deciding = [code for value, code in known if value is not None and bool(value) == (name == "or")]
        if deciding:
            return float(name == "or"), min(deciding)
    code = max(code for _, code in known)
    values = [value for value, _ in known]
    if code >= 0x80:
        return None, code
    if name in ("and", "or"):
        return float(name == "and"), code
    if name == "not":
        return float(not values[0]), code
    if name in OPERATORS:
        return float(OPERATORS[name](*values)), code
    try:
        result = COUNTED[name](values) if name in COUNTED else PLAIN[name](*values)
    except (ZeroDivisionError, ValueError, OverflowError):
        return None, FAILED
    return (result, code) if isinstance(result, float) and math.isfinite(result) else (None, FAILED)


class PlainDerived:
    """Which derived signals get a sample at an instant, and what it is."""

    def __init__(self, site: Site):
        self.site = site
        self.derived = {signal.id: signal.derived for signal in site.signals if signal.derived is not None}

    def silence(self, name):
        """The shortest deadman of a signal and of all that it comes from, in ns."""
        signal = self.site.signals[self.site.signals.index(name)]
        own = signal.deadman_s if signal.deadman_s is not None else 60.0 if signal.gas else math.inf
        inputs = self.derived[name].inputs if name in self.derived else ()
        return min([own * NS, *(self.silence(inner) for inner in inputs)])

    def samples(self, heard, signals):
        """Every (name, t, value, quality) in order; `signals` must have taken in each before the next is asked for."""
        heard, todo = set(heard), dict(self.derived)
        while todo:
            name = next(one for one, formula in todo.items() if not set(formula.inputs) & set(todo))
            formula = todo.pop(name)
            if not heard & set(formula.inputs):
                continue
            heard.add(name)
            t = max(signals[one].at for one in formula.inputs if signals[one].at is not None)

            def reading(one, t=t):
                signal = signals[one]
                quality = int(signal.quality)
                if quality < 0x40 and t - signal.at >= self.silence(one):
                    quality = int(Quality.UNCERTAIN_STALE)
                return (signal.value if quality < 0x80 else None), quality

            if isinstance(formula, LoadState):
                value, code = signals[formula.load].load.state(*reading(formula.load))
            else:
                value, code = worth(formula.root, reading)
            yield name, t, math.nan if value is None else value, code
