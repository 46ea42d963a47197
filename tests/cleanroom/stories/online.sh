# From a checkout, with internet: apt and pip fetch what the bundle would have brought.
# shellcheck shell=bash disable=SC2034,SC2154
# (SC2034: ONLINE is read by boot)
ONLINE=yes
fresh
mkdir "$room/root/checkout"
git -C "$repository" archive HEAD | tar -x -C "$room/root/checkout"
check "neither Python nor mosquitto is there" bare
timed "installed online" inside env PIP_CERT=/etc/ssl/certs/ca-certificates.crt sh /root/checkout/deploy/install.sh \
    --site /media/usb/depot.toml --lang en | tee "$scratch/install-$suite.log"
check "mosquitto, davylamp are running" inside systemctl is-active -q mosquitto davylamp
check "the page of the demo site is served" ask serves
check "the administrator logs in" ask logs_in admin "$(password)"
depot
check "commands work by themselves" inside davylamp status
ONLINE=''
