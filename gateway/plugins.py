"""The only module that knows every plugin: ways in from the field, ways out to databases and to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from alerting.channel_rules import ChannelRules
from alerting.notifiers.alertmanager import AlertmanagerNotifier
from alerting.notifiers.apprise import AppriseNotifier
from alerting.notifiers.config import (
    AlertmanagerSettings,
    AppriseSettings,
    MqttNotifierSettings,
    SmtpSettings,
    WebhookSettings,
)
from alerting.notifiers.mqtt import MqttNotifier
from alerting.notifiers.smtp import SmtpNotifier
from alerting.notifiers.webhook import WebhookNotifier
from alerting.oncall.config import OnCallSection
from alerting.slips import Seal
from drivers.modbus.config import ModbusSource
from drivers.modbus.driver import ModbusDriver
from drivers.mqtt.config import MqttSource
from drivers.mqtt.driver import MqttDriver
from gateway.config import Plugins
from gateway.model.clock import Clock
from gateway.model.ports import Intake, Notifier, Output, Sink, Source
from gateway.model.signal import SignalTable
from gateway.sinks.config import InfluxSettings
from gateway.sinks.erasure import Erasure
from gateway.sinks.influx import InfluxSink
from gateway.sinks.stream import Samples, Stream

PLUGINS = Plugins(sources={"modbus": ModbusSource, "mqtt": MqttSource}, sinks={"influx": InfluxSettings},
                  notifiers={"webhook": WebhookSettings, "smtp": SmtpSettings, "apprise": AppriseSettings,
                             "mqtt": MqttNotifierSettings, "alertmanager": AlertmanagerSettings},
                  oncall=OnCallSection)
DRIVERS = {ModbusSource: ModbusDriver, MqttSource: MqttDriver}
SINKS = {InfluxSettings: InfluxSink}
NOTIFIERS = {WebhookSettings: WebhookNotifier, SmtpSettings: SmtpNotifier, AppriseSettings: AppriseNotifier,
             MqttNotifierSettings: MqttNotifier, AlertmanagerSettings: AlertmanagerNotifier}


def source(section: BaseModel, signals: SignalTable, intake: Intake, clock: Clock) -> Source:
    """The driver that polls or listens as this section says, and puts its frames into the intake."""
    return DRIVERS[type(section)](section, signals, intake, clock)


def outputs(sources: Iterable[Source]) -> Mapping[str, Output]:
    """What a person may arm, by id: only a Modbus source can write at all."""
    return {output.id: output for source in sources if isinstance(source, ModbusDriver) for output in source.outputs}


def sink(section: BaseModel, samples: Samples, others: Sequence[Stream], folder: Path, erasure: Erasure) -> Sink:
    """The database of this section. samples: the raw ones; others: what else is sent; folder: data folder. erasure:
    what it has to delete."""
    return SINKS[type(section)](section, samples, others, folder, erasure)


def notifiers(sections: Iterable[BaseModel]) -> list[Notifier]:
    """The ways out to people that these sections describe."""
    return [NOTIFIERS[type(section)](section) for section in sections]


def connected(ways_out: Iterable[Notifier]) -> list[MqttNotifier]:
    """Those that keep a connection, by a task of their own."""
    return [notifier for notifier in ways_out if isinstance(notifier, MqttNotifier)]


def channels(sections: Iterable[BaseModel], seal: Seal | None, link: str) -> dict[str, ChannelRules]:
    """How each of them words and sends, by id. seal: signs slips; None: messages offer none. link: address of the
    page."""
    return {section.id: section.rules(seal, link) for section in sections}
