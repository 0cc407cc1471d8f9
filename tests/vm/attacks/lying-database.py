# SPDX-License-Identifier: LGPL-2.1-or-later
"""A changed file, and a row of the database that says that it was always so."""
import os
import re
import sqlite3
import subprocess

AT = "store"


def damage(m):
    path = m.object("etc")
    with open(m.work + "/new", "w") as f:
        f.write("another name\n")
    m.debugfs(f"rm {path}/hostname", f"write {m.work}/new {path}/hostname", f"sif {path}/hostname mode 0100444", f"sif {path}/hostname mtime 1")
    database, copy = m.work + "/db.sqlite", m.work + "/etc"
    subprocess.run(["rm", "-rf", copy], check=True)
    subprocess.run(["cp", "-a", m.work + "/root" + path, copy], check=True)
    os.chmod(copy, 0o755)
    os.unlink(copy + "/hostname")
    with open(copy + "/hostname", "w") as f:
        f.write("another name\n")
    hashed = subprocess.run(["nix-hash", "--type", "sha256", copy], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    size = len(subprocess.run(["nix-store", "--dump", copy], stdout=subprocess.PIPE, check=True).stdout)
    m.debugfs(f"dump /nix/var/nix/db/db.sqlite {database}")
    with sqlite3.connect(database) as db:
        db.execute("UPDATE ValidPaths SET hash = ?, narSize = ?, ultimate = 1 WHERE path = ?", ("sha256:" + hashed, size, path))
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()
    for name in ("db.sqlite-wal", "db.sqlite-shm"):
        m.debugfs("rm /nix/var/nix/db/" + name)
    m.debugfs("rm /nix/var/nix/db/db.sqlite", f"write {database} /nix/var/nix/db/db.sqlite")


def shows(c):
    c.works("cat /etc/hostname", "another name")


def refused(m):
    return [re.escape(m.object("etc")) + "'"]
