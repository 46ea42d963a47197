"""A secret in the site file is refused, told how to keep it, and repeated nowhere."""

from __future__ import annotations

import pytest

from gateway.app import load
from gateway.model.secret import read_secret
from gateway.model.text import Text

HEAD = '[site]\nid = "s"\nname = "S"\ntimezone = "UTC"\n'
PLANTED = "pl4nted"


@pytest.mark.parametrize("written", [
    f'[heartbeat]\nbroker = {{host = "h", username = "u", password = "{PLANTED}"}}',
    f'[[sinks]]\nid = "i"\ntype = "influx"\nurl = "http://h:8086"\ntoken = "{PLANTED}"',
    f'[[sinks]]\nid = "i"\ntype = "influx"\nurl = "http://u:{PLANTED}@h:8086"\ndatabase = "d"',
    f'[[sources]]\nid = "m"\ntype = "mqtt"\nhost = "h"\npassword = "{PLANTED}"',
    f'[[notifiers]]\nid = "w"\ntype = "webhook"\nurl = "https://h/"\nsecret = "{PLANTED}"',
    f'[heartbeat]\nurl = "https://u:{PLANTED}@h/beat"', f'[alarms]\nbase_url = "https://u:{PLANTED}@gw"'])
@pytest.mark.survives("secret in clear in the site file: password, token, or an address with a password",
                      then="the file is refused with the right way; what was written is repeated in no message",
                      says=Text("change", "更换"))
def test_a_secret_in_clear(tmp_path, written, says):
    path = tmp_path / "site.toml"
    path.write_text(HEAD + written)
    loaded = load(path)
    assert loaded.site_file is None and PLANTED not in repr(loaded)
    says(next(problem.fix for problem in loaded.problems if "_file" in problem.fix.en))


def test_a_credential_of_systemd_is_found_by_its_bare_name(tmp_path, monkeypatch):
    (tmp_path / "smtp").write_text("from systemd\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret(file="smtp", env=None, where="x") == "from systemd"
    (tmp_path / "smtp.txt").write_text("beside\n")
    assert read_secret(file=str(tmp_path / "smtp.txt"), env=None, where="x") == "beside"
