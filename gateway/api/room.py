"""A room of the API: its doors, each with its own description, and the forms of what goes through them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.api.stream import Broadcast
from gateway.api.view import GatewayView


@dataclass(frozen=True, slots=True)
class House:
    """What every room is built over. broadcast: the event stream; None where there is none."""

    view: GatewayView
    broadcast: Broadcast | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """One method of one address. path: as Starlette has it. described: the OpenAPI operation."""

    method: Literal["GET", "POST"]
    path: str
    answer: Callable[[House, Request], Awaitable[Response]]
    described: Mapping[str, Any]

    def route(self, house: House) -> Route:
        return Route(self.path, partial(self.answer, house), methods=[self.method])


@dataclass(frozen=True, slots=True)
class Room:
    doors: tuple[Door, ...]
    schemas: Mapping[str, dict] = field(default_factory=dict)
