"""Explains one alarm of a running gateway from what it has stored: `gateway.replay.beside`, in a process of its own.

A replay of some hours keeps a core busy for seconds. In this process it would take its turns at the interpreter from
detection and delivery; beside it, at a lower priority, it takes nothing from them, and may be stopped at any time.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from gateway.model.clock import NS
from gateway.model.errors import CommandError
from gateway.model.site import Site
from gateway.model.text import Text

PROGRAM = ("nice", "-n", "10", sys.executable, "-m", "gateway.replay.beside")
TIMEOUT_S = 60.0


class Explainer:
    """One explanation at a time; who asks meanwhile waits."""

    def __init__(self, site: Site, folder: Path):
        self._site, self._folder = site, folder
        self._turn = asyncio.Lock()

    async def explain(self, alarm: str, at_wall_ns: int | None, look_back_s: float) -> dict:
        """See gateway.replay.explain_words.explain_json. at_wall_ns: None: now. CommandError when there is nothing to
        explain it from, or it takes too long."""
        question = pickle.dumps((self._site, alarm, str(self._folder), at_wall_ns, round(look_back_s * NS)))
        async with self._turn:
            child = await asyncio.create_subprocess_exec(*PROGRAM, stdin=PIPE, stdout=PIPE)
            try:
                answer, _ = await asyncio.wait_for(child.communicate(question), TIMEOUT_S)
            except TimeoutError:
                raise CommandError(Text("this took longer than a minute", "计算超过 1 分钟"), where=alarm, fix=Text(
                    "ask for less time before it", "请缩短向前取数的时间")) from None
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.wait()
        if child.returncode:
            raise CommandError(Text("the explanation could not be made", "无法生成解释"), where=alarm,
                               fix=Text("see the gateway's log", "请查看网关日志"))
        told = json.loads(answer)
        if refused := told.get("refused"):
            raise CommandError(Text(**refused["what"]), where=refused["where"], fix=Text(**refused["fix"]))
        return told["explanation"]
