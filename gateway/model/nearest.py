"""What a person probably meant who wrote a name that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from gateway.model.text import Text


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that `word` was probably meant to be, or None."""
    by_fold = {option.casefold(): option for option in options}
    match = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6 if word.isascii() else 0.5)
    return by_fold[match[0]] if match else None


def did_you_mean(word: str, options: Iterable[str]) -> Text:
    """"; did you mean `x`?" in both languages, empty when nothing is near."""
    guess = nearest(word, options)
    return Text(f"; did you mean `{guess}`?", f"；是否应为 `{guess}`？") if guess else Text("", "")
