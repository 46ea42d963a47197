"""What docs/explanation/alarms.md shows of the overlays; a test compares the two. `python -m alerting.overlays`"""

from __future__ import annotations

from alerting.overlays import bypass, out_of_service, shelving, suppression
from alerting.overlays.tables import diagram, grid

TABLES = {"Bypass": bypass.TABLE, "Shelved": shelving.TABLE, "Out of service": out_of_service.TABLE,
          "Suppressed by design": suppression.TABLE}


def page() -> str:
    return "\n\n".join(f"**{name}**\n\n```mermaid\n{diagram(table)}\n```\n\n{grid(table)}"
                       for name, table in TABLES.items())


if __name__ == "__main__":
    print(page())
