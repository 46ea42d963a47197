"""`python -m grafana.boards`: write all dashboards and alert rules as JSON, into grafana/dashboards (a folder for each
language) and grafana/provisioning/alerting."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gateway.model.text import LANGUAGES
from grafana.boards.catalogue import BOARDS
from grafana.boards.second import provisioning

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "dashboards"
ALERTING = ROOT / "provisioning" / "alerting" / "davylamp.json"


def rendered() -> dict[Path, str]:
    """Content by path."""
    found = {FOLDER / language / f"{board.name}.json": board.json(language) for board in BOARDS for language in LANGUAGES}
    return found | {ALERTING: json.dumps(provisioning(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"}


def committed() -> set[Path]:
    return {*FOLDER.rglob("*.json"), *ALERTING.parent.glob("*.json")}


def main() -> int:
    files = rendered()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in committed() - set(files):
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
