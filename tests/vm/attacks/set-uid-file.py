# SPDX-License-Identifier: LGPL-2.1-or-later
"""A set-user-ID bit on a program of the store: no hash of Nix's covers it."""
import re

AT = "store"


def damage(m):
    m.debugfs(f"sif {m.object('userland')}/usr/bin/python3.11 mode 0104555")


def shows(c):
    c.works("ls -lL /usr/bin/python3", "^-r-sr-xr-x")


def refused(m):
    return [re.escape(m.object("userland")) + "/usr/bin/python3.11.*set-(user|uid)"]
