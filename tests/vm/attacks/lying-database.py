# SPDX-License-Identifier: LGPL-2.1-or-later
"""A changed file, and a row of the database that says that it was always so."""
import sqlite3

AT = "power"


def attack(m, t):
    path = m.object("etc")
    with open(m.work + "/new", "w") as f:
        f.write("another name\n")
    m.debugfs(f"rm {path}/hostname", f"write {m.work}/new {path}/hostname", f"sif {path}/hostname mode 0100444")
    database = m.work + "/db.sqlite"
    m.debugfs(f"dump /nix/var/nix/db/db.sqlite {database}")
    with sqlite3.connect(database) as db:
        db.execute("UPDATE ValidPaths SET hash = ?, ultimate = 1 WHERE path = ?", ("sha256:" + "0" * 64, path))
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()
    m.debugfs("rm /nix/var/nix/db/db.sqlite", f"write {database} /nix/var/nix/db/db.sqlite")
    t.ok(m.refused_by_stage2("-etc"), "stage 2 names the object", m.text)
