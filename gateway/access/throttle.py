"""How often log-ins may be tried. Every limit refills by itself, so nobody is ever locked out for good.

    address        5 tries, then one every 20 s: one machine does not guess
    account        10 tries, then one every 6 s, for browsers it was never logged in with: many machines do not guess
    known browser  10 tries, then one every 6 s, counted apart: the storm of others does not keep its owner out
    all strangers  5 a second: guessing does not take the processor from the alarms

A try is counted before it is looked at (of many at once only a few are) and given back when it was right. An IPv6
address counts by its /64, which is what one machine has.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    burst: int
    every_s: float


ADDRESS, ACCOUNT, STRANGERS = Limit(5, 20.0), Limit(10, 6.0), Limit(10, 0.2)


class Throttle:
    def __init__(self) -> None:
        self._spent: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()  # tries, as of an instant in s

    def wait_s(self, address: str, account: str, known: bool, now_s: float) -> float:
        """0: the try may be made, and is counted. Else so long to wait, and nothing is counted."""
        limits = self._limits(address, account, known)
        wait = max(max(self._level(key, limit, now_s) + 1 - limit.burst, 0.0) * limit.every_s
                   for key, limit in limits.items())
        if wait > 0:
            return wait
        for key, limit in limits.items():
            self._put(key, self._level(key, limit, now_s) + 1, now_s)
        return 0.0

    def right(self, address: str, account: str, known: bool, now_s: float) -> None:
        """The try that was counted last was right."""
        for key, limit in self._limits(address, account, known).items():
            self._put(key, max(self._level(key, limit, now_s) - 1, 0.0), now_s)

    def _limits(self, address: str, account: str, known: bool) -> dict[tuple[str, str], Limit]:
        if known:
            return {("known browser", account): ACCOUNT}
        return {("address", network_of(address)): ADDRESS, ("account", account): ACCOUNT, ("strangers", ""): STRANGERS}

    def _level(self, key: tuple[str, str], limit: Limit, now_s: float) -> float:
        tries, at_s = self._spent.get(key, (0.0, now_s))
        return max(tries - max(now_s - at_s, 0.0) / limit.every_s, 0.0)

    def _put(self, key: tuple[str, str], tries: float, now_s: float) -> None:
        self._spent[key] = tries, now_s
        self._spent.move_to_end(key)
        if len(self._spent) > REMEMBERED:
            self._spent.popitem(last=False)


def network_of(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
