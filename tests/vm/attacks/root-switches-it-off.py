# SPDX-License-Identifier: LGPL-2.1-or-later
"""Root tries to switch the guard off."""
AT = "console"

ACTS = ("rm -rf /sys/fs/bpf/ihard", "umount -l /sys/fs/bpf", "kill -9 $(cat /sys/fs/cgroup/system.slice/ihard-guard.service/cgroup.procs)",
        "ihard guard unload")


def guard(m):
    return m.do("cat /sys/fs/cgroup/system.slice/ihard-guard.service/cgroup.procs")[1].split()[:1]


def closed(m, t, command):
    m.do(command)
    code, out = m.do("/tmp/y.py")
    t.ok(code == 126 and "not permitted" in out and "42" not in out, f"{command}: the gates stay closed", code, out)
    code, out = m.do("/usr/bin/id")
    t.ok(code == 0 and "uid=0" in out, "and what is trusted still runs", code, out)


def attack(m, t):
    m.do("printf '#!/usr/bin/python3\\nprint(6*7)\\n' >/tmp/y.py; chmod 755 /tmp/y.py")
    before = guard(m)
    for command in ACTS:
        closed(m, t, command)
    t.ok(before and before == guard(m), "it is the same guard", before)
    # Process 1 may signal it, and starts another: ihard-guard(8)
    closed(m, t, "systemctl kill -s KILL ihard-guard")
