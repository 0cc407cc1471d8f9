# SPDX-License-Identifier: LGPL-2.1-or-later
# Services of a real systemd below `ihard run`: a unit's `ExecStart=… /bin/sh -c`, with the rule for that unit and
# without. This part is run before anything else and puts the programs into place; the acts are
# tests/vm/guest/unit.d/run, which a unit starts when the machine is up.
# packages: systemd systemd-sysv
# files: build:cli/ihard=/usr/bin/ihard build:cli/ihard-verbs=/usr/bin/ihard-verbs
# files: tests/vm/guest/unit.d/run=/usr/share/lab/unit tests/lib/tap.sh=/usr/share/lab/tap.sh
# hook: tests/vm/unit-root.sh
# append: lab.init=/sbin/init systemd.show_status=0 quiet
# limit: 120
chmod 755 /usr/share/lab/unit
