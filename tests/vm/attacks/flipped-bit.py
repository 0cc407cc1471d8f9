# SPDX-License-Identifier: LGPL-2.1-or-later
"""One bit of one file of the system's closure."""
import hashlib
import re

AT = "store"


def damage(m):
    path = m.object("userland") + "/usr/bin/env"
    with open(m.work + "/root" + path, "rb") as f:
        data = bytearray(f.read())
    data[-100] ^= 1
    with open(m.work + "/env", "wb") as f:
        f.write(data)
    m.env = hashlib.sha256(data).hexdigest()
    m.debugfs(f"rm {path}", f"write {m.work}/env {path}", f"sif {path} mode 0100555", f"sif {path} mtime 1")


def shows(c):
    c.works("sha256sum /usr/bin/env", c.m.env)
    c.works("env true")


def refused(m):
    return [re.escape(m.object("userland")) + "' was modified"]
