"""The plugins as the application puts them together, and a small source of our own for tests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gateway.config import Loaded, Plugins, load
from gateway.model.text import Text
from gateway.model.units import parse_duration
from gateway.plugins import PLUGINS as REAL

__all__ = ("BENCH", "HEAD", "REAL")


class Tap(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    signal: str
    address: int = 0
    scale: float = 1.0


class Bench(BaseModel):
    """A source that reads taps, one each `period`. `suspect` makes it find something of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: Literal["bench"]
    id: str
    period: Annotated[float, Field(gt=0), BeforeValidator(parse_duration)] = 1.0
    port: int = 1
    points: tuple[Tap, ...] = ()
    suspect: str | None = None

    def bindings(self) -> Iterable[tuple[str, tuple]]:
        return [(point.signal, ("points", number, "signal")) for number, point in enumerate(self.points)]

    def wired(self) -> dict[str, list[str]]:
        return {"bench": [point.signal for point in self.points]}

    def contacts(self) -> Iterable[tuple[str, tuple]]:
        return ()

    def periods(self) -> dict[str, float]:
        return {point.signal: self.period for point in self.points}

    def findings(self) -> Iterable[tuple[tuple, Text, Text, str]]:
        if self.suspect is not None:
            yield ("suspect",), Text("odd", "可疑"), Text("look", "查看"), self.suspect


BENCH = Plugins(sources={"bench": Bench})

HEAD = '[site]\nid = "s"\nname = "S"\ntimezone = "UTC"\n'


def write(folder: Path, text: str, name: str = "site.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def site(folder: Path, signals: str, points: str = "", plugins: Plugins = BENCH, **overrides: object) -> Loaded:
    """A site with these tables after [site], and a bench source with the keys `points` if there are any."""
    source = f'\n[[sources]]\ntype = "bench"\nid = "b"\n{points}\n' if points else ""
    return load(write(folder, HEAD + signals + source), plugins, overrides)


def said(loaded: Loaded, severity: str = "error") -> list[str]:
    """`place | key | what`, in English, without the line."""
    return [" | ".join((_LINE.sub("", problem.place), problem.key, problem.what.en)) for problem in loaded.problems
            if problem.severity == severity]


_LINE = re.compile(r" ?\(line \d+\)$")
