"""A small site with a spreadsheet, in a folder, and changes of it."""

from __future__ import annotations

from pathlib import Path

SITE = """
[site]
id = "yard"
name = "Yard"
timezone = "Asia/Shanghai"

[kinds.combustible_gas]
deadman = "5s"
limits = { H = 20, HH = { value = 40, latch = true } }

[[signals]]
id = "LT-1"
kind = "level"
low = 0
high = 12
limits = { L = 2 }

[[rules]]
id = "pump-dry"
type = "interlock"
when = "GD-1 > 10"
requires = "LT-1 > 1"

[[sources]]
id = "gas"
type = "modbus"
host = "127.0.0.1"
port = 5020
devices = [{ id = "head", unit = 1, period = "1s", points_csv = "points/gas.csv" },
           { id = "tank", unit = 2, period = "1s", points = [{ signal = "LT-1", table = "holding", address = 0 }] }]

[[notifiers]]
id = "phone"
type = "webhook"
url = "http://127.0.0.1:9/a"

[api]
port = 0
"""
POINTS = "signal,kind,low,high,table,address,scale\nGD-1,combustible_gas,0,100,holding,0,0.1\n"
SECOND = "GD-2,combustible_gas,0,100,holding,1,0.1\n"


def written(folder: Path, *changes: tuple[str, str], points: str = POINTS) -> Path:
    """The site file in this folder. changes: what stands there instead."""
    text = SITE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "points").mkdir(parents=True, exist_ok=True)
    (folder / "points" / "gas.csv").write_text(points)
    (folder / "site.toml").write_text(text)
    return folder / "site.toml"
