"""Topic filters with named levels: "frigate/{camera}/person" subscribes to "frigate/+/person" and names the level."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.text import Text

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A topic filter: plain levels, `+` (any one level), `#` (all the rest, last) and `{name}` (one named level)."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """ValueError(what, fix) when this is not a topic filter."""
        levels = text.split("/")
        wrong = (not text or len(text.encode()) > 65_535 or "\0" in text or "#" in levels[:-1] or levels[0] == "$share"
                 or any(level not in ("+", "#") and _NAME.fullmatch(level) is None and re.search(r"[+#{}]", level)
                        for level in levels))
        if wrong:
            raise ValueError(Text(f'"{text}" is not a topic filter', f'"{text}" 不是有效的主题过滤器'),
                             Text("wildcards and names take a whole level: plant/{tank}/level, plant/+/level, plant/#",
                                  "通配符和命名层级须占整个层级：plant/{tank}/level、plant/+/level、plant/#"))
        return cls(text)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(_NAME.findall(self.text))

    @property
    def filter(self) -> str:
        """What is subscribed to: named levels become `+`."""
        return _NAME.sub("+", self.text)

    @property
    def exact(self) -> bool:
        """Only one topic matches."""
        return not {"+", "#"} & set(self.filter.split("/"))

    def fill(self, values: Mapping[str, str]) -> Pattern:
        return Pattern(fill(self.text, values))

    def matches(self, topic: str) -> bool:
        """As the standard says: `a/#` matches `a` too, and no wildcard matches a first level that begins with `$`."""
        wanted, levels = self.filter.split("/"), topic.split("/")
        if topic.startswith("$") and wanted[0] in ("+", "#"):
            return False
        if wanted[-1] == "#":
            wanted = wanted[:-1]
            levels = levels[:len(wanted)]
        return len(levels) == len(wanted) and all(want in ("+", level)
                                                  for want, level in zip(wanted, levels, strict=True))


def names_in(text: str) -> tuple[str, ...]:
    return tuple(_NAME.findall(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Every {name} replaced. KeyError for a name without a value."""
    return _NAME.sub(lambda match: values[match[1]], text)


def overlap(first: str, second: str) -> bool:
    """True when some topic matches both filters: a broker may then deliver one message twice."""
    one, two = first.split("/"), second.split("/")
    for index in range(max(len(one), len(two))):
        mine, theirs = (levels[index] if index < len(levels) else None for levels in (one, two))
        if "#" in (mine, theirs):
            return True
        if (mine != theirs and "+" not in (mine, theirs)) or None in (mine, theirs):
            return False
    return True
