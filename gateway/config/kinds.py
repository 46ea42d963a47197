"""The catalogue of kinds (`kinds.toml`) and what a site makes of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TypeVar

from gateway.config.limit_sections import NO_LIMIT, NO_LIMITS, LimitSection, LimitsSection
from gateway.config.section import Section
from gateway.config.signal_sections import NO_BASELINE, NO_FAULTS, NO_PROFILE, NO_TREND, KindSection
from gateway.config.values import Name
from gateway.model.guidance import Guidance

HIGH_SIDE = ("H", "HH")
LOW_SIDE = ("L", "LL")
GAS_DEADMAN = "10s"  # of a gas kind that a site adds and gives none


class Ceiling(Section):
    """How lax a set point of a kind may be: the highest H and HH, the lowest L and LL."""

    value: float
    source: Name

    def refuses(self, condition: str, value: float) -> bool:
        return value > self.value if condition in HIGH_SIDE else value < self.value


class CatalogueKind(KindSection):
    name: Name
    unit: str
    gas: bool = False
    decimals: int = 1
    ceilings: Mapping[str, Ceiling] = {}


@cache
def catalogue() -> Mapping[str, CatalogueKind]:
    """Every kind the product ships, by name."""
    tables = tomllib.loads(files("gateway.config").joinpath("kinds.toml").read_text(encoding="utf-8"))
    return {kind: CatalogueKind.model_validate(table) for kind, table in tables.items()}


S = TypeVar("S", bound=Section)
_NOTHING = {"trend": NO_TREND, "baseline": NO_BASELINE, "profile": NO_PROFILE, "faults": NO_FAULTS}


def overlaid(base: S, over: Section) -> S:
    """`base` with everything that `over` really says. Limits are overlaid one by one, key by key."""
    said = {name: getattr(over, name) for name in over.model_fields_set if name in type(base).model_fields}
    if isinstance(said.get("limits"), LimitsSection):
        said["limits"] = overlaid_limits(base.limits, said["limits"])  # type: ignore[attr-defined]
    if "guidance" in said and base.guidance is not None:  # type: ignore[attr-defined]
        said["guidance"] = Guidance.of(said["guidance"]).over(base.guidance)  # type: ignore[attr-defined]
    for name, nothing in _NOTHING.items():
        if name in said:
            said[name] = overlaid_table(getattr(base, name), said[name], nothing)
    return base.model_copy(update=said)


def overlaid_limits(base: LimitsSection | None, over: LimitsSection | None) -> LimitsSection | None:
    if base is None or base is NO_LIMITS or over is None or over is NO_LIMITS:
        return base if over is None else over
    return base.model_copy(update={name: _overlaid_limit(getattr(base, name), getattr(over, name))
                                   for name in over.model_fields_set})


def overlaid_table(base: S | None, over: S | None, nothing: Section) -> S | None:
    """A table of the kind with what the signal says of it; `nothing` is what "none" was read as."""
    if base is None or base is nothing or over is None or over is nothing:
        return base if over is None else over
    return overlaid(base, over)


def _overlaid_limit(base: LimitSection | None, over: LimitSection) -> LimitSection:
    return over if base is None or base is NO_LIMIT or over is NO_LIMIT else overlaid(base, over)
