# The technician's own hand: commands need no address, no authority, no token; who did it is journalled.
# shellcheck shell=bash disable=SC2154
gateway
person pat
person lee davylamp-admin
inside useradd -m eve
pat() { as pat sudo davylamp "$@"; }

depot
inside systemctl stop depot
alarm=$(until_some alarms "one['waits'] and one['priority'] > 1 and one['id']" | sed -n 1p)
check "pat acknowledges $alarm: sudo davylamp ack" pat ack "$alarm"
check "under both names, local (pat) [token:local]" test "$(alarms "one['id'] == '$alarm' and one['who']")" = 'local (pat) [token:local]'
check "shelves it" quiet pat shelve "$alarm" --for 30min --why 'clean room'
check "asks for more to be logged" quiet pat log-level debug --for 1min
check "verifies the journal" pat journal verify
check "lists the accounts" sh -c "printf '%s' \"\$1\" | grep -q '^admin '" - "$(pat account list)"
check "and the token of this machine" sh -c "printf '%s' \"\$1\" | grep -q '^local *engineer'" - "$(pat token list)"
check "lee of davylamp-admin needs no sudo" quiet as lee davylamp status
check "eve is asked who she is" refused 'use sudo' as eve davylamp status
check "and does not see the token" refused 'Permission denied' as eve cat /etc/davylamp-admin/token
check "a token of this machine is not shown to another" refused 'not answer' pat status --url https://localhost:1
pat token revoke local >/dev/null
sleep 2
check "revoked, it opens nothing" refused 'sudo' pat status
quiet install en
check "and an installation does not bring it back" refused 'sudo' pat status
inside rm /etc/davylamp-admin/token
quiet install en
sleep 2
check "unless its file was removed" quiet pat status
