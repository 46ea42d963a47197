"""Who of the other gateways is alive. Pure: no clock, no network.

A sign of life is something that the other one said or answered now; what a broker kept (a retained message) is none.
Only a sign of life ends the alarm, so it outlives a restart of ours. After a start everybody has their full time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.model.alarm import AlarmTable
from gateway.model.clock import NS, Instant
from gateway.model.peer import Peer
from gateway.model.text import Text
from gateway.model.verdict import Edge, Evidence, Verdicts


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """heard_wall_ns: last sign of life, 0: none since our start; way: how it came. silent: the alarm stands.
    word: what it said of itself instead of living on, or why it could not be asked; empty while all is well."""

    peer: Peer
    silent: bool
    heard_wall_ns: int
    age_s: float
    way: str
    word: Text


@dataclass(slots=True)
class _Known:
    peer: Peer
    alarm: int
    since: Instant  # the last sign of life, or our start
    heard: bool = False
    silent: bool = False
    way: str = ""
    word: Text = Text("", "")


class Peers:
    def __init__(self, peers: Sequence[Peer], alarms: AlarmTable, now: Instant):
        self._known = {peer.id: _Known(peer, alarms.index(peer.alarm.id), now) for peer in peers}

    def __contains__(self, peer: str) -> bool:
        return peer in self._known

    def adopt(self, standing: Collection[str]) -> None:
        """These alarms stand in the alarm file: those that are ours end with a sign of life."""
        for known in self._known.values():
            known.silent |= known.peer.alarm.id in standing

    def heard(self, peer: str, way: str, now: Instant) -> None:
        """A sign of life. way: how it came, such as "MQTT"."""
        known = self._known[peer]
        known.since, known.heard, known.way, known.word = now, True, way, Text("", "")

    def complains(self, peer: str, word: Text) -> None:
        """It is there and says that it does not work, or it can not be asked: no sign of life."""
        self._known[peer].word = word

    def judge(self, now: Instant) -> Verdicts:
        """Edges of those who fell silent or are back. Called about once a second."""
        edges = []
        for known in self._known.values():
            over = now.line_ns - known.since.line_ns > known.peer.silent_after_s * NS
            silent = over or (known.silent and not known.heard)
            if silent != known.silent:
                known.silent = silent
                edges.append(Edge(known.alarm, silent, math.nan, now.line_ns, now.wall_ns, (self._trace(known),)))
        return Verdicts.from_edges(edges)

    def status(self, now: Instant) -> tuple[PeerStatus, ...]:
        return tuple(PeerStatus(known.peer, known.silent, known.since.wall_ns if known.heard else 0,
                                (now.line_ns - known.since.line_ns) / NS, known.way, known.word)
                     for known in self._known.values())

    def _trace(self, known: _Known) -> Evidence:
        """When it was last heard, or what it says instead."""
        if not known.heard:
            note = Text("no sign of life since we were started", "本机启动以来未收到其心跳")
        elif known.silent:
            note = Text("last sign of life ({way})", "最后一次心跳（{way}）").format(way=known.way)
        else:
            note = Text("a sign of life again ({way})", "心跳已恢复（{way}）").format(way=known.way)
        if known.word.en:
            note = Text("{note}; {word}", "{note}；{word}").format(note=note, word=known.word)
        return Evidence(known.since.wall_ns, known.peer.id, math.nan, note)
