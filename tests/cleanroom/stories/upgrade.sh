# From the version before, with what it has kept; never back without being told.
# shellcheck shell=bash disable=SC2154
if [ -z "${PREVIOUS:-}" ]; then
    say "no PREVIOUS bundle: not upgraded"
    return
fi
fresh
older=/media/usb/previous/$(basename "$PREVIOUS")
inside sh /media/usb/previous/install.sh --bundle "$older" --site /media/usb/depot.toml --lang en >"$scratch/install-$suite.log"
password=$(password)
check "the version before serves" ask serves
secret=$(inside davylamp-broker-client bay-controller 'depot/bay/+' | sed 's/.*: //')
cp "$room/etc/davylamp/tls/ca.crt" "$room/root/ca-of-the-device.crt"
depot
kept() { inside sh -c 'sha256sum /etc/davylamp/site.toml /etc/davylamp/tls/gateway.crt /etc/mosquitto/davylamp/passwd /etc/mosquitto/davylamp/acl /etc/davylamp/bundle.pub'; }
rows() { inside /opt/davylamp/bin/python -c 'import sqlite3; print(sqlite3.connect("file:/var/lib/davylamp/alarms.db?mode=ro", uri=True).execute("SELECT max(position) FROM journal").fetchone()[0])'; }
before=$(kept) journal=$(rows)

say "upgrading, and the power fails in the middle of it"
install en --bundle "/media/usb/$(basename "$bundle")" >"$scratch/cut-$suite.log" 2>&1 &
until grep -q '==> Services' "$scratch/cut-$suite.log"; do sleep 0.05; done
power_cut
wait $! 2>/dev/null || true
begun_anew
timed "again: upgraded" quiet install en --bundle "/media/usb/$(basename "$bundle")"
check "the new version serves" ask serves
check "configuration, certificates and devices are those of before" test "$before" = "$(kept)"
check "so is the journal, and goes on" test "$(rows)" -gt "$journal"
check "unbroken" quiet inside davylamp journal verify
check "the administrator logs in" ask logs_in admin "$password"
check "the device connects" ask connects bay-controller "$secret"
depot
check "commands work by themselves" inside davylamp status

process=$(pid davylamp)
check "the older bundle, rightly signed, is refused" refused 'is installed' inside sh /opt/davylamp/deploy/install.sh --bundle "$older"
check "and nothing was changed" test "$process" = "$(pid davylamp)"
timed "back on purpose" quiet inside sh /opt/davylamp/deploy/install.sh --bundle "$older" --allow-downgrade
check "the version before serves" ask serves
