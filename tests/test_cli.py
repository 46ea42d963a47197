"""The command line: every command is there, in both languages, and costs nothing until it is given."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from pkgutil import resolve_name

import pytest

from alerting.overlays.hold import Kind
from gateway import remote
from gateway.cli import parser
from gateway.cli.commands import Later
from gateway.core.learning import LearningAct
from gateway.model.text import LANGUAGES
from gateway.replay import kpi


def commands(among: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in among._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from commands(sub)
                if sub.get_default("command") is not None:
                    yield sub


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_says_what_it_is_for_and_leads_to_a_function(language):
    found = list(commands(parser(language)))
    assert len({sub.prog for sub in found}) == len(found) > 20
    for sub in found:
        assert sub.description and sub.format_help()
        command = sub.get_default("command")
        assert callable(resolve_name(command.name) if isinstance(command, Later) else command), sub.prog


HEAVY = ("asyncio", "numpy", "pydantic", "starlette", "pymodbus", "sqlite3", "cryptography", "jinja2", "gateway.app")
WHOLE = ("starlette", "uvicorn", "pymodbus", "paho", "gateway.app", "gateway.plugins")  # a gateway
NOWHERE = ["--url", "http://127.0.0.1:9"]  # discard: nothing listens


def loaded(arguments: list[str], among: tuple[str, ...]) -> tuple[list[str], str]:
    """What of these this command has imported when it is done, and what it says on stderr."""
    told = subprocess.run([sys.executable, "-c", (
        "import sys\nfrom gateway.cli import main\ntry:\n    main(sys.argv[2:])\nexcept SystemExit:\n    pass\n"
        "print([name for name in sys.argv[1].split() if name in sys.modules])"), " ".join(among), *arguments],
        capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"})
    return literal_eval(told.stdout.splitlines()[-1]), told.stderr


def test_help_loads_neither_numpy_nor_the_gateway():
    assert loaded(["--help"], HEAVY) == ([], "")


@pytest.mark.parametrize("command", [
    ["status"], ["ack", "GD-03/HH", "--name", "Li"], ["bypass", "--list"],
    ["shelve", "GD-03/HH", "--for", "10min", "--why", "rain", "--name", "Li"],
    ["out-of-service", "GD-03/HH", "--end", "--name", "Li"], ["annunciator"], ["log-level"], ["kpi"],
    ["self-test", "--name", "Li"], ["drill", "end", "--name", "Li"], ["apply", "--history", "--in-force", "/nowhere"]],
    ids=lambda command: command[0])
def test_what_a_person_asks_of_the_running_gateway_loads_only_what_asking_needs(command):
    """Somebody waits for it at 3 a.m., on a Raspberry Pi that is busy."""
    found, said = loaded([*command, *NOWHERE], HEAVY)
    assert found == [] and "does not answer" in said


@pytest.mark.parametrize("command", [["route", "GD-03/HH"], ["baseline", "GD-03"], ["drill", "sheet"]],
                         ids=lambda command: command[0])
def test_nor_do_the_others_load_a_whole_gateway(command):
    found, said = loaded([*command, *NOWHERE], WHOLE)
    assert found == [] and "does not answer" in said


def test_words_of_the_command_line_know_every_overlay_and_every_act_of_learning():
    """They have no import of their own to learn them by."""
    assert {*kpi._KINDS} == {*Kind}
    assert {*remote._ACTS} == {*LearningAct}


@pytest.mark.parametrize("command", [["doctor", "--root", "/nowhere", "--json"], ["doctor", "--root", "/nowhere"]])
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(command):
    reader, writer = os.pipe()
    os.close(reader)
    told = subprocess.run([sys.executable, "-m", "gateway", *command], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (told.stderr, told.returncode) == ("", 0)
