#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Random single faults in a store that real Nix made: each must be found and the object named, no other
one blamed, and the store must be good again once the fault is undone.

    verify_faults.py IHARD       IH_FAULTS=10000 for the long run (400 otherwise), IH_SEED to repeat one

A fault that changes nothing (two equal files swapped) is not counted.
"""
import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from tap import Tap, run, skip_all  # noqa: E402

IHARD = os.path.abspath(sys.argv[1])
FAULTS = int(os.environ.get("IH_FAULTS", "400"))
SEED = int(os.environ.get("IH_SEED", "1"))
rng = random.Random(SEED)


class Skip(Exception):
    """The fault would change nothing here."""


def shell(script, *args):
    return subprocess.run(["bash", "-euc", ". %s/../lib/nix-store.sh; %s" % (HERE, script), "-"] + list(args),
                          check=True, stdout=subprocess.PIPE, text=True).stdout


class Store:
    def __init__(self, where):
        self.root, self.db = where, where + "/nix/var/nix/db/db.sqlite"
        shell('nix_store_new "$1"', where)
        trees = where + "/trees"
        rows, names = [], ["object-%d" % i for i in range(14)]
        for i, name in enumerate(names):
            self.tree(os.path.join(trees, name), i)
            refs = sorted({names[j] for j in rng.sample(range(i), min(i, 3))} | ({name} if i % 4 == 0 else set()))
            rows.append((name, os.path.join(trees, name), refs))
        top = os.path.join(trees, "toplevel")
        os.makedirs(top)
        with open(top + "/system", "w", encoding="ascii") as f:
            f.write("top\n")
        rows.append(("toplevel", top, names))
        path = dict(zip([r[0] for r in rows],
                        shell('for n in "$@"; do nix_store_path "$n"; echo; done', *[r[0] for r in rows]).split()))
        with open(where + "/list", "w", encoding="ascii") as f:
            for name, tree, refs in rows:
                f.write("%s\t%s\t%s\n" % (name, tree, " ".join(path[r] for r in refs)))
        self.top, self.paths = path["toplevel"], list(path.values())
        shell('nix_store_put_many "$1" "$1/list"; nix_store_key "$1" k-1 one; nix_store_sign "$1" one ${@:2}',
              where, *self.paths)
        self.key = shell('nix_store_public "$1" one', where).strip()
        with open(self.db, "rb") as f:
            self.pristine = f.read()
        self.files = {p: self.walk(where + p) for p in self.paths}

    @staticmethod
    def tree(where, i):
        """A file, a link, or a directory with a bit of everything."""
        if i == 3:
            with open(where, "w", encoding="ascii") as f:
                f.write("a file is an object, too\n")
            return
        if i == 5:
            os.symlink("/nix/store/elsewhere", where)
            return
        for d in ("bin", "lib/deep/er", "share", "empty"):
            os.makedirs(os.path.join(where, d))
        for n in range(6):
            name = os.path.join(where, ("bin", "lib", "lib/deep/er")[n % 3], "f%d" % n)
            with open(name, "wb") as f:
                f.write(rng.randbytes((0, 1, 63, 64, 4096, 70000)[n] + n))
            os.chmod(name, 0o755 if n % 3 == 0 else 0o644)
        with open(where + "/share/odd \xe9\n name", "wb") as f:
            f.write(b"#!/bin/sh\n")
        os.symlink("../bin/f0", where + "/lib/link")
        os.symlink("missing", where + "/share/dangling")

    @staticmethod
    def walk(top):
        """Every node of an object: (path, mode)."""
        nodes = [top]
        if os.path.isdir(top) and not os.path.islink(top):
            for d, subs, files in os.walk(top):
                nodes += [os.path.join(d, n) for n in subs + files]
        return sorted(nodes)

    def verify(self, *options):
        r = run([IHARD, "verify", "--store", self.root, "--trusted-public-keys", self.key, "--json"] +
                list(options) + [self.top])
        try:
            return r, json.loads(r.out)
        except ValueError:
            return r, None

    def pick(self, kind):
        """A random node of a kind, with its object."""
        test = {"file": lambda m: stat.S_ISREG(m), "dir": lambda m: stat.S_ISDIR(m), "link": lambda m: stat.S_ISLNK(m),
                "any": lambda m: True, "nolink": lambda m: not stat.S_ISLNK(m)}[kind]
        while True:
            obj = rng.choice(self.paths)
            node = rng.choice(self.files[obj])
            if test(os.lstat(node).st_mode):
                return obj, node


def hide(path):
    """An attacker sets the time back; a disk does not."""
    if rng.random() < 0.5:
        os.utime(path, (1, 1), follow_symlinks=False)


def rewrite(path, data):
    st = os.lstat(path)
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, stat.S_IMODE(st.st_mode))


def content(change):
    def fault(store):
        obj, path = store.pick("file")
        with open(path, "rb") as f:
            old = f.read()
        new = change(bytearray(old))
        if new == old:
            raise Skip
        rewrite(path, new)
        hide(path)
        return obj, path, lambda: (rewrite(path, old), os.utime(path, (1, 1)))
    return fault


def flip(data):
    if not data:
        raise Skip
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def shorten(data):
    if not data:
        raise Skip
    return data[:rng.randrange(len(data))]


def swap(store):
    obj, a = store.pick("file")
    others = [f for f in store.files[obj] if f != a and os.path.isfile(f) and not os.path.islink(f)]
    if not others:
        raise Skip
    b = rng.choice(others)

    def exchange():
        os.rename(a, a + ".x")
        os.rename(b, a)
        os.rename(a + ".x", b)
    with open(a, "rb") as f, open(b, "rb") as g:
        if f.read() == g.read() and os.lstat(a).st_mode == os.lstat(b).st_mode:
            raise Skip
    exchange()
    return obj, None, exchange


def swap_objects(store):
    a, b = rng.sample(store.paths, 2)

    def exchange():
        os.rename(store.root + a, store.root + "/x")
        os.rename(store.root + b, store.root + a)
        os.rename(store.root + "/x", store.root + b)
    exchange()
    return {a, b}, None, exchange


def rename(store):
    obj, path = store.pick("any")
    new = path + rng.choice(["2", ".", "~1", "\n"])
    os.rename(path, new)
    return obj, None, lambda: os.rename(new, path)


def add(store):
    obj, path = store.pick("dir")
    new = os.path.join(path, rng.choice(["evil", ".hidden", "\xff", "0"]))
    kind = rng.randrange(5)
    if kind == 0:
        with open(new, "w", encoding="ascii") as f:
            f.write("x")
        os.chmod(new, 0o555)
    elif kind == 1:
        os.mkdir(new, 0o555)
    elif kind == 2:
        os.symlink("/etc/passwd", new)
    elif kind == 3:
        os.mkfifo(new, 0o444)
    else:
        os.mknod(new, 0o444 | stat.S_IFCHR, os.makedev(1, 3))
    hide(new)
    return obj, None, lambda: os.rmdir(new) if kind == 1 else os.unlink(new)


def remove(store):
    obj, path = store.pick("any")
    aside = store.root + "/aside"
    os.rename(path, aside)
    return obj, None, lambda: os.rename(aside, path)


def replace(store):
    """A file, directory or link becomes something of another kind."""
    obj, path = store.pick("any")
    aside, was = store.root + "/aside", os.lstat(path).st_mode
    os.rename(path, aside)
    if stat.S_ISREG(was):
        os.symlink(aside, path)
    elif stat.S_ISLNK(was):
        with open(path, "w", encoding="ascii") as f:
            f.write(os.readlink(aside))
        os.chmod(path, 0o444)
    else:
        os.symlink(aside, path)

    def undo():
        os.unlink(path)
        os.rename(aside, path)
    return obj, None, undo


def relink(store):
    obj, path = store.pick("link")
    old = os.readlink(path)
    os.unlink(path)
    os.symlink(rng.choice([old + "x", "/tmp/evil", "../" + old]), path)

    def undo():
        os.unlink(path)
        os.symlink(old, path)
        os.utime(path, (1, 1), follow_symlinks=False)
    return obj, None, undo


def chmod(store):
    obj, path = store.pick("nolink")
    old = stat.S_IMODE(os.lstat(path).st_mode)
    new = old ^ rng.choice([0o4000, 0o2000, 0o1000, 0o200, 0o20, 0o2, 0o100, 0o10, 0o1, 0o400])
    os.chmod(path, new)
    return obj, path, lambda: os.chmod(path, old)


def chown(store):
    obj, path = store.pick("any")
    os.chown(path, rng.choice([1, 1000, 65534]), -1, follow_symlinks=False)

    def undo():
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        os.chown(path, 0, 0, follow_symlinks=False)
        if not os.path.islink(path):
            os.chmod(path, mode)
    return obj, path, undo


def attribute(store):
    obj, path = store.pick("file")
    name, value = rng.choice([("security.capability", bytes.fromhex("0100000200200000000000000000000000000000")),
                              ("security.ima", b"\x04\x04" + bytes(32)), ("security.evm", b"x")])
    try:
        os.setxattr(path, name, value)
    except OSError:
        raise Skip from None
    return obj, path, lambda: os.removexattr(path, name)


def hard_link(store):
    """A hard link to the file of another object is content, too."""
    obj, path = store.pick("file")
    aside = store.root + "/aside"
    other = store.pick("file")[1]
    with open(path, "rb") as f, open(other, "rb") as g:
        if other == path or (f.read() == g.read() and
                             os.lstat(path).st_mode == os.lstat(other).st_mode):
            raise Skip
    os.rename(path, aside)
    os.link(other, path)

    def undo():
        os.unlink(path)
        os.rename(aside, path)
    return obj, None, undo


def database(statement):
    """statement(cursor, id, path): a change of the row of a random object."""
    def fault(store):
        sql = sqlite3.connect(store.db)
        row = rng.choice(sql.execute("SELECT id, path FROM ValidPaths").fetchall())
        before = list(sql.iterdump())
        try:
            blamed = statement(sql, *row)
            sql.commit()
            changed = before != list(sql.iterdump())
            sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            sql.close()

        def undo():
            for suffix in ("-wal", "-shm"):
                if os.path.exists(store.db + suffix):
                    os.unlink(store.db + suffix)
            with open(store.db, "wb") as f:
                f.write(store.pristine)
        if not changed:
            undo()
            raise Skip
        return blamed or row[1], None, undo
    return fault


def text_change(column):
    def statement(sql, number, _path):
        old = sql.execute("SELECT %s FROM ValidPaths WHERE id = ?" % column, (number,)).fetchone()[0]
        old = str(old)
        at = rng.randrange(len(old))
        if column == "sigs" and at < old.index(":"):
            at = old.index(":") + 3
        new = old[:at] + rng.choice("0123456789abcdefghij/+\0 ") + old[at + 1:]
        if new == old or (column == "narSize" and new.strip() == old):
            raise Skip
        sql.execute("UPDATE ValidPaths SET %s = ? WHERE id = ?" % column, (new, number))
    return statement


def drop_reference(sql, number, _path):
    rows = sql.execute("SELECT reference FROM Refs WHERE referrer = ?", (number,)).fetchall()
    if not rows:
        raise Skip
    sql.execute("DELETE FROM Refs WHERE referrer = ? AND reference = ?", (number, rng.choice(rows)[0]))


def add_reference(sql, number, _path):
    new = rng.choice(sql.execute("SELECT id FROM ValidPaths").fetchall())[0]
    sql.execute("INSERT OR IGNORE INTO Refs VALUES (?, ?)", (number, new))


def dangling_reference(sql, number, _path):
    sql.execute("PRAGMA foreign_keys = OFF")
    sql.execute("INSERT INTO Refs VALUES (?, ?)", (number, 100000 + rng.randrange(1000)))


def referrers(sql, number):
    return {r[0] for r in sql.execute("SELECT v.path FROM Refs r JOIN ValidPaths v ON v.id = r.referrer "
                                      "WHERE r.reference = ?", (number,))}


def drop_row(sql, number, path):
    """The references to it dangle, or vanish with it: whoever signed it is blamed, or it is missed."""
    blamed = referrers(sql, number) | {path}
    sql.execute("PRAGMA foreign_keys = OFF")
    sql.execute("DELETE FROM ValidPaths WHERE id = ?", (number,))
    if rng.random() < 0.5:
        sql.execute("DELETE FROM Refs WHERE reference = ? OR referrer = ?", (number, number))
    return blamed


def rename_row(sql, number, path):
    blamed = referrers(sql, number) | {path, path + "x"}
    sql.execute("UPDATE ValidPaths SET path = ? WHERE id = ?", (path + "x", number))
    return blamed


def claim_address(sql, number, _path):
    """A content-address claim and no signature: Nix believes it."""
    row = sql.execute("SELECT hash FROM ValidPaths WHERE id = ?", (number,)).fetchone()
    sql.execute("UPDATE ValidPaths SET sigs = NULL, ca = ? WHERE id = ?", ("fixed:r:" + row[0], number))


def unsign(sql, number, _path):
    sql.execute("UPDATE ValidPaths SET sigs = NULL, ultimate = 1 WHERE id = ?", (number,))


def other_signature(sql, number, _path):
    other = rng.choice(sql.execute("SELECT sigs FROM ValidPaths WHERE id != ?", (number,)).fetchall())[0]
    sql.execute("UPDATE ValidPaths SET sigs = ? WHERE id = ?", (other, number))


FAULT_KINDS = [
    ("a flipped bit", content(flip)),
    ("a flipped bit", content(flip)),
    ("a shortened file", content(shorten)),
    ("a longer file", content(lambda d: d + bytes([rng.randrange(256)]))),
    ("two files swapped", swap),
    ("two objects swapped", swap_objects),
    ("a name changed", rename),
    ("a file added", add),
    ("something removed", remove),
    ("something replaced by another kind", replace),
    ("a link that leads elsewhere", relink),
    ("a mode changed", chmod),
    ("an owner changed", chown),
    ("a security attribute", attribute),
    ("a file that is another's hard link", hard_link),
    ("a hash changed in the database", database(text_change("hash"))),
    ("a size changed in the database", database(text_change("narSize"))),
    ("a signature changed in the database", database(text_change("sigs"))),
    ("a reference dropped from the database", database(drop_reference)),
    ("a reference added in the database", database(add_reference)),
    ("a reference to nothing in the database", database(dangling_reference)),
    ("a row dropped from the database", database(drop_row)),
    ("a row with another path", database(rename_row)),
    ("a claimed content address", database(claim_address)),
    ("signatures dropped, built here", database(unsign)),
    ("another object's signature", database(other_signature)),
]


def judge(store, blamed, path):
    """Return: what is wrong with ihard's answer; empty when nothing is."""
    r, answer = store.verify()
    wanted = blamed if isinstance(blamed, set) else {blamed}
    if answer is None:
        return "no answer: %s" % r
    bad = {p["path"] for p in answer["paths"]}
    if r.rc == 0 or answer["verified"]:
        return "passed"
    if r.rc != answer["result"]:
        return "exit status %s and result %s" % (r.rc, answer["result"])
    if not bad & wanted:
        return "blamed %s instead of %s" % (bad, wanted)
    if bad - wanted:
        return "blamed also %s" % (bad - wanted)
    if any(not p.get("problems") for p in answer["paths"]):
        return "no sentence"
    if path and os.lstat(path).st_mode and not any(path[len(store.root):].encode("utf-8", "replace")[:40] in
                                                   s.encode() for p in answer["paths"] for s in p["problems"]) \
            and any("metadata" in p.get("kinds", []) for p in answer["paths"]):
        return "did not name the file %s: %s" % (path, [p["problems"] for p in answer["paths"]])
    return ""


def main():
    for p in ("nix", "nix-store", "nix-hash"):
        if not shutil.which(p):
            skip_all("needs '%s' (Debian: nix-bin)" % p)
    if os.geteuid():
        skip_all("needs root, to change owners")
    t, counts, wrong = Tap(), {}, {}
    with tempfile.TemporaryDirectory(prefix="ihard-faults-") as where:
        os.chmod(where, 0o755)
        store = Store(where)
        r, answer = store.verify()
        t.ok(r.rc == 0 and answer["verified"], "the store is good before", r)
        done = 0
        while done < FAULTS:
            name, fault = rng.choice(FAULT_KINDS)
            try:
                blamed, path, undo = fault(store)
            except Skip:
                continue
            why = judge(store, blamed, path)
            undo()
            done += 1
            counts[name] = counts.get(name, 0) + 1
            if why:
                wrong.setdefault(name, []).append("fault %d of seed %d: %s" % (done, SEED, why))
            if done % 50 == 0 or why:
                r, answer = store.verify()
                if r.rc:
                    t.ok(False, "the store is good after '%s'" % name, r)
                    break
        for name in sorted({k[0] for k in FAULT_KINDS}):
            n = counts.get(name, 0)
            t.ok(not wrong.get(name), "%s: found and named, %d times" % (name, n),
                 "\n".join(wrong.get(name, [])))
        r, answer = store.verify()
        t.ok(r.rc == 0 and answer["verified"], "the store is good after %d faults" % done, r)
    t.done()


main()
