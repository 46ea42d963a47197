#!/bin/sh
# Make or refresh the virtual environment .venv with the pinned versions of constraints.txt.
# usage: deploy/venv.sh EXTRAS     EXTRAS: comma-separated extras of pyproject.toml, or empty
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
say() { printf '%s\n' "$*" >&2; }

command -v "$python" >/dev/null 2>&1 || {
    say "Python is missing. Fix: sudo apt-get install python3 python3-venv    缺少 Python，请执行上述命令安装"; exit 1; }
"$python" - <<'CHECK' || exit 1
import struct, sys
if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. Fix: install one and run "
             f"`make PYTHON=python3.11 ...`    需要 Python 3.11 或更高版本")
if struct.calcsize("P") != 8:
    sys.exit("A 64-bit system is needed (numpy has no 32-bit ARM wheels). Fix: install Raspberry Pi OS (64-bit)"
             "    需要 64 位系统，请安装 64 位 Raspberry Pi OS")
try:
    import ensurepip, venv
except ImportError:
    sys.exit("Python's venv module is missing. Fix: sudo apt-get install python3-venv"
             "    缺少 venv 模块，请执行: sudo apt-get install python3-venv")
CHECK
if ! [ -x .venv/bin/python ]; then
    say "Creating .venv ...    正在创建虚拟环境 ..."
    "$python" -m venv .venv || { rm -rf .venv; say "Fix: sudo apt-get install python3-venv"; exit 1; }
fi
say "Installing pinned dependencies ...    正在安装依赖 ..."
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".${1:+[$1]}"
