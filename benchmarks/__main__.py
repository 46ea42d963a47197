"""`python -m benchmarks [NAME ...] [--quick]`: run the speed benchmarks and keep their results as JSON.
`python -m benchmarks --table`: the kept results as Markdown.

Each module of benchmarks.speed has `run(quick: bool) -> list of rows` with the keys of benchmarks.report.save.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

import pytest

from benchmarks import report, speed


def main() -> int:
    names = sorted(module.name for module in pkgutil.iter_modules(speed.__path__) if module.name != "yardstick")
    parser = argparse.ArgumentParser("benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="short runs, results not kept")
    parser.add_argument("--table", action="store_true", help="print the kept results as Markdown and end")
    options = parser.parse_args()
    if options.table:
        print(*report.table(), sep="\n")
        return 0
    if unknown := set(options.names) - set(names):
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    machine = report.machine()
    print(f"machine: {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}")
    if not machine["arm"]:
        print("not measured on ARM")
    for name in options.names or names:
        print(name)
        try:
            rows = importlib.import_module(f"benchmarks.speed.{name}").run(options.quick)
        except pytest.skip.Exception as missing:  # raised by tests.servers for a server that is not installed
            print(f"         not run: {missing}")
        else:
            report.save(name, rows, quick=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
