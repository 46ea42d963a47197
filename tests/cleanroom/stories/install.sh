# From nothing to a gateway that serves the demo site, again, after a kill, after a power cut, and away.
# shellcheck shell=bash disable=SC2154
fresh
check "neither Python nor mosquitto is there" bare
check "no way out of this machine" offline
timed "installed" install en | tee "$scratch/install-$suite.log"
check "a first administrator was made" grep -q 'admin may log in' "$scratch/install-$suite.log"
check "mosquitto, davylamp are running" inside systemctl is-active -q mosquitto davylamp
check "the page of the demo site is served" ask serves
check "it asks who is there" ask asks_who
check "the administrator logs in" ask logs_in admin "$(password)"
check "the broker speaks TLS to the network" inside sh -c 'openssl s_client -connect 127.0.0.1:8883 -CAfile /etc/davylamp/tls/ca.crt \
    -verify_return_error </dev/null 2>/dev/null | grep -q "Verify return code: 0"'
check "the broker has let the gateway in by its name" said mosquitto "u'davylamp'"
check "its journal has records with fields" said davylamp . LOGGER=drivers.modbus.poller
depot
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
check "it is back" ask serves
power_cut
begun_anew
check "it starts by itself" ask serves

say "uninstalling"
quiet inside sh /opt/davylamp/deploy/install.sh --uninstall
check "no program is left" inside sh -c '! test -e /opt/davylamp && ! test -e /usr/local/bin/davylamp && ! systemctl is-active -q davylamp'
check "nor the token of this machine" inside sh -c '! test -e /etc/davylamp-admin && ! grep -q "\"digest\"" /var/lib/davylamp/accounts.json'
check "data and configuration are" inside test -s /var/lib/davylamp/alarms.db -a -s /etc/davylamp/site.toml
timed "installed again" quiet install zh
check "it serves" ask serves
quiet inside sh /opt/davylamp/deploy/install.sh --uninstall --purge
check "purged" inside sh -c '! test -e /var/lib/davylamp && ! test -e /etc/davylamp && ! getent passwd davylamp >/dev/null'
