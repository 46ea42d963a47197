"""The role for many gateways is at least well-formed; what it does is done by the installer and by `davylamp apply`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ANSIBLE = Path(__file__).parents[2] / "deploy" / "ansible"


def test_ansible_takes_the_playbook():
    program = shutil.which("ansible-playbook")
    if program is None:
        pytest.skip("ansible is not installed; nothing else needs it")
    command = [program, "--syntax-check", "-i", ANSIBLE / "inventory.example.yml", ANSIBLE / "site.yml"]
    subprocess.run(command, check=True)


def test_what_the_role_copies_is_there():
    for name in ("install.sh", "install", "mosquitto-bridge.conf"):
        assert (ANSIBLE.parent / name).exists()
    bridge = (ANSIBLE.parent / "mosquitto-bridge.conf").read_text()
    assert "CENTRE:8883" in bridge and "davylamp/SITE/report" in bridge
