"""`python -m grafana.boards`: write all dashboards as JSON into grafana/dashboards, one folder per language."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.model.text import LANGUAGES
from grafana.boards.catalogue import BOARDS

FOLDER = Path(__file__).parent.parent / "dashboards"


def rendered() -> dict[Path, str]:
    """Content by path, below FOLDER."""
    return {Path(language, f"{board.name}.json"): board.json(language) for board in BOARDS for language in LANGUAGES}


def main() -> int:
    files = rendered()
    for path, text in files.items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text, encoding="utf-8")
    for path in FOLDER.rglob("*.json"):
        if path.relative_to(FOLDER) not in files:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
