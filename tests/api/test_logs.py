"""The log level over the API: louder for a while, and what is refused."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def usual_level(monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "level", logging.WARNING)


async def test_it_is_louder_for_a_while_and_says_by_whom(client, caplog):
    assert (await client.get("/api/v1/log-level")).json() == {"level": "warning", "left_s": 0.0}
    answer = await client.post("/api/v1/log-level", json={"level": "debug", "for_s": 60, "name": "Li Wei"})
    assert answer.status_code == 200 and answer.json()["level"] == "debug" and 0 < answer.json()["left_s"] <= 60
    assert logging.getLogger("drivers.modbus.poller").isEnabledFor(logging.DEBUG)
    assert "the log level is debug for 60 s, by Li Wei" in caplog.text


@pytest.mark.parametrize("wrong", [
    {"level": "silent"}, {"level": "debug", "for_s": 0}, {"level": "debug", "for_s": 1e9},
    {"level": "debug", "for_s": "long"}, {"level": "debug", "name": ""}, {}])
async def test_what_makes_no_sense_is_refused(client, wrong):
    answer = await client.post("/api/v1/log-level", json={"name": "Li Wei"} | wrong)
    assert answer.status_code == 400 and answer.json()["error"]["what"]["zh"]
    assert logging.getLogger().level == logging.WARNING
