"""The gate of the page, on a real port: crowds and slow writers."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx
import pytest

from gateway.api import gate
from tests.api.conftest import served

survives = pytest.mark.survives


@survives("2,000 connections to the page at once, none of which asks anything",
          then="beyond 96 of one address and 256 in all, the one that waits longest makes room, the others "
               "after 10 s; a person gets through all the while")
async def test_a_crowd_in_the_door(gateway, monkeypatch):
    monkeypatch.setattr(gate, "OPEN_PER_ADDRESS", 8)
    monkeypatch.setattr(gate, "PATIENCE_S", 0.5)
    async with served(gateway) as url:
        port = httpx.URL(url).port
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
        async with httpx.AsyncClient() as person:
            assert (await person.get(f"{url}/healthz")).status_code == 200, "in the middle of the crowd"
        ended = await asyncio.gather(*(reader.read() for reader, _ in crowd), return_exceptions=True)
        assert len(ended) == 40, "each was closed from our side"
        for _, writer in crowd:
            writer.close()
        assert (await httpx.AsyncClient().get(f"{url}/healthz")).status_code == 200


@survives("slow-loris: headers, or a body, that come a byte at a time",
          then="the connection is closed 10 s after it began; a viewer of the page keeps its stream")
@pytest.mark.parametrize("begun", [
    b"GET /healthz HTTP/1.1\r\nHost: ",
    b"POST /api/v1/alarms/x/ack HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 500\r\n\r\n"])
async def test_a_request_that_never_ends(gateway, monkeypatch, begun):
    monkeypatch.setattr(gate, "PATIENCE_S", 0.3)
    async with served(gateway) as url:
        port = httpx.URL(url).port
        viewer, viewing = await asyncio.open_connection("127.0.0.1", port)
        viewing.write(f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)

        async def drip() -> None:
            while True:
                writer.write(b"1")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        with suppress(ConnectionError):
            while await reader.read(1000):
                pass
        dripping.cancel()
        first = await viewer.readuntil(b"data: ")
        await asyncio.sleep(0.5)
        assert first.startswith(b"HTTP/1.1 200") and await viewer.read(1000), "the stream goes on"
        viewing.close()
