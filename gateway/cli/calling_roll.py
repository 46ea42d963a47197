"""What `davylamp fleet` does."""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime

from pydantic import ValidationError

from gateway.config.centre import CentreSection
from gateway.config.vigil import TlsSection
from gateway.fleet import roll
from gateway.model.errors import CommandError
from gateway.model.text import Text


def fleet(options: argparse.Namespace, language: str) -> int:
    """0: every gateway is online and as the others. 1: some are not."""
    messages = asyncio.run(roll.call(_settings(options)))
    now = datetime.now(UTC)
    lines = roll.roll(messages, options.prefix, now)
    print(json.dumps(roll.as_json(lines), ensure_ascii=False, indent=1) if options.json
          else "\n".join(roll.table(lines, now, language)))
    return 0 if lines and all(line.state == "online" and not line.differs for line in lines) else 1


def _settings(options: argparse.Namespace) -> CentreSection:
    host, _, port = options.broker.partition(":")
    tls = None
    if options.ca or options.cert or options.key:
        given = {name: getattr(options, name) for name in ("ca", "cert", "key")}
        tls = TlsSection(**{name: str(path) for name, path in given.items() if path})
    try:
        return CentreSection(host=host, port=int(port) if port else None, prefix=options.prefix, tls=tls,
                             username=options.username,
                             password_file=options.password_file and str(options.password_file))
    except (ValueError, ValidationError):
        raise CommandError(Text("this is no address of a broker", "这不是有效的代理地址"), where=options.broker,
                           fix=Text("write it as HOST or HOST:PORT", "请写成 主机 或 主机:端口")) from None
