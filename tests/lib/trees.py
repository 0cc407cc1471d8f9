# SPDX-License-Identifier: LGPL-2.1-or-later
"""File trees made from a seed: the same seed, the same trees, on every machine.

Every mode, names of any bytes, empty files and directories, deep ones, sizes around the edges of
blocks and buffers, symbolic links to anywhere, hard links. Each tree is one name in a directory.
"""
import os
import random

SIZES = (0, 1, 7, 8, 9, 63, 64, 65, 4095, 4096, 4097)
EDGES = (131072 - 64, 131072 - 1, 131072, 131072 + 1, 262144 + 5)
NAMES = (b"-", b"--", b"a", b"a.b", b"a-", b"a0", b"A", b"\xff", b"\x01", b"a\nb", b"'", b'"', b" ", b"..x", b".x",
         b"\xc3\xa9", b"x" * 255, b"\x7f\x1b[31m", b"*", b"~nix~case~ha" b"ck~1", b"a~nix~case~ha" b"ck~1")


def name(r):
    if r.random() < 0.5:
        return r.choice(NAMES)
    n = bytes(r.choice((r.randrange(1, 256), r.randrange(97, 123))) for _ in range(r.randrange(1, 12)))
    return n.replace(b"/", b"_") if n not in (b".", b"..") else b"dot"


def make_file(r, path):
    size = r.choice(SIZES) if r.random() < 0.8 else r.choice(EDGES) if r.random() < 0.1 else r.randrange(20000)
    with open(path, "wb") as f:
        f.write(r.randbytes(size))
    os.chmod(path, r.randrange(0o10000) if r.random() < 0.7 else r.choice((0o444, 0o555)))


def make_link(r, path):
    n = r.choice((1, 2, 7, 8, 9, 100, 4095)) if r.random() < 0.3 else r.randrange(1, 30)
    os.symlink(bytes(r.randrange(1, 256) for _ in range(n)), path)


def make_directory(r, path, depth):
    os.mkdir(path)
    files = []
    for entry in {name(r) for _ in range(r.choice((0, 1, 3, 8)))}:
        at = os.path.join(path, entry)
        kind = r.random()
        if kind < 0.5:
            make_file(r, at)
            files.append(at)
        elif kind < 0.65:
            make_link(r, at)
        elif kind < 0.7 and files:
            os.link(r.choice(files), at)
        elif depth < 5:
            make_directory(r, at, depth + 1)
    os.chmod(path, 0o700 | r.randrange(0o10000))


def make_deep(r, path, depth):
    os.mkdir(path)
    for _ in range(depth - 1):
        path = os.path.join(path, b"d")
        os.mkdir(path)
    make_file(r, os.path.join(path, b"f"))


def make_tree(r, path):
    kind = r.random()
    if kind < 0.1:
        make_file(r, path)
    elif kind < 0.15:
        make_link(r, path)
    elif kind < 0.17:
        make_deep(r, path, r.choice((10, 40, 63)))
    else:
        make_directory(r, path, 0)


def make_trees(top, count, seed=1):
    """Makes @count trees top/t0000 …; returns their paths."""
    r = random.Random(seed)
    top = os.fsencode(top)
    paths = [os.path.join(top, b"t%04d" % i) for i in range(count)]
    for p in paths:
        make_tree(r, p)
    return paths


def regular_files(path):
    """All regular files in a tree, or the tree itself."""
    if os.path.islink(path):
        return []
    if os.path.isfile(path):
        return [path]
    found = []
    for d, _, files in os.walk(path):
        found += [os.path.join(d, f) for f in sorted(files) if not os.path.islink(os.path.join(d, f))]
    return found
