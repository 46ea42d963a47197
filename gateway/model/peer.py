"""Another gateway whose life we watch."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.alarm import AlarmDefinition, Priority, Risk
from gateway.model.condition import Condition
from gateway.model.text import Text


@dataclass(frozen=True, slots=True)
class Peer:
    """silent_after_s: so long without a sign of life before people are called."""

    id: str
    name: Text
    silent_after_s: float
    priority: Priority = Priority.P1

    @property
    def alarm(self) -> AlarmDefinition:
        """Of no first-out group: it says that something else may be unseen, not what. Never bypassed, as all that a
        gateway says of gateways."""
        return AlarmDefinition(
            f"gateway/peer/{self.id}", Condition.GATEWAY, "gateway", "",
            Text("Gateway silent: {name}, nobody watches there", "网关失联：{name}，该处无人监测").format(
                name=self.name),
            self.priority, Risk.ORANGE,
            guidance=Text("Treat its site as unwatched: look at the certified system, call the site. Then power, "
                          "network and program of that gateway.",
                          "按该站点无监测处置：查看认证系统，联系现场；然后检查该网关的供电、网络和程序。"))
