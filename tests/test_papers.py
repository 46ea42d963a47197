"""Papers that people rely on can not rot: every command line in them parses, every path and test that they name is
there, and both languages say the same commands."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from gateway.cli import parser
from gateway.model import installed
from gateway.model.text import LANGUAGES

ROOT = Path(__file__).parent.parent
DOCS = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs" / "how-to").glob("*.md"),
               *(ROOT / "docs" / "tutorial").glob("*.md")])
CLAIMS = [ROOT / "docs" / "explanation" / "threat-model.md", ROOT / "docs" / "reference" / "hardening-checklist.md"]
PAIRS = sorted((ROOT / "docs").rglob("*.zh-CN.md"))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
COMMAND = re.compile(r"^(?:\$ )?(?:sudo (?:-u \w+ )?)?(?:\.venv/bin/|/opt/davylamp/bin/)?davylamp (.*)$")
MENTION = re.compile(r"`(?:sudo )?davylamp ([^`\n]+)`")


def blocks(path: Path) -> str:
    """What stands in fences, with continued lines joined."""
    return "\n".join(text for _, text in FENCE.findall(path.read_text(encoding="utf-8"))).replace("\\\n", " ")


def words(line: str) -> list[str]:
    """As a shell takes it: without remarks, and up to a pipe or a redirection."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found = list(lexer)
    end = next((n for n, word in enumerate(found) if set(word) <= set("|&;<>()")), len(found))
    return found[:end]


def command_lines() -> list[tuple[Path, str]]:
    return [(path, match[1]) for path in DOCS for line in blocks(path).splitlines()
            if (match := COMMAND.match(line.strip()))]


def mentions() -> list[tuple[Path, str]]:
    """In a sentence a command may be cut short; but it is one, and so is each option."""
    return [(path, match[1]) for path in DOCS
            for match in MENTION.finditer(FENCE.sub("", path.read_text(encoding="utf-8")))]


def named(found: tuple[Path, str]) -> str:
    return f"{found[0].name}: {found[1]}"


def test_there_are_command_lines_to_check():
    assert len(command_lines()) > 60 and len(mentions()) > 20


@pytest.mark.parametrize("found", command_lines(), ids=named)
def test_a_command_line_in_the_papers_is_one(found, capsys, monkeypatch):
    monkeypatch.setattr(installed, "SITE", ROOT / "deploy" / "sites" / "minimal.toml")  # they are read where one is
    try:
        parser("en").parse_args(words(found[1]))
    except SystemExit as end:
        assert end.code == 0, f"{found[0].name}: davylamp {found[1]}\n{capsys.readouterr().err}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_and_options_that_a_sentence_mentions_exist(language):
    wrong = []
    for path, mention in mentions():
        level, options = parser(language), set()
        for word in mention.split():
            options |= set(level._option_string_actions)
            below = next((one for one in level._actions if isinstance(one, argparse._SubParsersAction)), None)
            if word.startswith("--"):
                if word.partition("=")[0] not in options:
                    wrong.append(f"{path.name}: davylamp {mention}: {word}")
            elif below is not None and word != "...":
                if word not in below.choices:
                    wrong.append(f"{path.name}: davylamp {mention}: {word}")
                    break
                level = below.choices[word]
    assert wrong == []


def test_what_the_papers_ask_of_the_installer_it_knows():
    script = (ROOT / "deploy" / "install.sh").read_text(encoding="utf-8")
    asked = {option for path in DOCS for line in blocks(path).splitlines() if "install.sh " in line
             for option in re.findall(r"--[a-z]+", line.partition("#")[0])}
    assert asked and {option for option in asked if f"{option})" not in script and f"{option}|" not in script} == set()


# paths and tests that are named as evidence

EVIDENCE = re.compile(r"`((?:alerting|deploy|docs|drivers|gateway|tests)/[\w./-]+)(?:::(\w+))?`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


@cache
def functions(path: Path) -> frozenset[str]:
    return frozenset(node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                     if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("paper", CLAIMS, ids=lambda path: path.stem)
def test_what_is_named_as_evidence_is_there(paper):
    found = EVIDENCE.findall(paper.read_text(encoding="utf-8"))
    assert len(found) > 30
    missing = [f"{path}::{test}" if test else path for path, test in found
               if not (ROOT / path).exists() or (test and test not in functions(ROOT / path))]
    assert missing == []


@pytest.mark.parametrize("paper", sorted({*DOCS, *CLAIMS}), ids=lambda path: path.name)
def test_links_between_the_papers_lead_somewhere(paper):
    assert [link for link in LINK.findall(FENCE.sub("", paper.read_text(encoding="utf-8")))
            if not (paper.parent / link).exists()] == []


# the checklist

STATES = ("met", "partly", "not met", "not applicable", "site")


def rows(paper: Path) -> list[list[str]]:
    """Cells of the tables whose second column is a state."""
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
             for line in paper.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [row for row in cells if len(row) == 4 and row[2] in STATES]


def test_every_row_of_the_checklist_that_says_met_names_a_test():
    found = rows(CLAIMS[1])
    assert len(found) > 60
    assert [row[0] for row in found if row[2] == "met" and "`tests/" not in row[3]] == []
    assert [row[0] for row in found if row[2] != "met" and len(row[3]) < 12] == [], "a gap says why"


def test_the_checklist_counts_itself_rightly():
    text = CLAIMS[1].read_text(encoding="utf-8")
    counted = {state: sum(row[2] == state for row in rows(CLAIMS[1])) for state in STATES}
    said = {state: int(number) for number, state in re.findall(r"\*\*(\d+)\*\* ([a-z ]+?)(?=[,;.])", text)}
    assert said == counted


# both languages

@pytest.mark.parametrize("chinese", PAIRS, ids=lambda path: path.name)
def test_both_languages_of_a_paper_have_the_same_shape(chinese):
    """The same chapters, and in the runbooks the same commands."""
    english = chinese.with_name(chinese.name.replace(".zh-CN", ""))
    shapes = [re.findall(r"^(#+) ", FENCE.sub("", path.read_text(encoding="utf-8")), re.M)
              for path in (english, chinese)]
    assert shapes[0] == shapes[1]
    if english.name.startswith("runbook"):
        told = [[words(line)[:2] for line in blocks(path).splitlines() if COMMAND.match(line.strip())]
                for path in (english, chinese)]
        assert told[0] == told[1] and told[0]
