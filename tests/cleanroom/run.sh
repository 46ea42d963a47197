#!/bin/bash
# `make cleanroom`: a Debian that has never seen Davylamp, booted without any network, goes from nothing to serving the
# demo site, from the offline bundle; and what a technician does with it afterwards. Needs root, debootstrap,
# systemd-nspawn, and internet for the bundle and the Debian (not for the installation). The log is printed; scratch is
# build/cleanroom. Environment:
#   SUITE     bookworm, trixie
#   BUNDLE    one that is there already; else one is made
#   PREVIOUS  a bundle of an earlier version, signed by the same key: the gateway is upgraded from it
#   NAME      of this room, where several are run at once
#   STORIES   of tests/cleanroom/stories (all but online, which needs slirp4netns)
#   CUTS      where installations are cut off: lines of seconds and the step after which they are counted; empty: none
#   RANDOM_CUTS, SEED   so many more at random moments
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
suite=${SUITE:-bookworm} target=$(dpkg --print-architecture)-${SUITE:-bookworm}
stories=${STORIES-install hand change replaced upgrade cuts}
cuts=${CUTS-'4 Debian packages
5 Programs
0 User, folders
0 Message broker
0 Commands on
0.2 Services'}
random_cuts=${RANDOM_CUTS:-2} seed=${SEED:-$RANDOM}
export cuts random_cuts seed   # for the stories
scratch=$repository/build/cleanroom
room=$scratch/room-$target${NAME:-}
usb=$scratch/usb-$target
story=bundle
# shellcheck source=tests/cleanroom/room.sh
. "$here/room.sh"
# shellcheck source=tests/cleanroom/gateway.sh
. "$here/gateway.sh"

if [ -z "${BUNDLE:-}" ]; then
    say "making a bundle for $target, signed with a key for this test only"
    openssl genpkey -algorithm ed25519 -out "$scratch/key.pem" 2>/dev/null
    rm -rf "$usb"
    timed "bundle made" env PYTHONPATH="$repository" "$repository/.venv/bin/python" "$repository/deploy/bundle.py" \
        --key "$scratch/key.pem" --out "$usb" "$target" 2>/dev/null
    BUNDLE=$(ls "$usb"/davylamp-*.tar)
fi
bundle=$BUNDLE
on_usb() {   # on_usb BUNDLE FOLDER: with what belongs to it
    mkdir -p "$2"
    cp "$1" "$1.manifest" "$1.sig" "$(dirname "$1")/bundle.pub" "$(dirname "$1")/install.sh" "$2"
}
if [ "$(dirname "$bundle")" != "$usb" ]; then
    rm -rf "$usb"
    on_usb "$bundle" "$usb"
fi
if [ -n "${PREVIOUS:-}" ]; then on_usb "$PREVIOUS" "$usb/previous"; fi
# The demo site, but for its broker (the one that is installed, which lets nobody in without a name) and its page (by TLS).
named='username = "davylamp"\npassword_file = "/etc/davylamp/secrets/broker-password"'
by_tls='[api]\ntls_cert = "/etc/davylamp/tls/gateway.crt"\ntls_key = "/etc/davylamp/tls/gateway.key"'
sed -e "s|^port = 18830|$named|" -e "s|^\[api\]|$by_tls|" "$repository/deploy/sites/depot.toml" >"$usb/depot.toml"
cp "$repository/deploy/sites/depot-gas.csv" "$usb"
{ cat "$repository/deploy/sites/minimal.toml"; printf '\n%b\n' "$by_tls"; } >"$usb/minimal.toml"
pristine

say "$suite, booted by systemd-nspawn: systemd is process 1, no network but loopback"
for story in $stories; do
    say "--- $story"
    # shellcheck source=/dev/null
    . "$here/stories/$story.sh"
done
say "the clean room is passed: $stories"
