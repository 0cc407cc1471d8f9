# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every lint shares: which files the tree has, and how a finding is reported."""
import os
import subprocess
import sys


def root():
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(*suffixes):
    """Paths from the root, of files that git knows or would add; without git, of all."""
    top = root()
    git = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-co", "-z", "--exclude-standard"],
                         cwd=top, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if git.returncode == 0:
        names = git.stdout.decode("utf-8", "surrogateescape").split("\0")
    else:
        names = []
        for d, subs, here in os.walk(top):
            subs[:] = [s for s in subs if s != ".git" and not s.startswith("build")]
            names += [os.path.relpath(os.path.join(d, f), top) for f in here]
    names = sorted({n for n in names if n and os.path.isfile(os.path.join(top, n))
                    and not os.path.islink(os.path.join(top, n))})
    return [n for n in names if not suffixes or n.endswith(suffixes)]


def text(name):
    with open(os.path.join(root(), name), encoding="utf-8", errors="replace") as f:
        return f.read()


def finish(findings, what):
    """Print findings as file:line: sentence; exit 1 when there are any."""
    for f in findings:
        print(f)
    print(f"{what}: {len(findings)} findings")
    sys.exit(1 if findings else 0)
