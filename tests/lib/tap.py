# SPDX-License-Identifier: LGPL-2.1-or-later
"""TAP for end-to-end tests in Python: t = Tap(); t.ok(cond, name, why); t.skip(name, why); t.done()."""
import atexit
import os
import shutil
import subprocess
import sys
import tempfile

_copies = {}


def _reached_by_all(path):
    while path != "/":
        path = os.path.dirname(path)
        if not os.stat(path).st_mode & 0o001:
            return False
    return True


def _program(path):
    """A built program where other users can run it, too: a clone in /root is for root alone."""
    folder, name = os.path.split(path)
    if os.geteuid() != 0 or not (os.path.isfile(path) and os.access(path, os.X_OK)) or _reached_by_all(path):
        return path
    if folder not in _copies:
        _copies[folder] = tempfile.mkdtemp(prefix="ihard-programs.")
        os.chmod(_copies[folder], 0o755)
        atexit.register(shutil.rmtree, _copies[folder], True)
        for f in os.scandir(folder):  # all of them: a program finds its parts beside it
            if f.is_file() and os.access(f.path, os.X_OK):
                shutil.copy(f.path, _copies[folder])
    return os.path.join(_copies[folder], name)


# meson names built programs relative to the build folder; tests run them from elsewhere
sys.argv[1:] = [_program(os.path.abspath(a)) if "/" in a and os.path.exists(a) else a for a in sys.argv[1:]]


class Tap:
    def __init__(self):
        self.n = self.bad = 0

    def ok(self, good, name, why=""):
        self.n += 1
        self.bad += not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.n, name.replace("#", "")), flush=True)
        if not good:
            for line in str(why).splitlines()[:20]:
                print("# " + line, flush=True)
        return good

    def skip(self, name, why):
        self.n += 1
        print("ok %d - %s # SKIP %s" % (self.n, name, why), flush=True)

    def done(self):
        print("1..%d" % self.n)
        sys.exit(1 if self.bad else 0)


def skip_all(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)  # in TAP the plan says it; meson takes another status for an error


class Result:
    def __init__(self, rc, out, err):
        self.rc, self.out, self.err = rc, out, err

    def __str__(self):
        return "exit %s\nout: %s\nerr: %s" % (self.rc, self.out.strip(), self.err.strip())


def run(argv, timeout=60, **kw):
    """Runs a command; its exit status (negative: signal), output and errors."""
    kw.setdefault("stdin", subprocess.DEVNULL)
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                       encoding="utf-8", errors="replace", **kw)
    return Result(p.returncode, p.stdout, p.stderr)


def as_user(uid):
    """preexec_fn: become an ordinary user."""
    import os

    def demote():
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    return demote
