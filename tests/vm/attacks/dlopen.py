# SPDX-License-Identifier: LGPL-2.1-or-later
"""A library from outside the store: loaded into a shell that runs, and before a program."""
AT = "console"


def attack(c):
    c.do("cp /usr/lib/x86_64-linux-gnu/libm.so.6 /tmp/m.so")
    if not c.guarded:
        code, out = c.do("enable -f /tmp/m.so sleep")
        c.t.ok("sleep_struct" in out, "enable -f /tmp/m.so: the shell loads the library, and finds no builtin in it", code, out)
        c.works("LD_PRELOAD=/tmp/m.so /usr/bin/id", "uid=0")
        return
    c.act("enable -f /tmp/m.so sleep", "sleep_struct", "ihard: .*/tmp/m.so")
    code, out = c.do("LD_PRELOAD=/tmp/m.so /usr/bin/id")
    out = c.m.hears(out, "may not become executable")
    c.t.ok("cannot be preloaded" in out and "/tmp/m.so' may not become executable" in out, "LD_PRELOAD: the library stays out", code, out)
    c.works("LD_PRELOAD=libm.so.6 /usr/bin/id", "uid=0")
