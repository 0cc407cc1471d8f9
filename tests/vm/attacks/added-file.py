# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file that nobody signed, in a directory of a signed object."""
AT = "power"


def attack(m, t):
    with open(m.work + "/new", "w") as f:
        f.write("#!/bin/sh\necho mine\n")
    m.debugfs(f"write {m.work}/new {m.object('ihard')}/bin/mine")
    t.ok(m.refused_by_stage2("-ihard.*(modified|changed)"), "stage 2 names the object", m.text)
