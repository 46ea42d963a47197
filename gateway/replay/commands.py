"""`davylamp replay`, `backtest` and `explain`: read, run, print."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gateway.config import SiteFile
from gateway.data_folder import TELEMETRY
from gateway.model.clock import NS, Instant
from gateway.model.errors import CommandError
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.replay import asked, sweep
from gateway.replay.backtest_words import backtest_json, backtest_lines
from gateway.replay.count import LabelledEvent, score
from gateway.replay.data import Data, notes, opened
from gateway.replay.explain import explain as explained
from gateway.replay.explain_words import explain_json, explain_lines
from gateway.replay.run import run
from gateway.replay.run_words import replay_json, replay_lines
from gateway.replay.sweep_words import sweep_json, sweep_lines
from gateway.replay.table import read_events
from gateway.replay.words import clock, told
from gateway.store import EVER, Recording

LOOK_BACK_S = 6 * 3600.0  # of explain, where --from does not say otherwise


def replay(options: argparse.Namespace, language: str) -> int:
    site_file = asked.site_file(options.site)
    recorded = _recorded(options, site_file, [site_file.site], *asked.bounds(options, site_file.site))
    events = _events(options, [site_file.site])
    outcome = run(site_file.site, recorded, _ack_after_s(options), _progress(site_file.site, language))
    scored = None if events is None else score(outcome, events)
    _show(options, language, replay_lines(outcome, scored, alarms=not options.summary),
          lambda: replay_json(outcome, scored))
    _notes(recorded, language)
    return 0


def backtest(options: argparse.Namespace, language: str) -> int:
    """One site file: how often each rule would have alarmed, and with other settings. Two: what would change."""
    if options.candidate is None:
        return _backtest_one(options, language)
    if options.sweep:
        raise CommandError(Text("a sweep is over one site file", "扫描设置时只能使用一份站点文件"), where="--sweep",
                           fix=Text("leave out the second file", "请去掉第二份文件"))
    before_file, after_file = asked.site_file(options.site), asked.site_file(options.candidate)
    sites = [before_file.site, after_file.site]
    recorded = _recorded(options, before_file, sites, *asked.bounds(options, after_file.site))
    events = _events(options, sites)
    after_s = _ack_after_s(options)
    before, after = (run(site, recorded, after_s, _progress(site, language)) for site in sites)
    names = (str(options.site), str(options.candidate))
    scores = None if events is None else (score(before, events), score(after, events))
    _show(options, language, backtest_lines(before, after, names, scores),
          lambda: backtest_json(before, after, names, scores))
    _notes(recorded, language)
    return 0


def _backtest_one(options: argparse.Namespace, language: str) -> int:
    site_file = asked.site_file(options.site)
    site = site_file.site
    sweeps = [sweep.parse(text, site) for text in options.sweep]
    recorded = _recorded(options, site_file, [site], *asked.bounds(options, site))
    events = _events(options, [site])
    after_s, progress = _ack_after_s(options), _progress(site, language)
    outcome = run(site, recorded, after_s, progress)
    scored = None if events is None else score(outcome, events)
    swept = run(sweep.swept(site, sweeps), sweep.Copied(recorded, site, sweeps), after_s, progress) if sweeps else None
    found = [(one, sweep.results(swept, one, events)) for one in sweeps if swept is not None]

    def lines() -> Iterator[Text]:
        yield from replay_lines(outcome, scored, alarms=False)
        for one, results in found:
            yield Text("", "")
            yield from sweep_lines(site, one, results)

    _show(options, language, lines(), lambda: replay_json(outcome, scored) | {
        "sweeps": [sweep_json(site, one, results) for one, results in found]})
    _notes(recorded, language)
    return 0


def explain(options: argparse.Namespace, language: str) -> int:
    site_file = asked.site_file(options.site)
    site = site_file.site
    alarm = asked.alarm(site, options.alarm)
    at = asked.wall_time("--at", options.at, site) if options.at else None
    recorded = _recorded(options, site_file, [site], _look_back(options, site_file, at), EVER[1])
    found = explained(site, alarm, recorded, at, _progress(site, language))
    _show(options, language, explain_lines(found), lambda: explain_json(found))
    _notes(recorded, language)
    return 0


def _ack_after_s(options: argparse.Namespace) -> float:
    return asked.seconds("--ack-after", options.ack_after)


def _events(options: argparse.Namespace, sites: list[Site]) -> tuple[LabelledEvent, ...] | None:
    return read_events(options.events, [site.alarms for site in sites]) if options.events else None


def _look_back(options: argparse.Namespace, site_file: SiteFile, at_wall_ns: int | None) -> int:
    """Where explain begins to evaluate. A file is read from its beginning."""
    if options.start:
        return asked.wall_time("--from", options.start, site_file.site)
    path = asked.data_folder(options, site_file)
    if path.is_file():
        return EVER[0]
    end = Recording(path / TELEMETRY).wall_high if at_wall_ns is None else at_wall_ns
    return end - round(LOOK_BACK_S * NS)


def _recorded(options: argparse.Namespace, site_file: SiteFile, sites: Iterable[Site], start: int, end: int) -> Data:
    return opened(asked.data_folder(options, site_file), sites, start, end, skip_unknown=options.skip_unknown)


def _show(options: argparse.Namespace, language: str, lines: Iterable[Text],
          data: Callable[[], dict[str, Any]]) -> None:
    try:
        print(json.dumps(data(), ensure_ascii=False, indent=1) if options.json else told(lines, language))
        sys.stdout.flush()
    except BrokenPipeError:  # `... | head`: enough was read
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _notes(recorded: Data, language: str) -> None:
    for note in notes(recorded):
        print(note[language], file=sys.stderr)


def _progress(site: Site, language: str) -> Callable[[Instant], None]:
    """How far a long run has come, for a person at a terminal."""
    told_at = time.monotonic()

    def progress(at: Instant) -> None:
        nonlocal told_at
        if sys.stderr.isatty() and time.monotonic() - told_at > 2:
            told_at = time.monotonic()
            print(Text("... {at}", "…… {at}").format(at=clock(site, at.wall_ns))[language], file=sys.stderr)
    return progress
