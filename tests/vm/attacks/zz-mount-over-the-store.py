# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another file system over the store. The last one at the console: where it succeeds, nothing works behind it."""
AT = "console"


def attack(m, t):
    code, out = m.do("mount -t tmpfs none /nix/store")
    t.ok(code not in (0, 127, None), "refused", code, out)
    code, out = m.do("/usr/bin/id")
    t.ok(code == 0 and "uid=0" in out, "the store is still there", code, out)
