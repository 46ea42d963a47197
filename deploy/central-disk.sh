#!/bin/sh
# How much room the disk of the central machine has left, as a row of the data contract (`centre`): dashboards show it, and
# Grafana's own alert rules call before it is full. Once a minute, on that machine itself:
#   deploy/central-disk.sh URL DATABASE FOLDER USER SECRET [CA]
# URL, DATABASE: where the row goes. FOLDER: on the disk of the databases. USER: who may write (1.x), or - for a token (2.x).
# SECRET: file with the password or the token. CA: certificate of the authority, for https.
# `central.sh packages` makes a timer of it; beside containers, use cron.
set -eu
[ $# -ge 5 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
url=$1 database=$2 folder=$3 user=$4 secret=$(cat "$5") ca=${6:-}
row=$(df -B1 --output=avail,size "$folder" | awk -v name="$(uname -n)" \
    'END { printf "centre,centre=%s disk_free_bytes=%si,disk_bytes=%si", name, $1, $2 }')
{ # by stdin, so that no secret is in the list of processes
    if [ "$user" = - ]; then printf 'header = "Authorization: Token %s"\n' "$secret"
    else printf 'user = "%s:%s"\n' "$user" "$secret"; fi
    [ -z "$ca" ] || printf 'cacert = "%s"\n' "$ca"
} | curl -fsS --max-time 20 -K - --data-binary "$row" "$url/write?db=$database"
