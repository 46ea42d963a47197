"""Commands on an installed gateway: they find it, show its token to it alone, and say whose hand it was."""

from __future__ import annotations

import os
import stat

import pytest

from gateway.access.role import OPEN, Identity, Role
from gateway.cli import parser
from gateway.cli.address import tell_address
from gateway.cli.commands import DEFAULT_URL
from gateway.client import token_header

HERE = {"DAVYLAMP_URL": "https://127.0.0.1:8080", "DAVYLAMP_CA": "/etc/davylamp-admin/ca.crt"}


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """As /usr/local/bin/davylamp sets it, for somebody who called sudo."""
    (tmp_path / "token").write_text("dvl_secret\n")
    for name, value in {**HERE, "DAVYLAMP_TOKEN_FILE": str(tmp_path / "token"), "SUDO_USER": "pat"}.items():
        monkeypatch.setenv(name, value)


def test_nothing_has_to_be_said(installed):
    options = parser("en").parse_args(["ack", "GD-03/H"])
    assert (options.url, str(options.ca), options.name) == (HERE["DAVYLAMP_URL"], HERE["DAVYLAMP_CA"], "pat")
    assert token_header(options) == {"Authorization": "Bearer dvl_secret"}


def test_the_token_of_this_machine_is_not_shown_to_another(installed, tmp_path):
    asked = ["ack", "GD-03/H", "--url", "https://elsewhere.example"]
    assert token_header(parser("en").parse_args(asked)) == {}
    (tmp_path / "mine").write_text("dvl_mine")
    options = parser("en").parse_args([*asked, "--token-file", str(tmp_path / "mine")])
    assert token_header(options) == {"Authorization": "Bearer dvl_mine"}


def test_elsewhere_a_name_is_needed(monkeypatch):
    for name in (*HERE, "DAVYLAMP_TOKEN_FILE", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit):
        parser("en").parse_args(["ack", "GD-03/H"])
    options = parser("en").parse_args(["ack", "GD-03/H", "--name", "Li"])
    assert (options.url, options.ca, token_header(options)) == (DEFAULT_URL, None, {})


@pytest.mark.parametrize(("url", "told"), [
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("https://0.0.0.0:8443", "https://127.0.0.1:8443"),
    ("https://[::]:8080", "https://127.0.0.1:8080"), ("https://192.0.2.7:8080", "https://192.0.2.7:8080")])
def test_a_service_says_where_it_is_reached_and_everybody_may_read_it(monkeypatch, tmp_path, url, told):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    before = os.umask(0o027)  # of the unit
    try:
        tell_address(url)
    finally:
        os.umask(before)
    assert (tmp_path / "address").read_text() == f"{told}\n"
    assert stat.S_IMODE((tmp_path / "address").stat().st_mode) == 0o644


def test_without_a_service_nothing_is_told_and_without_a_folder_nothing_fails(monkeypatch, tmp_path):
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    tell_address("http://127.0.0.1:8080")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "none"))
    tell_address("http://127.0.0.1:8080")


def test_a_program_is_told_apart_from_whom_it_names():
    local = Identity("token:local", "local", Role.ENGINEER, Role.ENGINEER)
    assert local.for_whom("pat") == "local (pat) [token:local]"
    assert local.for_whom("") == local.for_whom("local") == "local [token:local]"
    assert local.for_whom("Li [li]") == "local (Li (li)) [token:local]", "nobody types a verified name"
    assert len(local.for_whom("x" * 80)) == len("x" * 40 + " [token:local]")
    person = Identity("li", "Li Wei", Role.ENGINEER, Role.ENGINEER)
    assert person.for_whom("pat") == "Li Wei [li]" and OPEN.for_whom("pat") == ""
