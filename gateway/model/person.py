"""Who did something, as it is written into states, journal and messages.

A name that the access check vouches for ends with its account: "Li Wei [li.wei]". A name that somebody typed never
has square brackets. So whether a name was verified stays with it, wherever it goes and however long it is kept.
"""

from __future__ import annotations

from typing import Final

from gateway.model.text import Text

ACCOUNT_LENGTH: Final = 32
NAME_LENGTH: Final = 40  # so that both fit where a name may have 80 characters


def verified(name: str, account: str) -> str:
    return f"{typed(name)[:NAME_LENGTH]} [{account[:ACCOUNT_LENGTH]}]"


def typed(name: str) -> str:
    return name.translate({ord("["): "(", ord("]"): ")"})


def is_verified(who: str) -> bool:
    return who.endswith("]") and " [" in who


def named(who: str) -> Text:
    """For people: with the doubt, where there is one."""
    return Text.same(who) if is_verified(who) else Text(f"{who} (name not verified)", f"{who}（姓名未核实）")
