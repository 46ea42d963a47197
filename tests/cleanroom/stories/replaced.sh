# The Pi is dead: another one is made of the bundle and the backup (docs/how-to/backup-and-replace.md, step by step).
# shellcheck shell=bash disable=SC2154
gateway
password=$(password)
depot
secret=$(inside davylamp-broker-client bay-controller 'depot/bay/+' | sed 's/.*: //')
cp "$room/etc/davylamp/tls/ca.crt" "$scratch/ca-of-the-device.crt"
cp "$scratch/ca-of-the-device.crt" "$room/root"
check "a device speaks to its broker" ask connects bay-controller "$secret"
printf 'hush\n' | inside install -m 0600 -o davylamp -g davylamp /dev/stdin /etc/davylamp/secrets/mail
inside systemctl stop depot
alarm=$(until_some alarms "one['waits'] and one['active'] and one['condition'] == 'deadman' and one['id']" | sed -n 1p)
inside env SUDO_USER=li davylamp ack "$alarm" >/dev/null
printf 'four words that nobody says\n' >"$room/root/passphrase"
check "backed up while it runs" inside davylamp backup /root/north.backup --passphrase-file /root/passphrase
cp "$room/root/north.backup" "$scratch"
cp "$usb/minimal.toml" "$scratch"

say "the old machine is dead; a new one"
begun=$SECONDS
fresh
quiet install en --bundle "/media/usb/$(basename "$bundle")" --site /media/usb/minimal.toml
check "another gateway is installed" ask serves
cp "$scratch/north.backup" "$scratch/ca-of-the-device.crt" "$room/root"
printf 'four words that nobody says\n' >"$room/root/passphrase"
check "the device is a stranger here" refused . ask connects bay-controller "$secret"
inside systemctl stop davylamp
check "the backup is whole" inside davylamp restore /root/north.backup --check --passphrase-file /root/passphrase
check "restored" inside davylamp restore /root/north.backup --passphrase-file /root/passphrase --name 'Li Wei'
check "the site file is good" inside davylamp check /etc/davylamp/site.toml
inside systemctl restart mosquitto davylamp
check "it serves" ask serves
say "replaced: $((SECONDS - begun)) s"
check "the same device, password and authority" ask connects bay-controller "$secret"
check "the broker has let the gateway in by its name" said mosquitto "u'davylamp'"
check "the same administrator logs in" ask logs_in admin "$password"
check "$alarm stands, acknowledged by the same" test "$(alarms "one['id'] == '$alarm' and one['who']")" = 'local (li) [token:local]'
check "the journal is unbroken" inside davylamp journal verify
check "a password of before is there, for the gateway alone" test "$(inside stat -c %a%U /etc/davylamp/secrets/mail)" = 600davylamp
check "who may read what is as it was" test "$(inside stat -c '%a%U%G' /etc/mosquitto/davylamp/passwd /etc/davylamp/tls/gateway.key /etc/davylamp-admin/token | tr '\n' ' ')" = '640rootmosquitto 640rootdavylamp 640rootdavylamp-admin '
depot
quiet install en --bundle "/media/usb/$(basename "$bundle")"
check "an installation over it changes nothing" ask connects bay-controller "$secret"
