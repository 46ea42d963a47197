"""The benchmarks run: tiny ones, for their rows and their own checks (nothing lost, all answered). Never for speed."""

from __future__ import annotations

import math

import pytest

from benchmarks import report
from benchmarks.speed import collection, encoding, footprint, latency, mqtt


@pytest.mark.parametrize("rows", [
    pytest.param(lambda: encoding.run(True), id="encoding"),
    pytest.param(lambda: collection.run(True, blocks=2, rounds=1, seconds=0.2), id="collection"),
    pytest.param(lambda: latency.run(True, signals=40, events=3), id="latency"),
    pytest.param(lambda: mqtt.run(True, pairs=200, batches=8), id="mqtt"),
    pytest.param(lambda: footprint.run(True, signals=40, seconds=2), id="footprint"),
])
def test_a_tiny_run_gives_named_figures(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    rows = rows()
    assert len({row["name"] for row in rows}) == len(rows) > 0
    for row in rows:
        assert math.isfinite(row["value"])
        assert row["unit"]
        assert report.met(row) in ((None,) if row.get("target") is None else (True, False))
        assert row.get("ratio") is None or row["against"]


def test_a_full_run_is_kept_and_a_quick_one_is_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    rows = [{"name": "some latency", "value": 21.5, "unit": "ms", "target": "<= 20", "note": "of a test"}]
    report.save("quick", rows, quick=True)
    assert not list(tmp_path.iterdir())
    report.save("full", rows, quick=False)
    assert "MISSED some latency: 21.5 ms" in capsys.readouterr().out
    assert "| some latency | 21.5 ms | <= 20 **missed** |  |  |" in "\n".join(report.table())
