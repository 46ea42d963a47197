#!/bin/bash
# `make fleetroom`: a centre and two machines that have never seen Davylamp, on a network of their own without any way out:
# deploy/ansible makes them gateways that report to the centre's broker, as deploy/central.sh makes it; again, and nothing
# changes. Needs root, debootstrap, systemd-nspawn, ansible-core, mosquitto, and internet for the bundle and the Debian (not
# for the machines). Environment: SUITE (bookworm, trixie). Scratch is build/cleanroom.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
suite=${SUITE:-bookworm} target=$(dpkg --print-architecture)-${SUITE:-bookworm}
scratch=$repository/build/cleanroom
pristine=$scratch/fleet-$target
work=$scratch/fleet
network=davylamp-$$
sites='north south'
mkdir -p "$scratch/debs"
rm -rf "$work"
mkdir -p "$work/ansible" "$work/sites" "$work/secrets" "$work/broker"
export PYTHONPATH=$repository ANSIBLE_NOCOLOR=1 ANSIBLE_LOCAL_TEMP=$work/tmp ANSIBLE_HOME=$work/home
declare -A supervisor leader

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }
check() {   # check WHAT COMMAND...: the test fails where this fails
    if "${@:2}"; then say "  good: $1"; else say "  FAILED: $1"; exit 1; fi
}
at_centre() { nsenter --net="/run/netns/$network" "$@"; }
inside() { nsenter --target "${leader[$1]}" --all env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${@:2}"; }
boot() {   # boot SITE NUMBER: its machine is 10.77.0.NUMBER
    systemd-nspawn -q -D "$work/room-$1" --register=no --keep-unit --private-network -b \
        --machine="$1-$$" --console=pipe >"$work/console-$1.log" 2>&1 </dev/null &
    supervisor[$1]=$!
    for _ in $(seq 300); do
        leader[$1]=$(pgrep -P "${supervisor[$1]}" | head -1) || true
        if [ -n "${leader[$1]}" ] && inside "$1" systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then break; fi
        sleep 0.2
    done
    ip link add "v$2-$$" type veth peer name host0 netns "${leader[$1]}"
    ip link set "v$2-$$" netns "$network"
    ip -n "$network" link set "v$2-$$" master bridge up
    inside "$1" ip address add "10.77.0.$2/24" dev host0
    inside "$1" ip link set host0 up
}
power_cut() {
    if [ -n "${supervisor[$1]:-}" ]; then
        kill -9 "${leader[$1]}" 2>/dev/null || true
        wait "${supervisor[$1]}" 2>/dev/null || true
        supervisor[$1]=''
    fi
}
broker=''
clear_up() {
    for site in $sites; do power_cut "$site"; done
    if [ -n "$broker" ]; then kill "$broker" 2>/dev/null || true; fi
    ip netns delete "$network" 2>/dev/null || true
}
trap clear_up EXIT
play() {   # play NAME OPTION...: its recap is printed
    local begun=$SECONDS
    at_centre ansible-playbook -i "$work/ansible/inventory.yml" --vault-password-file "$work/vault" \
        "$repository/deploy/ansible/site.yml" "${@:2}" >"$work/$1.log" 2>&1 || { tail -40 "$work/$1.log"; return 1; }
    say "$1: $((SECONDS - begun)) s"
    sed -n '/^PLAY RECAP/,$p' "$work/$1.log" | sed -n 's/ *$//; 2,$s/^\(.\)/          \1/p'
}
changed() { sed -n '/^PLAY RECAP/,$s/.*changed=\([0-9]*\).*/\1/p' "$work/$1.log" | paste -sd' '; }
fleet() {
    at_centre "$repository/.venv/bin/python" -m gateway fleet 10.77.0.1 --ca "$work/central/tls/ca.pem" --username fleet \
        --password-file "$work/central/fleet.password" --expect "$work/sites" "$@"
}
# What is not as it should be; that a container asks nobody for the time is none of it.
amiss() { { fleet --json || true; } | "$repository/.venv/bin/python" -c '
import json, sys
for gateway in json.load(sys.stdin)["gateways"]:
    for one in [gateway["state"], *(text["en"] for text in gateway["differs"])]:
        if one not in ("online", "clock not synchronised"):
            print(gateway["site"], one)'; }
one_is_amiss() { test "$(amiss | wc -l)" = 1; }
becomes() {   # becomes TEXT: within a minute `amiss` says exactly that
    for _ in $(seq 60); do
        if [ "$(amiss)" = "$1" ]; then return; fi
        sleep 1
    done
    amiss
    return 1
}

say "a bundle for $target, signed with a key for this test only"
openssl genpkey -algorithm ed25519 -out "$work/key.pem" 2>/dev/null
"$repository/.venv/bin/python" "$repository/deploy/bundle.py" --key "$work/key.pem" --out "$work/bundle" "$target" 2>/dev/null
if ! [ -e "$pristine/complete" ]; then
    say "debootstrap of a least $suite with what every Raspberry Pi OS Lite has (systemd, Python, SSH, sudo)"
    rm -rf "$pristine"
    debootstrap --variant=minbase --cache-dir="$scratch/debs" \
        --include=systemd-sysv,dbus,openssl,ca-certificates,sudo,iproute2,python3,openssh-server "$suite" "$pristine" \
        http://deb.debian.org/debian >"$scratch/debootstrap.log"
    touch "$pristine/complete"
fi

say "the centre: network, names, certificates, broker"
ip netns add "$network"
ip -n "$network" link set lo up
ip -n "$network" link add bridge type bridge
ip -n "$network" address add 10.77.0.1/24 dev bridge
ip -n "$network" link set bridge up
# shellcheck disable=SC2086
DAVYLAMP_CENTRAL=$work/central "$repository/deploy/central.sh" init 10.77.0.1 duty@example.org $sites >"$work/central.log"
sed -e "s|/mosquitto/config|$work/central/mosquitto|; s|/mosquitto/data|$work/broker/|" \
    "$work/central/mosquitto/mosquitto.conf" >"$work/broker/mosquitto.conf"
echo 'user root' >>"$work/broker/mosquitto.conf"
nsenter --net="/run/netns/$network" /usr/sbin/mosquitto -c "$work/broker/mosquitto.conf" >"$work/broker/log" 2>&1 &
broker=$!

say "two machines, reached by SSH as pi"
ssh-keygen -q -t ed25519 -N '' -f "$work/ssh"
openssl rand -hex 16 >"$work/vault"
number=11
for site in $sites; do
    cp -a --reflink=auto "$pristine" "$work/room-$site"
    chroot "$work/room-$site" sh -c "useradd -m -s /bin/bash pi; install -d -m 700 -o pi /home/pi/.ssh
        cat >/home/pi/.ssh/authorized_keys; chown pi /home/pi/.ssh/authorized_keys; echo '$site' >/etc/hostname
        echo 'pi ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/pi" <"$work/ssh.pub"
    boot "$site" "$number"
    mkdir "$work/sites/$site"
    sed -e "s|^id = \"minimal\"|id = \"$site\"|" "$repository/deploy/sites/minimal.toml" >"$work/sites/$site/site.toml"
    cat >>"$work/sites/$site/site.toml" <<'TOML'

[api]
tls_cert = "/etc/davylamp/tls/gateway.crt"
tls_key = "/etc/davylamp/tls/gateway.key"

[centre]
host = "127.0.0.1"
username = "davylamp"
password_file = "/etc/davylamp/secrets/broker-password"
TOML
    ansible-vault encrypt --vault-password-file "$work/vault" --output "$work/secrets/$site.password" \
        "$work/central/site-$site.password" 2>/dev/null
    number=$((number + 1))
done
cat >"$work/ansible/inventory.yml" <<YAML
gateways:
  hosts:
    north: { ansible_host: 10.77.0.11 }
    south: { ansible_host: 10.77.0.12 }
  vars:
    ansible_user: pi
    ansible_ssh_private_key_file: $work/ssh
    ansible_ssh_common_args: -o UserKnownHostsFile=$work/known_hosts -o StrictHostKeyChecking=accept-new
    davylamp_version: "$("$repository/.venv/bin/python" -c 'import gateway; print(gateway.__version__)')"
    davylamp_bundle: "$(ls "$work"/bundle/davylamp-*.tar)"
    davylamp_bundle_key: $work/bundle/bundle.pub
    davylamp_site: $work/sites/{{ inventory_hostname }}
    davylamp_centre: 10.77.0.1:8883
    davylamp_centre_ca: "{{ lookup('ansible.builtin.file', '$work/central/tls/ca.pem') }}"
    davylamp_centre_password: "{{ lookup('ansible.builtin.file', '$work/secrets/' ~ inventory_hostname ~ '.password') }}"
YAML
check "they have no way out" sh -c "! nsenter --target ${leader[north]} --all bash -c 'exec 3<>/dev/tcp/deb.debian.org/80' 2>/dev/null"

play "check mode on bare machines" --check
check "which stay bare" inside north sh -c '! test -e /opt/davylamp && ! test -e /etc/mosquitto'
play "first play"
check "no secret is in its log" sh -c "! grep -qF \"\$(cat '$work/central/site-north.password')\" '$work/first play.log'"
check "both report to the centre, with the configuration that it holds" becomes ""
fleet || true
play "second play"
check "nothing has changed" test "$(changed 'second play')" = '0 0'

say "another limit for south"
sed -i 's|H = 20, HH = 40|H = 18, HH = 40|' "$work/sites/south/site.toml"
sleep 1
check "the centre sees that it runs another configuration" one_is_amiss
amiss | sed 's/^/          /'
play "check mode" --check
check "the difference is told" grep -q 'H of GD-01' "$work/check mode.log"
check "and only told" one_is_amiss
play "third play"
check "only south has changed" test "$(changed 'third play')" = '0 1'
check "all is as the centre holds it" becomes ""

say "north loses its current"
power_cut north
check "the centre sees its line cut" becomes "north cut off"
boot north 11
check "it comes back by itself" becomes ""
say "the fleet room is passed"
