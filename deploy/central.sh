#!/bin/sh
# The central stack: broker, database, Grafana for many sites.
#   deploy/central.sh init HOST EMAIL SITE...   passwords, certificates, access list; what is there is kept, new sites are added
#   deploy/central.sh packages FOLDER           without containers: Debian's mosquitto and influxdb (1.x), loopback only, until ^C
# HOST: name or address at which gateways reach this machine. EMAIL: whom Grafana's own alert rules call.
# DAVYLAMP_CENTRAL: where `init` keeps what it makes (default: deploy/central beside this script).
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
central=${DAVYLAMP_CENTRAL:-$here/central}
PATH=$PATH:/usr/sbin

usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
refuse() { printf '%s    %s\n' "central.sh: $1" "$2" >&2; exit 1; }
secret() { openssl rand -hex 24; }

certificates() {
    mkdir -p "$central/tls" "$central/mosquitto" "$central/influxdb" "$central/grafana"
    [ -e "$central/tls/ca.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -subj "/CN=Davylamp central" -keyout "$central/ca.key" -out "$central/tls/ca.pem" 2>/dev/null
    [ -e "$central/tls/server.pem" ] && return
    case "$1" in *[!0-9.]*) name="DNS:$1" ;; *) name="IP:$1" ;; esac
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
        -keyout "$central/tls/server.key" -out "$central/server.csr" 2>/dev/null
    printf 'subjectAltName=%s,DNS:influxdb,DNS:localhost\n' "$name" >"$central/server.ext"
    openssl x509 -req -in "$central/server.csr" -CA "$central/tls/ca.pem" -CAkey "$central/ca.key" -CAcreateserial -days 825 \
        -extfile "$central/server.ext" -out "$central/tls/server.pem" 2>/dev/null
    rm -f "$central/server.csr" "$central/server.ext"
}

# Each site writes below its own name and reads what is sent to it; the names of others are closed to it.
site() {
    touch "$central/mosquitto/passwd" "$central/mosquitto/acl"
    grep -q "^user $1\$" "$central/mosquitto/acl" && return
    password=$(secret)
    printf '%s:%s\n' "$1" "$password" >"$central/one"
    mosquitto_passwd -U "$central/one"
    cat "$central/one" >>"$central/mosquitto/passwd"
    rm -f "$central/one"
    printf '\nuser %s\ntopic write davylamp/%s/#\ntopic read davylamp/%s/#\n' "$1" "$1" "$1" >>"$central/mosquitto/acl"
    printf '%s' "$password" >"$central/site-$1.password"
    echo "site $1: password in $central/site-$1.password    站点 $1 的密码见该文件"
}

broker() {
    cat >"$central/mosquitto/mosquitto.conf" <<CONF
per_listener_settings false
allow_anonymous false
listener 8883
certfile /mosquitto/config/server.pem
keyfile /mosquitto/config/server.key
password_file /mosquitto/config/passwd
acl_file /mosquitto/config/acl
tls_version tlsv1.2
persistence true
persistence_location /mosquitto/data/
max_queued_messages 60000
max_inflight_messages 2000
log_dest stderr
CONF
}

# given SERVER UID: its own copy of the key, which nobody else can read; UID: of the server in its image
given() {
    cp "$central/tls/"* "$central/$1/"
    [ "$(id -u)" != 0 ] || chown -R "$2:$2" "$central/$1"
}

init() {
    [ $# -ge 3 ] || usage
    host=$1 email=$2
    shift 2
    case "$email" in *@*) ;; *) refuse "$email is no mail address" "$email 不是邮箱地址" ;; esac
    for name in "$@"; do
        case "$name" in '' | *[!A-Za-z0-9._-]*)
            refuse "$name: a site has letters, digits and . _ - only" "$name：站点名只能包含字母、数字和 . _ -" ;;
        esac
    done
    for program in openssl mosquitto_passwd; do
        command -v "$program" >/dev/null || refuse "$program is missing: apt-get install openssl mosquitto" "缺少 $program，请先安装"
    done
    [ "$(id -u)" = 0 ] || echo "Not root: give mosquitto, influxdb, grafana in $central to users 1883, 1000, 472    非 root：请手动更改这些目录的属主"
    mkdir -p "$central"
    certificates "$host"
    [ -e "$central/.env" ] || printf 'INFLUX_PASSWORD=%s\nINFLUX_TOKEN=%s\nGRAFANA_PASSWORD=%s\nALERT_EMAIL=%s\n' \
        "$(secret)" "$(secret)" "$(secret)" "$email" >"$central/.env"
    for name in "$@"; do site "$name"; done
    broker
    chmod 0711 "$central"
    given mosquitto 1883
    given influxdb 1000
    given grafana 472
    echo "Ready. Next: docker compose --env-file $central/.env -f $here/compose.yml up -d    已就绪，请执行上述命令"
}

packages() {
    [ $# -eq 1 ] || usage
    mkdir -p "$1"
    folder=$(cd "$1" && pwd)
    for program in mosquitto influxd; do
        command -v "$program" >/dev/null || refuse "$program is missing: apt-get install mosquitto influxdb" "缺少 $program，请先安装"
    done
    printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "${MQTT_PORT:-1883}" >"$folder/mosquitto.conf"
    cat >"$folder/influxdb.conf" <<CONF
reporting-disabled = true
bind-address = "127.0.0.1:${INFLUX_RPC_PORT:-8088}"
[meta]
dir = "$folder/influxdb/meta"
[data]
dir = "$folder/influxdb/data"
wal-dir = "$folder/influxdb/wal"
[http]
bind-address = "127.0.0.1:${INFLUX_PORT:-8086}"
log-enabled = false
[monitor]
store-enabled = false
CONF
    mosquitto -c "$folder/mosquitto.conf" >"$folder/mosquitto.log" 2>&1 & broker=$!
    influxd -config "$folder/influxdb.conf" >"$folder/influxdb.log" 2>&1 & database=$!
    trap 'kill $broker $database 2>/dev/null; wait; exit 0' INT TERM
    echo "mqtt://127.0.0.1:${MQTT_PORT:-1883} http://127.0.0.1:${INFLUX_PORT:-8086} (log: $folder)"
    wait
}

case "${1:-}" in
    init) shift; init "$@" ;;
    packages) shift; packages "$@" ;;
    *) usage ;;
esac
