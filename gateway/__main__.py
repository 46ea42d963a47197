"""`python -m gateway` and the `davylamp` command."""

from __future__ import annotations

import sys


def main() -> int:
    from gateway.cli import main as command
    return command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
