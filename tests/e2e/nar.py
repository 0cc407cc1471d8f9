#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Archives and fingerprints are Nix's own: 1,000 trees, a sparse file of 5 GB, a signed store.

usage: nar.py IH-STORE IH-TRUST
"""
import os
import random
import shutil
import socket
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import tap  # noqa: E402
import trees  # noqa: E402

TREES = 1000
BATCH = 250


def ours(tool, paths):
    """{path: (hash, size)} of ih-store nar; what failed is left out."""
    found = {}
    for i in range(0, len(paths), BATCH):
        out = subprocess.run([tool, "nar"] + paths[i:i + BATCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             check=False).stdout
        # names may hold newlines: ours are top-level names, which do not
        for line in out.splitlines():
            digest, size, path = line.split(b" ", 2)
            found[path] = (digest.decode(), int(size))
    return found


def nix_hashes(paths):
    found = []
    for i in range(0, len(paths), BATCH):
        found += subprocess.run(["nix-hash", "--type", "sha256", "--base32"] + paths[i:i + BATCH],
                                stdout=subprocess.PIPE, check=True).stdout.decode().split()
    return {p: "sha256:" + h for p, h in zip(paths, found)}


def nix_dump(path):
    return subprocess.run(["nix-store", "--dump", path], stdout=subprocess.PIPE, check=True).stdout


def check_trees(t, tool, top):
    paths = trees.make_trees(top, TREES)
    want, got = nix_hashes(paths), ours(tool, paths)
    wrong = [p for p in paths if got.get(p, ("",))[0] != want[p]]
    t.ok(not wrong and len(got) == TREES, "the archives of %d trees have Nix's hashes" % TREES, wrong[:5])
    sample = paths[::25]
    wrong = [p for p in sample if subprocess.run([tool, "dump", p], stdout=subprocess.PIPE, check=False).stdout
             != nix_dump(p)]
    t.ok(not wrong, "%d archives are Nix's byte for byte" % len(sample), wrong)
    wrong = [p for p in sample if got[p][1] != len(nix_dump(p))]
    t.ok(not wrong, "their sizes too", wrong)
    return paths, got


def flip(r, path):
    """Changes one bit of one file, or its executable bit, or its name; returns what was done."""
    files = trees.regular_files(path)
    full = [f for f in files if os.lstat(f).st_size]
    if full and r.random() < 0.8:
        f = r.choice(full)
        at, bit = r.randrange(os.lstat(f).st_size), 1 << r.randrange(8)
        with open(f, "r+b") as h:
            h.seek(at)
            b = h.read(1)[0]
            h.seek(at)
            h.write(bytes([b ^ bit]))
        return "bit %d of byte %d" % (bit, at)
    if files and r.random() < 0.5:
        f = r.choice(files)
        os.chmod(f, stat.S_IMODE(os.lstat(f).st_mode) ^ stat.S_IXUSR)
        return "executable bit"
    if os.path.isdir(path) and not os.path.islink(path):
        with open(os.path.join(path, b"new"), "wb"):
            pass
        return "new empty file"
    if os.path.islink(path):
        target = bytearray(os.readlink(path))
        target[-1] ^= 1 if target[-1] != 1 else 2
        if target[-1] == ord("/"):
            target[-1] = ord("x")
        os.unlink(path)
        os.symlink(bytes(target), path)
        return "link target"
    f = files[0]
    os.chmod(f, stat.S_IMODE(os.lstat(f).st_mode) ^ stat.S_IXUSR)
    return "executable bit"


def check_flips(t, tool, paths, before):
    r = random.Random(2)
    done = {p: flip(r, p) for p in paths}
    after = ours(tool, paths)
    missed = [(p, done[p]) for p in paths if after.get(p) is None or after[p][0] == before[p][0]]
    t.ok(not missed, "one change in each of %d trees is found" % len(paths), missed[:5])


def nix(store, *args):
    env = dict(os.environ, NIX_REMOTE="", NIX_CONF_DIR=store, NIX_USER_CONF_FILES="")
    return subprocess.run([args[0], "--store", store] + list(args[1:]), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, env=env, check=True).stdout.decode().split()


def classes(trust, store, key, paths):
    """{path: class} as ih-trust gives it."""
    found = {}
    for i in range(0, len(paths), BATCH):
        out = subprocess.run([trust, "--root", store, "--key", key] + paths[i:i + BATCH], stdout=subprocess.PIPE,
                             check=False).stdout.decode("utf-8", "replace")
        for line in out.splitlines():
            if line.startswith(("verified /", "store /", "untrusted /", "unknown /")):
                word, path = line.split(" ", 1)
                found[path] = word
    return found


def check_store(t, trust, top, paths):
    """All trees in a store, added and signed by Nix: verified, which takes hash and fingerprint; then damaged."""
    store = os.path.join(top, "store")
    os.mkdir(store)
    added = []
    for i in range(0, len(paths), BATCH):
        added += nix(store, "nix-store", "--add", *paths[i:i + BATCH])
    secret, public = os.path.join(top, "k.sec"), os.path.join(top, "k.pub")
    subprocess.run(["nix-store", "--generate-binary-cache-key", "k", secret, public], check=True)
    nix(store, "nix", "--extra-experimental-features", "nix-command", "store", "sign", "-k", secret, "--all")
    with open(public, encoding="ascii") as f:
        key = f.read()
    # of an object that is a link trust says what it leads to
    real = sorted({store + p for p in added if not os.path.islink(store + p)})
    got = classes(trust, store, key, real)
    wrong = [p for p in real if got.get(p) != "verified"]
    t.ok(not wrong and len(real) > TREES // 2, "%d objects that Nix signed are verified" % len(real), wrong[:5])
    r = random.Random(5)
    done = {p: flip(r, os.fsencode(p)) for p in real}
    got = classes(trust, store, key, real)
    wrong = [(p, done[p]) for p in real if got.get(p) != "store"]
    t.ok(not wrong, "none of them after one change in each", wrong[:5])


def check_sparse(t, tool, top):
    path = os.path.join(os.fsencode(top), b"sparse")
    with open(path, "wb") as f:
        f.truncate(5 * 1024 ** 3)
        f.seek(3 * 1024 ** 3)
        f.write(b"in the middle")
    want, got = nix_hashes([path]), ours(tool, [path])
    t.ok(got.get(path, ("",))[0] == want[path], "a sparse file of 5 GB has Nix's hash", got)
    peak = subprocess.run(["/usr/bin/python3", "-c",
                           "import resource,subprocess,sys; subprocess.run(sys.argv[1:],check=True,"
                           "stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                           tool, "nar", path], stdout=subprocess.PIPE, check=True).stdout
    t.ok(int(peak) < 32 * 1024, "and needs no memory for it", peak)
    os.unlink(path)


def refused(t, tool, path, words, name):
    p = tap.run([tool, "nar", path])
    t.ok(p.rc == 1 and not p.out and all(w in p.err for w in words), name, p)


def check_refused(t, tool, top):
    d = os.path.join(top, "odd")
    os.mkdir(d)
    for n in ("a", "b"):
        os.mkfifo(os.path.join(d, n))
    t.ok(tap.run(["timeout", "5", tool, "nar", d]).rc == 1, "a FIFO does not block")
    refused(t, tool, d, ["/odd/a' is no file, directory or symbolic link", "/odd/b'"],
            "FIFOs are refused, all of them named")
    shutil.rmtree(d)
    s = socket.socket(socket.AF_UNIX)
    s.bind(d)
    refused(t, tool, d, ["is no file"], "a socket is refused")
    s.close()
    os.unlink(d)
    trees.make_deep(random.Random(3), os.fsencode(d), 64)
    t.ok(tap.run([tool, "nar", d]).rc == 0, "64 directories in each other are allowed")
    shutil.rmtree(d)
    trees.make_deep(random.Random(3), os.fsencode(d), 65)
    refused(t, tool, d, ["deeper"], "65 are refused")
    shutil.rmtree(d)
    refused(t, tool, os.path.join(top, "nothing"), ["cannot look at", "No such file"], "what is not there is refused")
    with open(d, "w") as f:
        f.write("x\n")
    t.ok(tap.run([tool, "nar", d]).rc == 0, "one file is allowed")
    os.chmod(d, 0)
    if os.getuid() == 0:
        p = tap.run([tool, "nar", d], preexec_fn=tap.as_user(65534))
        t.ok(p.rc == 1 and "cannot open" in p.err and "Permission denied" in p.err,
             "a file that cannot be read is named", p)


def main():
    tool, trust = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    if not shutil.which("nix-hash"):
        tap.skip_all("nix-hash is missing: Debian package nix-bin")
    if os.getuid() != 0:
        tap.skip_all("needs root, to read files of every mode")
    t = tap.Tap()
    top = tempfile.mkdtemp(prefix="ih-nar-")
    try:
        paths, got = check_trees(t, tool, top)
        check_store(t, trust, top, paths)
        check_flips(t, tool, paths, got)
        check_sparse(t, tool, top)
        check_refused(t, tool, top)
    finally:
        subprocess.run(["rm", "-rf", top], check=False)
    t.done()


main()
