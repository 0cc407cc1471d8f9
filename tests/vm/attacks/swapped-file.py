# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two good files of one object, each in the other's place."""
import re

AT = "store"


def damage(m):
    at = m.object("site") + "/bin"
    m.debugfs(f"ln {at}/greet {at}/kept", f"unlink {at}/greet", f"ln {at}/part {at}/greet", f"unlink {at}/part",
              f"ln {at}/kept {at}/part", f"unlink {at}/kept")


def shows(c):
    c.works("/etc/site/bin/greet", "good night")


def refused(m):
    return [re.escape(m.object("site")) + "' was modified"]
