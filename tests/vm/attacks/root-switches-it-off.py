# SPDX-License-Identifier: LGPL-2.1-or-later
"""Root tries to switch the guard off."""
AT = "console"


def attack(m, t):
    m.do("printf '#!/usr/bin/python3\\nprint(42)\\n' >/tmp/y.py; chmod 755 /tmp/y.py")
    for command in ("rm -rf /sys/fs/bpf/ihard", "umount -l /sys/fs/bpf", "kill -9 $(cat /sys/fs/cgroup/system.slice/ihard-guard.service/cgroup.procs)",
                    "ihard guard unload", "systemctl kill -s KILL ihard-guard", "mount -t tmpfs none /nix/store"):
        m.do(command)
        code, out = m.do("/tmp/y.py")
        t.ok(code not in (0, None) and "42" not in out, f"{command}: the gates stay closed", code, out)
    code, out = m.do("ls /nix/store | head -3")
    t.ok("-" in out, "the store is still there", out)
