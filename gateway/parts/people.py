"""Who is called, by which ways out, and how they answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from alerting.answers import Answers
from alerting.oncall.routing import Routing
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import RULES
from alerting.realarm import ReAlarm
from alerting.service import AlarmService, AlarmSettings
from alerting.slips import Seal, load_key
from gateway import plugins
from gateway.api.entrance import Entrance
from gateway.config import SiteFile
from gateway.model.alarm import Priority
from gateway.model.clock import Clock
from gateway.model.person import verified
from gateway.model.ports import Notifier


@dataclass(frozen=True, slots=True)
class People:
    """notifiers: the ways out. seal: signs the slips of messages, by which people answer."""

    notifiers: Sequence[Notifier]
    routing: Routing
    seal: Seal


def build_people(site_file: SiteFile, folder: Path) -> People:
    """folder: data folder, where the key of the seal lies."""
    return People(plugins.notifiers(site_file.notifiers), routing(site_file),
                  Seal(load_key(folder), site_file.site.id))


def routing(site_file: SiteFile) -> Routing:
    """Who is called for what."""
    zone, channels = site_file.site.zone, [settings.id for settings in site_file.notifiers]
    if site_file.oncall is None:
        return Routing(zone, tuple(channels), escalates=False)
    return site_file.oncall.routing(zone, channels)


def alarm_settings(site_file: SiteFile, seal: Seal) -> AlarmSettings:
    """What the site file says of alarms and messages."""
    asked = site_file.alarms
    longest = {Kind.BYPASS: (asked.bypass_max, asked.bypass_p1_max),
               Kind.SHELF: (asked.shelve_max, asked.shelve_p1_max),
               Kind.OUT_OF_SERVICE: (asked.out_of_service_max, asked.out_of_service_p1_max)}
    return AlarmSettings(
        refuge=Path(runtime) if (runtime := os.environ.get("RUNTIME_DIRECTORY")) else None,  # systemd sets it
        link=asked.base_url or "", operators=asked.operators, origin=site_file.origin(),
        channels=plugins.channels(site_file.notifiers, seal, asked.base_url or ""),
        overlays={kind: replace(RULES[kind], longest_s=most, longest_p1_s=p1) for kind, (most, p1) in longest.items()},
        re_alarm=ReAlarm(*({Priority[name]: every for name, every in said.model_dump().items() if every is not None}
                           for said in (asked.re_alarm, asked.re_alarm_acknowledged))))


def build_answers(site_file: SiteFile, people: People, alarms: AlarmService, entrance: Entrance,
                  clock: Clock) -> Answers:
    """How they answer from a message, by its link or code, or by MQTT where that is a way out."""
    known = {} if site_file.oncall is None else {person.id: person.name for person in site_file.oncall.people}
    language = site_file.site.language

    def vouched(person: str) -> str:
        """The name under which a slip that was made for this person acts."""
        return "" if entrance.access.open or not known else verified(known[person][language], person)

    answers = Answers(people.seal, alarms, tuple(known), site_file.site.zone, clock, vouched)
    for notifier in plugins.connected(people.notifiers):
        notifier.listen(site_file.site.id, answers.command)
    return answers
