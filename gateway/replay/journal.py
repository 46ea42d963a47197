"""`davylamp journal verify`, `export` and `verify-export`: the journal as evidence."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path

from alerting.journal import export, package
from alerting.journal.chain import DAMAGE_NAMES, MOST_FAULTS, Examination
from alerting.journal.reader import examine, hash_at
from gateway.data_folder import ALARM_FILE
from gateway.model import installed
from gateway.model.clock import NS
from gateway.model.errors import CommandError
from gateway.model.text import Text
from gateway.replay import asked, evidence

DEFAULT_AROUND = "30min"


def verify(options: argparse.Namespace, language: str) -> int:
    """0: the chain holds. 1: it does not, each wrong row is named."""
    path, zone = _alarm_file(options.file)
    examination = examine(path)
    problems = [*_wrong(examination, zone), *_against(path, options.against)]
    for problem in problems:
        print(problem[language], file=sys.stderr)
    position, head = examination.head
    if not problems:
        print(Text("{file}: {rows} journal rows, unbroken. Last row {position}, hash {head}",
                   "{file}：日志共 {rows} 行，链条完整。末行 {position}，校验值 {head}").format(
            file=path, rows=examination.rows, position=position, head=head.hex())[language])
        return 0
    print(Text("{file}: NOT as it was written. Keep the file as evidence; compare with a backup or an export.",
               "{file}：与写入时不一致。请保留该文件作为证据，并与备份或导出文件比对。").format(file=path)[language],
          file=sys.stderr)
    return 1


def export_rows(options: argparse.Namespace, language: str) -> int:
    site_file = asked.site_file(options.site)
    site = site_file.site
    data = asked.alarm_file(options, site_file).parent
    alarm = asked.alarm(site, options.alarm) if options.alarm else None
    around = options.samples or (DEFAULT_AROUND if alarm else "0s")
    now = time.time_ns()
    out = options.out or Path(f"{site.id}-journal-{export.stamp(now, site.zone)[:19].replace(':', '')}")
    done = evidence.write(site, data, evidence.Asked(
        *asked.bounds(options, site), alarm, round(asked.seconds("--samples", around) * NS), options.format), out, now)
    for note in done.notes:
        print(note[language], file=sys.stderr)
    print(Text("{out}: {rows} journal rows and {samples} samples, signed. Key {key}",
               "{out}：日志 {rows} 行，原始数据 {samples} 条，已签名。密钥指纹 {key}").format(
        out=out, rows=done.rows, samples=done.samples, key=package.check(out).fingerprint)[language])
    if done.chain.sound:
        return 0
    print(Text("The chain of the journal is broken; the manifest says where: see `davylamp journal verify`",
               "日志链条已断裂，位置见清单；请运行 `davylamp journal verify`")[language], file=sys.stderr)
    return 1


def verify_export(options: argparse.Namespace, language: str) -> int:
    """0: as the gateway wrote it. 1: it is not; every reason is named."""
    found = package.check(options.folder, options.key)
    for problem in found.problems:
        print(problem[language], file=sys.stderr)
    journal = found.manifest.get("journal", {})
    if journal and not journal["chain_sound"]:
        print(Text("the journal was already broken when this was exported: rows {rows}",
                   "导出时日志链条已断裂：第 {rows} 行").format(
            rows=", ".join(map(str, journal["chain_wrong"])))[language], file=sys.stderr)
        return 1
    if found.problems:
        return 1
    print(Text("{folder}: as it was exported. Key {key}", "{folder}：与导出时一致。密钥指纹 {key}").format(
        folder=options.folder, key=found.fingerprint)[language])
    if options.key is None:
        print(Text("Compare the key with that of the gateway, told by another way, or give it with --key.",
                   "请通过其他途径核对该网关的密钥指纹，或用 --key 指定公钥。")[language])
    return 0


def _wrong(examination: Examination, zone: tzinfo) -> Iterator[Text]:
    for fault in examination.faults:
        yield Text("row {position}, {time}, {kind} {alarm}: {what}",
                   "第 {position} 行，{time}，{kind} {alarm}：{what}").format(
            position=fault.position, time=export.stamp(fault.wall_ns, zone), kind=fault.kind,
            alarm=fault.alarm or "-", what=DAMAGE_NAMES[fault.damage])
    if examination.wrong > MOST_FAULTS:
        yield Text("and {n} more rows", "以及另外 {n} 行").format(n=examination.wrong - MOST_FAULTS)


def _against(path: Path, exported: Path | None) -> Iterator[Text]:
    """What only an older copy shows: rows cut off at the end, or a journal that was written anew as a whole."""
    if exported is None:
        return
    found = package.check(exported)
    yield from found.problems
    head = found.manifest.get("journal", {}).get("head")
    if head and head["position"] and (stored := hash_at(path, head["position"])) != bytes.fromhex(head["hash"]):
        yield (Text("row {n}, which the export knows, is missing: the end was cut off",
                    "缺少导出时已有的第 {n} 行：日志末尾被截断") if stored is None else
               Text("row {n} is not the one that the export knows: the journal was written anew",
                    "第 {n} 行与导出时不同：日志被重写")).format(n=head["position"])


def _alarm_file(given: Path | None) -> tuple[Path, tzinfo]:
    """An alarm file, a data folder or a site file; times are shown in the zone of the site where that is known."""
    zone: tzinfo = UTC
    path = given or (installed.DATA if installed.DATA.is_dir() else Path("data"))
    if path.suffix == ".toml":
        site_file = asked.site_file(path)
        path, zone = Path(site_file.store.folder), site_file.site.zone
    path = path / ALARM_FILE if path.is_dir() else path
    _there(path)
    return path, zone


def _there(path: Path) -> None:
    if not path.exists():
        raise CommandError(Text("there is no alarm file here", "此处没有告警文件"), where=str(path), fix=Text(
            "name the alarm file (alarms.db), the data folder or the site file of a gateway that has run",
            "请指定运行过的网关的告警文件（alarms.db）、数据目录或站点文件"))
