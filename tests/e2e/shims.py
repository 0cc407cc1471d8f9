#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shims as they are installed: ihard-exec under interpreters' names, with the machine's own table and policy. And
an interpreter that cooperates (AT_EXECVE_CHECK, securebits).

usage: shims.py IHARD IHARD-EXEC IH-CAREFUL
/etc/ihard is one of our own, in a mount namespace of our own.
"""
import ctypes
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from place import NOBODY, Place as Base, write  # noqa: E402
from tap import Tap, as_user, run, skip_all  # noqa: E402

IHARD, EXEC, CAREFUL = sys.argv[1:4]
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
tap = Tap()
if os.geteuid() != 0:
    skip_all("only root can make a tree that nobody else can write")


def own_etc():
    libc = ctypes.CDLL(None, use_errno=True)
    os.makedirs("/etc/ihard", exist_ok=True)
    return libc.unshare(CLONE_NEWNS) == 0 and libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) == 0 and \
        libc.mount(b"none", b"/etc/ihard", b"tmpfs", 0, b"mode=755") == 0


class Place(Base):
    def __init__(self, top):
        super().__init__(top)
        self.bin = self.tree + "/bin"
        os.mkdir(self.bin)
        self.strict = self.changed("strict", rules=[r for r in self.server["rules"] if not {"inline", "stdin", "interactive"} & set(r.get("modes", []))])
        r = run([IHARD, "policy", "compile", "--output", "/etc/ihard/policy.bin", self.policy])
        tap.ok(r.rc == 0, "the policy compiles", r)
        os.chmod("/etc/ihard/policy.bin", 0o644)
        self.real = os.path.realpath("/usr/bin/python3")
        self.table("# name  interpreter\n\nsh\t/bin/sh\nbash /bin/bash\npython3   /usr/bin/python3\n%s %s\nperl /usr/bin/perl\n"
                   "gone /usr/bin/no-such-interpreter\nevil %s/evil\n" % (os.path.basename(self.real), self.real, self.out))
        for half in (EXEC, EXEC + "-full"):
            if os.path.exists(half):
                shutil.copy(half, self.bin)
        for name in ("sh", "bash", "python3", os.path.basename(self.real), "perl", "gone", "evil", "unlisted"):
            os.symlink("ihard-exec", self.bin + "/" + name)
        shutil.copy("/bin/true", self.out + "/evil")
        for d in (self.tree, self.out):
            write(d + "/ok.sh", "#!%s/sh\necho ran $0 \"$@\"\n" % self.bin)
            write(d + "/ok.py", "#!%s/python3\nimport sys\nprint('ran', sys.executable, sys.argv[1:])\n" % self.bin)
            write(d + "/ok.pl", "#!%s/perl -w\nprint \"ran @ARGV\\n\";\n" % self.bin)

    def table(self, text):
        write("/etc/ihard/shims", text, 0o644)

    def run(self, argv, user=None, name=None, path=None, env=None, **kw):
        e = {"PATH": path or self.bin + ":/usr/bin:/bin", "HOME": self.out}
        e.update(env or {})
        return run(argv, executable=name, env=e, cwd=self.out, preexec_fn=as_user(NOBODY) if user else None, **kw)


def check_names(p):
    """Which interpreter a name stands for."""
    shim, version = p.bin + "/sh", os.path.basename(p.real)
    rows = [
        # what it is called, executable, arguments, exit code, what is printed
        ("a trusted script", p.bin + "/sh", None, [p.tree + "/ok.sh", "a b"], 0, "ran %s/ok.sh a b" % p.tree),
        ("an untrusted one", p.bin + "/sh", None, [p.out + "/ok.sh"], 126, ""),
        ("inline code", p.bin + "/sh", None, ["-c", "echo ran"], 126, ""),
        ("another interpreter", p.bin + "/python3", None, [p.tree + "/ok.py", "-c"], 0, "ran %s/python3 ['-c']" % p.bin),
        ("another of the same kind", p.bin + "/" + version, None, [p.tree + "/ok.py"], 0, "ran %s/%s []" % (p.bin, version)),
        ("perl", p.bin + "/perl", None, ["-w", p.tree + "/ok.pl", "x"], 0, "ran x"),
        ("perl, inline", p.bin + "/perl", None, ["-e", "print 'ran'"], 126, ""),
        ("the name alone, as a shell gives it", "sh", shim, [p.tree + "/ok.sh"], 0, "ran"),
        ("a login shell", "-sh", shim, [p.tree + "/ok.sh"], 0, "ran"),
        ("argv[0] decides, not the file", "python3", shim, [p.tree + "/ok.py"], 0, "ran %s/python3" % p.bin),
        ("a path that leads nowhere", "/no/where/sh", shim, [p.tree + "/ok.sh"], 0, "ran"),
        ("a name with dots before it", "../../sh", shim, [p.tree + "/ok.sh"], 0, "ran"),
        ("a name that is not in the table", p.bin + "/unlisted", None, [p.tree + "/ok.sh"], 125, ""),
        ("no name", "", shim, [p.tree + "/ok.sh"], 125, ""),
        ("a directory's name", p.bin + "/", shim, [p.tree + "/ok.sh"], 125, ""),
        ("a dash", "-", shim, [p.tree + "/ok.sh"], 125, ""),
        ("two dashes", "--sh", shim, [p.tree + "/ok.sh"], 125, ""),
        ("a name that begins like one", "sh2", shim, [p.tree + "/ok.sh"], 125, ""),
        ("a name that one begins with", "s", shim, [p.tree + "/ok.sh"], 125, ""),
        ("blanks in it", "sh\t", shim, [p.tree + "/ok.sh"], 125, ""),
        ("a line feed in it", "sh\nsh", shim, [p.tree + "/ok.sh"], 125, ""),
        ("a comment's sign", "#", shim, [p.tree + "/ok.sh"], 125, ""),
        ("a very long name", "x" * 100000, shim, [p.tree + "/ok.sh"], 125, ""),
        ("a name in other letters", "SH", shim, [p.tree + "/ok.sh"], 125, ""),
        ("an interpreter that is gone", p.bin + "/gone", None, [p.tree + "/ok.sh"], 127, ""),
        ("an interpreter that is not trusted", p.bin + "/evil", None, [], 126, ""),
    ]
    for user in (None, NOBODY):
        for what, argv0, exe, args, rc, out in rows:
            r = p.run([argv0] + args, user=user, name=exe)
            tap.ok(r.rc == rc and r.out.startswith(out) and bool(r.out) == bool(out) and bool(r.err) == bool(rc),
                   "%s: %s" % ("user" if user else "root", what), r)


def check_ways(p):
    """How a shim comes to be called."""
    for suffix in ("sh", "py", "pl"):
        r = p.run([p.tree + "/ok." + suffix, "x"])
        tap.ok(r.rc == 0 and r.out.startswith("ran"), "a trusted script whose '#!' names a shim: ." + suffix, r)
        r = p.run([p.out + "/ok." + suffix, "x"])
        tap.ok(r.rc == 126 and not r.out, "an untrusted one: ." + suffix, r)
    write(p.tree + "/env.py", "#!/usr/bin/env python3\nimport sys\nprint('ran', sys.executable)\n")
    r = p.run([p.tree + "/env.py"])
    tap.ok(r.out == "ran %s/python3\n" % p.bin, "found by env along PATH", r)
    write(p.tree + "/deep.sh", "#!%s/sh\npython3 %s/ok.py 1; perl %s/ok.pl 2; (sh %s/ok.sh); sh -c 'echo handed on'\n" % (p.bin, p.tree, p.tree, p.out))
    r = p.run([p.tree + "/deep.sh"])
    tap.ok("ran %s/python3 ['1']" % p.bin in r.out and "ran 2" in r.out and "handed on" in r.out and p.out + "/ok.sh\n" not in r.out,
           "shims call shims: one gate, the same verdicts", r)
    for user in (None, NOBODY):
        argv = [p.bin + "/ihard-exec", "--", "env", "sh", "-c", "echo ran"]
        r = p.run(argv, user=user)
        tap.ok(r.rc == 126 and not r.out and r.err.count("ihard") and "-c" in r.err, "a shim below a gate, refused for who asked: 126, not a signal", r)
    # PATH has no say in what a shim stands for
    for name in ("sh", "python3", "bash"):
        write(p.out + "/" + name, "#!/bin/sh\necho poisoned\n")
    for path in (p.out + ":/usr/bin", ".", "", p.out + ":" + p.bin):
        r = p.run([p.bin + "/sh", p.tree + "/ok.sh"], path=path)
        tap.ok(r.rc == 0 and r.out.startswith("ran"), "PATH=%s" % path.replace(p.top, "…"), r)
    for name, value in (("LD_PRELOAD", p.out + "/x.so"), ("LD_LIBRARY_PATH", p.out), ("LD_AUDIT", p.out + "/x.so"), ("ENV", p.out + "/ok.sh"),
                        ("BASH_ENV", p.out + "/ok.sh"), ("GLIBC_TUNABLES", "glibc.malloc.check=1"), ("LOCPATH", p.out)):
        r = p.run([p.bin + "/bash", p.tree + "/ok.sh"], env={name: value})
        tap.ok(r.rc in (0, 126) and "poisoned" not in r.out and p.out + "/ok.sh" not in r.out, "environment: %s" % name, r)
    write(p.tree + "/exit.sh", "#!%s/sh\nexit 42\n" % p.bin)
    tap.ok(p.run([p.tree + "/exit.sh"]).rc == 42, "the exit status is the script's")
    r = run([p.bin + "/sh", "-s"], input="echo ran\n", stdin=None, env={"PATH": "/usr/bin:/bin"})
    tap.ok(r.rc == 126 and not r.out, "code on standard input", r)


def check_table(p):
    """Tables that say nothing, or too much."""
    with open("/etc/ihard/shims") as f:
        good = f.read()
    rows = [("empty", ""), ("only comments", "# sh /bin/sh\n#sh /bin/sh\n"), ("a relative path", "sh bin/sh\n"), ("no path", "sh\n"),
            ("a bad line before", "nonsense\nsh /bin/sh\n"), ("nothing but bytes", "\x01\x02\x7f\n"), ("too large", "# x\n" * 20000 + "sh /bin/sh\n"),
            ("a blank before the name", " sh /bin/sh\n")]
    for what, text in rows:
        p.table(text)
        r = p.run([p.bin + "/sh", p.tree + "/ok.sh"])
        tap.ok(r.rc == 125 and not r.out and r.err.count("\n") == 1, "table: %s" % what, r)
    for what, text in (("the first of two counts", "sh /bin/sh\nsh %s/evil\n" % p.out), ("no line feed at the end", "sh /bin/sh"),
                       ("blanks at the end", "sh /bin/sh")):
        p.table(text)
        r = p.run([p.bin + "/sh", p.tree + "/ok.sh"])
        tap.ok(r.rc == 0 and r.out.startswith("ran"), "table: %s" % what, r)
    os.unlink("/etc/ihard/shims")
    for what, make in (("none", lambda: None), ("a directory", lambda: os.mkdir("/etc/ihard/shims")), ("a FIFO", lambda: os.mkfifo("/etc/ihard/shims")),
                       ("somebody else's", lambda: os.chown(write("/etc/ihard/shims", good, 0o644), NOBODY, NOBODY))):
        make()
        r = p.run([p.bin + "/sh", p.tree + "/ok.sh"], timeout=20)
        tap.ok(r.rc == 125 and not r.out and r.err.count("\n") == 1, "table: %s" % what, r)
        if os.path.isdir("/etc/ihard/shims"):
            os.rmdir("/etc/ihard/shims")
        elif os.path.lexists("/etc/ihard/shims"):
            os.unlink("/etc/ihard/shims")
    p.table(good)


def check_careful(p):
    """An interpreter that asks the kernel what it may run, and reads the securebits that ihard set."""
    careful = shutil.copy(CAREFUL, p.tree + "/careful")
    bare = run([careful, "--bits"])
    if bare.rc == 77:
        tap.skip("cooperation", "this kernel has no AT_EXECVE_CHECK (Linux 6.14)")
        return
    shutil.copy("/bin/true", p.out + "/x")
    write(p.tree + "/plain", "text\n", 0o644)
    write(p.out + "/plain", "text\n", 0o644)
    write(p.tree + "/below.sh", "#!/bin/sh\n%s --bits\n%s %s/x\necho then $?\n" % (careful, careful, p.out))
    wrap = lambda policy, *argv: [IHARD, "run", "--policy", policy, "--events", "none", "--"] + list(argv)  # noqa: E731
    rows = [
        # policy, arguments, exit code and output with ihard; without it everything runs
        (p.policy, ["--bits"], 0, "0x300"), (p.strict, ["--bits"], 0, "0xf00"),
        (p.policy, [p.tree + "/ok.sh"], 0, "ran " + p.tree + "/ok.sh"), (p.policy, [p.out + "/x"], 1, "EACCES"),
        (p.policy, [p.tree + "/plain"], 1, "EACCES"), (p.policy, [p.out + "/plain"], 1, "EACCES"),
        (p.policy, ["-c", "text"], 0, "ran text"), (p.strict, ["-c", "text"], 1, "EPERM"),
        (p.strict, [p.tree + "/ok.sh"], 0, "ran"), (p.strict, [p.out + "/x"], 1, "EACCES"),
    ]
    for user in (None, NOBODY):
        for policy, args, rc, out in rows:
            name = "%s: careful %s under %s" % ("user" if user else "root", " ".join(args).replace(p.top, "…"), os.path.basename(policy))
            r = p.run([careful] + args, user=user)
            tap.ok(r.rc == 0, name + ": alone it runs", r)
            r = p.run(wrap(policy, careful, *args), user=user)
            tap.ok(r.rc == rc and r.out.startswith(out), name + ": " + out.replace(p.top, "…"), r)
        r = p.run(wrap(p.policy, p.tree + "/below.sh"), user=user)
        tap.ok(r.out == "0x300\nEACCES\nthen 1\n", "the bits and the answers reach what a script starts", r)
    for where, rc in ((p.tree + "/ok.sh", 0), (p.out + "/x", 1), (p.tree + "/plain", 1)):
        with open(where) as f:
            r = run(wrap(p.strict, careful), stdin=f, env={"PATH": "/usr/bin:/bin"})
        tap.ok(r.rc == rc, "careful < %s under strict" % where.replace(p.top, "…"), r)
    # a trusted script that somebody writes to just now
    with open(p.tree + "/busy.sh", "w") as f:
        os.fchmod(f.fileno(), 0o755)
        f.write("#!/bin/sh\necho ran\n")
        f.flush()
        r = p.run(wrap(p.policy, "sh", p.tree + "/busy.sh"))
        tap.ok(r.rc == 126 and "open for writing" in r.err, "a trusted script that is open for writing is refused", r)
    r = p.run(wrap(p.policy, "sh", p.tree + "/busy.sh"))
    tap.ok(r.rc == 0 and r.out == "ran\n", "… and runs when it is closed", r)


if not own_etc():
    skip_all("no mount namespace can be made here")
# /opt: a trusted tree may not lie where everybody can make files
with tempfile.TemporaryDirectory(prefix="ih-shims.", dir="/opt") as top:
    p = Place(top)
    check_names(p)
    check_ways(p)
    check_table(p)
    check_careful(p)
tap.done()
