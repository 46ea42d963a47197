"""What a person is told to do about an alarm, and why: the alarm response of ISA-18.2 / IEC 62682.

A text may use a small part of Markdown: paragraphs, lists, **bold** and [links](https://...). The page renders it;
`plain` is what a phone or a terminal shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Final

from gateway.model.text import LANGUAGES, Text

_NOTHING: Final = Text("", "")
_BOLD: Final = re.compile(r"\*\*(.+?)\*\*")
_LINK: Final = re.compile(r"\[([^\]]+)\]\((https?://[^\s)]+)\)")


@dataclass(frozen=True, slots=True)
class Guidance(Text):
    """The text itself is the action, so that it stands wherever one line of advice does; "" is what nobody has written.

    cause        what usually brings the alarm about
    consequence  what happens when nobody acts
    card         the emergency card: its address, or its text
    contact      whom to call, and how
    """

    cause: Text = _NOTHING
    consequence: Text = _NOTHING
    card: Text = _NOTHING
    contact: Text = _NOTHING

    @classmethod
    def of(cls, text: Text) -> Guidance:
        """A text without parts is the action alone."""
        return text if isinstance(text, cls) else cls(text.en, text.zh)

    @property
    def action(self) -> Text:
        return Text(self.en, self.zh)

    @property
    def parts(self) -> dict[str, Text]:
        """Every part by its name, in the order in which it is read."""
        return {name: getattr(self, name) for name in PARTS}

    def over(self, base: Text) -> Guidance:
        """This, and what it leaves out as `base` says it."""
        under = Guidance.of(base).parts
        said = {name: part if part.en else under[name] for name, part in self.parts.items()}
        return Guidance.from_parts(said)

    @classmethod
    def from_parts(cls, parts: dict[str, Text]) -> Guidance:
        """parts: by the names of PARTS; what is missing is empty."""
        action = parts.get("action", _NOTHING)
        return cls(action.en, action.zh, **{name: part for name, part in parts.items() if name != "action"})


PARTS: Final = ("action", *(one.name for one in fields(Guidance) if one.name not in LANGUAGES))
PART_NAMES: Final = {"action": Text("What to do", "处置"), "cause": Text("Cause", "原因"),
                     "consequence": Text("If nobody acts", "不处置的后果"),
                     "card": Text("Emergency card", "应急处置卡"), "contact": Text("Contact", "联系人")}


def plain(text: Text) -> Text:
    """Without the marks of Markdown; the address of a link stays."""
    return Text(*(_BOLD.sub(r"\1", _LINK.sub(r"\1 (\2)", text[language])) for language in LANGUAGES))


def plain_parts(text: Text) -> dict[str, Text]:
    """What has been written, by the name of the part, as `plain` text."""
    return {name: plain(part) for name, part in Guidance.of(text).parts.items() if part.en}
