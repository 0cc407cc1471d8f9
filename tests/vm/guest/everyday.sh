# SPDX-License-Identifier: LGPL-2.1-or-later
# A machine that boots with systemd under enforcement and does what machines do, without one false
# denial. This part is run before the guard starts and puts its programs into place; the acts are
# tests/vm/guest/everyday.d/run, which a unit starts when the machine is up.
# packages: systemd systemd-sysv dbus cron openssh-server openssh-client login passwd make gcc libc6-dev python3 python3-venv perl tar gzip dpkg gawk udev
# files: build:cli/ihard-guard=/usr/sbin/ihard-guard build:cli/ihard=/usr/bin/ihard build:cli/ihard-verbs=/usr/bin/ihard-verbs
# files: tests/vm/guest/everyday.d/run=/usr/share/lab/everyday tests/vm/guest/everyday.d/load=/usr/share/lab/load tests/lib/tap.sh=/usr/share/lab/tap.sh
# hook: tests/vm/everyday-root.sh
# append: lab.init=/sbin/init systemd.show_status=0 quiet
# limit: 290
# memory: 1536
echo $((${IH_MINUTES:-0} ? 60 * ${IH_MINUTES:-0} : 15)) > /usr/share/lab/seconds
chmod 755 /usr/share/lab/everyday /usr/share/lab/load
