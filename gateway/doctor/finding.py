"""What the doctor says: one finding, how bad it is, and how it is put right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from gateway.model.text import Text


class Severity(IntEnum):
    GOOD = 0
    NOTE = 1  # nothing to do, but to know
    WARNING = 2  # works now, and will not one day
    ERROR = 3  # does not work, or is open to others


@dataclass(frozen=True, slots=True)
class Finding:
    """about: what was looked at, one word. fix: what to do; empty for GOOD, and for a NOTE that asks for nothing."""

    about: str
    severity: Severity
    what: Text
    fix: Text = Text("", "")


def good(about: str, en: str, zh: str) -> Finding:
    return Finding(about, Severity.GOOD, Text(en, zh))


def note(about: str, what: tuple[str, str], fix: tuple[str, str] = ("", "")) -> Finding:
    return Finding(about, Severity.NOTE, Text(*what), Text(*fix))


def warning(about: str, what: tuple[str, str], fix: tuple[str, str]) -> Finding:
    return Finding(about, Severity.WARNING, Text(*what), Text(*fix))


def error(about: str, what: tuple[str, str], fix: tuple[str, str]) -> Finding:
    return Finding(about, Severity.ERROR, Text(*what), Text(*fix))
