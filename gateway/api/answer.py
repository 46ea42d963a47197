"""Answers as bytes: JSON, and errors that say what, where and how to fix it in every language of the product."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from gateway.model.text import Text

_NONE = Text("", "")
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def encode(document: object) -> bytes:
    """JSON. A Text becomes {"en", "zh"}; NaN and infinity become null."""
    return orjson.dumps(document, option=_OPTIONS)


class Json(Response):
    media_type = "application/json"

    def render(self, content: object) -> bytes:
        return encode(content)


def refusal(status: int, what: Text, *, where: str = "", fix: Text = _NONE, retryable: bool = False) -> Json:
    return Json({"error": {"what": what, "where": where, "fix": fix, "retryable": retryable}}, status)
