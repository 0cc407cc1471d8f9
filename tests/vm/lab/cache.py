# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where what was built once is kept, and how a thing is built at most once.

Everything in the cache can be deleted at any time; it is made again from Debian packages.
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys


def folder():
    base = os.environ.get("IHARD_VM_CACHE")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ihard-vm")
    os.makedirs(base, exist_ok=True)
    return base


def say(text):
    print("# " + text, file=sys.stderr, flush=True)


def run(*command, **options):
    """Runs a command and raises with its output when it fails."""
    options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))[:300]} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def key(*parts):
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


def once(name, make):
    """The path of `name` in the cache; make(path) is called under a lock when it is not there.

    It is made under another name and renamed, so that an interrupted run leaves nothing half done.
    """
    path = os.path.join(folder(), name)
    if os.path.exists(path):
        return path
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(path):
            return path
        part = path + ".part"
        shutil.rmtree(part, ignore_errors=True)
        if os.path.lexists(part):
            os.unlink(part)
        make(part)
        os.rename(part, path)
    return path


def need(*programs):
    """Names of programs that are missing (for a test that skips with a sentence)."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [p for p in programs if not shutil.which(p, path=path)]
