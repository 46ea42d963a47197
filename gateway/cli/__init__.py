"""The `davylamp` command: check a site file, run the gateway, acknowledge and bypass alarms, look back, watch the demo.

Each module of this package is a family of commands that registers itself; what a command does is imported when it runs.
"""

from __future__ import annotations

import argparse
import os
import sys

from gateway import __version__, logs
from gateway.cli import (
    access,
    acts,
    asking,
    backup,
    change,
    databases,
    exercises,
    fleet,
    grafana,
    journal,
    machine,
    recordings,
    reports,
    running,
)
from gateway.cli.commands import Commands, show_problems
from gateway.cli.usage import ChineseParser
from gateway.model.errors import ConfigError, DavylampError
from gateway.model.text import LANGUAGES, Text

FAMILIES = (running, change, backup, access, acts, recordings, asking, journal, exercises, machine, databases, grafana,
            reports, fleet)


def main(arguments: list[str]) -> int:
    """Runs one command. Returns the exit status: 0 done, 1 refused or failed (the reason is on stderr), 2 usage."""
    language = _language(arguments)
    options = parser(language).parse_args(arguments)
    logs.begin(options.log_level)
    try:
        status = options.command(options, language)
        sys.stdout.flush()
        return status
    except ConfigError as error:
        show_problems(error.problems, language)
        return 1
    except DavylampError as error:
        print(error.message(language), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # `davylamp kpi | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
        return 0


def parser(language: str) -> argparse.ArgumentParser:
    """Every command, with its help in one language."""
    kind = ChineseParser if language == "zh" else argparse.ArgumentParser
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--lang", choices=LANGUAGES, help=Text("language of messages", "消息语言")[language])
    shared.add_argument("--log-level", default="warning", choices=logs.LEVELS,
                        help=Text("how much to log on stderr", "日志级别")[language])
    top = kind("davylamp", parents=[shared], description=Text(
        "Safety-monitoring and early-warning gateway. A read-only overlay: it never replaces a certified system.",
        "安全监测预警网关。只读叠加系统，不能替代经认证的安全系统。")[language])
    top.add_argument("--version", action="version", version=f"davylamp {__version__}")
    commands = Commands(language, shared, top.add_subparsers(required=True, metavar=Text("COMMAND", "命令")[language]))
    for family in FAMILIES:
        family.register(commands)
    return top


def _language(arguments: list[str]) -> str:
    """--lang, else the environment: the help texts themselves depend on it."""
    alone = argparse.ArgumentParser(add_help=False)
    alone.add_argument("--lang", choices=LANGUAGES)
    known, _ = alone.parse_known_args(arguments)
    environment = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return known.lang or ("zh" if environment.lower().startswith("zh") else "en")
