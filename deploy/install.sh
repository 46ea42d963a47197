#!/bin/sh
# Makes this machine a Davylamp gateway. Run it again at any time: it brings the machine to the same state, also after a
# power cut in the middle. Everything that it does, and what it refuses: docs/tutorial/install-on-a-pi.md
# shellcheck disable=SC1111,SC2034
# (Chinese quotation marks are meant; name and purge are read by the files that this one sources)
set -eu
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
site='' bundle='' key='' act=install purge=no watch='' name=admin verify_only=no back=no
NEEDS_MB=700   # packages, environment, and the environment before it, which stays until the new one works

case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in zh*) lang=zh ;; *) lang=en ;; esac
previous=''
for argument in "$@"; do   # the language of the messages about the other arguments
    if [ "$previous" = --lang ]; then lang=$argument; fi
    previous=$argument
done

# say EN ZH: one message in the person's language
say() { if [ "$lang" = zh ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi; }
step() { say "==> $1" "==> $2"; }
note() { say "    $1" "    $2"; }
# refuse WHAT FIX 原因 处理: nothing has been changed that a second run does not bring in order
refuse() {
    say "davylamp: $1. Fix: $2" "davylamp：$3。处理：$4" >&2
    exit 1
}

usage() {
    say "usage: sudo deploy/install.sh --site SITE.toml [--bundle FILE [--key PUBLIC.pem]] [--watch WATCH.toml]
       sudo deploy/install.sh --uninstall [--purge]
       deploy/install.sh --verify --bundle FILE [--key PUBLIC.pem]
  --site FILE    what this gateway watches; goes to /etc/davylamp/site.toml
  --bundle FILE  install offline from this signed bundle (made by 'make bundle')
  --key FILE     public key that signed it; default: the key of the installation before, else bundle.pub beside FILE
  --watch FILE   also run 'davylamp watch' with this file (normally on another machine)
  --admin NAME   name of the first administrator (admin)
  --verify       only check the signature of the bundle; changes nothing
  --allow-downgrade  also when it is older than what is installed; make a backup first
  --uninstall    remove programs and units, keep configuration and data
  --purge        with --uninstall: remove configuration, alarm history and all data too
  --lang en|zh   language of these messages" \
"用法：sudo deploy/install.sh --site SITE.toml [--bundle 文件 [--key PUBLIC.pem]] [--watch WATCH.toml]
      sudo deploy/install.sh --uninstall [--purge]
      deploy/install.sh --verify --bundle 文件 [--key PUBLIC.pem]
  --site 文件    站点配置文件，将复制到 /etc/davylamp/site.toml
  --bundle 文件  使用签名的离线安装包安装（由 make bundle 制作）
  --key 文件     签名公钥；默认取上次安装时的公钥，其次取安装包旁的 bundle.pub
  --watch 文件   同时用此文件运行 davylamp watch（通常放在另一台机器上）
  --admin 名称   首个管理员账号名（admin）
  --verify       只校验安装包签名，不做任何改动
  --allow-downgrade  允许安装比现有版本更旧的版本；请先备份
  --uninstall    卸载程序和服务，保留配置和数据
  --purge        与 --uninstall 同用：配置、告警历史和全部数据一并删除
  --lang en|zh   消息语言"
}

while [ $# -gt 0 ]; do
    case "$1" in
        --site|--bundle|--key|--watch|--admin|--lang)
            [ $# -ge 2 ] || refuse "$1 needs a value" "see --help" "$1 缺少参数值" "请查看 --help" ;;
    esac
    case "$1" in
        --site) site=$2; shift ;;
        --bundle) bundle=$2; shift ;;
        --key) key=$2; shift ;;
        --watch) watch=$2; shift ;;
        --admin) name=$2; shift ;;
        --lang)
            case "$2" in en|zh) ;; *) lang=en; refuse "--lang is en or zh" "see --help" "" "" ;; esac
            shift ;;
        --uninstall) act=uninstall ;;
        --purge) purge=yes ;;
        --verify) verify_only=yes ;;
        --allow-downgrade) back=yes ;;
        -h|--help) usage; exit 0 ;;
        *) refuse "unknown argument $1" "see --help" "未知参数 $1" "请查看 --help" ;;
    esac
    shift
done

# --- is this machine fit for it -----------------------------------------------------------------------------------

fit() {
    [ "$(id -u)" = 0 ] || refuse "only root can install" "run it with sudo" "必须以 root 身份安装" "请使用 sudo 运行"
    if ! command -v dpkg >/dev/null || ! command -v apt-get >/dev/null; then
        refuse "this is not Debian" "use Raspberry Pi OS Lite (64-bit), or Debian 12 or 13" \
            "此系统不是 Debian" "请使用 64 位 Raspberry Pi OS Lite，或 Debian 12/13"
    fi
    # not uname: Raspberry Pi OS (32-bit) runs a 64-bit kernel
    arch=$(dpkg --print-architecture)
    case "$arch" in
        arm64|amd64) ;;
        *) refuse "this system is for $arch (32-bit); numpy exists for 64-bit systems only" \
            "write Raspberry Pi OS Lite (64-bit) to the card" \
            "此系统架构为 $arch（32 位），而 numpy 仅支持 64 位系统" "请在存储卡上写入 64 位 Raspberry Pi OS Lite" ;;
    esac
    suite=$(sed -n 's/^VERSION_CODENAME=//p' "${OS_RELEASE:-/etc/os-release}")
    case "$suite" in
        bookworm|trixie) ;;
        *) refuse "Debian 12 (bookworm) or 13 (trixie) is needed, this is '${suite:-unknown}'" \
            "install one of these" "需要 Debian 12 (bookworm) 或 13 (trixie)，此系统为“${suite:-未知}”" "请安装上述版本" ;;
    esac
    free_mb=$(df -Pm /opt 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ "${free_mb:-0}" -ge "$NEEDS_MB" ] || refuse "only ${free_mb:-0} MB are free in /opt, $NEEDS_MB MB are needed" \
        "make room (sudo apt-get clean), or take a larger card" \
        "/opt 剩余空间仅 ${free_mb:-0} MB，需要 $NEEDS_MB MB" "请清理空间（sudo apt-get clean）或更换更大的存储卡"
}

# --- the bundle: nothing of it is unpacked or run before its signature is good ----------------------------------------

verify() {
    manifest=$bundle.manifest signature=$bundle.sig
    for part in "$bundle" "$manifest" "$signature"; do
        [ -r "$part" ] || refuse "$part is missing" "copy all files that 'make bundle' made, side by side" \
            "缺少文件 $part" "请将 make bundle 生成的全部文件放在同一目录"
    done
    if [ -z "$key" ]; then
        # A machine that was installed from one key takes its upgrades from the same hand.
        for key in /etc/davylamp/bundle.pub "$(dirname -- "$bundle")/bundle.pub"; do
            if [ -r "$key" ]; then break; fi
        done
    fi
    [ -r "$key" ] || refuse "the public key $key is missing" "get it from whoever made the bundle, and give it with --key" \
        "缺少公钥 $key" "请向安装包制作者索取，并用 --key 指定"
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$manifest" -sigfile "$signature" >/dev/null 2>&1 ||
        refuse "the signature of $bundle is wrong for the key $key; nothing of it was unpacked" \
            "get the bundle again; if the key has really changed, ask by telephone and give the new one with --key" \
            "$bundle 的签名与公钥 $key 不符，未解包任何内容" \
            "请重新获取安装包；如公钥确已更换，请电话核实后用 --key 指定新公钥"
    stated=$(sed -n 's/^sha256 //p' "$manifest")
    found=$(sha256sum <"$bundle" | cut -d ' ' -f 1)
    [ "$stated" = "$found" ] || refuse "$bundle is not the file that was signed (damaged or changed); nothing of it was unpacked" \
        "copy it again" "$bundle 与签名时的文件不一致（损坏或被改动），未解包任何内容" "请重新复制"
}

# before A B: is A the older of two versions or of two times?
before() { [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# An older version may have a hole that was mended since, and may not read what the newer one has written. Whoever holds
# a bundle that was signed long ago must not bring that back unnoticed.
not_older() {   # not_older VERSION BUILT; built: "" where nobody knows
    known=${RELEASE:-/opt/davylamp/release}
    if ! [ -r "$known" ]; then return 0; fi
    version=$(sed -n 's/^version //p' "$known") built=$(sed -n 's/^built //p' "$known")
    if before "$1" "$version"; then :
    elif [ "$1" = "$version" ] && [ -n "$2" ] && [ -n "$built" ] && before "$2" "$built"; then :
    else return 0; fi
    if [ "$back" = yes ]; then
        note "back from $version${built:+ of $built} to $1${2:+ of $2}" "由 $version${built:+（$built）}退回 $1${2:+（$2）}"
        return
    fi
    refuse "this is version $1${2:+ of $2}, and the newer $version${built:+ of $built} is installed" \
        "take a newer one; to go back on purpose: make a backup (sudo davylamp backup), then add --allow-downgrade" \
        "此版本为 $1${2:+（$2）}，而已安装的版本 $version${built:+（$built）}更新" \
        "请使用更新的版本；如确需退回，请先备份（sudo davylamp backup），再加上 --allow-downgrade"
}

if [ "$verify_only" = yes ]; then
    [ -n "$bundle" ] || refuse "--verify needs --bundle" "see --help" "--verify 需要 --bundle" "请查看 --help"
    verify
    say "$bundle: the signature is good (key $key)." "$bundle：签名正确（公钥 $key）。"
    cat "$manifest"
    exit 0
fi

fit
alone() {
    exec 9>/run/davylamp-install.lock
    flock -n 9 || refuse "another installation is running" "wait for it" "另一个安装正在进行" "请等待其完成"
}

if [ "$act" = uninstall ]; then
    alone
    # shellcheck source=deploy/install/remove.sh
    . "$here/install/remove.sh"
    exit 0
fi
if [ -z "$site" ]; then
    if [ -r /etc/davylamp/site.toml ]; then site=/etc/davylamp/site.toml; else
        refuse "--site is missing" "give the site file: --site SITE.toml (deploy/sites has examples)" \
            "缺少 --site" "请用 --site SITE.toml 指定站点配置文件（示例见 deploy/sites）"
    fi
fi
for file in "$site" ${watch:+"$watch"}; do
    [ -r "$file" ] || refuse "$file can not be read" "correct the path" "无法读取 $file" "请更正路径"
done

if [ -n "$bundle" ]; then
    step "Checking the signature of $bundle" "校验安装包 $bundle 的签名"
    verify
    grep -q "^target $arch $suite " "$manifest" || refuse "the bundle is not for this machine ($arch, $suite); it is for: $(
        sed -n 's/^target //p' "$manifest" | tr '\n' ';')" "make one for it: make bundle TARGETS='$arch-$suite'" \
        "安装包不适用于此机器（$arch，$suite），仅适用于：$(sed -n 's/^target //p' "$manifest" | tr '\n' ';')" \
        "请制作对应的安装包：make bundle TARGETS='$arch-$suite'"
    not_older "$(sed -n 's/^version //p' "$manifest")" "$(sed -n 's/^built //p' "$manifest")"
    alone
    unpacked=$(mktemp -d /var/tmp/davylamp-install.XXXXXX)
    trap 'rm -rf "$unpacked"' EXIT
    trap 'exit 1' INT TERM HUP
    tar -xf "$bundle" -C "$unpacked" --no-same-owner
    source=$unpacked
    release=$(printf '%.12s' "$stated")
else
    source=$(dirname -- "$here")
    [ -r "$source/pyproject.toml" ] || refuse "there is nothing to install from beside this script" \
        "give the bundle (--bundle FILE), or run it in a checkout" "此脚本旁没有可安装的内容" "请用 --bundle 指定安装包，或在源码目录中运行"
    not_older "$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/pyproject.toml")" ''
    alone
    release=$(cd "$source" && find pyproject.toml constraints.txt gateway drivers alerting simulators grafana -type f ! -name '*.pyc' |
        LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c 1-12)
fi
# From here on it is the bundle's own text, which fits what it installs.
# shellcheck source=deploy/install/steps.sh
. "$source/deploy/install/steps.sh"
