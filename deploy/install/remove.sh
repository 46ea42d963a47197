# Sourced by deploy/install.sh --uninstall. Keeps what cannot be made again: configuration, data, alarm history.
# shellcheck shell=sh disable=SC2154
# (SC2154: purge is set by install.sh)

step "Stopping and removing the services" "停止并移除系统服务"
for unit in davylamp davylamp-watch; do
    if [ -e "/etc/systemd/system/$unit.service" ]; then
        systemctl disable -q --now "$unit" || true   # not booted: there is nothing to stop
        rm -f "/etc/systemd/system/$unit.service"
    fi
done
rm -f /etc/systemd/system/mosquitto.service.d/davylamp.conf /etc/systemd/system.conf.d/davylamp-watchdog.conf
rmdir --ignore-fail-on-non-empty /etc/systemd/system/mosquitto.service.d /etc/systemd/system.conf.d 2>/dev/null || true
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl try-restart mosquitto   # with Debian's own configuration again
fi

# The token of this machine opens nothing in an installation that comes later.
if [ "$purge" = no ] && [ -e /etc/davylamp-admin/token ]; then
    (cd / && runuser -u davylamp -- /opt/davylamp/bin/davylamp token revoke local --data /var/lib/davylamp) >/dev/null 2>&1 || true
fi

step "Removing the programs" "删除程序"
rm -f /opt/davylamp /usr/local/bin/davylamp /usr/local/sbin/davylamp-broker-client
rm -rf /opt/davylamp-releases /etc/davylamp-admin

if [ "$purge" = yes ]; then
    step "Removing configuration, alarm history and all data" "删除配置、告警历史和全部数据"
    rm -rf /etc/davylamp /var/lib/davylamp /var/lib/davylamp-watch /etc/mosquitto/davylamp
    if getent passwd davylamp >/dev/null; then userdel davylamp; fi
    for group in davylamp davylamp-admin; do
        if getent group "$group" >/dev/null; then groupdel "$group"; fi
    done
else
    note "kept: /etc/davylamp, /etc/mosquitto/davylamp, /var/lib/davylamp (--purge removes them too)" \
        "已保留：/etc/davylamp、/etc/mosquitto/davylamp、/var/lib/davylamp（--purge 可一并删除）"
fi
note "Debian's mosquitto and Python stay; if nothing else needs them: sudo apt-get remove mosquitto" \
    "Debian 的 mosquitto 和 Python 仍保留；如无其他用途：sudo apt-get remove mosquitto"
