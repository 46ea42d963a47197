"""The site itself and its services in the site file. The text under a key is its entry in the reference."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.config.section import Section
from gateway.config.values import (
    Advice,
    AlarmName,
    Duration,
    Id,
    Ids,
    Name,
    Number,
    PositiveDuration,
    Size,
    TimeZone,
    Urgency,
    Whole,
)
from gateway.model.alarm import Priority
from gateway.model.site import ONLINE_TARGET
from gateway.model.text import Text


class SiteSection(Section):
    id: Id
    """Short id of the site, used in topics, tags and file names."""
    name: Name
    """What people call the site."""
    timezone: TimeZone
    """IANA name, such as `Asia/Shanghai`. Every time a person sees is in it; stored times are UTC."""
    language: Literal["en", "zh"] = "en"
    """Language of the page when it is first opened, and of notices where only one language fits."""
    clock: Literal["synchronised", "kept"] = "synchronised"
    """When the wall clock of this machine is trusted. `synchronised`: while its kernel says that a time daemon keeps
    it. `kept`: always; for a site without a network whose clock chip a person keeps, or a container whose host keeps
    the time. Never while it is behind what was stored before. What is measured while it is not trusted is marked."""
    online_target: Annotated[Number, Field(ge=0, le=100)] = ONLINE_TARGET
    """Share of devices online that is aimed at, in per cent: shown beside the share that is."""
    online_below: Annotated[Number, Field(gt=0, le=100)] | None = None
    """`too few devices online` (P2) is raised while fewer per cent of the devices give data. Default: no such alarm."""
    latitude: Annotated[Number, Field(ge=-90, le=90)] | None = None
    """Degrees north, WGS 84, for the map of a region. With `longitude`."""
    longitude: Annotated[Number, Field(ge=-180, le=180)] | None = None
    """Degrees east, WGS 84."""
    contact: Annotated[str, Field(max_length=120)] = ""
    """Whom a regulator calls: name and telephone. Shown in the region overview."""
    page: Annotated[str, Field(pattern=r"^https?://[^\s\"<>]+$", max_length=200)] | None = None
    """Address at which the office opens the gateway's own page, such as `https://10.1.2.3:8443`: dashboards link to it.
    Default: `base_url` of `[alarms]`, if there is one."""

    @model_validator(mode="after")
    def _whole_place(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError(Text("a place on the map needs `latitude` and `longitude`",
                                  "地图位置需同时给出 `latitude` 和 `longitude`"), Text(
                "give both, or neither", "请同时填写两项，或都不填"))
        return self


class EscalationSection(Section):
    blue: Annotated[Whole, Field(ge=2)] = 4
    """So many points of one kind at blue or above raise the area to yellow (P3)."""
    yellow: Annotated[Whole, Field(ge=2)] = 3
    """So many at yellow or above raise it to orange (P2)."""
    orange: Annotated[Whole, Field(ge=2)] = 2
    """So many at orange or above raise it to red (P1)."""


class AreaSection(Section):
    id: Id
    """Id that signals and rules refer to."""
    name: Name
    """What people call this part of the site."""
    risk: EscalationSection | None = None
    """Add up the alarms of this area: several points of one kind raise its level, as GB 39496 asks of tailings ponds.
    `{}`: with the numbers below. Default: not."""


class StoreSection(Section):
    folder: str = "data"
    """Where measured data, alarms and snapshots are kept. Relative: from the folder of the site file."""
    max_size: Annotated[Size, Field(ge=1_000_000)] = 2_000_000_000
    """The oldest measured data is deleted above this. Alarm records are never deleted."""
    max_age: PositiveDuration = 2_592_000.0
    """Measured data older than this is deleted."""
    minutes_max_size: Annotated[Size, Field(ge=10_000_000)] = 4_000_000_000
    """The oldest minutes (mean, lowest, highest of each signal) are deleted above this. A signal read every second
    takes about 26 kB a day: two years of 200 signals fit, of 1,000 they take 19 GB. `davylamp check` warns where they
    do not fit."""
    minutes_max_age: PositiveDuration = 63_072_000.0
    """Minutes older than this are deleted: two years."""
    commit_interval: Annotated[PositiveDuration, Field(le=5)] = 3.0
    """Measured data that nobody waits for is made durable (fdatasync) this often: what a power cut can cost. Every
    commit wears the card. What a broker has to be acknowledged is committed within half a second, what begins an
    alarm at once."""


class AnnunciatorSection(Section):
    id: Id
    """Id of the siren or beacon."""
    name: Name
    """What people call it, and where it is."""
    output: str
    """Id of the contact that it hangs on: under `outputs` of a Modbus device. Nothing is written to it until a person
    has armed it (`davylamp annunciator`)."""
    priorities: Annotated[tuple[Urgency, ...], Field(min_length=1)] = (Priority.P1,)
    """Alarms of these priorities drive it."""
    areas: Ids = ()
    """Only alarms of these areas. Default: of all."""
    until: Literal["acknowledged", "ended"] = "acknowledged"
    """`acknowledged`: until a person has taken the alarm, also when its condition has ended; for a siren. `ended`:
    while the alarm is active, also when somebody has taken it; for a beacon."""
    longest: PositiveDuration = 600.0
    """One alarm drives it at most so long. The next one drives it again."""


Reminder = Annotated[PositiveDuration, Field(ge=60, le=86400)]


class ReAlarmSection(Section):
    P1: Reminder = 300.0
    """Of P1. Where `[oncall]` has a further step to come, that calls instead."""
    P2: Reminder = 1800.0
    """Of P2."""
    P3: Reminder = 28800.0
    """Of P3."""


class ReAlarmAcknowledgedSection(Section):
    P1: Reminder | None = None
    """Of P1. Default: not."""
    P2: Reminder | None = None
    """Of P2. Default: not."""
    P3: Reminder | None = None
    """Of P3. Default: not."""


class AlarmsSection(Section):
    base_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    """Address under which the receiver of a notice reaches the page; notices then carry a link."""
    bypass_max: Annotated[PositiveDuration, Field(le=86400)] = 28800.0
    """Longest time for which a person may bypass an alarm, at most a day. Every bypass ends; none is prolonged."""
    bypass_p1_max: Annotated[Duration, Field(le=28800)] = 3600.0
    """The same for P1, which also needs the name of a second person; at most 8 h. `"0s"`: P1 is never bypassed."""
    shelve_max: Annotated[PositiveDuration, Field(le=86400)] = 28800.0
    """Longest time for which a person may shelve an alarm, at most a day."""
    shelve_p1_max: Annotated[Duration, Field(le=3600)] = 0.0
    """The same for P1, which also needs the name of a second person; at most 1 h. Default: P1 is never shelved."""
    out_of_service_max: Annotated[PositiveDuration, Field(le=90 * 86400)] = 30 * 86400.0
    """Longest time for which an alarm may be out of service, at most 90 days; always with a second person."""
    out_of_service_p1_max: Annotated[Duration, Field(le=86400)] = 28800.0
    """The same for P1, at most a day. `"0s"`: P1 is never out of service."""
    suppress_offline: bool = True
    """The alarm of a silent device speaks for its signals: their `no data`, `reading not valid` and `reads lost` call
    nobody meanwhile."""
    re_alarm: ReAlarmSection = ReAlarmSection()
    """So long after the last call, people are called again for an alarm that stands and nobody has acknowledged."""
    re_alarm_acknowledged: ReAlarmAcknowledgedSection = ReAlarmAcknowledgedSection()
    """The same for an alarm that is acknowledged and still stands; it stays acknowledged."""
    guidance: dict[AlarmName, Advice] = Field(default_factory=dict)
    """What to do about a kind of alarm, by its condition (`HH`, `deadman`, `blind`, `shutdown`), by `video` (no video,
    no work), or by the id of an alarm of the gateway (`"gateway/store"`); `all`: of every alarm, for its emergency card
    or contact. Signals, kinds and rules may say more; what nobody says, the catalogue of alarms does."""
    operators: Annotated[Whole, Field(ge=1, le=100)] = 1
    """People who share the alarms at one time: the alarm figures are per person, and a flood is one for each of them.
    """
