"""The command line: every command is there, in both languages, and costs nothing until it is given."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pkgutil import resolve_name

import pytest

from gateway.cli import parser
from gateway.cli.commands import Later
from gateway.model.text import LANGUAGES


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


def test_help_loads_neither_numpy_nor_the_gateway():
    told = subprocess.run([sys.executable, "-c", (
        "import sys\nfrom gateway.cli import parser\nparser('en').format_help()\n"
        "print([name for name in ('numpy', 'starlette', 'pydantic', 'gateway.app') if name in sys.modules])")],
        capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("command", [["doctor", "--root", "/nowhere", "--json"], ["doctor", "--root", "/nowhere"]])
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(command):
    reader, writer = os.pipe()
    os.close(reader)
    told = subprocess.run([sys.executable, "-m", "gateway", *command], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (told.stderr, told.returncode) == ("", 0)
