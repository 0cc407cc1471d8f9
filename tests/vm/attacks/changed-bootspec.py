# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bootspec that gives the next image another first program: who installs boot entries from it would sign that."""
import json
import re

AT = "store"


def damage(m):
    path = m.object("system-2") + "/boot.json"
    with open(m.work + "/root" + path) as f:
        spec = json.load(f)
    spec["org.nixos.bootspec.v1"]["init"] = "/usr/bin/bash"
    with open(m.work + "/boot.json", "w") as f:
        json.dump(spec, f)
    m.debugfs(f"rm {path}", f"write {m.work}/boot.json {path}", f"sif {path} mode 0100444", f"sif {path} mtime 1")


def shows(c):
    c.works("ihard bootspec show /nix/var/nix/profiles/system-2-link", "/usr/bin/bash")


def refused(m):
    return [re.escape(m.object("system-2")) + "' was modified"]
