#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hook of tests/vm/guest/everyday.sh: a machine that boots with systemd, with units, an account to log in
# to, a job for cron, a package to install, sources to build. The guard's programs come with the test.
#   everyday-root.sh ROOT
set -eu
root=$1
tree=$(cd "$(dirname "$0")/../.." && pwd)
units=$root/etc/systemd/system

mkdir -p "$units"/{sysinit,multi-user}.target.wants "$root"/usr/share/lab "$root"/etc/{ihard,ssh,cron.d,pam.d} "$root"/root/.ssh
sed 's,@sbindir@,/usr/sbin,; s,@bindir@,/usr/bin,' "$tree/bpf/ihard-guard.service.in" >"$units/ihard-guard.service"
cat >"$units/lab-install.service" <<'UNIT'
[Unit]
DefaultDependencies=no
After=local-fs.target
Before=ihard-guard.service sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/bash /run/lab/test.sh
UNIT
cat >"$units/lab-run.service" <<'UNIT'
[Unit]
After=multi-user.target cron.service ssh.service
[Service]
Type=oneshot
ExecStart=/usr/share/lab/everyday
UNIT
# text that process 1 hands to a shell, as units do everywhere
cat >"$units/lab-inline.service" <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'id -u >/run/inline.out'
UNIT
# a manager of a person's own, and units that the person wrote
cat >"$units/lab-manager.service" <<'UNIT'
[Service]
Type=notify
User=lab
Environment=HOME=/home/lab XDG_RUNTIME_DIR=/run/lab-user
RuntimeDirectory=lab-user
ExecStart=/lib/systemd/systemd --user
TimeoutStartSec=40
Delegate=yes
UNIT
own=$root/home/lab/.config/systemd/user
mkdir -p "$own/default.target.wants"
printf '[Service]\nType=oneshot\nExecStart=/usr/bin/touch %%t/program\n' >"$own/program.service"
printf "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo text >%%t/text'\n" >"$own/text.service"
ln -s ../program.service ../text.service "$own/default.target.wants/"
echo 'lab:x:1000:1000::/home/lab:/bin/bash' >>"$root/etc/passwd"
echo 'lab:x:1000:' >>"$root/etc/group"
chown -R 1000:1000 "$root/home/lab"
ln -s ../lab-install.service ../ihard-guard.service "$units/sysinit.target.wants/"
ln -s ../lab-run.service "$units/multi-user.target.wants/"
ln -sf /lib/systemd/system/multi-user.target "$units/default.target"
for unit in cron ssh; do ln -sf "/lib/systemd/system/$unit.service" "$units/multi-user.target.wants/"; done
rm -f "$units"/multi-user.target.wants/remote-fs.target

# what an administrator allows beyond the profile: see docs/everyday.md
python3 - "$tree/policy/profiles/server.json" >"$root/etc/ihard/policy.json" <<'P'
import json
import sys
with open(sys.argv[1]) as f:
    policy = json.load(f)
policy["trust"][1]["trees"] += ["/var/lib/dpkg/info", "/var/lib/dpkg/tmp.ci", "/srv/venv"]
json.dump(policy, sys.stdout, indent=1)
P
# the same, but one unit may hand no text to a shell
python3 - "$root/etc/ihard/policy.json" >"$root/usr/share/lab/strict.json" <<'P'
import json
import sys
with open(sys.argv[1]) as f:
    policy = json.load(f)
policy["rules"].insert(0, {"name": "no-text", "modes": ["inline"], "units": ["lab-inline.service"], "verdict": "deny",
                           "reason": "this unit runs programs only"})
json.dump(policy, sys.stdout, indent=1)
P

# what libpam-runtime makes when it is installed
for part in auth account password session session-noninteractive; do
	printf '%s required pam_permit.so\n' "${part%-*}" >"$root/etc/pam.d/common-$part"
done

[ -e "$root/etc/ssh/ssh_host_ed25519_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$root/etc/ssh/ssh_host_ed25519_key"
ssh-keygen -q -t ed25519 -N '' -f "$root/root/.ssh/id_ed25519"
cp "$root/root/.ssh/id_ed25519.pub" "$root/root/.ssh/authorized_keys"
chmod 0700 "$root/root" "$root/root/.ssh"
cat >"$root/etc/ssh/sshd_config" <<'CONFIG'
PermitRootLogin prohibit-password
UsePAM no
HostKey /etc/ssh/ssh_host_ed25519_key
CONFIG
printf '@reboot root /usr/share/lab/job >/run/cron.out 2>&1\n' >"$root/etc/cron.d/lab"
printf '#!/bin/sh\nawk "BEGIN { print 6 * 7 }"\n' >"$root/usr/share/lab/job"
printf '#!/usr/bin/python3\nimport json, sys\nprint(json.dumps({"prefix": sys.prefix}))\n' >"$root/usr/share/lab/app.py"
printf '#!/usr/bin/perl\nuse strict; my %%n; $n{length $_}++ for <STDIN>; print scalar(keys %%n), "\\n";\n' >"$root/usr/share/lab/count.pl"
mkdir -p "$root/usr/src/lab"
printf '#include <stdio.h>\nint main(void) { puts("built"); return 0; }\n' >"$root/usr/src/lab/main.c"
printf 'hello: main.c\n\t$(CC) -O1 -o $@ $<\ncheck: hello\n\t./hello\n' >"$root/usr/src/lab/Makefile"
cp /bin/true "$root/root/program"
chmod 0755 "$root"/usr/share/lab/* "$root/root/program"

# a package with a program and a script that dpkg runs
mkdir -p "$root"/var/lib/dpkg/{info,updates,triggers} "$root/tmp/deb/DEBIAN" "$root/tmp/deb/usr/bin"
: >"$root/var/lib/dpkg/status"
printf 'Package: lab\nVersion: 1\nArchitecture: all\nMaintainer: lab <lab@example.org>\nDescription: lab\n' >"$root/tmp/deb/DEBIAN/control"
printf '#!/bin/sh\nset -e\nlab-tool >/run/postinst.out\n' >"$root/tmp/deb/DEBIAN/postinst"
printf '#!/bin/sh\necho "installed"\n' >"$root/tmp/deb/usr/bin/lab-tool"
chmod 0755 "$root"/tmp/deb/DEBIAN/postinst "$root"/tmp/deb/usr/bin/lab-tool
dpkg-deb --root-owner-group -b "$root/tmp/deb" "$root/usr/share/lab/lab.deb" >/dev/null
rm -rf "$root/tmp/deb"
