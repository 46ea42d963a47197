from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest

from gateway.api.routes import create_app
from gateway.api.server import serve
from tests.api.browser import Browser
from tests.api.depot import MemoryGateway
from tests.api.pages import Running


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
async def client(gateway):
    """The app without a socket, asked as the page asks it."""
    transport = httpx.ASGITransport(create_app(gateway))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as asking:
        yield asking


@asynccontextmanager
async def served(gateway: MemoryGateway):
    """The app on a real socket; yields its address."""
    address = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(gateway, "127.0.0.1", 0, ready=address.set_result))
    try:
        await asyncio.wait({address, task}, return_when=asyncio.FIRST_COMPLETED)
        yield address.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def events(response: httpx.Response):
    """The data of each server-sent event, as bytes."""
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield line[6:].encode()


@pytest.fixture
def running(gateway):
    server = Running(gateway)
    yield server
    server.stop()


@pytest.fixture(scope="package")
def chromium(tmp_path_factory):
    started = Browser(tmp_path_factory.mktemp("browser"))
    yield started
    started.close()


@pytest.fixture
def browser(chromium):
    """Every test serves on a port of its own, so nothing that one page remembers is known to the next."""
    chromium.become(1280, 1600)
    yield chromium
    chromium.open("about:blank")
    errors, chromium.errors = chromium.errors, []
    assert errors == [], "the page itself complained"
