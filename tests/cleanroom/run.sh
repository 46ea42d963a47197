#!/bin/bash
# `make cleanroom`: a Debian that has never seen Davylamp, booted without any network, goes from nothing to serving the
# demo site, from the offline bundle. Needs root, debootstrap, systemd-nspawn, and internet for the bundle and the Debian
# (not for the installation). Environment: SUITE (bookworm, trixie), BUNDLE (one that is there already; else one is made),
# CUTS (where installations are cut off: lines of seconds and the step after which they are counted; empty: none). The log
# is printed; scratch is build/cleanroom.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
suite=${SUITE:-bookworm} target=$(dpkg --print-architecture)-${SUITE:-bookworm}
cuts=${CUTS-'4 Debian packages
5 Programs
0 User, folders
0 Message broker
0.2 Services'}
scratch=$repository/build/cleanroom
pristine=$scratch/pristine-$target
room=$scratch/room
usb=$scratch/usb
mkdir -p "$scratch/debs"
supervisor='' leader=''

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }
check() {   # check WHAT COMMAND...: the test fails where this fails
    if "${@:2}"; then say "  good: $1"; else say "  FAILED: $1"; exit 1; fi
}
timed() {
    local begun=$SECONDS
    "${@:2}"
    say "$1: $((SECONDS - begun)) s"
}
quiet() { "$@" >/dev/null; }
inside() { nsenter --target "$leader" --all env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"; }
boot() {
    systemd-nspawn -q -D "$room" --register=no --keep-unit --private-network --bind-ro="$usb":/media/usb -b \
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
trap power_cut EXIT
fresh() { power_cut; rm -rf "$room"; cp -a --reflink=auto "$pristine" "$room"; boot; }
install() { inside sh /media/usb/install.sh --bundle "/media/usb/$(basename "$bundle")" --site /media/usb/depot.toml --lang "$1"; }
serves() { inside /opt/davylamp/bin/python - <<'PYTHON'
import json, ssl, time, urllib.request
def get(path):
    trusted = ssl.create_default_context(cafile="/etc/davylamp/tls/ca.crt")
    return urllib.request.urlopen("https://127.0.0.1:8080" + path, timeout=5, context=trusted).read()
for attempt in range(60):
    try:
        if json.loads(get("/healthz"))["working"] and b"<html" in get("/"):
            raise SystemExit(0)
    except OSError:
        pass
    time.sleep(0.5)
raise SystemExit(1)
PYTHON
}
measures() { inside /opt/davylamp/bin/python - <<'PYTHON'
import re, ssl, time, urllib.request
trusted = ssl.create_default_context(cafile="/etc/davylamp/tls/ca.crt")
for attempt in range(60):   # figures are open to programs on the machine itself
    text = urllib.request.urlopen("https://127.0.0.1:8080/metrics", timeout=5, context=trusted).read().decode()
    good = float(re.search(r"^davylamp_signals_good (\S+)", text, re.M)[1])
    if good >= 20:
        print(f"          {good:.0f} signals are good")
        raise SystemExit(0)
    time.sleep(0.5)
raise SystemExit(1)
PYTHON
}
asks_who() { inside /opt/davylamp/bin/python - <<'PYTHON'
import ssl, urllib.error, urllib.request
try:
    urllib.request.urlopen("https://127.0.0.1:8080/api/v1/signals", timeout=5,
                           context=ssl.create_default_context(cafile="/etc/davylamp/tls/ca.crt"))
except urllib.error.HTTPError as refused:
    raise SystemExit(refused.code != 401)
raise SystemExit(1)
PYTHON
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
pid() { inside systemctl show -p MainPID --value "$1"; }

if [ -z "${BUNDLE:-}" ]; then
    say "making a bundle for $target, signed with a key for this test only"
    openssl genpkey -algorithm ed25519 -out "$scratch/key.pem" 2>/dev/null
    rm -rf "$usb"
    timed "bundle made" env PYTHONPATH="$repository" "$repository/.venv/bin/python" "$repository/deploy/bundle.py" \
        --key "$scratch/key.pem" --out "$usb" "$target" 2>/dev/null
    BUNDLE=$(ls "$usb"/davylamp-*.tar)
fi
bundle=$BUNDLE
if [ "$(dirname "$bundle")" != "$usb" ]; then
    rm -rf "$usb"
    mkdir -p "$usb"
    cp "$bundle" "$bundle.manifest" "$bundle.sig" "$(dirname "$bundle")/bundle.pub" "$(dirname "$bundle")/install.sh" "$usb"
fi
# The demo site, but for its broker (the one that is installed, which lets nobody in without a name) and its page (by TLS).
named='username = "davylamp"\npassword_file = "/etc/davylamp/secrets/broker-password"'
by_tls='[api]\ntls_cert = "/etc/davylamp/tls/gateway.crt"\ntls_key = "/etc/davylamp/tls/gateway.key"'
sed -e "s|^port = 18830|$named|" -e "s|^\[api\]|$by_tls|" "$repository/deploy/sites/depot.toml" >"$usb/depot.toml"
cp "$repository/deploy/sites/depot-gas.csv" "$usb"
if ! [ -e "$pristine/complete" ]; then
    say "debootstrap of a least $suite with what every Raspberry Pi OS Lite has (systemd, openssl, sudo, iproute2)"
    rm -rf "$pristine"
    timed "debootstrap" debootstrap --variant=minbase --cache-dir="$scratch/debs" \
        --include=systemd-sysv,dbus,openssl,ca-certificates,sudo,iproute2 "$suite" "$pristine" \
        http://deb.debian.org/debian >"$scratch/debootstrap.log"
    touch "$pristine/complete"
fi

say "booting it by systemd-nspawn: systemd is process 1, no network but loopback"
fresh
check "neither Python nor mosquitto is there" bare
check "no way out of this machine" offline
timed "installed" install en | tee "$scratch/install.log"
check "a first administrator was made" grep -q 'admin may log in' "$scratch/install.log"
check "mosquitto, davylamp are running" inside systemctl is-active -q mosquitto davylamp
check "the page of the demo site is served" serves
check "it asks who is there" asks_who
check "the broker speaks TLS to the network" inside sh -c 'openssl s_client -connect 127.0.0.1:8883 -CAfile /etc/davylamp/tls/ca.crt \
    -verify_return_error </dev/null 2>/dev/null | grep -q "Verify return code: 0"'
check "the broker has let the gateway in by its name" said mosquitto "u'davylamp'"
check "its journal has records with fields" said davylamp . LOGGER=drivers.modbus.poller
say "starting the simulated depot beside it"
inside systemd-run -q --unit=depot --uid=nobody /opt/davylamp/bin/python -m simulators --no-mqtt
check "the gateway reads it" measures
process=/proc/$(pid davylamp)
check "the gateway runs as davylamp" test "$(inside stat -c %U "$process")" = davylamp
check "without capabilities" inside grep -q '^CapEff:.0*$' "$process/status"
check "under a system call filter" inside grep -q '^Seccomp:.2' "$process/status"
inside ss -ltn | sed 's/^/          /'

say "davylamp doctor, of which only what a container can not have is amiss:"
inside davylamp doctor | sed 's/^/          /' || true

say "again: nothing changes"
before=$(pid davylamp),$(pid mosquitto)
timed "second run" quiet install en
check "the same processes run" test "$before" = "$(pid davylamp),$(pid mosquitto)"

say "kill -9, and a start after a power cut"
inside systemctl kill --kill-who=main --signal=KILL davylamp
check "it is back" serves
power_cut
boot
check "it starts by itself" serves

say "uninstalling"
inside sh /opt/davylamp/deploy/install.sh --uninstall >/dev/null
check "no program is left" inside sh -c '! test -e /opt/davylamp && ! systemctl is-active -q davylamp'
check "data and configuration are" inside test -s /var/lib/davylamp/alarms.db -a -s /etc/davylamp/site.toml
timed "installed again" quiet install zh
check "it serves" serves
inside sh /opt/davylamp/deploy/install.sh --uninstall --purge >/dev/null
check "purged" inside sh -c '! test -e /var/lib/davylamp && ! test -e /etc/davylamp && ! getent passwd davylamp >/dev/null'

# In the middle of each step, and once right after it began.
while read -r seconds at <&3; do
    if [ -z "$at" ]; then continue; fi
    fresh
    install en >"$scratch/cut.log" 2>&1 &
    until grep -q "==> $at" "$scratch/cut.log"; do sleep 0.05; done
    sleep "$seconds"
    power_cut
    wait $! 2>/dev/null || true
    boot
    say "cut off $seconds s after: $(grep '==>' "$scratch/cut.log" | tail -1)"
    install en >/dev/null
    check "the second run brings it in order" serves
done 3<<CUTS
$cuts
CUTS
say "the clean room is passed"
