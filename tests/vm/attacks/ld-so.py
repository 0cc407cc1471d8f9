# SPDX-License-Identifier: LGPL-2.1-or-later
"""A copy of a program, started by its name and through the dynamic loader, which is trusted."""
AT = "console"
REFUSED = "'/tmp/id' may not"


def attack(c):
    c.do("cp /usr/bin/id /tmp/id")
    for command in ("/tmp/id", "/lib64/ld-linux-x86-64.so.2 /tmp/id"):
        c.act(command, "uid=0", REFUSED)
    c.works("/usr/bin/id", "uid=0")
    c.works("/lib64/ld-linux-x86-64.so.2 /usr/bin/id", "uid=0")
