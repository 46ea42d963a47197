"""The plant: gas, valves, machines, tank, cameras and a simulated certified system, moved on in fixed steps.

Physics as simple as the instruments can tell, the same for the same seed:

    outdoors   a leak releases puffs that drift with the wind and grow with the way they went (Gaussian puffs, ground
               reflection); a detector feels the sum of them
    indoors    one well-mixed volume per area, diluted by its air changes: dC/dt = Q/V - nC
    detectors  first-order lag, T90 = 2.303 tau
    valves     constant speed over their stroke time; limit switches within 2 % of the ends
    machines   in-rush while they come up to speed, then a load; energy is the integral
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.instruments import Instruments, Vector
from simulators.layout import Layout

STEP = 0.2  # s
GRAMS_PER_PERCENT_LEL = 0.4  # g/m3: petrol vapour, LEL about 40 g/m3
NORMAL, LOW_ALARM, HIGH_ALARM, FAULT, INHIBIT, WARM_UP, CALIBRATION, OVER_RANGE = 0, 1, 2, 3, 4, 5, 6, 7
MACHINE_QUANTITIES = ("P", "P1", "P2", "P3", "U1", "U2", "U3", "I1", "I2", "I3", "PF", "f", "E", "run")


@dataclass(eq=False)
class Leak:
    """rate in g/s, reached by 1 - exp(-age / rise)."""

    x: float
    y: float
    area: int
    rate: float
    rise: float
    age: float = 0.0


class Puffs:
    """The latest 512 puffs of gas; older ones have long left the site."""

    SIZE = 512
    FIRST_WIDTH, GROWTH = 0.8, 0.22  # m, m per m: a plume between neutral and stable over rough ground

    def __init__(self) -> None:
        self.x, self.y, self.width, self.mass = (np.zeros(self.SIZE) for _ in range(4))
        self.width[:] = 1.0
        self._next = 0

    def release(self, x: float, y: float, grams: float) -> None:
        k = self._next % self.SIZE
        self.x[k], self.y[k], self.width[k], self.mass[k] = x, y, self.FIRST_WIDTH, grams
        self._next += 1

    def drift(self, dx: float, dy: float) -> None:
        self.x += dx
        self.y += dy
        self.width += self.GROWTH * float(np.hypot(dx, dy))

    def concentration(self, x: Vector, y: Vector) -> Vector:
        """g/m3 at n places."""
        square = (self.x - x[:, None]) ** 2 + (self.y - y[:, None]) ** 2
        puff = 2 * self.mass / ((2 * np.pi) ** 1.5 * self.width**3) * np.exp(-square / (2 * self.width**2))
        return puff.sum(axis=1)


class Plant:
    """`reading[index["GD-03"]]` is what the instrument of GD-03 says after the last `step()`; NaN for no value."""

    def __init__(self, layout: Layout, seed: int = 1):
        self.layout = layout
        self.elapsed = 0.0
        self._rng = np.random.default_rng(seed)
        names: list[str] = []

        def block(*added: str) -> slice:
            names.extend(added)
            return slice(len(names) - len(added), len(names))

        detectors, valves, machines = layout.detectors, layout.valves, layout.machines
        self._gas = block(*(detector.id for detector in detectors))
        self._status = block(*(f"{detector.id}.status" for detector in detectors))
        self._position = block(*(f"{valve.id}.pos" for valve in valves))
        self._closed = block(*(f"{valve.id}.closed" for valve in valves))
        self._open = block(*(f"{valve.id}.open" for valve in valves))
        self._electric = {quantity: block(*(f"{machine.id}.{quantity}" for machine in machines))
                          for quantity in MACHINE_QUANTITIES}
        self._fps = block(*(f"{camera.id}.fps" for camera in layout.cameras))
        self._detect = block(*(f"{camera.id}.detect" for camera in layout.cameras))
        self._counts = block(*(persons.id for persons in layout.persons))
        transfer = layout.transfer
        self._process = block(*((transfer.level, transfer.pressure, transfer.temperature) if transfer else ()))
        self._command = block(*([layout.certified_system.command] if layout.certified_system else []))
        self.names = tuple(names)
        self.index = {name: number for number, name in enumerate(names)}

        # gas
        self.leaks: list[Leak] = []
        self._puffs = Puffs()
        self._x, self._y = _column(detectors, "x"), _column(detectors, "y")
        self._lag = _column(detectors, "t90") / np.log(10)
        self._background = _column(detectors, "background")
        self._range = _column(detectors, "range")
        self._low_alarm, self._high_alarm = _column(detectors, "low_alarm"), _column(detectors, "high_alarm")
        area_of = {area.id: number for number, area in enumerate(layout.areas)}
        self._area = np.array([area_of[detector.area] for detector in detectors], np.intp)
        self._volume = _column(layout.areas, "volume")
        self._indoors = self._volume > 0
        self._inside = np.zeros(len(layout.areas))  # g/m3
        self._felt = self._background.copy()  # %LEL, behind the detector's lag
        self.wrapped = np.zeros(len(detectors), bool)
        self.test_gas = np.zeros(len(detectors))  # %LEL, under a cup that is held to the detector
        self._tested = np.zeros(len(detectors), bool)  # from then until it is purged
        self.service = np.zeros(len(detectors), int)  # a status code while the detector is not in normal service
        self.warm_until = np.zeros(len(detectors))
        self.wind_speed, self.wind_towards = layout.wind_speed, np.radians(layout.wind_towards)
        self._meander = 0.0

        # valves and the simulated certified system
        self.stroke = _column(valves, "stroke")
        self.jammed = np.zeros(len(valves), bool)
        self._opening = np.ones(len(valves))
        self.esd = False
        self._tripping = 0.0

        # machines
        self._power, self._voltage = _column(machines, "power"), _column(machines, "voltage")
        self._factor, self._phases = _column(machines, "factor"), _column(machines, "phases")
        self.running = np.array([machine.running for machine in machines], bool)
        self._speed = self.running.astype(float)
        self._energy = _column(machines, "energy")
        self._machine = {machine.id: number for number, machine in enumerate(machines)}

        # the rest
        self.camera_lost = np.zeros(len(layout.cameras), bool)
        self.persons = _column(layout.persons, "count")
        self._counted = self.persons.copy()
        camera_of = {camera.id: number for number, camera in enumerate(layout.cameras)}
        self._counting = np.array([camera_of[persons.camera] for persons in layout.persons], np.intp)
        self._level = transfer.filled if transfer else 0.0
        self._refilling = False
        self._pressure = transfer.pumped if transfer else 0.0
        self._temperature = 24.0

        self._truth = np.zeros(len(names))
        none_is_none = np.zeros(len(names), bool)
        for quantities in (self._fps, *(self._electric[name] for name in ("P", "P1", "P2", "P3", "I1", "I2", "I3"))):
            none_is_none[quantities] = True
        self.instruments = Instruments(self._noise(), none_is_none, self._rng)
        self.reading = self._truth
        self.step(0.0)

    def __getitem__(self, name: str) -> float:
        return float(self.reading[self.index[name]])

    def start(self, machine: str, running: bool) -> None:
        self.running[self._machine[machine]] = running

    def leak_near(self, detector: str, *, rate: float, distance: float, rise: float) -> Leak:
        """Upwind of a detector by `distance` m; in an enclosed area the place does not matter."""
        k = self.index[detector] - self._gas.start
        x = self._x[k] - distance * np.cos(self.wind_towards)
        y = self._y[k] - distance * np.sin(self.wind_towards)
        leak = Leak(x, y, int(self._area[k]), rate, rise)
        self.leaks.append(leak)
        return leak

    def step(self, dt: float = STEP) -> None:
        self.elapsed += dt
        truth = self._truth
        self._move_gas(dt)
        truth[self._gas] = self._felt
        self._move_valves(dt)
        truth[self._position] = 100 * self._opening
        truth[self._closed], truth[self._open] = self._opening <= 0.02, self._opening >= 0.98
        self._move_machines(dt)
        self._move_process(dt)
        fps = np.array([camera.fps for camera in self.layout.cameras])
        truth[self._fps] = np.where(self.camera_lost, 0.0, fps)
        truth[self._detect] = 1.0
        self._counted = np.where(self.camera_lost[self._counting], self._counted, self.persons)
        truth[self._counts] = self._counted
        reading = self.instruments.read(truth, self.elapsed, dt)
        self._judge_gas(reading, dt)
        reading[self._command] = float(self.esd)
        self.reading = reading

    def _move_gas(self, dt: float) -> None:
        self._meander += -self._meander * dt / 8 + 0.04 * np.sqrt(dt) * self._rng.standard_normal()
        towards = self.wind_towards + self._meander
        self._puffs.drift(self.wind_speed * np.cos(towards) * dt, self.wind_speed * np.sin(towards) * dt)
        for leak in self.leaks:
            leak.age += dt
            grams = leak.rate * (1 - np.exp(-leak.age / leak.rise)) * dt
            if self._indoors[leak.area]:
                self._inside[leak.area] += grams / self._volume[leak.area]
            elif grams:
                self._puffs.release(leak.x, leak.y, grams)
        self._inside *= np.exp(-self._air_changes() * dt / 3600)
        around = np.where(self._indoors[self._area], self._inside[self._area],
                          self._puffs.concentration(self._x, self._y)) / GRAMS_PER_PERCENT_LEL
        around = np.maximum(around, self.test_gas)
        lag = np.where(self.wrapped, 20 * self._lag, self._lag)
        aim = np.where(self.wrapped, 0.2, 1.0) * around + self._background
        self._felt += (aim - self._felt) * (1 - np.exp(-dt / lag))

    def _air_changes(self) -> Vector:
        """Per hour and area."""
        blown = [bool(area.fan) and self.running[self._machine[area.fan]] for area in self.layout.areas]
        return np.where(blown, _column(self.layout.areas, "fan_air_changes"), _column(self.layout.areas, "air_changes"))

    def _judge_gas(self, reading: Vector, dt: float) -> None:
        """Status words of the detectors, and the simulated certified system, both from what the instruments say."""
        gas = reading[self._gas]
        self._tested = (self.test_gas > 0) | self._tested & (gas > 0.1 * self._low_alarm)
        service = np.where(self._tested, CALIBRATION, self.service)
        service = np.where(self.elapsed < self.warm_until, WARM_UP, service)
        over = gas >= self._range
        gas = np.where(service == WARM_UP, 0.0, np.clip(gas, -10.0, self._range))
        reading[self._gas] = gas
        reading[self._status] = np.select(
            [np.isnan(gas), service > 0, over, gas >= self._high_alarm, gas >= self._low_alarm],
            [FAULT, service, OVER_RANGE, HIGH_ALARM, LOW_ALARM], NORMAL)
        if system := self.layout.certified_system:
            tripping = bool(np.any((gas >= system.trip) & (service == NORMAL)))
            self._tripping = self._tripping + dt if tripping else 0.0
            self.esd |= self._tripping >= system.hold

    def _move_valves(self, dt: float) -> None:
        aim = 0.0 if self.esd else 1.0
        reach = np.where(self.jammed, 0.0, dt / self.stroke)
        self._opening += np.clip(aim - self._opening, -reach, reach)

    def _line_open(self) -> float:
        return float(self._opening.min(initial=1.0))

    def _move_machines(self, dt: float) -> None:
        tau = np.where(self.running, 1.2, 0.8)
        self._speed += (self.running - self._speed) * (1 - np.exp(-dt / tau))
        load = np.ones(len(self._power))
        if self.layout.transfer:
            load[self._machine[self.layout.transfer.pump]] = 0.6 + 0.4 * self._line_open()
        active = self._power * self.running * (load + 4 * (1 - self._speed))
        self._energy += active * dt / 3.6e6
        single = self._phases == 1
        truth, electric = self._truth, self._electric
        truth[electric["P"]], truth[electric["E"]], truth[electric["PF"]] = active, self._energy, self._factor
        truth[electric["f"]], truth[electric["run"]] = 50.0, self.running & (self._speed > 0.5)
        for phase, share in (("1", 1.01), ("2", 0.99), ("3", 1.0)):
            used = np.where(single, 1.0 if phase == "1" else 0.0, share / 3)
            truth[electric["P" + phase]] = active * used
            truth[electric["U" + phase]] = self._voltage
            truth[electric["I" + phase]] = active * used / (self._voltage * self._factor)

    def _move_process(self, dt: float) -> None:
        transfer = self.layout.transfer
        if transfer is None:
            return
        opening, speed = self._line_open(), float(self._speed[self._machine[transfer.pump]])
        self._level -= transfer.flow * opening * speed * dt / transfer.section
        self._refilling = self._level < (0.85 if self._refilling else 0.2) * transfer.height
        if self._refilling:
            self._level += 4 * transfer.flow * dt / transfer.section
        aim = 0.08 + speed * (transfer.pumped + 0.2 * (1 - opening) - 0.08)
        self._pressure += (aim - self._pressure) * (1 - np.exp(-dt / 1.5))
        self._temperature += (24.0 - self._temperature) * dt / 600 + 0.02 * np.sqrt(dt) * self._rng.standard_normal()
        self._truth[self._process] = self._level, self._pressure, self._temperature

    def _noise(self) -> Vector:
        """Standard deviation of each instrument."""
        noise = np.zeros(len(self.names))
        noise[self._gas] = _column(self.layout.detectors, "noise")
        noise[self._position] = 0.05
        for quantity, share in (("P", 0.006), ("P1", 0.003), ("P2", 0.003), ("P3", 0.003)):
            noise[self._electric[quantity]] = share * self._power
        for phase in "123":
            noise[self._electric["U" + phase]] = 0.4
            noise[self._electric["I" + phase]] = 0.003 * self._power / self._voltage
        noise[self._electric["f"]] = 0.01
        noise[self._fps] = 0.05
        if self.layout.transfer:
            noise[self._process] = 0.004, 0.003, 0.03
        return noise


def _column(rows: tuple, name: str) -> Vector:
    return np.array([getattr(row, name) for row in rows], float)
