"""The simulated site without its sockets: plant, devices, publishers and the script, moved on step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from simulators.faults import Undo
from simulators.layout import Layout
from simulators.modbus_device import Device
from simulators.mqtt_device import Publisher
from simulators.plant import STEP, Plant
from simulators.scenario import Scenario, Step
from simulators.text import Text

_BEGINS, _OVER, _DONE = Text("begins", "开始"), Text("is over", "结束"), Text("done", "已执行")


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened. kind: "say", "fault", "over" (a fault ended) or "end" (of the story). text: for a person."""

    elapsed: float
    kind: str
    text: Text
    fault: str = ""
    target: str = ""
    arguments: Mapping[str, float | str] = field(default_factory=dict)


class World:
    """`advance()` moves everything by `step` seconds and returns what happened."""

    step = STEP

    def __init__(self, layout: Layout, seed: int = 1):
        self.plant = Plant(layout, seed)
        self.devices = {described.id: Device(described, self.plant.index) for described in layout.devices}
        self.publishers = {described.id: Publisher(described, self.plant) for described in layout.publishers}
        self._kinds: dict[str, tuple[str, ...]] = {
            "quantity": self.plant.names,
            "detector": tuple(detector.id for detector in layout.detectors),
            "valve": tuple(valve.id for valve in layout.valves),
            "machine": tuple(machine.id for machine in layout.machines),
            "camera": tuple(camera.id for camera in layout.cameras),
            "persons": tuple(persons.id for persons in layout.persons),
            "device": tuple(self.devices),
            "publisher": tuple(self.publishers),
        }
        self._kinds["any"] = tuple(dict.fromkeys(name for names in self._kinds.values() for name in names))
        self._waiting: list[Step] = []
        self._end: float | None = None
        self._wrong: dict[tuple[str, str], tuple[float | None, Undo]] = {}  # (fault, target) -> when it ends, way back
        self._events: list[Event] = []
        self._update()

    @property
    def elapsed(self) -> float:
        return self.plant.elapsed

    @property
    def known(self) -> dict[str, tuple[str, ...]]:
        """Kind of target -> the names there are, for checking a scenario."""
        return self._kinds

    def targets(self, kind: str) -> tuple[str, ...]:
        return self._kinds[kind]

    def position(self, kind: str, name: str) -> int:
        return self._kinds[kind].index(name)

    def play(self, scenario: Scenario) -> None:
        """From now on: the steps of this scenario, its `at` counted from the start of the world."""
        self._waiting, self._end = list(scenario.steps), scenario.end

    def advance(self) -> list[Event]:
        self._end_what_is_over()
        due = [step for step in self._waiting if self._due(step)]
        taken = set(map(id, due))
        self._waiting = [step for step in self._waiting if id(step) not in taken]
        for step in due:
            self.carry_out(step)
        self.plant.step(self.step)
        self._update()
        if self._end is not None and self.elapsed >= self._end:
            self._end = None
            self._happened("end", Text("The story is over; the plant goes on.", "故事结束，装置继续运行。"))
        events, self._events = self._events, []
        return events

    def carry_out(self, step: Step) -> None:
        """Now, whatever `at` and `when` say. A fault that is there already is replaced."""
        if step.say:
            self._happened("say", step.say)
        if step.fault is None:
            return
        key = (step.fault.name, step.target)
        if key in self._wrong:
            self._wrong.pop(key)[1]()
        undo = step.fault.apply(self, step.target, **step.arguments)
        if undo is not None:
            self._wrong[key] = (None if step.lasts is None else self.elapsed + step.lasts), undo
        self._happened("fault", _BEGINS if undo else _DONE, *key, step.arguments)

    def end_faults(self, target: str) -> None:
        self._end_faults(lambda key, until: key[1] == target)

    def _end_what_is_over(self) -> None:
        self._end_faults(lambda key, until: until is not None and until <= self.elapsed + 1e-9)

    def _end_faults(self, over: Callable[[tuple[str, str], float | None], bool]) -> None:
        for key in [key for key, (until, _) in self._wrong.items() if over(key, until)]:
            self._wrong.pop(key)[1]()
            self._happened("over", _OVER, *key)

    def _due(self, step: Step) -> bool:
        if step.when is not None:
            return step.when.holds(self.plant[step.when.quantity])
        return (step.at or 0.0) <= self.elapsed + 1e-9

    def _update(self) -> None:
        for device in self.devices.values():
            device.update(self.plant.reading)

    def _happened(self, kind: str, text: Text, fault: str = "", target: str = "",
                  arguments: Mapping[str, float | str] = MappingProxyType({})) -> None:
        self._events.append(Event(round(self.elapsed, 1), kind, text, fault, target, arguments))
