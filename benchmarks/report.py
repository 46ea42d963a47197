"""What a benchmark says: a named figure with its unit, its target, and what it was measured against in the same run."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, object]:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform(),
            "arm": platform.machine().startswith(("aarch64", "arm"))}


def met(row: Mapping) -> bool | None:
    """Whether the target was met; None where there is none. A target reads like `<= 20` or `>= 0.8`."""
    target = row.get("target")
    if not target:
        return None
    sign, number = str(target).split()[:2]
    return row["value"] <= float(number) if sign == "<=" else row["value"] >= float(number)


def save(name: str, rows: Iterable[Mapping], *, quick: bool) -> None:
    """One JSON file per benchmark. A quick run is for the eye only and is not kept."""
    rows = [{"name": row["name"], "value": row["value"], "unit": row["unit"], "target": row.get("target"),
             "met": met(row), "against": row.get("against"), "ratio": row.get("ratio"), "note": row.get("note")}
            for row in rows]
    for row in rows:
        mark = {True: "met   ", False: "MISSED", None: "      "}[row["met"]]
        ratio = f"  ratio {row['ratio']:.2f} against {row['against']}" if row["ratio"] is not None else ""
        target = f"  target {row['target']}" if row["target"] else ""
        print(f"  {mark} {row['name']}: {row['value']:.4g} {row['unit']}{target}{ratio}")
    if not quick:
        RESULTS.mkdir(exist_ok=True)
        document = {"benchmark": name, "machine": machine(), "results": rows}
        (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def table() -> Iterator[str]:
    """The kept results as Markdown, one table per benchmark."""
    for path in sorted(RESULTS.glob("*.json")):
        document = json.loads(path.read_text())
        machine = document["machine"]
        yield (f"### {document['benchmark']}\n\n{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}"
               + ("" if machine["arm"] else ", not measured on ARM"))
        yield "\n| figure | value | target | ratio | against |\n|---|---|---|---|---|"
        for row in document["results"]:
            mark = {True: "met", False: "**missed**", None: ""}[row["met"]]
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
            cells = (row["name"], f"{_figure(row['value'])} {row['unit']}", f"{row['target'] or ''} {mark}".strip(),
                     ratio, row["against"] or "")
            yield f"| {' | '.join(cells)} |"
        notes = list(dict.fromkeys(row["note"] for row in document["results"] if row["note"]))
        yield "".join(f"\n{note}." for note in notes) + "\n"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
