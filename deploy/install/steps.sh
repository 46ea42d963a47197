# Sourced by deploy/install.sh when the machine is fit and the bundle is good: what an installed gateway consists of, each
# step so that doing it again changes nothing. Sets nothing of its own up half: files are written beside and moved over.
# shellcheck shell=sh disable=SC2154
# (SC2154: site, watch, bundle, key, arch, suite, source, release, name, lang are set by install.sh)

releases=/opt/davylamp-releases new=/opt/davylamp-releases/$release
config=/etc/davylamp data=/var/lib/davylamp broker=/etc/mosquitto/davylamp admin=/etc/davylamp-admin
broker_secret=$config/secrets/broker-password
tls=$config/tls

changes=/run/davylamp-install.changes   # what differs from before, also before an installation that was broken off

# put MODE OWNER TARGET: standard input becomes TARGET, whole or not at all
put() {
    cat >"$3.new"
    chmod "$1" "$3.new"
    chown "$2" "$3.new"
    if ! cmp -s "$3.new" "$3"; then echo "$3" >>"$changes"; fi
    mv -f "$3.new" "$3"
}

booted() { [ -d /run/systemd/system ]; }
running() { booted && systemctl is-active --quiet "$1"; }

packages() {
    step "Debian packages" "安装 Debian 软件包"
    export DEBIAN_FRONTEND=noninteractive
    if [ -n "$(dpkg --audit)" ]; then dpkg --configure -a; fi   # an installation that a power cut ended
    set -- python3 python3-venv mosquitto openssl
    missing=''
    for package in "$@"; do
        case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
            *' ok installed') ;;
            *) missing="$missing $package" ;;
        esac
    done
    if [ -z "$missing" ]; then note "all are there" "均已安装"; return; fi
    note "$missing" "$missing"
    if [ -n "$bundle" ]; then
        # A repository of its own: apt takes from it what is missing, and asks no other. The bundle's signature stands for it.
        chmod 755 "$unpacked"
        mkdir -p "$unpacked/apt/lists/partial" "$unpacked/apt/cache/archives/partial"
        echo "deb [trusted=yes] file:$unpacked/debs/$arch-$suite ./" >"$unpacked/apt/sources.list"
        set -- -qq -o "Dir::Etc::SourceList=$unpacked/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
            -o "Dir::State::Lists=$unpacked/apt/lists" -o "Dir::Cache=$unpacked/apt/cache" -o APT::Sandbox::User=root
    else
        set -- -qq
    fi
    # shellcheck disable=SC2086
    { apt-get "$@" update && apt-get "$@" install -y --no-install-recommends $missing; } >/var/log/davylamp-install.log 2>&1 || {
        tail -n 5 /var/log/davylamp-install.log >&2
        refuse "apt-get could not install:$missing" "read /var/log/davylamp-install.log; without internet use --bundle" \
            "apt-get 无法安装：$missing" "请查看 /var/log/davylamp-install.log；没有互联网时请使用 --bundle"
    }
}

# A release is a folder of its own and complete or not there; /opt/davylamp points at the one in use.
programs() {
    step "Programs, release $release" "安装程序，版本 $release"
    if [ -e "$new/complete" ]; then note "is there" "已安装"; return; fi
    rm -rf "$new"
    mkdir -p "$releases"
    /usr/bin/python3 -m venv "$new"
    if [ -n "$bundle" ]; then
        "$new/bin/python" -m pip --isolated install -q --disable-pip-version-check --no-cache-dir --no-index --no-deps \
            --require-hashes --find-links "$unpacked/wheels" -r "$unpacked/requirements-$arch-$suite.txt" || wheels_refused
    else
        "$new/bin/python" -m pip install -q --disable-pip-version-check --no-cache-dir \
            --constraint "$source/constraints.txt" "$source" || wheels_refused
    fi
    cp -r "$source/deploy" "$new/deploy"
    if [ -n "$bundle" ]; then sed -n '/^version /p; /^built /p' "$manifest"; else
        "$new/bin/davylamp" --version | sed 's/.* /version /'
    fi >"$new/release"
    sync
    : >"$new/complete"
    sync
}

wheels_refused() {
    refuse "the Python packages can not be installed" "see the message above" "无法安装 Python 软件包" "请查看上面的信息"
}

people() {
    step "User, folders and the broker's password" "创建用户、目录和代理密码"
    if ! getent group davylamp >/dev/null; then groupadd --system davylamp; fi
    if ! getent passwd davylamp >/dev/null; then
        useradd --system --gid davylamp --groups dialout --home-dir "$data" --no-create-home --shell /usr/sbin/nologin davylamp
    fi
    # The gateway replaces its site file (`davylamp apply`); the key of bundles and the certificates stay root's.
    install -d -m 1770 -o root -g davylamp "$config"
    install -d -m 0700 -o davylamp -g davylamp "$config/secrets"
    install -d -m 0750 -o davylamp -g davylamp "$data"
    if ! [ -s "$broker_secret" ]; then
        openssl rand -base64 24 | put 0600 davylamp:davylamp "$broker_secret"
        if [ -e "$broker/passwd" ]; then sed -i '/^davylamp:/d' "$broker/passwd"; fi
    fi
}

# An authority of this site's own, and a certificate of it for the page and the broker, issued anew in its last two months.
certificates() {
    step "Certificates" "签发证书"
    install -d -m 0750 -o root -g davylamp "$tls"
    if ! [ -s "$tls/ca.crt" ]; then "$new/bin/davylamp" ca create --folder "$tls" --lang "$lang" >/dev/null; fi
    if openssl x509 -checkend 5184000 -noout -in "$tls/gateway.crt" >/dev/null 2>&1; then
        note "are there" "已签发"
    elif ! [ -s "$tls/ca.key" ]; then   # taken off the gateway, as it should be
        note "to renew them, bring back $tls/ca.key and run this again" "续签需要放回 $tls/ca.key 后重新运行"
    else
        set -- --dns "$(hostname)" --dns "$(hostname).local" --dns localhost --ip 127.0.0.1
        for one in $(printf '%s\n' "$facts" | sed -n 's/^name //p') $(hostname -I); do
            case "$one" in *[!0-9.]*) kind=--dns ;; *) kind=--ip ;; esac
            case "$one" in *:*) kind=--ip ;; esac
            set -- "$@" "$kind" "$one"
        done
        "$new/bin/davylamp" ca issue gateway --folder "$tls" --lang "$lang" "$@" >/dev/null
        echo "$tls/gateway.crt" >>"$changes"
    fi
    chgrp davylamp "$tls/gateway.key"
    chmod 0640 "$tls/gateway.key"
}

# Before anything that runs is changed: the site file, and what stands in its way.
judge() {
    step "Checking $site" "检查 $site"
    "$new/bin/davylamp" check "$site" --lang "$lang" || refuse "the site file has errors; the gateway was not changed" \
        "correct them and run this again" "站点配置文件有错误，网关未做改动" "请更正后重新运行"
    if [ -n "$watch" ]; then "$new/bin/davylamp" watch "$watch" --check --lang "$lang" || exit 1; fi
    unnamed=$(printf '%s\n' "$facts" | sed -n 's/^unnamed //p' | tr '\n' ' ')
    [ -z "$unnamed" ] || refuse "the broker of this machine lets nobody in without a name, and these sections have none: $unnamed" \
        "add to each: username = \"davylamp\" and password_file = \"$broker_secret\"" \
        "本机消息代理不允许匿名连接，以下配置段未设用户名：$unnamed" \
        "请在各段中添加 username = \"davylamp\" 和 password_file = \"$broker_secret\""
    printf '%s\n' "$facts" | sed -n 's/^listens //p' | while read -r unit address port; do
        if running "$unit"; then continue; fi
        "$new/bin/python" "$source/deploy/install/site.py" --free "$address" "$port" ||
            refuse "port $port of $address is taken by another program" \
                "see which: sudo ss -ltnp 'sport = :$port'; stop it, or give another port in the site file" \
                "$address 的端口 $port 已被其他程序占用" \
                "请用 sudo ss -ltnp 'sport = :$port' 查看，停止该程序或在站点文件中改用其他端口"
    done
}

configuration() {
    step "Configuration" "安装配置"
    if [ -n "$key" ] && [ "$key" != "$config/bundle.pub" ]; then put 0644 root:root "$config/bundle.pub" <"$key"; fi
    if [ "$site" = "$config/site.toml" ]; then
        note "the site file stays" "站点文件保持不变"
    elif [ -e "$config/site.toml" ] && ! cmp -s "$site" "$config/site.toml"; then
        # A limit that becomes laxer is shown and asked for by `apply`; an installation is not the way round it.
        note "this gateway has another site file already, which stays. To change it: sudo davylamp apply $site" \
            "此网关已有不同的站点文件，保持不变。如需更改：sudo davylamp apply $site"
    else
        printf '%s\n' "$facts" | sed -n 's/^beside //p' | while read -r file; do
            folder=$(dirname -- "$config/$file")
            if ! [ -d "$folder" ]; then install -d -o davylamp -g davylamp "$folder"; fi
            put 0640 davylamp:davylamp "$config/$file" <"$(dirname -- "$site")/$file"
        done
        put 0640 davylamp:davylamp "$config/site.toml" <"$site"
    fi
    if [ -n "$watch" ]; then
        put 0640 root:davylamp "$config/watch.toml" <"$watch"
    fi
}

message_broker() {
    step "Message broker (mosquitto)" "配置消息代理（mosquitto）"
    install -d -m 0750 -o root -g mosquitto "$broker" "$broker/conf.d"
    put 0640 root:mosquitto "$broker/broker.crt" <"$tls/gateway.crt"
    put 0640 root:mosquitto "$broker/broker.key" <"$tls/gateway.key"
    {
        cat "$source/deploy/mosquitto/listeners.conf" "$source/deploy/mosquitto/tls.conf"
        echo
        sed -n '/^# --- nothing is lost/,$p' "$source/deploy/mosquitto.conf"
        # last: what follows a bridge would belong to it
        printf '\n# The line to a centre (deploy/mosquitto-bridge.conf): *.conf in here, never overwritten.\n'
        echo "include_dir $broker/conf.d"
    } | put 0640 root:mosquitto "$broker/mosquitto.conf"
    # Who may do what is the technician's from here on (davylamp-broker-client): never overwritten.
    if ! [ -e "$broker/acl" ]; then put 0640 root:mosquitto "$broker/acl" <"$source/deploy/mosquitto/acl"; fi
    if ! grep -qs '^davylamp:' "$broker/passwd"; then
        "$source/deploy/mosquitto/davylamp-broker-client" --gateway <"$broker_secret"
    fi
    install -m 0755 "$source/deploy/mosquitto/davylamp-broker-client" /usr/local/sbin/davylamp-broker-client
    install -d /etc/systemd/system/mosquitto.service.d
    put 0644 root:root /etc/systemd/system/mosquitto.service.d/davylamp.conf <"$source/deploy/mosquitto/unit.conf"
}

# Somebody who may let others in. The password is shown in the report and is nowhere else.
first_administrator() {
    step "First administrator" "创建首个管理员"
    if [ -n "$(as_davylamp account list)" ]; then note "there are accounts" "已有账户"; return; fi
    password=$(as_davylamp account add "$name" --role administrator --generate --lang "$lang" 2>&1)
}

# Commands on this machine show a token of this machine: root may read it, and the group davylamp-admin. Whoever revokes
# it does not get it back by an upgrade: the dead file stays (to have one again: remove it and run this once more).
local_access() {
    step "Commands on this machine" "配置本机命令"
    if ! getent group davylamp-admin >/dev/null; then groupadd --system davylamp-admin; fi
    install -d -m 0755 -o root -g davylamp-admin "$admin"
    put 0644 root:root "$admin/ca.crt" <"$tls/ca.crt"   # for everybody: who may do nothing is told so, by the right gateway
    if ! [ -s "$admin/token" ]; then
        # made by an installation that was broken off before the file was there
        if as_davylamp token list | grep -q '^local '; then as_davylamp token revoke local >/dev/null; fi
        token=$(as_davylamp token create local --role engineer --days 3650 2>/dev/null)
        printf '%s\n' "$token" | put 0640 root:davylamp-admin "$admin/token"
    fi
}

as_davylamp() { (cd / && runuser -u davylamp -- "$new/bin/davylamp" "$@" --data "$data"); }

# shellcheck disable=SC2086
units() {
    step "Services" "安装系统服务"
    if [ "$(readlink /opt/davylamp)" != "$new" ]; then
        ln -sfn "$new" /opt/davylamp.new
        mv -fT /opt/davylamp.new /opt/davylamp
        echo "$new" >>"$changes"
    fi
    put 0755 root:root /usr/local/bin/davylamp <"$source/deploy/install/davylamp"
    put 0644 root:root /etc/systemd/system/davylamp.service <"$source/deploy/davylamp.service"
    install -d /etc/systemd/system.conf.d
    put 0644 root:root /etc/systemd/system.conf.d/davylamp-watchdog.conf <"$source/deploy/watchdog.conf"
    enabled='mosquitto davylamp'
    if [ -e "$config/watch.toml" ]; then
        put 0644 root:root /etc/systemd/system/davylamp-watch.service <"$source/deploy/davylamp-watch.service"
        enabled="$enabled davylamp-watch"
    fi
    sync
    systemctl enable -q $enabled
    if ! booted; then
        note "systemd does not run here; everything starts with the next boot" "此处未运行 systemd，将在下次启动时自动运行"
        return
    fi
    systemctl daemon-reload
    : >>"$changes"
    if grep -q mosquitto "$changes"; then systemctl restart mosquitto || refuse_start; fi
    if grep -qv mosquitto "$changes"; then systemctl restart ${enabled#mosquitto } || refuse_start; fi
    systemctl start $enabled || refuse_start
}

refuse_start() {
    refuse "a service does not start" "read why: journalctl -u davylamp -u mosquitto -n 50" \
        "服务无法启动" "请查看原因：journalctl -u davylamp -u mosquitto -n 50"
}

tidy() {   # the release before this one stays, to go back to
    find "$releases" -mindepth 1 -maxdepth 1 -type d ! -name "$release" -printf '%T@ %p\n' | sort -rn | tail -n +2 |
        cut -d ' ' -f 2- | while read -r old; do rm -rf "$old"; done
}

report() {
    say "
Davylamp is installed.
  what it watches   $config/site.toml
  data              $data
  how is it         sudo davylamp status;  sudo davylamp doctor;  systemctl status davylamp
  who may           sudo davylamp ..., or members of the group davylamp-admin (sudo adduser NAME davylamp-admin)
  page              $(printf '%s\n' "$facts" | sed -n 's/^page //p')
  broker password   $broker_secret (user davylamp); for a device: sudo davylamp-broker-client NAME TOPIC" \
"
Davylamp 安装完成。
  站点文件      $config/site.toml
  数据目录      $data
  运行状态      sudo davylamp status；sudo davylamp doctor；systemctl status davylamp
  命令权限      sudo davylamp ……，或加入 davylamp-admin 组的用户（sudo adduser 用户名 davylamp-admin）
  页面          $(printf '%s\n' "$facts" | sed -n 's/^page //p')
  代理密码      $broker_secret（用户 davylamp）；为设备添加账号：sudo davylamp-broker-client 名称 主题"
}

packages
programs
facts=$("$new/bin/python" "$source/deploy/install/site.py" "$site")
people
certificates
judge
configuration
message_broker
password=''
first_administrator
local_access
units
tidy
rm -f "$changes"
report
if [ -n "$password" ]; then printf '\n%s\n' "$password"; fi
