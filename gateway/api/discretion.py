"""What a viewer is told of people: functions instead of names, counts as they are. Pure, no I/O.

One place for every door and for the event stream: it works on finished documents, so that what a new door says of
people is covered by the names of its fields. See docs/explanation/personal-data.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from alerting.oncall.routing import Routing
from gateway.access.role import Identity, Role
from gateway.api.view import GatewayView
from gateway.model.text import Text

SOMEBODY: Final = Text("an operator", "操作人员")
ON_CALL: Final = Text("on call", "值班人员")
UNSAID: Final = "–"
_WHO: Final = frozenset({"who", "owner", "approved", "asked_by", "by", "account"})  # of whoever acted
_TYPED: Final = frozenset({"why", "comment"})  # by the one who acted: it may name others
_PLACES: Final = frozenset({"address"})  # where somebody logged in from
_CHAINED: Final = "hash"  # of a row of the journal: with it, a guess at what the row says of people could be checked
_PERSON: Final = frozenset({"person", "to"})  # id of an on-call person
# Figures of each person; messages as they went out; what was changed in the site file, which has names and numbers.
_EACH: Final = frozenset({"by_person", "latest", "changes"})
_OF_THE_SITE: Final = frozenset({"guidance", "advice"})  # telephone numbers of functions stay
LOG_INS: Final = "access"  # rows of the journal that are about an account


def is_discreet(identity: Identity) -> bool:
    """Is this one told of functions only?"""
    return identity.role < Role.OPERATOR


class Discretion:
    """routing: who is on call. names: of the accounts, for texts in which they stand. language: of fields that hold
    one word only."""

    def __init__(self, routing: Routing, names: Iterable[str], language: str):
        self._somebody = SOMEBODY[language]
        self._ids = {id: f"person-{place}" for place, id in enumerate(routing.people, 1)}
        self._functions = {(one.name.en, one.name.zh): one.duty if one.duty.en else ON_CALL
                           for one in routing.people.values()}
        addresses = {address.to for one in routing.people.values() for address in one.addresses}
        said = {*names, *addresses, *(name for both in self._functions for name in both)} - {""}
        words = "|".join(re.escape(name) for name in sorted(said, key=len, reverse=True))
        self._said = re.compile(rf"(?<![A-Za-z0-9_])(?:{words})(?![A-Za-z0-9_])(?: \[[^\]]*\])?") if words else None

    @classmethod
    def of(cls, view: GatewayView, names: Iterable[str]) -> Discretion:
        return cls(view.routing(), names, view.site.language)

    def without_people(self, document: Any) -> Any:
        """A document as JSON reads it, and for viewers."""
        if isinstance(document, Mapping):
            return self._object(document)
        if isinstance(document, list):
            if document and isinstance(document[0], int | float):  # columns of samples
                return document
            return [self.without_people(one) for one in document]
        return self._text(document) if isinstance(document, str) else document

    def _object(self, found: Mapping[str, Any]) -> dict[str, Any]:
        function = self._functions.get((str(found["en"]), str(found["zh"]))) if found.keys() == {"en", "zh"} else None
        if function is not None:
            return {"en": function.en, "zh": function.zh}
        acted = any(found.get(key) for key in _WHO)
        told = {key: self._field(key, value, acted) for key, value in found.items()}
        if found.get("kind") == LOG_INS and "alarm" in found:
            told["alarm"] = ""
        if _CHAINED in found and "position" in found:
            told[_CHAINED] = ""
        if "duty" in found and isinstance(found.get("id"), str):
            told["id"] = self._ids.get(found["id"], "")
        return told

    def _field(self, key: str, value: Any, acted: bool) -> Any:
        if key in _EACH and isinstance(value, list):
            return []
        if key in _OF_THE_SITE or not isinstance(value, str) or not value:
            return value if key in _OF_THE_SITE else self.without_people(value)
        if key in _WHO:
            return self._somebody
        if key in _PLACES or (key in _TYPED and acted):
            return UNSAID
        if key in _PERSON and value in self._ids:
            return self._ids[value]
        return self._text(value)

    def _text(self, text: str) -> str:
        return text if self._said is None else self._said.sub(self._somebody, text)
