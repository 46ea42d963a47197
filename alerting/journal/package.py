"""An export as a folder that proves itself: data files, their SHA-256, a manifest that names them, its signature.

    journal.csv, samples.csv ...   the data
    SHA256SUMS                     of each data file, as `sha256sum -c` reads it
    manifest.json                  what was asked for, how the chain stands, SHA-256 of every file above
    manifest.sig                   detached Ed25519 signature of manifest.json, 64 bytes
    public-key.pem                 what checks the signature; compare its fingerprint by another way

What is signed is the manifest; by the hashes in it, everything is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alerting.journal import export, signing
from gateway.model.errors import CommandError
from gateway.model.text import Text

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
PUBLIC_KEY: Final = "public-key.pem"
SUMS: Final = "SHA256SUMS"
JOURNAL: Final = ("journal.csv", "journal.json")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in an export. fingerprint: of the key that lies beside it. problems: empty when all is well."""

    manifest: Mapping[str, Any]
    fingerprint: str
    problems: tuple[Text, ...]


def seal(folder: Path, names: Sequence[str], about: Mapping[str, Any], key: Ed25519PrivateKey) -> None:
    """Write sums, manifest, signature and public key beside the data files that are there."""
    (folder / SUMS).write_text("".join(f"{_digest(folder / name)}  {name}\n" for name in names), "utf-8")
    (folder / PUBLIC_KEY).write_bytes(pem := signing.public_pem(key))
    manifest = {**about, "public_key_sha256": signing.fingerprint(pem, folder / PUBLIC_KEY), "files": [
        {"name": name, "sha256": _digest(folder / name), "bytes": (folder / name).stat().st_size}
        for name in (*names, SUMS)]}
    document = (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()
    (folder / MANIFEST).write_bytes(document)
    (folder / SIGNATURE).write_bytes(key.sign(document))


def check(folder: Path, trusted: Path | None = None) -> Checked:
    """Is it as the gateway wrote it? trusted: public key that is known by another way; None: the one beside it.
    CommandError: this is no export, or its key is none."""
    document, signature, pem = (_file(folder / name) for name in (MANIFEST, SIGNATURE, PUBLIC_KEY))
    beside = folder / PUBLIC_KEY
    known = _file(trusted) if trusted is not None else pem
    problems = []
    if not signing.is_signed(known, trusted or beside, signature, document):
        problems.append(Text("the signature does not fit: the manifest was changed, or another gateway made it",
                             "签名不符：清单被修改，或并非由该网关导出"))
    try:
        manifest = json.loads(document)
        problems += _files(folder, {file["name"]: file["sha256"] for file in manifest["files"]})
    except (ValueError, KeyError, TypeError):
        manifest = {}
        problems.append(Text(f"{MANIFEST} can not be read", f"{MANIFEST} 无法读取"))
    return Checked(manifest, signing.fingerprint(known, trusted or beside), tuple(problems))


def _files(folder: Path, listed: Mapping[str, str]) -> Iterator[Text]:
    for name, digest in listed.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            yield Text(f"{name} is missing", f"缺少文件 {name}")
        elif _digest(path) != digest:
            yield Text(f"{name} was changed", f"文件 {name} 被修改")
        if name in JOURNAL and path.is_file():
            yield from _rows(path)
    for path in sorted(folder.iterdir()):
        if path.name not in {*listed, MANIFEST, SIGNATURE, PUBLIC_KEY}:
            yield Text(f"{path.name} is not part of the export", f"{path.name} 不属于该导出")


def _rows(path: Path) -> Iterator[Text]:
    try:
        for row in export.wrong(export.read(path)):
            yield Text(f"{path.name}: row {row.position} does not fit its hash",
                       f"{path.name}：第 {row.position} 行与其校验值不符")
    except (ValueError, KeyError, TypeError):
        yield Text(f"{path.name} can not be read as a journal", f"{path.name} 无法按日志读取")


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(
            Text(f"the file can not be read: {error.strerror}", f"文件无法读取：{error.strerror}"), where=str(path),
            fix=Text("give the folder that `davylamp journal export` wrote",
                     "请指定 `davylamp journal export` 生成的目录")) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
