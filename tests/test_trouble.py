"""What the machine and the command line refuse is said in Chinese, too; a secret that lies open is warned of."""

from __future__ import annotations

import errno
import os
import re
import socket

import pytest

from gateway.app import load
from gateway.cli import main
from gateway.cli.usage import ChineseParser, in_chinese
from gateway.config.secret_checks import secret_problems
from gateway.model.errors import DavylampError
from gateway.model.secret import read_secret
from gateway.model.text import Text
from gateway.model.trouble import reason

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EROFS, errno.ECONNREFUSED,
                                    errno.EHOSTUNREACH, errno.EADDRINUSE])
def test_an_error_of_the_system_reads_in_both_languages(number):
    said = reason(OSError(number, os.strerror(number)))
    assert said.en == os.strerror(number) and HAN.search(said.zh)


def test_names_times_and_what_nobody_knows():
    assert reason(socket.gaierror(-2, "Name or service not known")).zh == "域名解析失败"
    assert reason(TimeoutError()).zh == "超时"
    assert reason(OSError("odd")) == Text.same("odd")


@pytest.mark.survives("a secret file that is no text", then="an error that says so, not a traceback",
                      says=Text("it is no text in UTF-8", "不是 UTF-8 文本"))
def test_a_secret_that_is_no_text(tmp_path, says):
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    with pytest.raises(DavylampError) as error:
        read_secret(file=str(tmp_path / "secret"), env=None, where="x")
    assert says(error.value.what)


@pytest.mark.survives("a wrong command line", then="usage and reason in the language of the reader")
def test_a_wrong_command_line_in_chinese(capsys):
    wrong = [["ack"], ["no-such-command"], ["ack", "x", "--name"], ["run", "x", "--nonsense"],
             ["run", "x", "--port", "many"], ["annunciator", "--arm", "--disarm"]]
    for arguments in wrong:
        with pytest.raises(SystemExit) as end:
            main(["--lang", "zh", *arguments])
        said = capsys.readouterr().err
        assert end.value.code == 2 and said.startswith("用法：") and HAN.search(said.rpartition("错误：")[2]), said


def test_a_reason_that_nobody_has_translated_is_said_as_it_is(capsys):
    assert in_chinese("something new") == "something new"
    with pytest.raises(SystemExit):
        ChineseParser("x").error("something new")
    assert "错误：something new" in capsys.readouterr().err


SITE = """\
[site]
id = "s"
name = "S"
timezone = "Asia/Shanghai"
[[signals]]
id = "T"
kind = "level"
low = 0
high = 10
[[sources]]
id = "x"
type = "modbus"
host = "127.0.0.1"
[[sources.devices]]
id = "d"
unit = 1
points = [{{ signal = "T", table = "holding", address = 0 }}]
[[notifiers]]
type = "webhook"
id = "phone"
url = "http://127.0.0.1:9/"
secret_file = "{secret}"
[heartbeat]
url_file = "{gone}"

[centre]
host = "127.0.0.1"
password_file = "{gone}"
"""


@pytest.mark.survives("a secret file that is missing, or that everybody can read",
                      then="warned of by `check`, with its key and the command that cures it",
                      says=Text("everybody on this machine can read the secret …", "本机所有用户均可读取密钥文件 …"))
def test_check_looks_where_the_secrets_are(tmp_path, capsys, says):
    secret, gone, file = tmp_path / "secret", tmp_path / "gone", tmp_path / "site.toml"
    secret.write_text("s")
    secret.chmod(0o644)
    file.write_text(SITE.format(secret=secret, gone=gone))
    assert main(["--lang", "zh", "check", str(file)]) == 0
    said = capsys.readouterr().err
    assert "secret_file" in said and f"chmod o= {secret}" in said and "url_file" in said and "文件或目录不存在" in said
    found = [*secret_problems(load(file).site_file)]
    assert [(one.place, one.key, one.severity) for one in found] == [
        ("notifiers[0] phone", "secret_file", "warning"), ("heartbeat", "url_file", "warning"),
        ("centre", "password_file", "warning")]
    assert says(found[0].what)
    secret.chmod(0o640)
    gone.write_text("x")
    gone.chmod(0o600)
    assert [*secret_problems(load(file).site_file)] == []
