"""Which rows a panel is proved by."""

from __future__ import annotations

WORKS = [(board, key) for board, keys in {
    "site": "risk wait open online people load who alarms gas valves proofs switches video",
    "gas": "raised faults combustible toxic co oxygen methane highest alarms",
    "valves": "failed strokes slowest overdue proofs log positions switches alarms",
    "work": "violations crowds most people frames alarms",
    "load": "violations states power current residual voltage alarms",
    "sensors": "silent stuck wrapped drift noise due faults log overdue good worst quality",
    "alarms": "count peak flood answer withheld now days priorities slow actors log",
    "signal": "what curve samples quality alarms faults",
}.items() for key in keys.split()]
