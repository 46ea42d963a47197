"""The shape of pydantic models as people see it: which keys a place in the file may have."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.config.document import Location


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of a model as they are written."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def models_at(model: type[BaseModel], location: Location, data: object = None) -> list[type[BaseModel]]:
    """The models that a table at `location` may be. `data`, the table as written, rules out members of a union whose
    literal keys (`type = "tcp"`) say something else. A part that is the tag of a union is passed over."""
    here: list[Any] = [model]
    for part in location:
        options = _narrowed(list(_models(here)), data)
        if isinstance(part, str) and any(part in keys(option) for option in options):
            here = [keys(option)[part].annotation for option in options if part in keys(option)]
            data = data.get(part) if isinstance(data, Mapping) else None
        elif inner := list(_inner(here)):
            here = inner
            data = (data[part] if isinstance(part, int) and isinstance(data, Sequence) and part < len(data)
                    else data.get(part) if isinstance(data, Mapping) else None)
        else:
            here = list(options)
    return _narrowed(list(_models(here)), data)


def members(annotation: Any) -> Iterator[Any]:
    """The plain types behind Annotated and Union."""
    if get_origin(annotation) is Annotated:
        yield from members(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for argument in get_args(annotation):
            yield from members(argument)
    else:
        yield annotation


def elements(annotation: Any) -> Iterator[Any]:
    """What a list, tuple or dict holds."""
    for member in members(annotation):
        if get_origin(member) in (list, tuple, Sequence):
            yield get_args(member)[0]
        elif get_origin(member) in (dict, Mapping):
            yield get_args(member)[1]


def _models(annotations: list[Any]) -> Iterator[type[BaseModel]]:
    for annotation in annotations:
        for member in members(annotation):
            if isinstance(member, type) and issubclass(member, BaseModel):
                yield member


def _inner(annotations: list[Any]) -> Iterator[Any]:
    for annotation in annotations:
        yield from elements(annotation)


def _narrowed(options: list[type[BaseModel]], data: object) -> list[type[BaseModel]]:
    if not isinstance(data, Mapping) or len(options) < 2:
        return options
    return [option for option in options if all(
        data[key] in get_args(field.annotation) for key, field in keys(option).items()
        if key in data and get_origin(field.annotation) is Literal)] or options
