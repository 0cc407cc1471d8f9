# SPDX-License-Identifier: LGPL-2.1-or-later
"""The store, which is mounted read-only, made writable or hidden by another file system. The last one at the console:
where it succeeded, nothing would work behind it."""
AT = "console"
LAST = 2


def attack(c):
    code, out = c.do("touch /nix/store/mine")
    c.t.ok(code == 1 and "Read-only file system" in out, "the store is read-only", code, out)
    over = "mount -t tmpfs none /nix/store && echo mounted"
    writable = "mount -o remount,rw,bind /nix/store && touch /nix/store/mine && echo written"
    if not c.guarded:
        c.works("unshare -m sh -c '" + writable + "; rm /nix/store/mine'", "written")
        c.works("unshare -m " + over, "mounted")  # for itself, so that the others find the store
        return
    for command, mark in ((writable, "written"), ("umount -l /nix/store && echo gone", "gone"), (over, "mounted")):
        c.act(command, mark, "ihard: (nothing may be mounted over|this mount may not be changed)")
    c.works("/usr/bin/id", "uid=0")
