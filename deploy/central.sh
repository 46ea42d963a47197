#!/bin/sh
# The central stack: broker, database, Grafana for many sites.
#   deploy/central.sh init HOST EMAIL SITE...       passwords, certificates, access list, for containers (deploy/compose.yml)
#   deploy/central.sh packages HOST EMAIL SITE...   without containers: Debian's mosquitto and influxdb (1.x) as services
#   deploy/central.sh remove                        these services again; data, passwords and packages stay
# Run again, both keep what is there and add new sites. HOST: name or address at which gateways reach this machine. EMAIL:
# whom Grafana's own alert rules call. DAVYLAMP_CENTRAL: where all of it is kept (default: deploy/central beside this script).
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
central=${DAVYLAMP_CENTRAL:-$here/central}
PATH=$PATH:/usr/sbin
broker_conf=/etc/mosquitto/conf.d/davylamp-central.conf
broker_home=/etc/mosquitto/davylamp-central
database_home=/etc/influxdb/davylamp-central
database_unit=/etc/systemd/system/influxdb.service.d/davylamp-central.conf

usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
refuse() { printf '%s    %s\n' "central.sh: $1" "$2" >&2; exit 1; }
secret() { openssl rand -hex 24; }
kept() { [ -e "$1" ] || printf '%s' "$(secret)" >"$1"; }

certificates() {
    mkdir -p "$central/tls" "$central/mosquitto" "$central/influxdb" "$central/grafana"
    [ -e "$central/tls/ca.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -subj "/CN=Davylamp central" -keyout "$central/ca.key" -out "$central/tls/ca.pem" 2>/dev/null
    [ -e "$central/tls/server.pem" ] && return
    case "$1" in *:*) name="IP:$1" ;; *[!0-9.]*) name="DNS:$1" ;; *) name="IP:$1" ;; esac
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
        -keyout "$central/tls/server.key" -out "$central/server.csr" 2>/dev/null
    printf 'subjectAltName=%s,DNS:influxdb,DNS:localhost,IP:127.0.0.1\n' "$name" >"$central/server.ext"
    openssl x509 -req -in "$central/server.csr" -CA "$central/tls/ca.pem" -CAkey "$central/ca.key" -CAcreateserial -days 825 \
        -extfile "$central/server.ext" -out "$central/tls/server.pem" 2>/dev/null
    rm -f "$central/server.csr" "$central/server.ext"
}

# account NAME FILE RULE...: a name at the broker, its password in FILE, what it may do; who is there stays as he is
account() {
    who=$1 file=$2
    shift 2
    touch "$central/mosquitto/passwd" "$central/mosquitto/acl"
    grep -qxF "user $who" "$central/mosquitto/acl" && return
    password=$(secret)
    printf '%s' "$password" >"$central/$file"   # first: a name that is in the access list gets no other
    printf '%s:%s\n' "$who" "$password" >"$central/one"
    mosquitto_passwd -U "$central/one"
    cat "$central/one" >>"$central/mosquitto/passwd"
    rm -f "$central/one"
    { printf '\nuser %s\n' "$who"; printf 'topic %s\n' "$@"; } >>"$central/mosquitto/acl"
    echo "$who: password in $central/$file    $who 的密码见该文件"
}

# Each site writes below its own name and reads what is sent to it; the names of others are closed to it.
site() { account "$1" "site-$1.password" "write davylamp/$1/#" "read davylamp/$1/#"; }

# broker FOLDER: its configuration, whose files it reads there
broker() {
    cat <<CONF
per_listener_settings false
allow_anonymous false
listener 8883
certfile $1/server.pem
keyfile $1/server.key
password_file $1/passwd
acl_file $1/acl
tls_version tlsv1.2
max_queued_messages 60000
max_inflight_messages 5000
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
        fleet) refuse "fleet is the name of the one who looks (davylamp fleet)" "fleet 是 davylamp fleet 所用的名称" ;;
        admin | grafana | centre) refuse "$name is a user of the database itself" "$name 是数据库自身的用户名" ;;
        esac
    done
    for program in openssl mosquitto_passwd; do
        command -v "$program" >/dev/null || refuse "$program is missing: apt-get install openssl mosquitto" "缺少 $program，请先安装"
    done
    mkdir -p "$central"
    certificates "$host"
    kept "$central/influxdb/password"
    kept "$central/influxdb/token"
    kept "$central/influxdb/centre.password"
    kept "$central/grafana/password"
    [ -e "$central/.env" ] || printf 'COMPOSE_PROJECT_NAME=davylamp-central\nINFLUX_TOKEN=%s\nALERT_EMAIL=%s\n' \
        "$(cat "$central/influxdb/token")" "$email" >"$central/.env"
    account fleet fleet.password 'read davylamp/#'
    for name in "$@"; do site "$name"; done
}

containers() {
    init "$@"
    [ "$(id -u)" = 0 ] || echo "Not root: give mosquitto, influxdb, grafana in $central to users 1883, 1000, 472    非 root：请手动更改这些目录的属主"
    { broker /mosquitto/config
      printf 'persistence true\npersistence_location /mosquitto/data/\nlog_dest stderr\n'; } >"$central/mosquitto/mosquitto.conf"
    chmod 0711 "$central"
    given mosquitto 1883
    given influxdb 1000
    given grafana 472
    echo "Ready. Next: docker compose --env-file $central/.env -f $here/compose.yml up -d    已就绪，请执行上述命令"
}

# install FOLDER GROUP FILE...: a folder of a service that only it can read
install_for() {
    folder=$1 group=$2
    shift 2
    install -d -m 0750 -o root -g "$group" "$folder"
    install -m 0640 -o root -g "$group" "$@" "$folder"
}

# As the administrator of the database; sentences come by stdin, so that no password is in the list of processes.
tell() {
    SSL_CERT_FILE=$central/tls/ca.pem INFLUX_USERNAME=admin INFLUX_PASSWORD=$(cat "$central/influxdb/password") \
        influx -ssl -host 127.0.0.1 "$@"
}

database() {
    install_for "$database_home" influxdb "$central/tls/server.pem" "$central/tls/server.key"
    cat >"$database_home/influxdb.conf" <<CONF
reporting-disabled = true
bind-address = "127.0.0.1:8088"
[meta]
dir = "/var/lib/influxdb/meta"
[data]
dir = "/var/lib/influxdb/data"
wal-dir = "/var/lib/influxdb/wal"
[http]
bind-address = ":8086"
auth-enabled = true
https-enabled = true
https-certificate = "$database_home/server.pem"
https-private-key = "$database_home/server.key"
log-enabled = false
[monitor]
store-enabled = false
CONF
    chmod 0640 "$database_home/influxdb.conf"
    chgrp influxdb "$database_home/influxdb.conf"
    mkdir -p "$(dirname "$database_unit")"
    chmod 0755 "$(dirname "$database_unit")"
    printf '[Service]\nExecStart=\nExecStart=/usr/bin/influxd -config %s/influxdb.conf\n' "$database_home" >"$database_unit"
    chmod 0644 "$database_unit"
    systemctl daemon-reload
    systemctl enable --quiet influxdb
    systemctl restart influxdb
    for _ in $(seq 60); do
        if ! tell -execute 'SHOW DATABASES' 2>&1 | grep -q 'Failed to connect'; then return; fi
        sleep 1
    done
    refuse "the database does not start: journalctl -u influxdb" "数据库未能启动：journalctl -u influxdb"
}

# Each site has a user that may write and not read; Grafana has one that may read and not write.
users() {
    echo "CREATE USER admin WITH PASSWORD '$(cat "$central/influxdb/password")' WITH ALL PRIVILEGES" | tell
    there=$(echo 'SHOW DATABASES' | tell)
    { for one in 'davylamp 730d' 'davylamp_raw 30d'; do
          printf '%s\n' "$there" | grep -qx "${one% *}" || echo "CREATE DATABASE ${one% *} WITH DURATION ${one#* } NAME autogen;"
      done
      echo "CREATE USER grafana WITH PASSWORD '$(cat "$central/grafana/password")';"
      echo 'GRANT READ ON davylamp TO grafana; GRANT READ ON davylamp_raw TO grafana;'
      echo "CREATE USER centre WITH PASSWORD '$(cat "$central/influxdb/centre.password")'; GRANT WRITE ON davylamp TO centre;"
      sed -n 's/^user //p' "$central/mosquitto/acl" | grep -vx fleet | while read -r name; do
          echo "CREATE USER \"$name\" WITH PASSWORD '$(cat "$central/site-$name.password")';"
          echo "GRANT WRITE ON davylamp TO \"$name\"; GRANT WRITE ON davylamp_raw TO \"$name\";"
      done; } | tell
}

# Once a minute it tells how full its disk is, as itself in the dashboards: nobody else sees that.
disk() {
    install -d -m 0755 /usr/local/lib/davylamp-central
    install -m 0755 "$here/central-disk.sh" /usr/local/lib/davylamp-central/
    printf '[Unit]\nDescription=Davylamp central: room on the disk of the databases\n[Service]\nType=oneshot\nExecStart=%s %s\n' \
        /usr/local/lib/davylamp-central/central-disk.sh \
        "https://127.0.0.1:8086 davylamp /var/lib/influxdb centre $central/influxdb/centre.password $central/tls/ca.pem" \
        >/etc/systemd/system/davylamp-central-disk.service
    printf '[Timer]\nOnBootSec=1min\nOnUnitActiveSec=1min\nAccuracySec=5s\n[Install]\nWantedBy=timers.target\n' \
        >/etc/systemd/system/davylamp-central-disk.timer
    chmod 0644 /etc/systemd/system/davylamp-central-disk.*
    systemctl daemon-reload
    systemctl enable --quiet --now davylamp-central-disk.timer
}

packages() {
    [ $# -ge 3 ] || usage
    [ "$(id -u)" = 0 ] || refuse "must run as root" "必须以 root 身份运行"
    [ ! -e /etc/mosquitto/davylamp ] || refuse "a gateway is installed here, and its broker is in the way: take another machine" \
        "本机已安装网关，其消息服务器与中心冲突：请换一台机器"
    if ! command -v mosquitto_passwd >/dev/null || ! command -v influxd >/dev/null || ! command -v influx >/dev/null; then
        # As they come they start at once, the database open to everybody: they wait until they are configured.
        systemctl mask --runtime --quiet mosquitto influxdb
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
            openssl curl mosquitto influxdb influxdb-client >/dev/null
    fi
    init "$@"
    systemctl unmask --runtime --quiet mosquitto influxdb
    install_for "$broker_home" mosquitto "$central/tls/server.pem" "$central/tls/server.key" \
        "$central/mosquitto/passwd" "$central/mosquitto/acl"
    broker "$broker_home" >"$broker_conf"
    chmod 0644 "$broker_conf"
    systemctl enable --quiet mosquitto
    systemctl restart mosquitto
    database
    users
    disk
    echo "Ready: mqtts://$1:8883 and https://$1:8086; each site: its name, password in $central/site-SITE.password    已就绪"
    echo "Grafana: user grafana, password in $central/grafana/password, CA $central/tls/ca.pem    Grafana 用户与密码"
}

remove() {
    [ "$(id -u)" = 0 ] || refuse "must run as root" "必须以 root 身份运行"
    systemctl disable --quiet --now influxdb davylamp-central-disk.timer || true
    rm -rf /etc/systemd/system/davylamp-central-disk.* /usr/local/lib/davylamp-central
    rm -rf "$broker_conf" "$broker_home" "$database_home" "$database_unit"
    systemctl daemon-reload
    systemctl try-restart mosquitto || true
    echo "Removed. /var/lib/influxdb, $central and the packages are left: apt-get purge mosquitto influxdb influxdb-client    已移除，数据与密码保留"
}

case "${1:-}" in
    init) shift; containers "$@" ;;
    packages) shift; packages "$@" ;;
    remove) remove ;;
    *) usage ;;
esac
