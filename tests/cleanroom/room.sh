# shellcheck shell=bash
# A Debian that has never seen Davylamp, booted by systemd-nspawn without any network; sourced by the clean rooms that say
# where: scratch (a folder), suite, target, room (the folder of the one that runs). Needs root, debootstrap, internet for the
# first Debian.
pristine=${scratch:?}/pristine-${target:?}
mkdir -p "$scratch/debs"
supervisor='' leader=''

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }
check() {   # check WHAT COMMAND...: the test fails where this fails
    if "${@:2}"; then say "  good: $1"; else say "  FAILED: $1"; exit 1; fi
}
timed() {
    local begun=$SECONDS status=0
    "${@:2}" || status=$?
    say "$1: $((SECONDS - begun)) s"
    return $status
}
quiet() { "$@" >/dev/null; }
inside() { nsenter --target "$leader" --all env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"; }
boot() {   # boot [ARGUMENT OF nspawn]...
    systemd-nspawn -q -D "${room:?}" --register=no --keep-unit --private-network "$@" -b \
        --machine="cleanroom-$$" --console=pipe >"$scratch/console.log" 2>&1 </dev/null &
    supervisor=$!
    for _ in $(seq 300); do
        leader=$(pgrep -P "$supervisor" | head -1) || true
        if [ -n "$leader" ] && inside systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then return; fi
        sleep 0.2
    done
    say "it does not boot; see $scratch/console.log"
    exit 1
}
power_cut() {   # every process of the room at once; the file system of this machine is not cut (see make chaos for that)
    if [ -n "$supervisor" ]; then
        kill -9 "$leader" 2>/dev/null || true
        wait "$supervisor" 2>/dev/null || true
        supervisor=''
    fi
}
pristine() {   # what every Raspberry Pi OS Lite has: systemd, openssl, sudo, iproute2
    if [ -e "$pristine/complete" ]; then return; fi
    say "debootstrap of a least ${suite:?}"
    rm -rf "$pristine"
    timed "debootstrap" debootstrap --variant=minbase --cache-dir="$scratch/debs" \
        --include=systemd-sysv,dbus,openssl,ca-certificates,sudo,iproute2 "$suite" "$pristine" \
        http://deb.debian.org/debian >"$scratch/debootstrap.log"
    touch "$pristine/complete"
}
copied() { power_cut; rm -rf "$room"; cp -a --reflink=auto "$pristine" "$room"; }
