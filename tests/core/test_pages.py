"""The docs have a page for every detector and rule, it is current, and it says what a person must know."""

from __future__ import annotations

import inspect
import re

import pytest

from tests.core.pages import FOLDER, pages, papers


def test_the_pages_are_those_of_the_code():
    """Else: `python -m tests.core.pages`."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")} == pages()


@pytest.mark.parametrize("one", list(papers()), ids=lambda one: one.__name__)
def test_a_page_says_what_it_means_on_a_plant_when_it_comes_and_when_it_is_wrong(one):
    told = inspect.getdoc(one) or ""
    for part in ("On a plant: ", "Delay: ", "False alarms: ", "Not for: "):
        assert re.search(rf"(^|\. ){part}", told, re.MULTILINE), f"{one.__name__} does not say {part!r}"
