"""The API under fire from its own description: whatever is sent, no answer is an error of ours, and nothing is read or
written without a log-in."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gateway.access.role import Role
from gateway.api.openapi import DOORS, description
from tests.api.depot import MemoryGateway
from tests.api.test_access import Doors

OPEN_TO_ALL = {(door.method, door.path.replace(":path", "")) for door in DOORS if door.role is None}
ENDLESS = {"/api/v1/events"}  # a stream


def operations(doors: Doors):
    document = description("1")
    document["paths"] = {path: methods for path, methods in document["paths"].items() if path not in ENDLESS}
    return [one.ok() for one in schemathesis.openapi.from_dict(document).get_all_operations()]


def fire(doors: Doors, examples: int) -> Counter[int]:
    """Requests that fit the description and such as do not, with a log-in and without; and how they were answered."""
    credentials, answered = doors.token(Role.ADMINISTRATOR), Counter()
    with asyncio.Runner() as runner:
        client = runner.run(_entered(doors))

        def shot(aimed) -> None:
            operation, case = aimed
            for headers in ({}, credentials):
                answer = runner.run(_send(client, case, headers))
                answered[answer.status_code] += 1
                assert answer.status_code < 500, case.as_curl_command()
                if not headers and (operation.method.upper(), operation.path) not in OPEN_TO_ALL:
                    assert answer.status_code in (400, 401, 403, 404, 405, 415, 421), case.as_curl_command()

        for operation in operations(doors):
            modes = st.one_of([operation.as_strategy(generation_mode=mode) for mode in (
                schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)])
            attack = given(modes.map(partial(_aimed, operation)))(shot)
            seed(6)(settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
                             suppress_health_check=[*HealthCheck])(attack))()
        runner.run(client.aclose())
    return answered


def _aimed(operation, case) -> tuple:
    return operation, case


async def _entered(doors: Doors) -> httpx.AsyncClient:
    return doors.asking("10.0.0.7", "gw.example")


async def _send(client: httpx.AsyncClient, case, headers: dict) -> httpx.Response:
    asked = case.as_transport_kwargs(base_url="http://gw.example")
    kept = {name: value for name, value in (asked.get("headers") or {}).items()
            if name.lower() not in ("authorization", "cookie", "host", "content-length", "transfer-encoding")}
    try:
        request = client.build_request(
            asked["method"], asked["url"], params=asked.get("params"), json=asked.get("json"),
            data=asked.get("data") if isinstance(asked.get("data"), dict) else None,
            content=asked.get("data") if isinstance(asked.get("data"), bytes | str) else None, headers=kept | headers)
    except (httpx.InvalidURL, UnicodeEncodeError, TypeError, ValueError):  # nobody could send this
        request = client.build_request("GET", "http://gw.example/api/v1/nothing", headers=headers)
    return await client.send(request)


@pytest.mark.survives("requests at random, made from the description of the API",
                      then="every one is answered; none is an error of the gateway's, none passes without a log-in")
def test_the_api_under_fire(tmp_path):
    answered = fire(Doors(tmp_path, MemoryGateway()), examples=4)
    assert answered.total() > 200 and {200, 400, 401} <= set(answered), "it was no blank fire"


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_api_under_fire_for_long(tmp_path):
    fire(Doors(tmp_path, MemoryGateway()), examples=200)
