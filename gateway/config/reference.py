"""The reference of every key of the site file, written from the models: docs/reference/configuration.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import time
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import Doc

from gateway.config.centre import CentreSection
from gateway.config.draft import Plugins
from gateway.config.kinds import HIGH_SIDE, CatalogueKind, catalogue
from gateway.config.overlay_sections import SuppressionSection
from gateway.config.page import ApiSection
from gateway.config.points_csv import ATTRIBUTES, aliases
from gateway.config.rule_sections import RULES
from gateway.config.sections import AlarmsSection, AnnunciatorSection, AreaSection, SiteSection, StoreSection
from gateway.config.shape import elements, keys, members
from gateway.config.signal_sections import GroupSection, KindSection, SignalSection
from gateway.config.values import WRITTEN_AS, Deadband
from gateway.config.vigil import HeartbeatSection, SelfTestSection
from gateway.model.text import Text
from gateway.model.units import parse_duration, parse_size

_INTRODUCTION = """\
# Configuration reference

<!-- written by `python -m tests.config.documents` from the models in gateway/config; do not edit -->

One TOML file describes one site. `davylamp check SITE.toml` lists everything that is wrong with it;
`deploy/sites/depot.toml` is a complete, commented example and `deploy/sites/minimal.toml` the least one.

- **duration**: `"500ms"`, `"5s"`, `"2min"`, `"1h"`, `"30d"`, or a number of seconds
- **size**: `"200MB"`, `"2GiB"`, or a number of bytes
- **text, or `{ en, zh }`**: `"P-101"` reads the same in both languages, `{ en = "Pump house", zh = "泵房" }` gives each
- **id**: letters, digits and `.` `:` `_` `-`, beginning with a letter or digit
- **test**: `"SIGNAL OPERATOR NUMBER"` with one of `>` `>=` `<` `<=` `==` `!=`, such as `"P-101.P > 2.0"`
- a key without a default is required
"""

_LIMITS = """\
### How the limits of a signal come about

`H = 20` is short for `H = { value = 20 }`. What a signal does not say, its kind says: first `[kinds.NAME]` of the site
file, then the catalogue. This goes key by key, so `H = { priority = "P1" }` changes the priority and keeps the set
point of the kind. `H = "none"` takes one limit of the kind away, `limits = "none"` all of them.

A set point may be stricter than the ceiling of its kind, never laxer. The ceilings are bounds for set points that were
found on public pages and not in the official texts (see the catalogue): they keep a mistake from becoming a silent
detector, they are no statement of what a standard asks. Mirror the set points of the certified system.

`check` warns once, with a list, of signals without limits and without a deadman. A signal or a kind for which this is
meant says so with `limits = "none"` and `deadman = "none"`; most kinds of the last groups of the catalogue do. A gas
detector is always listed when it has no limits, and can not go without a deadman.
"""

_STATUS = """\
### What an instrument says of itself

Many instruments send a status beside each reading. Without it, a channel in fault that sends 0 reads as a good 0.

```toml
[kinds.combustible_gas.status_values]   # from the manual of the gas controller; once for all detectors of the kind
normal = [0, 1, 2]                      # also its own level 1 and level 2
fault = [3]
out_of_service = [4, 5, 6, 9]           # inhibited, warm-up, calibration, disabled
over_range = [7]

[[signals]]
id = "GD-01"
kind = "combustible_gas"
status_signal = "GD-01.status"          # column status_signal in a points file
```

| the status is | the reading | alarm | limits |
|---|---|---|---|
| in `normal` | counts | | |
| in `fault` | bad: sensor fault | `invalid` | none begins, none ends |
| in `out_of_service` | uncertain | `inhibit` | none begins, none ends |
| in `over_range` | bad: outside the range | `invalid` | HH and H of a gas detector begin |
| in no list | uncertain | `invalid` | may begin, none ends |
| not known | uncertain | `no data` after the deadman | may begin, none ends |

A status is known while its newest good sample is younger than the deadman of the status signal; where that has none,
than the shortest deadman of its readings, else 60 s. A status that is sent on change only needs a long deadman, or to
be repeated.
"""

_GROUPS = """\
Signals of one machine that are watched together: how they behave is learnt once, at commissioning, and what leaves that
state raises `ID/group`, naming the signals that contribute most ([how, and what it is
worth](../explanation/groups.md))."""

_HEARTBEAT = """\
Who learns that this gateway is dead, and whose death it tells ([how](../how-to/watch-self-test-drill.md))."""

_SELFTEST = """\
A marked test sample goes through the whole chain, from the driver to the acknowledgement
([how](../how-to/watch-self-test-drill.md)). Without this table there is no test signal."""
_SUPPRESSIONS = """\
Suppression by design: nobody is called for some alarms in a plant state or at certain hours. The alarms are raised,
shown and journalled as ever ([how](../explanation/alarms.md))."""

_POINTS = """\
## Points from a spreadsheet

Any table of a source that has `points` may name a file with `points_csv = "map.csv"` (beside the site file). Its rows
are appended to `points`.

- UTF-8 with or without BOM, UTF-16 ("Unicode text") or GBK, as Chinese Excel saves; comma, semicolon or tab.
- The first row that is neither blank nor a comment (`#`) holds the titles. Blank rows and comments are passed over;
  errors name the row as the spreadsheet shows it.
- `signal` and the keys of the point are columns; so are what describes the signal itself: {attributes}.
  A row that fills any of these declares the signal; it need not stand in the site file.
- If a signal is in both, what `[[signals]]` says is laid over the row, key by key and limit by limit.
- Numbers may be hexadecimal where the source allows it, such as `0x0156`. Full-width digits are read as half-width.

Titles that are understood beside the keys themselves:

| title | key |
|---|---|
"""


def reference(plugins: Plugins) -> str:
    """Markdown: every table and key of the site file, with the sections of these plugins, and the kinds."""
    shown: dict[type[BaseModel], str] = {}
    parts = [_INTRODUCTION, *_table("[site]", SiteSection, "Who we are. Required.", shown),
             *_table("[[areas]]", AreaSection, "Parts of the site. Without any, the site is one area.", shown),
             *_table("[kinds.NAME]", KindSection, "What the signals of a kind have in common here; also new kinds.",
                     shown),
             *_table("[[signals]]", SignalSection, "What is measured.", shown), _LIMITS, _STATUS,
             *_table("[[groups]]", GroupSection, _GROUPS, shown),
             *_table("[[annunciators]]", AnnunciatorSection, "Sirens and beacons on relays ([how]"
                     "(../how-to/sirens-and-beacons.md)).", shown)]
    for heading, types in (("rules", RULES), ("sources", plugins.sources), ("sinks", plugins.sinks),
                           ("notifiers", plugins.notifiers)):
        for name, model in types.items():
            parts += _table(f'[[{heading}]] type = "{name}"', model, "", shown)
    parts += _table("[[suppressions]]", SuppressionSection, _SUPPRESSIONS, shown)
    parts += [*_table("[store]", StoreSection, "Measured data on disk.", shown),
              *_table("[api]", ApiSection, "The on-site page and the JSON API.", shown),
              *_table("[alarms]", AlarmsSection, "Notices.", shown),
              *_table("[heartbeat]", HeartbeatSection, _HEARTBEAT, shown),
              *_table("[centre]", CentreSection, "To whom this gateway reports ([how](../how-to/fleet.md)).", shown),
              *_table("[centre]", CentreSection, "To whom this gateway reports ([how](../how-to/fleet.md)).", shown),
              *_table("[selftest]", SelfTestSection, _SELFTEST, shown),
              *(_table("[oncall]", plugins.oncall, "Who is called. Without it, every notifier for every alarm.",
                       shown) if plugins.oncall is not None else ()), _points(), _catalogue()]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _points() -> str:
    titles = sorted(aliases().items(), key=lambda pair: pair[1])
    return (_POINTS.format(attributes=", ".join(f"`{key}`" for key in ATTRIBUTES))
            + "".join(f"| {title} | `{key}` |\n" for title, key in titles))


def _table(heading: str, model: type[BaseModel], about: str, shown: dict[type[BaseModel], str],
           level: int = 2) -> list[str]:
    """One table of the file, and below it the tables inside it. A model that was shown before is only referred to."""
    if model in shown:
        return [f"`{heading}` has the same keys as `{shown[model]}`."]
    shown[model] = heading
    described = _docstring(model)
    fields = sorted(keys(model).items(), key=lambda entry: not entry[1].is_required())
    rows = [f"| `{key}` | {_cell(_type(field))} | {_cell(_default(field))} | "
            f"{_cell(field.description or described.get(key, ''))} |" for key, field in fields]
    text = about or described.get("", "")
    parts = ["\n".join([f"{'#' * level} `{heading}`", "", *([text, ""] if text else []),
                        "| key | value | default | meaning |", "|---|---|---|---|", *rows])]
    name = heading.strip("[").split("]")[0]
    for key, field in keys(model).items():
        for many, child in _children(field.annotation):
            parts += _table(f"[[{name}.{key}]]" if many else f"[{name}.{key}]", child, "", shown, min(level + 1, 5))
    return parts


def _children(annotation: Any) -> Iterator[tuple[bool, type[BaseModel]]]:
    """(is it a list, model) of the tables that a key holds."""
    for member in members(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            yield False, member
        for element in elements(member):
            yield from ((get_origin(member) is not dict, child) for _, child in _children(element))


def _type(field: FieldInfo) -> str:
    return _name(field.annotation, field.metadata)


def _name(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    metadata = list(metadata)
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        metadata += more
    known = next((WRITTEN_AS[item.func] for item in metadata if getattr(item, "func", None) in WRITTEN_AS), None)
    known = known or next((item.documentation for item in metadata if isinstance(item, Doc)), None)  # a plugin's own
    options = [_plain(member) for member in _options(annotation) if member is not type(None)]
    name = known or " or ".join(dict.fromkeys(options))
    return name + _bounds(metadata)


def _options(annotation: Any) -> Iterator[Any]:
    """Members of a union, each still with its own Annotated."""
    if get_origin(annotation) is Annotated or not list(members(annotation))[1:]:
        yield annotation
    else:
        yield from get_args(annotation)


def _plain(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return _name(annotation)
    if get_origin(annotation) is Literal:
        return ", ".join(f'`"{value}"`' if isinstance(value, str) else f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) in (tuple, list):
        return f"list of {_name(get_args(annotation)[0])}"
    if get_origin(annotation) in (dict, Mapping):
        return f"table of {_name(get_args(annotation)[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f'`"{member.value}"`' for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table, below"
    return {str: "text", bool: "`true`, `false`", int: "whole number", float: "number"}.get(annotation, str(annotation))


def _bounds(metadata: Iterable[Any]) -> str:
    """", 1 .. 65535" or ", > 0"."""
    flat = [part for item in metadata for part in (*getattr(item, "metadata", ()), item)]
    low = next((item for item in flat if isinstance(item, (Ge, Gt))), None)
    high = next((item for item in flat if isinstance(item, (Le, Lt))), None)
    if isinstance(low, Ge) and isinstance(high, Le):
        return f", {low.ge} .. {high.le}"
    signs = {Ge: ">=", Gt: ">", Le: "<=", Lt: "<"}
    return "".join(f", {signs[type(item)]} {getattr(item, type(item).__name__.lower())}"
                   for item in (low, high) if item)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*required*"
    value = field.get_default(call_default_factory=True, validated_data={})
    functions = [getattr(item, "func", None) for item in field.metadata]
    match value:
        case None | () | "" | {} | Text("", ""):
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float() if parse_duration in functions:
            return f'`"{_duration(value)}"`'
        case int() if parse_size in functions:
            return f'`"{_size(value)}"`'
        case int() | float():
            return f"`{value:g}`"
        case tuple() | list():
            return "`[" + ", ".join(f'"{item}"' if isinstance(item, str) else f"{item}" for item in value) + "]`"
        case time():
            return f'`"{value:%H:%M}"`'
        case Deadband():
            return f"`{value.value:g}{'%' * value.percent}`"
        case BaseModel():
            return ""
        case _:
            return f'`"{value}"`'


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"


def _size(count: int) -> str:
    for unit, length in (("GB", 10**9), ("MB", 10**6), ("MiB", 2**20), ("KiB", 2**10), ("kB", 10**3)):
        if count >= length and count % length == 0:
            return f"{count / length:g}{unit}"
    return f"{count}B"


def _docstring(model: type[BaseModel]) -> dict[str, str]:
    """Plugins describe their keys in the docstring of the model, as `key  what it means`. "": the text before."""
    found: dict[str, str] = {}
    named: tuple[str, ...] = ("",)
    fields = set(keys(model))
    for line in (model.__doc__ or "").splitlines():
        entry = re.match(r"\s*(\w+(?:, \w+)*)(?:\s{2,}|: )(.*)", line)
        if entry and set(entry[1].split(", ")) <= fields:
            named, line = tuple(entry[1].split(", ")), entry[2]
        for name in named:
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found


def _catalogue() -> str:
    rows = ["## Catalogue of kinds\n",
            "Ceilings: the highest set point of H and HH, the lowest of L. A dead band in per cent is of the range.\n",
            "| kind | name | unit | decimals | gas | dead band | on-delay | off-delay | deadman | faults | ceilings |",
            "|---|---|---|---|---|---|---|---|---|---|---|"]
    for name, kind in catalogue().items():
        rows.append("| " + " | ".join((
            f"`{name}`", f"{kind.name.en}, {kind.name.zh}", kind.unit, str(kind.decimals), "yes" if kind.gas else "",
            _deadband(kind), _delay(kind.on_delay), _delay(kind.off_delay), _delay(kind.deadman),
            kind.fault_priority.name if kind.fault_priority else "P3",
            ", ".join(f"{condition} {'<=' if condition in HIGH_SIDE else '>='} {ceiling.value:g}"
                      for condition, ceiling in kind.ceilings.items()))) + " |")
    rows += ["\nWhere the ceilings come from:\n", "| kind | ceiling | source |", "|---|---|---|"]
    rows += [f"| `{name}` | {condition} {ceiling.value:g} {kind.unit} | {ceiling.source.en} |"
             for name, kind in catalogue().items() for condition, ceiling in kind.ceilings.items()]
    return "\n".join(rows) + "\n"


def _deadband(kind: CatalogueKind) -> str:
    return "" if kind.deadband is None else f"{kind.deadband.value:g}{' %' * kind.deadband.percent}"


def _delay(seconds: float | None) -> str:
    return "" if seconds is None else "none" if seconds == float("inf") else _duration(seconds) if seconds else "0s"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
