# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another file system over the store. The last one at the console: where it succeeded, nothing would work behind it."""
AT = "console"
LAST = 2


def attack(c):
    command = "mount -t tmpfs none /nix/store && echo mounted"
    if not c.guarded:
        c.works("unshare -m " + command, "mounted")  # for itself, so that the others find the store
        return
    code, out = c.do(command)
    c.t.ok(code not in (0, 127, None) and "mounted" not in out, command + ": refused", code, out)
    c.works("/usr/bin/id", "uid=0")
