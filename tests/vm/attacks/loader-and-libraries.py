# SPDX-License-Identifier: LGPL-2.1-or-later
"""Native code from outside the store: a copy of a program, by name and by ld.so, and a library in a shell."""
AT = "console"


def attack(m, t):
    m.do("cp /usr/bin/id /tmp/id; cp /usr/lib/x86_64-linux-gnu/libm.so.6 /tmp/m.so")
    for command in ("/tmp/id", "/lib64/ld-linux-x86-64.so.2 /tmp/id", "enable -f /tmp/m.so sleep"):
        good, code, out = m.refuses(command)
        t.ok(good and "uid=0" not in out, f"{command}: refused, with a sentence", code, out)
    code, out = m.do("LD_PRELOAD=/tmp/m.so /usr/bin/id")
    t.ok("cannot be preloaded" in out and "/tmp/m.so' may not become executable" in out, "LD_PRELOAD: the library stays out", code, out)
    for command in ("/usr/bin/id", "/lib64/ld-linux-x86-64.so.2 /usr/bin/id", "LD_PRELOAD=libm.so.6 /usr/bin/id"):
        code, out = m.do(command)
        t.ok(code == 0 and "uid=0" in out and "ihard: " not in out, f"{command}: works", code, out)
