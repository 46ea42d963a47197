#!/bin/bash
# `make cleanroom-arm64`: the same installation on an emulated 64-bit ARM (qemu-user): all wheels install from the bundle
# without network, the gateway starts and serves the demo site, and the unit tests of core and drivers pass. systemd does not
# run in it: what a unit starts is started by hand, as the unit's user. Emulation says nothing about speed.
# Needs root, debootstrap, qemu-user-static, and internet for the bundle, the Debian and the tests' own packages.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
suite=${SUITE:-bookworm}
scratch=$repository/build/cleanroom
room=$scratch/arm64-$suite
usb=$scratch/usb-arm64
python=$(case "$suite" in bookworm) echo 3.11 ;; *) echo 3.13 ;; esac)
tests=${TESTS:-tests/core tests/drivers}
# One waits longer for 5,000 messages than its own limit of patience allows under emulation, which says nothing of the driver.
too_slow=tests/drivers/mqtt/test_faults.py::test_a_pipeline_that_stands_still_makes_the_broker_wait_and_loses_nothing
mkdir -p "$scratch/debs-arm64" "$usb"

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }
# no network, own processes; what stands on standard input is run by the room's shell
# shellcheck disable=SC2016
inside() {
    unshare --net --mount --pid --fork --kill-child bash -c '
        mount --bind "$2" "$1/media"; mount -t proc proc "$1/proc"; ip link set lo up
        mkdir -p "$1/dev/pts"; mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"; ln -sf pts/ptmx "$1/dev/ptmx"
        exec chroot "$1" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 /bin/sh -e
    ' - "$room" "$usb"
}

if ! [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
    mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
    cat /usr/lib/binfmt.d/qemu-aarch64.conf >/proc/sys/fs/binfmt_misc/register
fi
if ! [ -e "$room/complete" ]; then
    say "debootstrap of an arm64 $suite"
    rm -rf "$room"
    debootstrap --arch=arm64 --variant=minbase --include=systemd-sysv,dbus,openssl,ca-certificates,sudo,iproute2 \
        --cache-dir="$scratch/debs-arm64" "$suite" "$room" http://deb.debian.org/debian >"$scratch/debootstrap-arm64.log"
    touch "$room/complete"
fi
if [ -z "${BUNDLE:-}" ]; then
    say "making a bundle for arm64-$suite, signed with a key for this test only"
    openssl genpkey -algorithm ed25519 -out "$scratch/key.pem" 2>/dev/null
    PYTHONPATH=$repository "$repository/.venv/bin/python" "$repository/deploy/bundle.py" --key "$scratch/key.pem" \
        --out "$usb" "arm64-$suite" 2>/dev/null
else
    cp "$BUNDLE" "$BUNDLE.manifest" "$BUNDLE.sig" "$(dirname "$BUNDLE")/bundle.pub" "$(dirname "$BUNDLE")/install.sh" "$usb"
fi
cp "$repository"/deploy/sites/depot.toml "$repository"/deploy/sites/depot-gas.csv "$usb"
say "packages that only the tests need"
"$repository/.venv/bin/python" -m pip download -q --only-binary=:all: --implementation cp --python-version "$python" \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
    --constraint "$repository/constraints.txt" --dest "$usb/tests-only" \
    pytest pytest-asyncio pytest-timeout hypothesis httpx trustme aiosmtpd
rm -rf "$usb/source"
mkdir "$usb/source"
cp -r "$repository"/{gateway,drivers,alerting,simulators,tests,benchmarks,grafana,deploy,docs,pyproject.toml,constraints.txt,README.md} "$usb/source"

say "installing, without network"
begun=$SECONDS
inside <<'ROOM'
uname -m
cd /media
sh install.sh --bundle davylamp-*.tar --site depot.toml --lang en
/opt/davylamp/bin/python -m pip --isolated check
ROOM
say "installed under emulation: $((SECONDS - begun)) s"

say "serving the demo site, as the user davylamp"
inside <<'ROOM'
cd /
setpriv --reuid davylamp --regid davylamp --init-groups \
    /opt/davylamp/bin/davylamp run /etc/davylamp/site.toml --data /var/lib/davylamp >/tmp/gateway.log 2>&1 &
for attempt in $(seq 120); do
    if /opt/davylamp/bin/python -c '
import json, urllib.request
assert json.load(urllib.request.urlopen("http://127.0.0.1:8080/healthz", timeout=10))["working"]
assert b"<html" in urllib.request.urlopen("http://127.0.0.1:8080/", timeout=10).read()' 2>/dev/null; then
        head -2 /tmp/gateway.log
        echo "          the page is served"
        exit 0
    fi
    sleep 1
done
tail -5 /tmp/gateway.log
exit 1
ROOM

say "unit tests: $tests"
inside <<ROOM
/usr/bin/python3 -m venv --system-site-packages /opt/davylamp-tests
echo "\$(echo /opt/davylamp/lib/python*/site-packages)" >\$(echo /opt/davylamp-tests/lib/python*/site-packages)/davylamp.pth
/opt/davylamp-tests/bin/python -m pip --isolated install -q --no-index --find-links /media/tests-only pytest pytest-asyncio \
    pytest-timeout hypothesis httpx trustme aiosmtpd
cp -r /media/source /tmp/source
cd /tmp/source
PYTHONPATH=/tmp/source OPENBLAS_NUM_THREADS=1 /opt/davylamp-tests/bin/python -m pytest -q -p no:cacheprovider \
    -v -o timeout=900 --hypothesis-profile=emulated --durations=20 --deselect $too_slow $tests >/tmp/tests.log 2>&1 || {
        tail -n 40 /tmp/tests.log; exit 1; }
tail -n 1 /tmp/tests.log
ROOM
say "the arm64 room is passed"
