"""Four roles, each with all that the one before may do, and the person or program that has been let in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from gateway.model import person
from gateway.model.text import Text


class Role(IntEnum):
    VIEWER = 1  # sees; functions instead of people (gateway.api.discretion)
    OPERATOR = 2  # acknowledges, shelves, leads drills
    ENGINEER = 3  # bypasses, takes out of service, teaches baselines, applies a configuration
    ADMINISTRATOR = 4  # arms sirens, keeps the accounts

    @property
    def word(self) -> str:
        return self.name.lower()


ROLE_NAMES: Final = {
    Role.VIEWER: Text("viewer", "查看人员"), Role.OPERATOR: Text("operator", "操作人员"),
    Role.ENGINEER: Text("engineer", "工程师"), Role.ADMINISTRATOR: Text("administrator", "管理员"),
}


def role_of(word: str) -> Role | None:
    return next((role for role in Role if role.word == word), None)


class Scope(StrEnum):
    """What a token is good for."""

    ALL = "all"  # whatever its role may do
    METRICS = "metrics"  # only /metrics
    HEARTBEAT = "heartbeat"  # only to say that another gateway lives


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. account "": nobody is asked who they are (no account exists, loopback only). role: what they may do
    now, which after an idle time is less than `full`."""

    account: str
    name: str
    role: Role
    full: Role
    scope: Scope = Scope.ALL

    @property
    def who(self) -> str:
        """As it is written into the journal; "" where nobody vouches for it."""
        return person.verified(self.name, self.account) if self.account else ""

    @property
    def program(self) -> bool:
        """It came in by a token."""
        return self.account.startswith("token:")

    def for_whom(self, typed: str) -> str:
        """The same where a name was typed beside it. Of a program both are said, "local (pi) [token:local]": the token
        is sure, the name is not."""
        if not self.program or typed in ("", self.name):
            return self.who
        room = person.NAME_LENGTH - len(self.name) - len(" ()")
        return person.verified(f"{self.name} ({typed[:max(0, room)]})", self.account)


OPEN: Final = Identity("", "", Role.ADMINISTRATOR, Role.ADMINISTRATOR)
