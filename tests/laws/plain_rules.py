"""The plain twins of the rules. `plain.truth(test)` is one of "true", "likely", "false", "unknown", "waiting"."""

from __future__ import annotations

from gateway.model.clock import NS
from gateway.model.rules import ResponseTest, ShutdownVerification, Vote

FIRST_DATA = 30 * NS


def plain_rules(plain, site):
    for rule in site.rules:
        if isinstance(rule, Vote):
            yield PlainVote(plain, rule)
            yield PlainDegradation(plain, rule)
        elif isinstance(rule, ResponseTest):
            yield PlainResponse(plain, rule)
        else:
            yield (PlainShutdown if isinstance(rule, ShutdownVerification) else PlainInterlock)(plain, rule)


class PlainDelayed:
    """`judge(t)` gives "holds", "refuted" or "open", and the instant before which it may not begin."""

    def __init__(self, plain, rule, alarm, on_s, off_s):
        self.plain, self.rule, self.alarm = plain, rule, alarm
        self.on, self.off = round(on_s * NS), round(off_s * NS)
        self.state, self.end, self.until = "idle", None, None  # end: of the on-delay, until: also of what is waited for
        self.left, self.refuted = self.on, None  # of an on-delay that was broken off, and when that was
        self.clear = None

    def truths(self, tests):
        return [self.plain.truth(test) for test in tests]

    def due(self):
        return self.until if self.state == "pending" else None

    def fire(self):
        self.plain.log.add(self.alarm, True, self.until)
        self.state, self.left = "active", self.on

    def look(self, t, fresh):
        verdict, not_before = self.judge(t)
        if verdict == "holds":
            self.clear = None
            if self.state == "idle":
                forgotten = self.refuted is None or t - self.refuted >= self.on
                self.state, self.end = "pending", t + (self.on if forgotten else self.left)
            elif self.state == "pending" and self.until > self.end and not_before <= t:
                self.end = min(self.until, t + self.on)
            if self.state == "pending":
                self.until = max(self.end, not_before)
                if self.until <= t:
                    self.until = t
                    self.fire()
        elif verdict == "open":
            self.clear = None
        elif self.state == "pending":
            self.left = self.on if self.until > self.end else self.end - t
            self.state, self.refuted = "idle", t
        elif self.state == "active":
            self.clear = t if self.clear is None else self.clear
            if fresh and t - self.clear >= self.off:
                self.state, self.clear, self.refuted = "idle", None, None
                self.plain.log.add(self.alarm, False, t)


class PlainInterlock(PlainDelayed):
    def __init__(self, plain, rule):
        super().__init__(plain, rule, rule.id, rule.on_delay_s, rule.off_delay_s)

    def judge(self, t):
        whens, requirements = self.truths(self.rule.when.tests), self.truths(self.rule.requires.tests)
        many = all if self.rule.requires.every else any
        if many(truth == "true" for truth in requirements):
            return "refuted", 0
        maybe = many(truth in ("true", "waiting") for truth in requirements)
        if self.rule.when.every:
            begins = not {"false", "unknown", "waiting"} & set(whens)
            over = "false" in whens
        else:
            begins = bool({"true", "likely"} & set(whens))
            over = set(whens) == {"false"}
        return "holds" if begins else "refuted" if over else "open", FIRST_DATA if maybe else 0


class PlainVote(PlainDelayed):
    def __init__(self, plain, rule):
        super().__init__(plain, rule, rule.id, rule.on_delay_s, rule.off_delay_s)
        self.word, self.lost = {}, {}  # test -> what it said last; since when it says nothing

    def judge(self, t):
        ready = {}
        for test in self.rule.members:
            truth = self.plain.truth(test)
            if truth in ("unknown", "waiting"):
                since = self.lost.setdefault(test, t)
                ready[test] = FIRST_DATA if truth == "waiting" else since + round(self.rule.bad_after_s * NS)
            else:
                self.lost.pop(test, None)
                self.word[test] = truth != "false"
        votes = [test for test in self.rule.members if self.word.get(test)]
        gone = sorted(at for test, at in ready.items() if not self.word.get(test))

        def holds(number):
            if number == len(self.rule.members):
                return True
            if self.rule.degraded == "trip":
                return len(votes) + number >= self.rule.m
            return len(votes) >= max(1, self.rule.m - number)
        if not holds(len(gone)):
            return "refuted", 0
        return "holds", next(at for number, at in enumerate([0, *gone]) if holds(number))


class PlainDegradation(PlainDelayed):
    def __init__(self, plain, rule):
        super().__init__(plain, rule, f"{rule.id}/degraded", rule.bad_after_s, rule.off_delay_s)

    def judge(self, t):
        lost = [truth for truth in self.truths(self.rule.members) if truth not in ("true", "false")]
        return "holds" if lost else "refuted", FIRST_DATA if set(lost) == {"waiting"} else 0


class PlainShutdown:
    def __init__(self, plain, rule):
        self.plain, self.rule, self.state, self.until = plain, rule, "idle", None
        self.stroke, self.effect = round(rule.stroke_time_s * NS), round(rule.effect_time_s * NS)
        self.reopened, self.broken_off = False, None  # (when, what was left of the stroke, and of the effect time)
        self.effect_until, self.allowed = None, self.effect

    def due(self):
        return self.until if self.state in ("stroke", "effect") else None

    def fire(self):
        self.plain.log.add(self.rule.id, True, self.until)
        self.state = "failed"

    def look(self, t, fresh):
        command = self.plain.truth(self.rule.command)
        feedback = [self.plain.truth(test) for test in self.rule.feedback]
        effect = [self.plain.truth(test) for test in self.rule.effect]
        if command == "false":
            if self.due() is not None and not self.reopened:
                self.broken_off = (t, self.until - t if self.state == "stroke" else self.stroke,
                                   self.effect if self.effect_until is None else self.effect_until - t)
            elif self.state != "idle":
                self.broken_off = None
            self.state = "idle"
            self.plain.log.add(self.rule.id, False, t)
            return
        if self.state == "idle" and command in ("true", "likely"):
            self.state, self.reopened, self.until = "stroke", False, t + self.stroke
            self.effect_until, self.allowed = None, self.effect
            if self.broken_off and t - self.broken_off[0] < self.stroke:
                self.until, self.allowed = t + self.broken_off[1], self.broken_off[2]
        if self.state == "idle":
            return
        shut, works = (all(truth == "true" for truth in truths) for truths in (feedback, effect))
        if shut and works:
            self.state = "verified"
            self.plain.log.add(self.rule.id, False, t)
            return
        if self.state == "verified" and "false" in (*feedback, *effect):
            self.state, self.reopened, self.until = "stroke", True, t + self.stroke
            self.effect_until, self.allowed = None, self.effect
        if self.state == "stroke" and shut:
            self.effect_until = self.effect_until or t + self.allowed
            self.state, self.until = "effect", self.effect_until
        elif self.state == "effect" and "false" in feedback:
            self.state, self.until = "stroke", min(t + self.stroke, self.effect_until)


class PlainResponse:
    def __init__(self, plain, rule):
        self.plain, self.rule, self.readings, self.until = plain, rule, None, None
        self.answered, self.passed = False, False

    def due(self):
        return self.until

    def fire(self):
        self.plain.log.add(self.rule.id, True, self.until)
        self.plain.signals[self.rule.signal].missed[self.rule.id] = True
        self.until, self.passed = None, False

    def look(self, t, fresh):
        stimulus = self.plain.truth(self.rule.stimulus)
        if stimulus == "false":
            self.readings, self.until = None, None
        elif stimulus in ("true", "likely") and self.readings is None:
            self.readings, self.answered, self.until = [], False, t + round(self.rule.within_s * NS)
        reading = self.plain.signals[self.rule.signal]
        quality = self.plain.truth(self.rule.tests[1])
        if self.readings is not None and not self.answered and quality in ("true", "likely"):
            self.readings.append(reading.value)
            rise, fall = reading.value - min(self.readings), max(self.readings) - reading.value
            if (rise if self.rule.by > 0 else fall) >= abs(self.rule.by):
                self.answered, self.passed = True, self.passed or self.until is not None
                self.until = None
        if self.passed and quality == "true":
            self.passed = False
            self.plain.log.add(self.rule.id, False, t)
            self.plain.signals[self.rule.signal].missed[self.rule.id] = False
