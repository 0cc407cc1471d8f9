#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hook of tests/vm/guest/unit.sh: a small systemd with services that ihard wraps.
#   unit-root.sh ROOT
set -eu
root=$1
tree=$(cd "$(dirname "$0")/../.." && pwd)
units=$root/etc/systemd/system
mkdir -p "$units/lab.target.wants" "$root/usr/share/lab" "$root/etc/ihard" "$root/srv/lab"

# service NAME TYPE COMMAND: its standard output goes to /run/NAME.out
service() {
	cat >"$units/$1.service" <<UNIT
[Service]
Type=oneshot
StandardOutput=truncate:/run/$1.out
StandardError=journal
ExecStart=$2
UNIT
}
wrapped="/usr/bin/ihard run --policy /etc/ihard/policy.json --"
# shellcheck disable=SC2016 # the unit's own shell expands it
line='/bin/sh -c '\''for i in 1 2 3; do printf %%s $$i; done; echo " %n"'\'
service lab-bare "$line"
service lab-line "$wrapped $line"
service lab-other "$wrapped $line"
service lab-script "$wrapped /usr/share/lab/script"
service lab-below "$wrapped /usr/share/lab/below"
printf '#!/bin/sh\nsh -c "echo 456"\n' >"$root/usr/share/lab/script"
printf '#!/bin/sh\n/srv/lab/script\necho "then $?"\n' >"$root/usr/share/lab/below"
printf '#!/bin/sh\necho EVIL\n' >"$root/srv/lab/script"
chmod 755 "$root"/usr/share/lab/{script,below} "$root/srv/lab/script"

cat >"$units/lab-install.service" <<'UNIT'
[Unit]
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/bash /run/lab/test.sh
UNIT
cat >"$units/lab-run.service" <<'UNIT'
[Unit]
Wants=lab-install.service
After=lab-install.service basic.target systemd-journald.service
[Service]
Type=oneshot
ExecStart=/bin/bash /usr/share/lab/unit
UNIT
printf '[Unit]\nRequires=basic.target\nAfter=basic.target\n' >"$units/lab.target"
ln -s ../lab-run.service "$units/lab.target.wants/"
ln -sf lab.target "$units/default.target"

python3 - "$tree/policy/profiles/server.json" >"$root/etc/ihard/policy.json" <<'P'
import json
import sys
with open(sys.argv[1]) as f:
    policy = json.load(f)
policy["rules"].insert(0, {"name": "unit-lines", "interpreters": ["sh", "bash"], "modes": ["inline"], "program": ">=owned",
                           "sources": ">=owned", "units": ["lab-line.service"], "verdict": "allow"})
json.dump(policy, sys.stdout, indent=1)
P
