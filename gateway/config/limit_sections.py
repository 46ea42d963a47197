"""The limits of a signal in the site file. The text under a key is its entry in the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field, WrapValidator

from gateway.config.section import Section
from gateway.config.values import (
    NONE,
    Condition,
    Duration,
    From,
    Number,
    PositiveDuration,
    Urgency,
    Width,
    expected,
)
from gateway.model.alarm import Risk
from gateway.model.text import Text


class LimitSection(Section):
    value: Number | None = None
    """Set point in the unit of the signal."""
    priority: Urgency | None = None
    """Default: HH and LL `P1`, H and L `P2`, ROC and DEV `P3`."""
    risk: Risk | None = None
    """Four-colour risk level. Default: HH and LL `red`, H and L `orange`, ROC and DEV `yellow`."""
    deadband: Width | None = None
    """The alarm ends only when the value is back by this much. Default: of the kind; for ROC and DEV a fifth of
    `value`."""
    on_delay: Duration | None = None
    """The condition must hold this long first. Default: that of the kind."""
    off_delay: Duration | None = None
    """The condition must be over this long before the alarm ends. Default: that of the kind."""
    latch: bool | None = None
    """The alarm stays until somebody acknowledges it. Default: `false`, but `true` for HH of a gas detector."""
    only_while: Condition | None = None
    """The limit counts only while this holds, such as `"P-101.run == 1"`; also while that is not known. Never for a gas
    detector."""


class RateSection(LimitSection):
    value: Annotated[Number, Field(gt=0)] | None = None
    """Largest change of the signal in its unit per `per`; a positive number for rising and falling alike."""
    per: Literal["s", "min", "h"] = "s"
    """Time unit of `value` and of `deadband`."""
    window: PositiveDuration = 10.0
    """The rate is taken over this time; at least twice the period of the source."""


class DeviationSection(LimitSection):
    value: Annotated[Number, Field(gt=0)] | None = None
    """Largest distance from the reference, in the unit of the signal; a positive number above and below alike."""
    reference: Annotated[From | None, Field(alias="from")] = None
    """What the signal is compared with: a set point such as `20`, a signal such as `"T-2"`, or the median of several
    such as `["T-2", "T-3", "T-4"]`, of which more than half must be good."""


NO_LIMIT = RateSection.model_construct()  # `H = "none"`: the limit of the kind does not apply; compared by identity


def _limit(value: Any, handler: Callable[[Any], LimitSection]) -> LimitSection:
    """`H = 20` is short for `H = { value = 20 }`; a spreadsheet cell is the short form."""
    if value == NONE:
        return NO_LIMIT
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ValueError(expected(value, _LIMIT), _LIMIT_FIX) from None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = {"value": value}
    if not isinstance(value, (dict, LimitSection)):
        raise ValueError(expected(value, _LIMIT), _LIMIT_FIX)
    return handler(value)


_LIMIT = Text("a limit", "限值")
_LIMIT_FIX = Text('write a number such as 20, a table such as { value = 20, priority = "P2" }, or "none"',
                  '填写数字（例如 20）、表（例如 { value = 20, priority = "P2" }）或 "none"')
Limit = Annotated[LimitSection, WrapValidator(_limit)]
Rate = Annotated[RateSection, WrapValidator(_limit)]
Deviation = Annotated[DeviationSection, WrapValidator(_limit)]


class LimitsSection(Section):
    HH: Limit | None = None
    """High-high."""
    H: Limit | None = None
    """High."""
    L: Limit | None = None
    """Low."""
    LL: Limit | None = None
    """Low-low."""
    rate_up: Annotated[Rate | None, Field(alias="ROC+")] = None
    """Rising too fast."""
    rate_down: Annotated[Rate | None, Field(alias="ROC-")] = None
    """Falling too fast."""
    deviation_up: Annotated[Deviation | None, Field(alias="DEV+")] = None
    """Too far above a reference, such as `{ value = 5, from = "T-2" }`."""
    deviation_down: Annotated[Deviation | None, Field(alias="DEV-")] = None
    """Too far below a reference."""

    def given(self) -> dict[str, LimitSection]:
        """The limits that are written here, by the name a person writes ("H", "ROC+" ...)."""
        return {LimitsSection.model_fields[name].alias or name: value for name in LimitsSection.model_fields
                if (value := getattr(self, name)) is not None}


NO_LIMITS = LimitsSection.model_construct()  # `limits = "none"`: deliberately without limits; compared by identity


def _limits(value: Any, handler: Callable[[Any], LimitsSection]) -> LimitsSection:
    return NO_LIMITS if value == NONE else handler(value)


Limits = Annotated[LimitsSection, WrapValidator(_limits)]
