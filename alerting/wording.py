"""What a person reads on one channel: the notice's own text in their language, worded by the channel's templates."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.ports import Notice


def plain(notice: Notice) -> Notice:
    """In the language of its reader, without any template: this can not fail."""
    payload = notice.payload
    language = notice.language or payload.get("language", "en")
    return replace(notice, title=said(payload.get("title"), language), text=said(payload.get("text"), language))


def said(text: object, language: str) -> str:
    """One language of {"en", "zh"}; "" where it is none."""
    return str(text.get(language, "")) if isinstance(text, dict) else ""
