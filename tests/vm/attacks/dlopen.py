# SPDX-License-Identifier: LGPL-2.1-or-later
"""A library from outside the store: loaded into a shell that runs, and before a program."""
AT = "console"


def attack(c):
    c.do("cp /usr/lib/x86_64-linux-gnu/libm.so.6 /tmp/m.so")
    # Where it is loaded the shell finds no builtin in it.
    c.act("enable -f /tmp/m.so sleep", "sleep_struct", "'/tmp/m.so' may not become executable memory")
    # The program goes on without it.
    c.act("LD_PRELOAD=/tmp/m.so /usr/bin/cat /proc/self/maps", "r-xp .*/tmp/m.so$", "'/tmp/m.so' may not become executable memory",
          says="/tmp/m.so.* cannot be preloaded", fails=False)
    c.works("LD_PRELOAD=libm.so.6 /usr/bin/cat /proc/self/maps", "/libm.so.6$")
