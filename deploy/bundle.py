"""Makes the offline bundle: everything that deploy/install.sh needs on a machine without internet, signed.

    make bundle KEY=bundle-key.pem [TARGETS="arm64-bookworm ..."]

The key is the person's, made once and kept like the key of the site's door (docs/how-to/make-a-bundle.md):

    openssl genpkey -algorithm ed25519 -aes256 -out bundle-key.pem

Three files result, and the public key beside them: the tar, its manifest (version, targets, SHA-256 of the tar and of
every file in it), and the Ed25519 signature of the manifest. Needs internet, apt-get and the Debian archive keys.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from packaging.utils import parse_wheel_filename

from gateway import __version__

ROOT = Path(__file__).parent.parent
DEBIAN_PACKAGES = ("python3", "python3-venv", "mosquitto", "openssl")
MIRROR = "http://deb.debian.org/debian"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
NOT_OURS = shutil.ignore_patterns("__pycache__", "*.pyc")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of machine: Debian's name of its architecture and suite, what wheels call them, its Python and glibc."""

    arch: str
    suite: str
    machine: str
    python: str
    glibc: int  # 2.x

    def __str__(self) -> str:
        return f"{self.arch}-{self.suite}"

    def platforms(self) -> Iterator[str]:
        """From the newest; a wheel for an older glibc runs too."""
        for minor in range(self.glibc, 16, -1):
            yield f"manylinux_2_{minor}_{self.machine}"
        yield f"manylinux2014_{self.machine}"


TARGETS = [Target(arch, suite, machine, python, glibc)
           for suite, python, glibc in (("bookworm", "3.11", 36), ("trixie", "3.13", 41))
           for arch, machine in (("arm64", "aarch64"), ("amd64", "x86_64"))]


def main() -> int:
    parser = argparse.ArgumentParser("make bundle", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--key", type=Path, required=True, help="private Ed25519 key (PEM) that signs")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bundle", help="folder of the result")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=" ".join(map(str, TARGETS)) + " (default: all)")
    options = parser.parse_args()
    unknown = set(options.targets) - {str(target) for target in TARGETS}
    if unknown:
        parser.error(f"unknown target {', '.join(sorted(unknown))}; known: {' '.join(map(str, TARGETS))}")
    targets = [target for target in TARGETS if not options.targets or str(target) in options.targets]
    key = load_key(options.key)
    with tempfile.TemporaryDirectory(prefix="davylamp-bundle-") as folder:
        content = Path(folder) / "content"
        collect(content, targets, Path(folder))
        bundle = pack(content, options.out, targets, key)
    print(f"{bundle} ({bundle.stat().st_size / 1e6:.0f} MB), .manifest and .sig; public key: {options.out}/bundle.pub")
    return 0


def load_key(path: Path) -> Ed25519PrivateKey:
    if not path.is_file():
        sys.exit(f"KEY={path if path.name else '...'}: there is no such key. "
                 "Fix: openssl genpkey -algorithm ed25519 -aes256 -out bundle-key.pem (docs/how-to/make-a-bundle.md)")
    pem = path.read_bytes()
    password = getpass.getpass(f"Passphrase of {path}: ").encode() if b"ENCRYPTED" in pem else None
    key = load_pem_private_key(pem, password)
    if not isinstance(key, Ed25519PrivateKey):
        sys.exit(f"{path} is not an Ed25519 key. Fix: openssl genpkey -algorithm ed25519 -aes256 -out {path}")
    return key


def collect(content: Path, targets: list[Target], scratch: Path) -> None:
    wheels, clean = content / "wheels", scratch / "source"
    wheels.mkdir(parents=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = [pattern.rstrip("*") for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]]
    for part in packages:  # a build in the checkout would take up old files
        shutil.copytree(ROOT / part, clean / part, ignore=NOT_OURS)
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / part, clean)
    _run(*PIP, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(clean))
    ours = next(wheels.glob("davylamp-*.whl"))
    for target in targets:
        own = scratch / str(target)
        _run(*PIP, "download", "--quiet", "--only-binary=:all:", "--implementation", "cp",
             *(part for platform in target.platforms() for part in ("--platform", platform)),
             "--python-version", target.python, "--constraint", str(ROOT / "constraints.txt"), "--dest", str(own),
             str(ours))
        (content / f"requirements-{target}.txt").write_text(requirements(own), encoding="utf-8")
        for wheel in own.iterdir():
            shutil.copy2(wheel, wheels)
        debian(target, content / "debs" / str(target), scratch / f"apt-{target}")
    shutil.copytree(ROOT / "deploy", content / "deploy", ignore=NOT_OURS)


def requirements(folder: Path) -> str:
    """Every wheel of the folder by name, version and hash, for `pip install --require-hashes`."""
    lines = []
    for wheel in sorted(folder.glob("*.whl")):
        name, version, *_ = parse_wheel_filename(wheel.name)
        lines.append(f"{name}=={version} --hash=sha256:{_sha256(wheel)}\n")
    return "".join(lines)


def debian(target: Target, folder: Path, apt: Path) -> None:
    """What DEBIAN_PACKAGES need, down to the C library, with an index: a repository from which the machine's own apt
    takes what it has not. Signatures are checked with the keys of this machine's debian-archive-keyring."""
    folder.mkdir(parents=True)
    for part in ("lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    sources = [f"deb [arch={target.arch} signed-by={KEYRING}] {MIRROR} {suite} main"
               for suite in (target.suite, f"{target.suite}-updates")]
    sources.append(f"deb [arch={target.arch} signed-by={KEYRING}] {MIRROR}-security {target.suite}-security main")
    (apt / "sources.list").write_text("\n".join(sources) + "\n")
    own = [part for setting in (
        f"Dir::Etc::SourceList={apt}/sources.list", "Dir::Etc::SourceParts=/dev/null", f"Dir::State={apt}",
        f"Dir::State::status={apt}/status", f"Dir::Cache={apt}/cache", f"APT::Architecture={target.arch}",
        f"APT::Architectures={target.arch}", "APT::Sandbox::User=root", "APT::Install-Recommends=false",
        "Acquire::Languages=none") for part in ("-o", setting)]
    _run("apt-get", "-qq", *own, "update")
    _run("apt-get", "-qq", *own, "install", "--download-only", "--yes", *DEBIAN_PACKAGES)
    index = []
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        name = package.name.replace("%3a", ".")  # an epoch: apt's file: method and % do not go together
        shutil.copy2(package, folder / name)
        control = subprocess.run(["dpkg-deb", "--field", str(package)], capture_output=True, text=True,
                                 check=True).stdout
        index.append(f"{control.rstrip()}\nFilename: ./{name}\nSize: {package.stat().st_size}\n"
                     f"SHA256: {_sha256(package)}\n")
    (folder / "Packages").write_text("\n".join(index), encoding="utf-8")


def pack(content: Path, out: Path, targets: list[Target], key: Ed25519PrivateKey) -> Path:
    """The tar, its manifest, the signature of that, the public key, and the installer, in the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    bundle = out / f"davylamp-{__version__}.tar"
    files = sorted(path for path in content.rglob("*") if path.is_file())
    with tarfile.open(bundle, "w") as tar:
        for path in files:
            tar.add(path, str(path.relative_to(content)), filter=_plain)
    manifest = "\n".join([
        "davylamp-bundle 1", f"version {__version__}", f"built {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        *(f"target {target.arch} {target.suite} python{target.python}" for target in targets),
        f"sha256 {_sha256(bundle)}",
        *(f"file {_sha256(path)} {path.relative_to(content)}" for path in files)]) + "\n"
    Path(f"{bundle}.manifest").write_text(manifest, encoding="utf-8")
    Path(f"{bundle}.sig").write_bytes(key.sign(manifest.encode()))
    (out / "bundle.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    shutil.copy2(ROOT / "deploy" / "install.sh", out)
    return bundle


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's files: the same content gives the same tar."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(*command: str) -> None:
    print("+", *command[:6], "...", file=sys.stderr)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
