"""Who may import whom: floors, one way down (docs/explanation/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ("gateway", "drivers", "alerting", "simulators", "grafana")

# The longest matching prefix decides. Packages on floor 1 are strangers to each other; `drivers.modbus` and
# `drivers.mqtt` are packages of their own.
FLOORS = {
    "gateway.__main__": 10, "gateway.cli": 9, "gateway.remote": 8, "gateway.reporting": 8, "gateway.demo": 7,
    "gateway.replay": 7, "gateway.watcher": 7, "gateway.accounts": 7, "gateway.changeover": 7,
    "gateway.fleet": 4, "gateway.backup": 3, "gateway.change": 2,
    "gateway.app": 6, "gateway.parts": 5, "gateway.api": 4, "gateway.console": 4,
    "gateway.health": 3, "gateway.teaching": 3, "gateway.vigil": 3, "gateway.explaining": 3, "gateway.annunciation": 3,
    "gateway.overdue": 3, "gateway.historian": 3, "gateway.timekeeping": 3,
    "gateway.pipeline": 2, "gateway.plugins": 2, "grafana.boards": 2, "grafana.provision": 2,
    "gateway.core": 1, "gateway.config": 1, "gateway.access": 1, "gateway.store": 1, "gateway.sinks": 1,
    "gateway.doctor": 1, "gateway.logs": 1, "gateway.supervision": 1, "gateway.client": 1, "gateway.data_folder": 1,
    "drivers.modbus": 1, "drivers.mqtt": 1, "alerting": 1, "gateway.model": 0,
}


def room(module: str) -> str | None:
    return max((name for name in FLOORS if module == name or module.startswith(name + ".")), key=len, default=None)


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the full name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in HOUSE}


MODULES = sorted(path for part in HOUSE for path in (ROOT / part).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if module.startswith("simulators"):
        ours = {name for name in imports(path) if not name.startswith("simulators")}
        assert not ours, f"simulators are an independent witness and import nothing of ours: {ours}"
        return
    here = room(module)
    for target in imports(path):
        there = room(target)
        if there is None or there == here:
            assert there is not None or target.split(".")[0] != "simulators", f"{module}: {target} not in the plan"
            continue
        assert here is not None, f"{module} imports {target}, but package roots import nothing"
        assert FLOORS[there] < FLOORS[here], f"{module} (floor {FLOORS[here]}) imports {target} (floor {FLOORS[there]})"


def test_ground_floor_needs_only_numpy():
    allowed = {"numpy", "gateway"}
    import sys
    for path in (ROOT / "gateway" / "model").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = ([alias.name for alias in node.names] if isinstance(node, ast.Import)
                     else [node.module] if isinstance(node, ast.ImportFrom) else [])
            for name in names:
                top = name.split(".")[0]
                assert top in allowed or top in sys.stdlib_module_names, f"{path.name} imports {name}"
