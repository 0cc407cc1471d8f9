# SPDX-License-Identifier: LGPL-2.1-or-later
"""A set-user-ID bit on a program of the store: no hash of Nix's covers it."""
AT = "power"


def attack(m, t):
    m.debugfs(f"sif {m.object('userland')}/usr/bin/env mode 0104555")
    t.ok(m.refused_by_stage2("usr/bin/env", "set-(user|uid|id)|mode"), "stage 2 names the file", m.text)
