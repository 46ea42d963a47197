"""The page is for this machine only, and takes commands only from itself."""

from __future__ import annotations

import pytest

ACK = "/api/v1/alarms/GD-03/HH/ack"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost:9000", "LOCALHOST", "[::1]:8080"])
async def test_loopback_names_are_served_on_any_port(client, host):
    assert (await client.get("/healthz", headers={"host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8080", "", "[::1", "10.0.0.7",
                                  "localhost@evil.example", "evil.example#localhost"])
async def test_a_name_that_was_rebound_to_loopback_is_refused(client, host):
    answer = await client.get("/api/v1/alarms", headers={"host": host})
    assert (answer.status_code, answer.json()["error"]["where"]) == (421, "Host")


@pytest.mark.parametrize("headers, status, where", [
    ({"origin": "http://evil.example"}, 403, "Origin"),
    ({"origin": "http://localhost:8080"}, 403, "Origin"),  # not the address the request was sent to
    ({"origin": "null"}, 403, "Origin"),
    ({"sec-fetch-site": "cross-site"}, 403, "Origin"),
    ({"sec-fetch-site": "same-site"}, 403, "Origin"),
    ({"content-type": "text/plain"}, 415, "Content-Type"),
    ({"content-type": "application/x-www-form-urlencoded"}, 415, "Content-Type"),
])
async def test_no_other_web_page_can_acknowledge(client, gateway, headers, status, where):
    gateway.raise_alarm("GD-03/HH", 41.9)
    answer = await client.post(ACK, content=b'{"name": "Li"}', headers={"content-type": "application/json"} | headers)
    assert (answer.status_code, answer.json()["error"]["where"]) == (status, where)
    assert gateway.alarms()[0].state.waits


@pytest.mark.parametrize("headers", [{}, {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"},
                                     {"content-type": "application/json; charset=utf-8"}])
async def test_our_own_page_and_programs_on_this_machine_can(client, gateway, headers):
    gateway.raise_alarm("GD-03/HH", 41.9)
    answer = await client.post(ACK, content=b'{"name": "Li"}', headers={"content-type": "application/json"} | headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/alarms", "/nothing", "/metrics"])
async def test_every_answer_carries_the_security_headers(client, path):
    headers = (await client.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
    assert "access-control-allow-origin" not in headers


async def test_measured_data_is_never_cached(client):
    assert (await client.get("/api/v1/signals")).headers["cache-control"] == "no-store"
