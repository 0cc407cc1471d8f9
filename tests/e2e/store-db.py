#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Nix database as input from an attacker: what is broken or lies gets its sentence, what is good is
read, also from a log that an unclean shutdown left, and nothing is ever written beside it.

usage: store-db.py IH-STORE
"""
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import tap  # noqa: E402

SCHEMA = """
CREATE TABLE ValidPaths (id integer primary key autoincrement not null, path text unique not null, hash text not null,
 registrationTime integer not null, deriver text, narSize integer, ultimate integer, sigs text, ca text);
CREATE TABLE Refs (referrer integer not null, reference integer not null, primary key (referrer, reference));
CREATE INDEX IndexReferrer on Refs(referrer);
CREATE INDEX IndexReference on Refs(reference);
"""
HASH = "sha256:" + "ab" * 32
ROW = "INSERT INTO ValidPaths (path, hash, registrationTime, narSize, sigs, ca) VALUES (?, ?, 1, ?, ?, ?)"


def path(n):
    return "/nix/store/" + "%032d" % n + "-o%d" % n


class Lab:
    def __init__(self, tool):
        self.tool = tool
        self.top = tempfile.mkdtemp(prefix="ih-db-")
        self.n = 0
        self.t = tap.Tap()

    def new(self, schema=SCHEMA, version="10"):
        self.n += 1
        self.dir = os.path.join(self.top, "%d" % self.n)
        os.mkdir(self.dir)
        self.file = os.path.join(self.dir, "db.sqlite")
        if version is not None:
            with open(os.path.join(self.dir, "schema"), "w", encoding="ascii") as f:
                f.write(version)
        db = sqlite3.connect(self.file, isolation_level=None)
        if schema:
            db.executescript(schema)
        return db

    def filled(self, count=3):
        db = self.new()
        for i in range(1, count + 1):
            db.execute(ROW, (path(i), HASH, 100 + i, "k:AAAA", None))
        db.execute("INSERT INTO Refs VALUES (2, 1)")
        db.execute("INSERT INTO Refs VALUES (2, 2)")
        return db

    def row(self, n=2, **kw):
        before = sorted(os.listdir(self.dir))
        p = tap.run([self.tool, "row", self.file, "/nix/store", path(n)], **kw)
        after = sorted(os.listdir(self.dir))
        if before != after:
            self.t.ok(False, "nothing is written beside the database", "%s became %s" % (before, after))
        return p

    def good(self, name, n=2, **kw):
        p = self.row(n, **kw)
        self.t.ok(p.rc == 0 and p.out.startswith("1;" + path(n) + ";sha256:"), name, p)
        return p

    def bad(self, name, words, n=2, **kw):
        p = self.row(n, **kw)
        self.t.ok(p.rc == 1 and words in p.err and not p.out, name + ": " + words, p)
        return p


def change(lab, name, sql, words, each=True):
    """One good database with one lie in it."""
    db = lab.filled()
    db.execute("PRAGMA foreign_keys=OFF")
    db.executescript(sql)
    db.close()
    lab.bad(name, words)
    if each:
        p = tap.run([lab.tool, "each", lab.file, "/nix/store"])
        lab.t.ok(p.rc == 1 and words in p.err and path(1) in p.out, name + ": the other rows are read all the same", p)


def lying_rows(lab):
    db = lab.filled()
    db.close()
    p = lab.good("a row is read")
    lab.t.ok(p.out.rstrip().endswith(";102;" + path(1) + "," + path(2)), "with its references", p)
    lab.bad("no such row", "is not in the database", n=9)
    up = "UPDATE ValidPaths SET %s WHERE id=2;"
    change(lab, "hash of another kind", up % "hash='sha1:kpcd173cq987hw957sx6m0868wv3x6d9'", "no SHA-256 as hash")
    change(lab, "hash that is none", up % "hash='sha256:zz'", "no SHA-256 as hash")
    change(lab, "hash that is a number", up % "hash=5", "no SHA-256 as hash")
    change(lab, "hash that is a blob", up % "hash=x'00ff'", "no SHA-256 as hash")
    change(lab, "hash with a NUL", up % "hash=hash||char(0)", "no SHA-256 as hash")
    change(lab, "negative size", up % "narSize=-1", "no size as narSize")
    change(lab, "size that is text", up % "narSize='many'", "no size as narSize")
    change(lab, "size that is a fraction", up % "narSize=1.5", "no size as narSize")
    change(lab, "signatures that are a blob", up % "sigs=x'00'", "no text as signatures")
    change(lab, "claim that is a blob", up % "ca=x'00'", "no text as content address")
    change(lab, "reference to a missing row", "INSERT INTO Refs VALUES (2, 77);", "refers to row 77 of the database, which is missing")
    db = lab.filled()
    db.execute("UPDATE ValidPaths SET narSize=9223372036854775807 WHERE id=2")
    db.close()
    lab.good("a huge size is only a number")
    db = lab.filled()
    db.execute("UPDATE ValidPaths SET narSize=NULL WHERE id=2")
    db.close()
    p = lab.row()
    lab.t.ok(p.rc == 0 and "has no fingerprint" in p.out, "no size, no fingerprint", p)


def lying_paths(lab):
    for bad in ("/etc/passwd", "/nix/store/x", path(1) + "/bin", path(1)[:-2] + "..", "", path(5) + "\n", "nix"):
        db = lab.filled()
        db.execute("UPDATE ValidPaths SET path=? WHERE id=3", (bad,))
        db.execute("INSERT INTO Refs VALUES (2, 3)")
        db.close()
        lab.bad("a reference to '%s'" % bad.replace("\n", "?"), "the database has a bad row")


def graphs(lab):
    db = lab.filled()
    db.executescript("INSERT INTO Refs VALUES (1, 2); INSERT INTO Refs VALUES (1, 1); INSERT INTO Refs VALUES (3, 1);")
    db.close()
    lab.good("references in a circle", n=1)
    db = lab.new()
    db.execute("BEGIN")
    db.execute("INSERT INTO ValidPaths (path, hash, registrationTime, narSize) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
               "SELECT i + 1 FROM n WHERE i < 120000) SELECT printf('/nix/store/%032d-o%d', i, i), ?, 1, 100 FROM n", (HASH,))
    db.execute("INSERT INTO Refs SELECT 1, id FROM ValidPaths")
    db.execute("INSERT INTO Refs SELECT 2, id FROM ValidPaths LIMIT 99999")
    db.execute("COMMIT")
    db.close()
    lab.bad("120,000 references", "more than 100000 references", n=1)
    lab.good("99,999 references", n=2)
    lab.good("an object beside them", n=3)


def schemas(lab):
    lab.filled().close()
    lab.good("schema 10")
    for version in ("9", "11", "", "10x", "ten", "10" * 40):
        with open(os.path.join(lab.dir, "schema"), "w", encoding="ascii") as f:
            f.write(version)
        lab.bad("schema '%s'" % version, "limit of 64" if len(version) > 64 else "expected 10")
    os.unlink(os.path.join(lab.dir, "schema"))
    lab.bad("no schema file", "No such file")
    for name, sql in (("no tables", "CREATE TABLE x (y); DROP TABLE x;"), ("other tables", "CREATE TABLE x (y);"),
                      ("views", "CREATE TABLE a (id, path, hash, narSize, ultimate, sigs, ca); CREATE VIEW ValidPaths AS "
                       "SELECT * FROM a; CREATE TABLE Refs (referrer, reference);"),
                      ("a virtual table", "CREATE VIRTUAL TABLE ValidPaths USING fts5(path, hash, narSize, ultimate, sigs, ca);"
                       "CREATE TABLE Refs (referrer, reference);")):
        lab.new(sql).close()
        lab.bad(name, "no ordinary tables ValidPaths and Refs")
    lab.new("CREATE TABLE ValidPaths (id, path); CREATE TABLE Refs (referrer, reference);").close()
    lab.bad("missing columns", "no such column")
    # endless work in a generated column is refused or cut short, never waited for
    lab.new("CREATE TABLE ValidPaths (id integer primary key, path text, h text, narSize, ultimate, sigs, ca, hash text AS "
            "(printf('%.1000000000c', 'x')) VIRTUAL); CREATE TABLE Refs (referrer, reference);"
            "INSERT INTO ValidPaths (id, path) VALUES (2, '" + path(2) + "');").close()
    lab.bad("a column that is computed", "no ordinary tables", timeout=20)
    lab.new(SCHEMA.replace("reference integer not null,", "reference integer as (referrer + 1), x,").replace(
        ", primary key (referrer, reference)", "")).close()
    lab.bad("a reference that is computed", "no ordinary tables")
    # no unique index: two rows for one path
    lab.new(SCHEMA.replace(" unique", "")).close()
    db = sqlite3.connect(lab.file)
    for _ in range(2):
        db.execute(ROW, (path(2), HASH, 5, None, None))
    db.commit()
    db.close()
    lab.bad("two rows for one path", "two rows for")
    lab.new(SCHEMA.replace("path text", "path text collate nocase")).close()
    db = sqlite3.connect(lab.file)
    db.execute(ROW, (path(2).replace("-o", "-O"), HASH, 5, None, None))
    db.commit()
    db.close()
    lab.bad("a collation that finds another row", "when asked for")


def files(lab):
    lab.filled().close()
    os.unlink(lab.file)
    lab.bad("no database", "cannot open the database")
    os.mkfifo(lab.file)
    lab.bad("a FIFO", "is not a regular file", timeout=10)
    os.unlink(lab.file)
    os.symlink("/dev/zero", lab.file)
    lab.bad("a link", "is not a regular file", timeout=10)
    os.unlink(lab.file)
    for name, data in (("empty", b""), ("text", b"hello\n" * 1000), ("only the magic", b"SQLite format 3\0")):
        with open(lab.file, "wb") as f:
            f.write(data)
        lab.bad(name, "is no SQLite database")
    os.unlink(os.path.join(lab.dir, "schema"))
    os.mkfifo(os.path.join(lab.dir, "schema"))
    lab.bad("a FIFO as schema", "is not a regular file", timeout=10)
    lab.filled().close()
    os.mkdir(lab.file + "-wal")
    lab.bad("a directory as log", "is not a regular file")


def damage(lab):
    lab.filled(400).close()
    with open(lab.file, "rb") as f:
        whole = f.read()
    r = random.Random(4)
    odd, crashed = 0, []
    for i in range(100):
        data = bytearray(whole)
        if i % 3 == 0:
            data = data[:r.randrange(len(data))]
        else:
            for _ in range(r.choice((1, 4, 64))):
                data[r.randrange(100 if i % 3 == 1 else len(data))] = r.randrange(256)
        with open(lab.file, "wb") as f:
            f.write(data)
        for argv in (["row", lab.file, "/nix/store", path(2), path(399)], ["each", lab.file, "/nix/store"]):
            p = tap.run([lab.tool] + argv, timeout=60)
            if p.rc not in (0, 1) or (p.rc == 1 and not p.err):
                crashed.append((i, str(p)))
            odd += p.rc == 1
    lab.t.ok(not crashed, "100 damaged databases: no crash, and always a sentence", crashed[:3])
    lab.t.ok(odd > 30, "of which many are refused", odd)


def logs(lab):
    db = lab.filled()
    db.execute("PRAGMA journal_mode=wal")
    lab.good("a log that is empty, while a writer has it open")
    db.execute("PRAGMA wal_autocheckpoint=0")
    db.execute("UPDATE ValidPaths SET narSize=4711 WHERE id=2")
    p = lab.good("a log with a writer")
    lab.t.ok(";4711;" in p.out, "what is in it is seen", p)
    # the machine loses power now
    source = lab.dir
    for name, names in (("the log alone", ("db.sqlite-wal",)), ("log and index", ("db.sqlite-wal", "db.sqlite-shm"))):
        lab.new("").close()
        for n in ("db.sqlite",) + names:
            shutil.copy(os.path.join(source, n), os.path.join(lab.dir, n))
        p = lab.good("unclean shutdown, " + name)
        lab.t.ok(";4711;" in p.out, "unclean shutdown, %s: what is in the log is seen" % name, p)
        lab.t.ok("was not closed cleanly" in p.err, "and said", p)
        os.chmod(lab.dir, 0o555)
        if os.getuid() == 0:
            os.chmod(lab.top, 0o755)
            p = lab.good("the same for a user who may only read", preexec_fn=tap.as_user(65534))
            lab.t.ok(";4711;" in p.out, "sees it, too", p)
        if os.getuid() == 0 and subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            p = tap.run(["unshare", "-m", "bash", "-c", 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && '
                         'exec "$0" row "$1/db.sqlite" /nix/store "$2"', lab.tool, lab.dir, path(2)])
            lab.t.ok(p.rc == 0 and ";4711;" in p.out, "the same on a file system that is read only", p)
        os.chmod(lab.dir, 0o755)
    with open(lab.file + "-shm", "wb") as f:
        f.write(b"\xff" * 32768)
    p = lab.good("an index full of nonsense")
    lab.t.ok(";4711;" in p.out, "is not used", p)
    with open(lab.file + "-wal", "r+b") as f:
        f.truncate(os.path.getsize(lab.file + "-wal") - 100)
    p = lab.good("a log whose last frame is torn")
    lab.t.ok(";102;" in p.out, "ends before it", p)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def locks(lab):
    """A writer that keeps its lock: bounded wait, then a sentence."""
    for name, mode in (("a database without log", "delete"), ("a log that is kept exclusively", "wal")):
        lab.filled().close()
        code = ("import sqlite3,sys,time; d=sqlite3.connect(sys.argv[1], isolation_level=None);"
                "d.execute('PRAGMA locking_mode=exclusive') if '%s'=='wal' else None; d.execute('PRAGMA journal_mode=%s');"
                "d.execute('BEGIN EXCLUSIVE'); d.execute('UPDATE ValidPaths SET narSize=1'); print('held', flush=True);"
                "time.sleep(60)" % (mode, mode))
        with subprocess.Popen(["/usr/bin/python3", "-c", code, lab.file], stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            begun = time.monotonic()
            p = lab.row()
            took = time.monotonic() - begun
            if mode == "delete":
                lab.t.ok(p.rc == 1 and "is locked by a writer" in p.err, name + ", locked: says so", p)
            else:
                lab.t.ok(p.rc == 1 and p.err or ";102;" in p.out, name + ": says so, or reads what was committed", p)
            lab.t.ok(took < 10, name + ": does not wait for ever", took)
            writer.send_signal(signal.SIGKILL)
        if mode == "delete":
            p = lab.row()  # the journal is hot: the file holds half a transaction
            lab.t.ok(p.rc == 1 or ";102;" in p.out, "a hot journal is not overlooked", p)


def main():
    lab = Lab(os.path.abspath(sys.argv[1]))
    try:
        for part in (lying_rows, lying_paths, graphs, schemas, files, damage, logs, locks):
            part(lab)
    finally:
        subprocess.run(["chmod", "-R", "u+w", lab.top], check=False)
        shutil.rmtree(lab.top)
    lab.t.done()


main()
