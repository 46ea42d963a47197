"""Notices as the outbox hands them to a notifier."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.ports import Notice

RAISED = Notice(
    "depot/GD-01/HH#17@5:raise", "GD-01/HH",
    {"key": "depot/GD-01/HH#17@5:raise", "event": "raise", "alarm": "GD-01/HH", "occurrence": 17, "priority": "P1",
     "risk": "red", "state": "unacknowledged", "site": {"id": "depot", "name": {"en": "Depot", "zh": "油库"}},
     "area": {"id": "tanks", "name": {"en": "Tank farm", "zh": "罐区"}}, "value": 43.2, "unit": "%LEL", "limit": 40.0,
     "time": "2026-11-22T10:00:05+08:00", "raised": "2026-11-22T10:00:05+08:00",
     "link": "http://127.0.0.1:8080"}, title="P1 GD-01 高高限 43.2 %LEL，罐区", text="当前值 43.2 %LEL\n处置：撤离")
ENDED = replace(RAISED, key="depot/GD-01/HH#17@5:return", payload=RAISED.payload | {
    "event": "return", "state": "returned", "time": "2026-11-22T10:09:00+08:00"})
