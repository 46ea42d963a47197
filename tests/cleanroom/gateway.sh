# shellcheck shell=bash disable=SC2154
# (SC2154: scratch, usb, room, here, bundle are set by run.sh)
# What the stories of run.sh do with a gateway in the room.
begun_anew() {   # without any network but loopback; ONLINE: with a way out, and with the authorities that this machine trusts
    if [ -z "${ONLINE:-}" ]; then
        boot --bind-ro="$usb":/media/usb
        return
    fi
    echo nameserver 10.0.2.3 >"$room/etc/resolv.conf"
    boot --bind-ro="$usb":/media/usb --bind-ro=/etc/ssl/certs/ca-certificates.crt --resolv-conf=off
    slirp4netns --configure --disable-host-loopback --mtu=65520 "$leader" tap0 >"$scratch/way-out.log" 2>&1 &
    sleep 1
}
fresh() {
    copied
    printf '127.0.0.1 localhost\n127.0.1.1 cleanroom\n' >"$room/etc/hosts"
    echo cleanroom >"$room/etc/hostname"
    begun_anew
}
ended() {
    local status=$?
    power_cut
    if [ "$status" != 0 ]; then say "FAILED in $story"; fi
}
trap ended EXIT

refused() {   # refused PATTERN COMMAND...: it fails, and says so
    local said
    if said=$("${@:2}" 2>&1); then return 1; fi
    printf '%s\n' "$said" | tail -1 | cut -c 1-160 | sed 's/^/          /'
    [[ $said =~ $1 ]]
}
ask() { inside /opt/davylamp/bin/python - "$@" <"$here/ask.py"; }
install() {   # install LANGUAGE [ARGUMENT ...]: in place of the bundle and the site file that this room has
    local how=(--bundle "/media/usb/$(basename "$bundle")" --site /media/usb/depot.toml)
    if [ $# -gt 1 ]; then how=("${@:2}"); fi
    inside sh /media/usb/install.sh "${how[@]}" --lang "$1"
}
# An installed gateway; the one that the story before has left standing will do.
gateway() {
    if [ -z "$supervisor" ] || ! inside systemctl -q is-active davylamp; then
        fresh
        install en >"$scratch/install-$suite.log"
    fi
    check "a gateway serves" ask serves
}
offline() { ! inside bash -c 'exec 3<>/dev/tcp/deb.debian.org/80' 2>/dev/null && [ "$(inside ip -o link | wc -l)" = 1 ]; }
bare() { ! inside test -e /usr/bin/python3 && ! inside test -e /usr/sbin/mosquitto; }
said() {   # said UNIT PATTERN [FIELD=VALUE]: in the journal, within half a minute
    for _ in $(seq 60); do
        if inside journalctl -q -o cat -u "$1" "${@:3}" | grep -q "$2"; then return; fi
        sleep 0.5
    done
    return 1
}
password() { grep -xE "([a-z2-9]{4}-){3}[a-z2-9]{4}" "$scratch/install-$suite.log"; }   # of the first administrator
pid() { inside systemctl show -p MainPID --value "$1"; }
depot() {
    if ! inside systemctl -q is-active depot; then simulated; fi
    check "it reads the simulated depot" ask measures
}
simulated() { inside systemd-run -q --collect --unit=depot --uid=nobody /opt/davylamp/bin/python -m simulators --no-mqtt; }
alarms() {   # alarms EXPRESSION: of each alarm that stands (`one`), printed where it is not empty
    inside davylamp status --json | python3 -c "import json, sys
for one in json.load(sys.stdin)['alarms']:
    if said := ($1): print(said)"
}
until_some() {   # until_some COMMAND...: prints what it prints once that is something, within two minutes
    local found end=$((SECONDS + 120))
    while [ "$SECONDS" -lt "$end" ]; do
        found=$("$@" 2>/dev/null) || true
        if [ -n "$found" ]; then printf '%s\n' "$found"; return; fi
        sleep 0.5
    done
    return 1
}
person() {   # person NAME [GROUP]: somebody with an account of this machine who may use sudo
    if inside id "$1" >/dev/null 2>&1; then return; fi
    inside useradd -m ${2:+-G "$2"} "$1"
    if [ -z "${2:-}" ]; then printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$1" >"$room/etc/sudoers.d/$1"; fi
}
as() { inside runuser -u "$1" -- "${@:2}"; }
