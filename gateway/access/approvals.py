"""Leave that a second person gives to one act of somebody else: a code out of a session of their own, told by
telephone, good once, for ten minutes, for nothing else. Pure, instants are arguments; only a digest of it is kept.

Who stands beside the first person types the own password instead (gateway.access.access).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from gateway.access.register import Account, digest_of
from gateway.model.clock import NS

LASTS_S: Final = 600


@dataclass(frozen=True, slots=True)
class Act:
    """What is approved. kind: of a hold; target: what it is about."""

    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Approval:
    act: Act
    digest: str
    since_wall_ns: int  # of the password: another one makes it void
    ends_line_ns: int


class Approvals:
    """One for each account, the newest."""

    def __init__(self) -> None:
        self._given: dict[str, Approval] = {}

    def give(self, account: Account, act: Act, now_line_ns: int) -> str:
        """The code: eight digits."""
        code = f"{secrets.randbelow(10**8):08d}"
        self._given[account.id] = Approval(act, digest_of(code), account.since_wall_ns, now_line_ns + LASTS_S * NS)
        return code

    def take(self, account: Account, act: Act, code: str, now_line_ns: int) -> bool:
        """Whether this account has given leave to this act; it is used up then."""
        given = self._given.get(account.id)
        fits = (given is not None and given.act == act and given.since_wall_ns == account.since_wall_ns
                and now_line_ns < given.ends_line_ns
                and secrets.compare_digest(given.digest, digest_of("".join(filter(str.isalnum, code)))))
        if fits:
            del self._given[account.id]
        return fits
