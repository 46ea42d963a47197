"""`python -m benchmarks.detection [nab] [skab] [events] [--quick]`: how good detection is, on labelled data.

Without the data (see benchmarks.detection.data) it says so and ends with 2.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import report
from benchmarks.detection import data, events, nab, skab

SETS = {"nab": nab, "skab": skab, "events": events}


def main() -> int:
    parser = argparse.ArgumentParser("benchmarks.detection")
    parser.add_argument("names", nargs="*", metavar="SET", help=f"one of {', '.join(SETS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="few cross-validations, results not kept")
    options = parser.parse_args()
    if unknown := set(options.names) - set(SETS):
        parser.error(f"unknown set {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    if not data.present():
        print("SKIPPED, nothing measured: there is no labelled data (shared/bench/detection beside the repository)",
              file=sys.stderr)
        return 2
    for name in options.names or SETS:
        print(name)
        report.save(f"quality_{name}", SETS[name].run(options.quick), quick=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
