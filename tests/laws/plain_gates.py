"""The plain twin of gateway.core.gates: one gate at a time, from its definition."""

from __future__ import annotations

from gateway.model.clock import NS


class PlainGate:
    def __init__(self, plain, test, machine):
        self.plain, self.test, self.machine, self.until = plain, test, machine, None
        deadman = plain.signals[test.signal].signal.deadman_s
        self.hold = round((60.0 if deadman is None else deadman) * NS)

    def pass_time(self, t):
        if self.until is not None and t >= self.until:
            self.machine.gate(self.until, False)
            self.until = None

    def close(self, t):
        """Its signal has brought something at t: before what came at t is compared with the limits."""
        if self.says_no():
            if self.until is None:
                self.machine.gate(t, True)
            self.until = t + self.hold

    def open(self, t):
        """After that."""
        if not self.says_no() and self.until is not None:
            self.machine.gate(t, False)
            self.until = None

    def says_no(self):
        return self.plain.truth(self.test) == "false"
