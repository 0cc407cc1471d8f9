# SPDX-License-Identifier: LGPL-2.1-or-later
"""The store, which is mounted read-only, made writable or hidden by another file system. One way to make it writable
asks no security program; what is put there is refused then. The last one at the console: where it succeeded, nothing
would work behind it."""
AT = "console"
LAST = 2
WRITABLE = "mount -o remount,rw,bind /nix/store && touch /nix/store/mine && echo written"
OVER = "mount -t tmpfs none /nix/store && echo mounted"


def attack(c):
    code, out = c.do("touch /nix/store/mine")
    c.t.ok(code == 1 and "Read-only file system" in out, "the store is read-only", code, out)
    if not c.guarded:  # in a view of its own, so that the others find the store
        c.works(f"unshare -m sh -c '{WRITABLE}; rm /nix/store/mine'", "written")
        c.works("unshare -m " + OVER, "mounted")
    else:
        for command, mark in ((WRITABLE, "written"), ("umount -l /nix/store && echo gone", "gone"), (OVER, "mounted")):
            c.act(command, mark, "nothing may be mounted over|this mount may not be changed")
    c.works("/etc/site/attack/writable.pl /nix/store && cp /usr/bin/id /nix/store/mine", "is writable")
    c.act("/nix/store/mine", "uid=0", "'/nix/store/mine' may not be executed")
    c.works("/usr/bin/id", "uid=0")
