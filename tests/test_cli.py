"""The command line: every command is there, in both languages, and costs nothing until it is given."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from pkgutil import resolve_name

import pytest

from alerting.overlays.hold import Kind
from gateway import remote
from gateway.cli import main, parser
from gateway.cli.commands import Later
from gateway.core.learning import LearningAct
from gateway.model import installed
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


OF_A_SITE = [["check"], ["run"], ["report"], ["proof-tests"], ["journal", "export"], ["replay"],
             ["explain", "GD-03/HH"]]


@pytest.mark.parametrize("command", OF_A_SITE, ids=" ".join)
def test_an_installed_gateway_is_the_site_where_none_is_named(tmp_path, monkeypatch, capsys, command):
    monkeypatch.setattr(installed, "SITE", tmp_path / "site.toml")
    with pytest.raises(SystemExit, match="2"):
        parser("en").parse_args(command)
    assert "the following arguments are required" in capsys.readouterr().err
    installed.SITE.write_text("")
    assert parser("en").parse_args(command).site == installed.SITE
    named = ["--site", "other.toml"] if command[0] in ("replay", "explain") else ["other.toml"]
    assert str(parser("en").parse_args([*command, *named]).site) == "other.toml"
    with pytest.raises(SystemExit, match="0"):
        parser("en").parse_args([*command[:2 if command[0] == "journal" else 1], "--help"])
    assert "/etc/davylamp/site.toml" in capsys.readouterr().out


def test_a_new_configuration_is_never_the_one_in_force(tmp_path, monkeypatch):
    monkeypatch.setattr(installed, "SITE", tmp_path / "site.toml")
    installed.SITE.write_text("")
    assert parser("en").parse_args(["apply"]).site is None


def test_a_check_of_the_installed_gateway(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(installed, "SITE", tmp_path / "site.toml")
    shutil.copy("deploy/sites/minimal.toml", installed.SITE)
    assert main(["check", "--lang", "en"]) == 0
    assert capsys.readouterr().out.startswith(f"{installed.SITE}: good.")


def test_a_stretch_of_time_is_looked_up_in_the_journal_of_the_installed_gateway(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(installed, "SITE", tmp_path / "site.toml")
    asked = ["kpi", "--from", "2026-09-01", "--lang", "en"]
    assert main(asked) == 1
    assert "need the site file" in capsys.readouterr().err
    shutil.copy("deploy/sites/minimal.toml", installed.SITE)
    assert main(asked) == 1
    assert "there is no alarm file" in (said := capsys.readouterr().err) and str(tmp_path) in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not look")
def test_who_may_not_look_is_told_so_and_not_to_name_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(installed, "SITE", tmp_path / "closed" / "site.toml")
    installed.SITE.parent.mkdir(mode=0o700)
    os.seteuid(65534)
    try:
        assert installed.site() == installed.SITE
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("command", [["doctor", "--root", "/nowhere", "--json"], ["doctor", "--root", "/nowhere"]])
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(command):
    reader, writer = os.pipe()
    os.close(reader)
    told = subprocess.run([sys.executable, "-m", "gateway", *command], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (told.stderr, told.returncode) == ("", 0)
