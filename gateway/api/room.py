"""A room of the API: its doors, each with the role it needs and its own description, and the forms of what goes through
them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.access.access import Access
from gateway.access.role import Role, Scope
from gateway.api.admission import admit
from gateway.api.answer import Json, encode
from gateway.api.discretion import Discretion, is_discreet
from gateway.api.stream import Broadcast
from gateway.api.view import GatewayView


@dataclass(frozen=True, slots=True)
class House:
    """What every room is built over. broadcast: the event stream; None where there is none. access: who is let in;
    None: everybody on this machine."""

    view: GatewayView
    broadcast: Broadcast | None = None
    access: Access | None = None

    def names(self) -> tuple[str, ...]:
        """Of those who have an account."""
        return () if self.access is None else self.access.names


@dataclass(frozen=True, slots=True)
class Door:
    """One method of one address. path: as Starlette has it. role: needed at least; None: open to all. described: the
    OpenAPI operation. scope: a token that is for nothing else opens it, too. own: its answer is about the one who
    asks; all others say nothing of people to viewers."""

    method: Literal["GET", "POST"]
    path: str
    answer: Callable[[House, Request], Awaitable[Response]]
    role: Role | None
    described: Mapping[str, Any]
    scope: Scope | None = None
    own: bool = False

    def route(self, house: House) -> Route:
        async def answer(request: Request) -> Response:
            if self.role is not None:
                request.state.identity = admit(house.access, request, self.role, self.scope)
            response = await self.answer(house, request)
            if self.role is not None and not self.own and is_discreet(request.state.identity):
                _hush(house, response)
            return response

        return Route(self.path, answer, methods=[self.method])


def _hush(house: House, response: Response) -> None:
    if isinstance(response, Json):
        response.body = encode(Discretion.of(house.view, house.names()).without_people(orjson.loads(response.body)))
        response.headers["content-length"] = str(len(response.body))


@dataclass(frozen=True, slots=True)
class Room:
    doors: tuple[Door, ...]
    schemas: Mapping[str, dict] = field(default_factory=dict)
