# `davylamp apply` on an installed gateway, inside the sandbox of its unit.
# shellcheck shell=bash disable=SC2154
gateway
person pat
depot
check "the sandbox is on, and the folder is sticky" test "$(inside systemctl show -p ProtectSystem --value davylamp),$(inside stat -c %a%U%G /etc/davylamp)" = strict,1770rootdavylamp

# site NAME SED: the site file in force, changed
site() {
    mkdir -p "$room/root/$1"
    cp "$room"/etc/davylamp/*.csv "$room/root/$1"
    sed "$2" "$room/etc/davylamp/site.toml" >"$room/root/$1/site.toml"
}
in_force() { sha256sum <"$room/etc/davylamp/site.toml"; }
pat() { as pat sudo davylamp "$@"; }
site laxer 's/^H = 20 /H = 22 /'
site above 's/^H = 20 /H = 26 /'
site deaf 's/^port = 5020/port = 5999/'
old=$(in_force)
check "a laxer limit needs a reason" refused 'a reason is needed' pat apply /root/laxer/site.toml --yes
check "no reason lifts the ceiling" refused 'ceiling|above' pat apply /root/above/site.toml --yes --reason 'dust'
check "nothing was changed" test "$old" = "$(in_force)"
check "with a reason it is put in force" pat apply /root/laxer/site.toml --yes --reason 'dust, order 7'
check "the file is the new one, the gateway's" test "$(inside stat -c %U%G /etc/davylamp/site.toml) $(grep -c '^H = 22' "$room/etc/davylamp/site.toml")" = 'davylampdavylamp 1'
check "the gateway reads the depot" ask measures
new=$(in_force)
check "a device that is lost: it goes back by itself" refused 'taken back' pat apply /root/deaf/site.toml --yes --reason 'other controller'
check "the file is that of before" test "$new" = "$(in_force)"
check "the gateway reads the depot" ask measures
check "an alarm tells it" test "$(until_some alarms "one['id'] == 'gateway/configuration' and one['id']")" = gateway/configuration

say "the same by the API, as an engineer"
password=$(inside sh -c "cd / && runuser -u davylamp -- /opt/davylamp/bin/davylamp account add eng --role engineer --generate --data /var/lib/davylamp 2>/dev/null" | tail -1)
viewer=$(inside sh -c "cd / && runuser -u davylamp -- /opt/davylamp/bin/davylamp account add view --role viewer --generate --data /var/lib/davylamp 2>/dev/null" | tail -1)
site laxest 's/^H = 22 /H = 23 /'
sleep 2
check "a viewer may not" refused 403 ask applies view "$viewer" /root/laxest/site.toml 'dust'
check "without a reason it is refused" refused 409 ask applies eng "$password" /root/laxest/site.toml ''
check "with one it is put in force" ask applies eng "$password" /root/laxest/site.toml 'dust, order 8'
say "a power cut in the middle of a change"
site back 's/^H = 23 /H = 20 /'
as pat sudo davylamp apply /root/back/site.toml --yes >/dev/null 2>&1 &
until [ -e "$room/etc/davylamp/.site.toml.trial" ]; do sleep 0.05; done
sleep 1
power_cut
wait $! 2>/dev/null || true
begun_anew
check "leaves a gateway that serves" ask serves
check "with the old configuration, whole" grep -q '^H = 23 ' "$room/etc/davylamp/site.toml"
inside davylamp apply --history | sed 's/^/          /'
check "the journal is unbroken" quiet inside davylamp journal verify
