# SPDX-License-Identifier: LGPL-2.1-or-later
"""Root tries to switch the guard off. Late at the console: the guard is another one behind it."""
AT = "console"
LAST = 1

PROCESS = "/sys/fs/cgroup/system.slice/ihard-guard.service/cgroup.procs"
ACTS = ("rm -rf /sys/fs/bpf/ihard", "umount -l /sys/fs/bpf", f"kill -9 $(cat {PROCESS})", "ihard guard unload")


def guard(c):
    return c.do("cat " + PROCESS)[1].split()[:1]


def closed(c, command):
    c.do(command)
    code, out = c.do("/tmp/y.py")
    c.t.ok(code == 126 and "not permitted" in out and "42" not in out, f"{command}: the gates stay closed", code, out)
    c.works("/usr/bin/id | cat", "uid=0")


def attack(c):
    c.do("printf '#!/usr/bin/python3\\nprint(6*7)\\n' >/tmp/y.py; chmod 755 /tmp/y.py")
    if not c.guarded:
        c.works("/tmp/y.py", "42")
        return
    before = guard(c)
    for command in ACTS:
        closed(c, command)
    c.t.ok(before and before == guard(c), "it is the same guard", before)
    # Process 1 may signal it, and starts another: ihard-guard(8)
    closed(c, "systemctl kill -s KILL ihard-guard")
    code, out = c.do(f"until systemctl is-active -q ihard-guard && ! grep -qx {before[0]} {PROCESS}; do sleep 0.5; done", 180)
    c.t.ok(code == 0, "another guard takes over", code, out)
