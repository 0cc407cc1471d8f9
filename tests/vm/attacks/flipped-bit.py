# SPDX-License-Identifier: LGPL-2.1-or-later
"""One bit of one file of the system's closure."""
AT = "power"


def attack(m, t):
    path = m.object("userland") + "/usr/bin/env"
    with open(m.work + "/root" + path, "rb") as f:
        data = bytearray(f.read())
    data[-100] ^= 1
    with open(m.work + "/env", "wb") as f:
        f.write(data)
    m.debugfs(f"rm {path}", f"write {m.work}/env {path}", f"sif {path} mode 0100555", f"sif {path} mtime 1")
    t.ok(m.refused_by_stage2("userland.*(modified|changed)"), "stage 2 names the object, and the machine starts over", m.text)
