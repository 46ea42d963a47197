"""The real server on a real port."""

from __future__ import annotations

import asyncio
import signal
import socket

import httpx
import orjson
import pytest

from gateway.api import routes, stream
from gateway.api.server import listen, serve
from gateway.model.errors import DavylampError
from tests.api.conftest import events, served


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gateway.example", ""])
async def test_opening_the_page_to_the_network_is_refused(gateway, host):
    with pytest.raises(DavylampError) as refused:
        await serve(gateway, host, 0)
    assert refused.value.where == "[api] host"
    assert "ssh -L" in refused.value.message("en") and "隧道" in refused.value.message("zh")


async def test_a_taken_port_names_port_and_option(gateway):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(DavylampError) as taken:
            await serve(gateway, "127.0.0.1", port)
    for language in ("en", "zh"):
        message = taken.value.message(language)
        assert str(port) in message and "--port" in message and "[api]" in message


@pytest.mark.parametrize("port", [-1, 70000])
def test_an_impossible_port_is_an_error_of_ours(port):
    with pytest.raises(DavylampError):
        listen("127.0.0.1", port)


async def test_signal_handlers_stay_with_the_gateway(gateway):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with served(gateway):
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def test_the_stream_begins_with_everything_and_tells_of_an_acknowledgement(gateway):
    gateway.raise_alarm("GD-03/HH", 41.9)
    async with (served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=30) as client,
                client.stream("GET", "/api/v1/events") as response):
        assert response.headers["content-type"].startswith("text/event-stream")
        told = events(response)
        first = orjson.loads(await anext(told))
        assert first["hello"] and first["alarms"]["unacknowledged"] == 1
        answer = await client.post("/api/v1/alarms/GD-03%2FHH/ack", json={"name": "Li"})
        assert answer.status_code == 200
        async for event in told:
            if "alarms" in (found := orjson.loads(event)):
                assert found["alarms"]["unacknowledged"] == 0
                break


async def test_stopping_ends_open_streams_in_order_and_frees_the_port(gateway):
    async with httpx.AsyncClient(timeout=30) as client:
        async with served(gateway) as address:
            response = await client.send(client.build_request("GET", f"{address}/api/v1/events"), stream=True)
            told = events(response)
            await anext(told)
        async for _ in told:  # comes to an end, and not by an error
            pass
    listen("127.0.0.1", int(address.rpartition(":")[2])).close()


async def test_a_viewer_that_goes_away_is_forgotten(gateway):
    async with served(gateway) as address, httpx.AsyncClient(timeout=30) as client:
        async with client.stream("GET", f"{address}/api/v1/events") as response:
            await anext(events(response))
            assert (await client.get(f"{address}/api/v1/health")).json()["page"]["viewers"] == 1
        while (await client.get(f"{address}/api/v1/health")).json()["page"]["viewers"]:
            await asyncio.sleep(0.01)


async def test_a_viewer_that_never_reads_is_dropped_while_others_are_served(gateway, monkeypatch):
    monkeypatch.setattr(routes, "Broadcast",
                        lambda view, **how: stream.Broadcast(view, **how, period_s=0.001, backlog=4))
    async with served(gateway) as address, httpx.AsyncClient(timeout=30) as client:
        host, port = address.removeprefix("http://").split(":")
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            deaf.connect((host, int(port)))
            deaf.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            async with client.stream("GET", f"{address}/api/v1/events") as response:
                told = events(response)
                while not (await client.get(f"{address}/api/v1/health")).json()["page"]["dropped"]:
                    await anext(told)
                await anext(told)
            page = (await client.get(f"{address}/api/v1/health")).json()["page"]
        assert page["dropped"] == 1


async def test_too_many_viewers_are_told_so(gateway, monkeypatch):
    monkeypatch.setattr(routes, "Broadcast", lambda view, **how: stream.Broadcast(view, **how, limit=0))
    async with served(gateway) as address, httpx.AsyncClient() as client:
        answer = await client.get(f"{address}/api/v1/events")
        assert (answer.status_code, answer.json()["error"]["what"]["zh"]) == (503, "打开的页面过多")
