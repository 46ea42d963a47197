"""The files of the page: every word in both languages and in use, colours that can be read, files of one screen."""

from __future__ import annotations

import re
from itertools import product

import pytest

from alerting.lifecycle import Event
from gateway.api.routes import STATIC

SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}
CSS = (STATIC / "page.css").read_text(encoding="utf-8")
HTML = (STATIC / "index.html").read_text(encoding="utf-8")
DICTIONARIES = ("words.js", "room-words.js", "account-words.js")
LINES = [line for name in DICTIONARIES for line in re.findall(r"^  \w+: \[.*$", SCRIPTS[name], re.MULTILINE)]
WORDS = dict(re.fullmatch(r'  (\w+): (\[".*"\]),', line).groups() for line in LINES)
HAN = re.compile(r"[\u4e00-\u9fff]")
# Keys that are put together:
MADE = {f"part{part}" for part in ("When", "Requires", "Members", "Command", "Feedback", "Effect", "Stimulus")} | {
    f"is{state}" for state in ("True", "False", "Unknown")} | {
    f"sort{order}" for order in ("Urgent", "Newest", "Oldest", "Area")} | {
    f"state{state}" for state in ("Waits", "Active", "Over", "Taken", "Withheld")} | {
    "period_8h", "period_day", "period_week", "period_month",
    "sirensNone", "notifiersNone",
    "interlock", "vote", "shutdown", "response", "freeze", "thaw", "reset", "red", "orange", "yellow", "blue"}


def both(pair: str) -> tuple[str, str]:
    english, chinese = re.findall(r'"((?:[^"\\]|\\.)*)"', pair)
    return english, chinese


def test_every_word_is_there_in_both_languages_with_the_same_places_to_fill():
    assert len(WORDS) == len(LINES) > 100, "each word once"
    for key, pair in WORDS.items():
        english, chinese = both(pair)
        if key == "listComma":
            continue
        assert english and (key == "language" or not HAN.search(english)), key
        assert HAN.search(chinese) or key == "language", key
        assert {*re.findall(r"\{\w+\}", english)} >= {*re.findall(r"\{\w+\}", chinese)}, key
        assert not re.search(r"[０-９％]", chinese), f"{key}: half-width digits"


def test_every_word_that_is_asked_for_is_there_and_every_word_is_asked_for():
    code = "".join(text for name, text in SCRIPTS.items() if name not in DICTIONARIES)
    said = {*re.findall(r'say\("(\w+)"', code), *re.findall(r'data-say="(\w+)"', HTML)}
    assert said <= {*WORDS}, said - {*WORDS}
    quoted = {*re.findall(r'"(\w+)"', code), *re.findall(r"\b(\w+): \"", code)}
    assert {*WORDS} <= said | quoted | MADE, {*WORDS} - said - quoted - MADE


def test_files_are_small_and_load_nothing_from_elsewhere():
    for name, text in SCRIPTS.items():
        assert len(text.splitlines()) < 300, name
        assert not re.search(r"innerHTML|eval\(|document\.write|insertAdjacentHTML", text.partition("\n")[2]), name
        assert all((STATIC / file).is_file() for file in re.findall(r'from "\./([^"]+)"', text)), name
    for text in (HTML, CSS, *SCRIPTS.values()):
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def colours(dark: bool) -> dict[str, str]:
    light, _, rest = CSS.partition("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", light))
    if dark:
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", rest.partition("@media")[0]))
    return found


def rgb(colour: str) -> tuple[float, ...]:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    return tuple(int(digits[place:place + 2], 16) / 255 for place in (0, 2, 4))


def luminance(colour: tuple[float, ...]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2.1: 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(top: tuple[float, ...], share: float, below: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(share * a + (1 - share) * b for a, b in zip(top, below, strict=True))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_words_can_be_read_and_shapes_be_seen(dark):
    found = {name: rgb(value) for name, value in colours(dark).items()}
    for words, ground in product(("text", "soft"), ("ground", "panel", "raised")):
        assert contrast(found[words], found[ground]) >= 4.5, (words, ground)
    for level in ("p1", "p2", "p3", "p4"):
        assert contrast(found[f"on-{level}"], found[level]) >= 4.5, level
        for words in ("text", "soft"):  # on the tint of an alarm that waits
            assert contrast(found[words], mixed(found[level], 0.13, found["raised"])) >= 4.5, (words, level)
    for ground in ("ground", "panel", "raised"):  # the focus ring; what a border tells; the button on its own ground
        assert contrast(found["focus"], found[ground]) >= 3, ground
        assert contrast(found["mark"], found[ground]) >= 3, ground
    assert contrast(found["ground"], found["text"]) >= 4.5


def test_every_event_of_an_alarm_has_a_sentence_in_the_history():
    told = SCRIPTS["history.js"]
    assert [event.value for event in Event if f"{event.value}: () => say(" not in told] == []
