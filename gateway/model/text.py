"""Text a person reads: every sentence exists in English and Simplified Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LANGUAGES: Final = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in each language. `text.format(a=1)` fills both; `text["zh"]` reads one."""

    en: str
    zh: str

    def __getitem__(self, language: str) -> str:
        return self.zh if language == "zh" else self.en

    def format(self, **values: object) -> Text:
        """Both languages filled; a value that is itself a Text is taken in the right language."""
        return Text(*(getattr(self, lang).format(**{key: value[lang] if isinstance(value, Text) else value
                                                     for key, value in values.items()}) for lang in LANGUAGES))

    @property
    def both(self) -> dict[str, str]:
        """For JSON."""
        return {"en": self.en, "zh": self.zh}

    @classmethod
    def same(cls, text: str) -> Text:
        """A proper name or tag number that reads the same in both languages."""
        return cls(text, text)

    def __str__(self) -> str:
        return self.en
