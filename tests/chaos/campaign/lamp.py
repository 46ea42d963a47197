"""`python -m tests.chaos.campaign.lamp CLOCK ARGUMENTS...`: the command `davylamp` with a wall clock of the campaign's.

CLOCK is a file of nine bytes: nanoseconds to add to the machine's wall clock, and whether it is called synchronised.
The machine's own clock is not touched.
"""

from __future__ import annotations

import os
import struct
import sys
import time

from gateway.model import clock

FORM = struct.Struct("<qB")


def main() -> int:
    file = os.open(sys.argv[1], os.O_RDONLY)

    def said() -> tuple[int, int]:
        return FORM.unpack(os.pread(file, FORM.size, 0))

    wall_ns = time.time_ns
    time.time_ns = lambda: wall_ns() + said()[0]
    time.time = lambda: time.time_ns() / 1e9
    clock.kernel_clock_synchronised = lambda: bool(said()[1])
    from gateway.__main__ import main as davylamp

    sys.argv = ["davylamp", *sys.argv[2:]]
    return davylamp()


if __name__ == "__main__":
    sys.exit(main())
