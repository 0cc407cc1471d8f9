# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that nobody signed, in a directory of a signed object."""
import re

AT = "store"


def damage(m):
    with open(m.work + "/new", "w") as f:
        f.write("#!/bin/sh\necho mine\n")
    path = m.object("ihard") + "/bin/mine"
    m.debugfs(f"write {m.work}/new {path}", f"sif {path} mode 0100555")


def shows(c):
    c.works("/usr/local/bin/mine", "mine")


def refused(m):
    return [re.escape(m.object("ihard")) + "' was modified"]
