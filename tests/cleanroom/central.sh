#!/bin/bash
# `make cleanroom-central`: the central stack out of Debian's packages (deploy/central.sh packages) in a Debian that has
# nothing; then a gateway writes into its database with the name and password of its site, and its own broker is bridged to
# the one of the centre. The packages come from the internet; the room itself has none. Needs root, debootstrap,
# systemd-nspawn, and mosquitto and its clients here. Environment: SUITE (bookworm); scratch is build/cleanroom.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
suite=${SUITE:-bookworm} target=$(dpkg --print-architecture)-${SUITE:-bookworm}
scratch=$repository/build/cleanroom
room=$scratch/centre
site=$scratch/gateway
# shellcheck source=tests/cleanroom/room.sh
. "$repository/tests/cleanroom/room.sh"
started=()
ended() {
    if [ ${#started[@]} -gt 0 ]; then kill "${started[@]}" 2>/dev/null || true; fi
    power_cut
}
trap ended EXIT
export PATH=$PATH:/usr/sbin PYTHONPATH=$repository OPENBLAS_NUM_THREADS=1
python=$repository/.venv/bin/python
centre=/etc/davylamp-central

outside() { nsenter --target "$leader" --net "$@"; }   # a program of this machine in the network of the room
central() { inside env DAVYLAMP_CENTRAL=$centre sh /media/deploy/central.sh "$@"; }
again() { boot --bind-ro="$repository/deploy":/media/deploy; }
installed() { timed "packages" central packages 127.0.0.1 duty@example.org depot works >"$scratch/central.log" 2>&1 || {
    tail -n 20 "$scratch/central.log"; return 1; }; }
digest() { (cd "$room$centre" && find . -type f ! -name '*.pem' | sort | xargs sha256sum | sha256sum); }
password() { cat "$room$centre/$1"; }
ask() {   # ask USER PASSWORD SENTENCE [DATABASE]: what the database answers
    outside curl -s --cacert "$site/ca.pem" -u "$1:$2" --get https://127.0.0.1:8086/query \
        --data-urlencode "q=$3" --data-urlencode "db=${4:-davylamp}"
}
admin() { ask admin "$(password influxdb/password)" "$@"; }
soon() {   # soon COMMAND...: within twelve minutes: where nobody knows the time, samples wait for it for ten
    for _ in $(seq 720); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 1
    done
    return 1
}
counted() { admin "SELECT count(*) FROM $1 WHERE site = 'depot'" "${2:-davylamp}" | grep -q '"values"'; }
refused() { ask "$@" | grep -qE '"error":"(authorization failed|error authorizing)'; }
no_database() { ! admin 'SHOW DATABASES' | grep -q other; }
listens() { inside ss -ltnH | awk '{print $4}' | sort -u | tr '\n' ' '; }
only_encrypted() { [ "$(listens | sed 's/\[::\]:8883 //')" = "*:8086 0.0.0.0:8883 127.0.0.1:8088 " ]; }
heard() {   # heard SITE TOPIC: the centre has something retained there that this site may read
    outside mosquitto_sub -h 127.0.0.1 -p 8883 --cafile "$site/ca.pem" -u "$1" -P "$(password "site-$1.password")" \
        -t "$2" -C 1 -W 3
}
unheard() { ! heard "$@" >/dev/null 2>&1; }
bare() { inside sh -c '! test -e /usr/sbin/mosquitto && ! test -e /usr/bin/influxd' && [ -z "$(inside ss -ltnH)" ]; }
works() {
    inside systemctl is-active -q mosquitto && inside systemctl is-active -q influxdb && admin 'SHOW USERS' | grep -q works
}
start() { outside "$@" & started+=($!); }

pristine
copied
say "fetching Debian's packages, while there is a network"
quiet chroot "$room" apt-get update -q
quiet chroot "$room" apt-get install -y -q --no-install-recommends --download-only mosquitto influxdb influxdb-client curl
again
check "no broker, no database, nothing listens" bare

say "central.sh packages"
check "installed" installed
rm -rf "$site"
mkdir -p "$site"
cp "$room$centre/tls/ca.pem" "$site"
check "both serve" works
check "encrypted ports only, and the loopback: $(listens)" only_encrypted
check "the database asks who is there" refused nobody wrong 'SHOW DATABASES'
check "no site reads the data of others" refused depot "$(password site-depot.password)" 'SELECT * FROM site'
ask depot "$(password site-depot.password)" 'CREATE DATABASE other' >/dev/null
check "no site makes databases" no_database
setup() {
    outside "$python" -m gateway influx setup --url https://127.0.0.1:8086 --ca "$site/ca.pem" --username admin \
        --password-file "$room$centre/influxdb/password" | sed 's/^/          /'
}
check "davylamp influx setup finds what it needs" setup
before=$(digest)
check "again" installed
check "the same passwords and names" test "$before" = "$(digest)"

say "a gateway of the site depot, with its own broker, in the same network"
password site-depot.password >"$site/password"
cat >"$site/mosquitto.conf" <<CONF
listener 1883 127.0.0.1
allow_anonymous true
user root
$(sed -e 's/SITE/depot/g' -e 's/CENTRE/127.0.0.1/' -e "s|^bridge_cafile .*|bridge_cafile $site/ca.pem|" \
    -e "s/PASSWORD/$(password site-depot.password)/" "$repository/deploy/mosquitto-bridge.conf")
CONF
cp "$repository/deploy/sites/depot-gas.csv" "$site"
{ cat "$repository/deploy/sites/depot.toml"; cat <<'TOML'; } >"$site/depot.toml"

[centre]
host = "127.0.0.1"
port = 1883
every = "5s"

[[sinks]]
type = "influx"
id = "centre"
url = "https://127.0.0.1:8086"
api = "v1"
database = "davylamp"
raw_database = "davylamp_raw"
username = "depot"
password_file = "password"
ca = "ca.pem"
TOML
cd "$site"
start mosquitto -c "$site/mosquitto.conf" >"$scratch/bridge.log" 2>&1
start "$python" -m simulators --no-mqtt >"$scratch/depot.log" 2>&1
start "$python" -m gateway run depot.toml --data data >"$scratch/gateway.log" 2>&1
check "its row of the site is in the database, with the name of the site" soon counted site
check "its report is at the centre" soon heard depot davylamp/depot/report
check "and its bridge" soon heard depot davylamp/depot/bridge
check "another site does not see it" unheard works davylamp/depot/report
outside mosquitto_pub -h 127.0.0.1 -p 8883 --cafile "$site/ca.pem" -u works -P "$(password site-works.password)" -q 1 \
    -t davylamp/depot/forged -m forged -r || true
check "nor writes in its name" unheard depot davylamp/depot/forged
check "its samples are in the database" soon counted telemetry davylamp_raw

say "a power cut of the centre"
rows() { admin "SELECT count(risk) FROM site WHERE site = 'depot'" | sed -n 's/.*"values":\[\[[^,]*,\([0-9]*\)\]\].*/\1/p'; }
had=$(rows)
power_cut
kill "${started[@]}" 2>/dev/null || true
started=()
again
check "it serves by itself" soon works
check "nothing that was taken is gone ($had rows of the site)" test "$(rows)" -ge "$had"

say "central.sh remove"
central remove >/dev/null
check "the database is off, nothing listens to the network" inside sh -c '! systemctl is-active -q influxdb &&
    ! ss -ltnH | grep -qvE "127.0.0.1|\[::1\]"'
check "data and passwords are left" test "$before" = "$(digest)" -a -d "$room/var/lib/influxdb/data/davylamp"
check "installed again" installed
check "it serves with the same passwords" works
say "the central clean room is passed"
