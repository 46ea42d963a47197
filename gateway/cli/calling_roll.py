"""What `davylamp fleet` does."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime

from gateway import app
from gateway.config.centre import CentreSection
from gateway.config.values import split_address
from gateway.config.vigil import TlsSection
from gateway.fleet.asking import call
from gateway.fleet.expected import expected
from gateway.fleet.roll import roll
from gateway.fleet.table import as_json, table
from gateway.model.errors import CommandError, DavylampError
from gateway.model.text import Text
from gateway.model.units import parse_duration

NOT_TOLD = 2


def fleet(options: argparse.Namespace, language: str) -> int:
    """0: every gateway is online and as it should be. 1: some are not. 2: it can not be told."""
    try:
        wanted = None if options.expect is None else expected(options.expect, app.load)
        messages = asyncio.run(call(_settings(options), _listen_s(options.listen)))
    except DavylampError as error:
        print(error.message(language), file=sys.stderr)
        return NOT_TOLD
    now = datetime.now(UTC)
    found = roll(messages, options.prefix, now, wanted)
    print(json.dumps(as_json(found, now), indent=1) if options.json  # ASCII: what others sent commands no terminal
          else "\n".join(table(found, now, language)))
    return 0 if found.as_it_should_be else 1


def _listen_s(written: str) -> float:
    try:
        return parse_duration(written)
    except ValueError:
        raise CommandError(Text("this is no duration", "这不是时长"), where=f"--listen {written}",
                           fix=Text("write it as 90s or 2min", "请写成 90s 或 2min")) from None


def _settings(options: argparse.Namespace) -> CentreSection:
    tls = None
    if options.ca or options.cert or options.key:
        given = {name: getattr(options, name) for name in ("ca", "cert", "key")}
        tls = TlsSection(**{name: str(path) for name, path in given.items() if path})
    try:
        host, port = split_address(options.broker)
        return CentreSection(host=host, port=port, prefix=options.prefix, tls=tls, username=options.username,
                             password_file=options.password_file and str(options.password_file))
    except ValueError:  # a ValidationError is one
        raise CommandError(Text("this is no address of a broker", "这不是有效的代理地址"), where=options.broker,
                           fix=Text("write it as HOST, HOST:PORT or [IPv6]:PORT",
                                    "请写成 主机、主机:端口 或 [IPv6 地址]:端口")) from None
