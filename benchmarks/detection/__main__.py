"""`python -m benchmarks.detection [nab] [skab] [offhours] [events] [faults] [quiet] [trend] [--quick]`: how good
detection is, on labelled data.

Where the data is not there (see benchmarks.detection.data) it says so and ends with 2; `quiet` and `trend` need none.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import report
from benchmarks.detection import data, events, faults, nab, offhours, quiet, skab, trend

SETS = {"nab": nab, "skab": skab, "offhours": offhours, "events": events, "faults": faults, "quiet": quiet,
        "trend": trend}


def main() -> int:
    parser = argparse.ArgumentParser("benchmarks.detection")
    parser.add_argument("names", nargs="*", metavar="SET", help=f"one of {', '.join(SETS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="few cross-validations, results not kept")
    options = parser.parse_args()
    if unknown := set(options.names) - set(SETS):
        parser.error(f"unknown set {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    skipped = 0
    for name in options.names or SETS:
        if SETS[name] not in (quiet, trend) and not data.present():
            print(f"{name} SKIPPED, not measured: no labelled data (shared/bench/detection beside the repository)",
                  file=sys.stderr)
            skipped = 2
            continue
        print(name)
        report.save(f"quality_{name}", SETS[name].run(options.quick), quick=options.quick)
    return skipped


if __name__ == "__main__":
    sys.exit(main())
