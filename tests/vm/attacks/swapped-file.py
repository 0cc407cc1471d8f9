# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two good files of one object, each in the other's place."""
AT = "power"


def attack(m, t):
    at = m.object("userland") + "/usr/bin"
    m.debugfs(f"ln {at}/id {at}/kept", f"unlink {at}/id", f"ln {at}/env {at}/id", f"unlink {at}/env", f"ln {at}/kept {at}/env", f"unlink {at}/kept")
    t.ok(m.refused_by_stage2("userland.*(modified|changed)"), "stage 2 names the object", m.text)
