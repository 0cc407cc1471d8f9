#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each step of confinement: the act works without it, and is refused, with its errno, under it.

usage: confine.py IH-CONFINED IH-TRY IH-WITHOUT
"""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import Tap, as_user, run  # noqa: E402

CONFINED, TRY, WITHOUT = sys.argv[1:4]
ROOT = os.geteuid() == 0
NOBODY = 65534
tap = Tap()

# verb, arguments, step that forbids it, what the refusal says. Acts that need root are marked.
ACTS = [
    ("ptrace", [], "seccomp", "EPERM", False),
    ("vm-write", [], "seccomp", "EPERM", False),
    ("userfaultfd", [], "seccomp", "EPERM", False),
    ("io-uring", [], "seccomp", "ENOSYS", False),
    ("memfd", [], "seccomp", "EPERM", False),
    ("unshare", [], "seccomp", "EPERM", False),
    ("clone", ["0x10000000"], "seccomp", "EPERM", False),
    ("clone", ["0x00800000"], "seccomp", "EPERM", False),
    ("clone", ["0x200"], "seccomp", "EPERM", False),
    ("clone3", [], "seccomp", "ENOSYS", False),
    ("mount", [], "seccomp", "EPERM", True),
    ("chroot", [], "seccomp", "EPERM", True),
    ("chroot", [], "capabilities", "EPERM", True),
    ("personality", ["0x0400000"], "seccomp", "EPERM", False),
    ("personality", ["0x80400000"], "seccomp", "EPERM", False),
    ("personality", ["0x100400000"], "seccomp", "EPERM", False),
    ("bpf", [], "seccomp", "EPERM", True),
    ("shm-exec", [], "seccomp", "EPERM", False),
    ("pkey", [], "seccomp", "ENOSYS", False),
    ("pkey", [], "write-xor-execute", "EACCES", False),
    ("write-then-exec", [], "write-xor-execute", "EACCES", False),
    ("own-code", [], "landlock", "EACCES", False),
    ("core", [], "core-dumps", "EPERM", False),
    ("securebits", ["0x300"], "securebits", "EPERM", False),
    ("securebits", ["0xc00"], "securebits", "EPERM", False),
    ("setuid-program", [], "no-new-privileges", "EPERM", False),
    ("capability", ["21"], "capabilities", "EPERM", True),
    ("capability", ["19"], "capabilities", "EPERM", True),
]
# What must go on working under all steps at once.
WORKS = [
    ("memfd", ["sealed"]),
    ("clone", ["0"]),
    ("personality", ["0xffffffff"]),
    ("personality", ["0"]),
    ("personality", ["0x0040000"]),
]


def users():
    return [("root", None), ("user", as_user(NOBODY))] if ROOT else [("user", None)]


LOADER = ["--tree", "/lib", "--tree", "/lib64", "--tree", "/usr/lib", "--tree", "/usr/lib64"]


def check_acts(work):
    act = work + "/bin/ih-try"
    trees = ["--tree", work + "/bin"] + LOADER + ["--", act]
    for who, demote in users():
        for verb, args, step, error, needs_root in ACTS:
            name = "%s: %s %s under %s" % (who, verb, " ".join(args), step)
            if needs_root and who != "root":
                continue
            bare = run([act, verb] + args, preexec_fn=demote)
            if bare.rc != 0:
                tap.skip(name, "the act does not work here even without the step: " + bare.out.strip())
                continue
            r = run([CONFINED, step] + trees + [verb] + args, preexec_fn=demote)
            if r.rc == 0 and "lost " + step in r.err:
                tap.skip(name, r.err.strip())
                continue
            tap.ok(r.rc == 1 and r.out.strip() == error, name, r)
        for verb, args in WORKS:
            r = run([CONFINED, ",".join(STEPS)] + trees + [verb] + args, preexec_fn=demote)
            tap.ok(r.rc == 0, "%s: %s %s works under all steps" % (who, verb, " ".join(args)), r)
        r = run([CONFINED, "seccomp", "--", TRY, "i386"], preexec_fn=demote)
        if run([TRY, "i386"]).rc == 0:
            tap.ok(r.rc == -31, "%s: an i386 system call ends the process under seccomp" % who, r)


STEPS = ["no-new-privileges", "core-dumps", "capabilities", "securebits", "landlock", "write-xor-execute", "seccomp"]


def check_landlock(work):
    """Trees: execution only inside, writing only outside."""
    tree = os.path.join(work, "tree")
    out = os.path.join(work, "out")
    for d in (tree, out):
        os.mkdir(d)
        shutil.copy("/bin/true", d + "/true")
        shutil.copy("/bin/true", d + "/old")
        shutil.copy("/bin/true", d + "/moved")
    os.chmod(out, 0o777)
    confined = [CONFINED, "landlock", "--tree", tree, "--tree", work + "/bin"] + LOADER + ["--", work + "/bin/ih-try"]
    rows = [
        ("exec", [tree + "/true"], 0, ""), ("exec", [out + "/true"], 1, "EACCES"),
        ("exec-fd", [tree + "/true"], 0, ""), ("exec-fd", [out + "/true"], 1, "EACCES"),
        ("write", [out + "/new"], 0, ""), ("write", [tree + "/new"], 1, "EACCES"),
        ("truncate", [out + "/old"], 0, ""), ("truncate", [tree + "/old"], 1, "EACCES"),
        ("mkdir", [out + "/dir"], 0, ""), ("mkdir", [tree + "/dir"], 1, "EACCES"),
        ("rename", [out + "/moved", out + "/moved2"], 0, ""),
        ("rename", [tree + "/moved", tree + "/moved2"], 1, "EACCES"),
        ("rename", [out + "/moved2", tree + "/evil"], 1, "EACCES"),
        ("write", ["/proc/sys/kernel/core_pattern"], 1, "EACCES"),
        ("write", ["/dev/null"], 0, ""),
        ("write", ["/tmp/ih-confine-test.%d" % os.getpid()], 0, ""),
    ]
    for verb, args, rc, error in rows:
        r = run(confined + [verb] + args)
        name = "landlock: %s %s %s" % (verb, " ".join(os.path.relpath(a, work) if a.startswith(work) else a for a in args),
                                       "is refused" if rc else "works")
        if "lost landlock: this kernel has no" in r.err:
            tap.skip(name, r.err.strip())
            continue
        tap.ok(r.rc == rc and (not error or r.out.strip() == error), name, r)
    for verb, args, rc, error in rows:
        if rc and "core_pattern" not in args[0] and not args[0].startswith(out + "/moved"):
            r = run([work + "/bin/ih-try", verb] + args)
            tap.ok(r.rc == 0, "without landlock: %s works" % verb, r)
    os.unlink("/tmp/ih-confine-test.%d" % os.getpid())


# step, system calls it leans on
FAULTS = [
    ("no-new-privileges", "prctl:38"),
    ("core-dumps", "prlimit64"),
    ("capabilities", "capget"),
    ("capabilities", "capset"),
    ("securebits", "prctl:27"),
    ("securebits", "prctl:28"),
    ("landlock", "landlock_create_ruleset"),
    ("landlock", "landlock_add_rule"),
    ("landlock", "landlock_restrict_self"),
    ("landlock", "openat"),
    ("landlock", "newfstatat"),
    ("landlock", "getdents64"),
    ("write-xor-execute", "prctl:65"),
    ("seccomp", "seccomp"),
]


def check_faults(work):
    """A step whose system call is gone: the program does not run, or a sentence says what was lost."""
    marker = os.path.join(work, "ran")
    for step, call in FAULTS:
        if step == "capabilities" and not ROOT:
            tap.skip("fault: %s without %s" % (step, call), "needs root: who has none does not ask to lose them")
            continue
        for error in ("ENOSYS", "EPERM", "EINVAL", "EMFILE", "ENOMEM"):
            base = [WITHOUT, "%s=%s" % (call, error), "--", CONFINED, step]
            tail = ["--tree", "/usr", "--tree", "/lib", "--", "/usr/bin/touch", marker]
            r = run(base + tail)
            ran = os.path.exists(marker)
            if ran:
                os.unlink(marker)
            said = "lost %s: " % step in r.err or r.err.startswith("failed: not confined: ")
            died_early = not ran and not r.err.startswith("failed") and r.rc != 0
            tap.ok(said or died_early, "fault: %s without %s (%s) says so" % (step, call, error), r)
            tap.ok(not ran or "lost %s: " % step in r.err,
                   "fault: %s without %s (%s) never runs silently" % (step, call, error), r)
            r = run(base + ["--mandatory", step] + tail)
            tap.ok(not os.path.exists(marker),
                   "fault: mandatory %s without %s (%s) does not run" % (step, call, error), r)
            if os.path.exists(marker):
                os.unlink(marker)


# Not below /tmp: anybody may make files there, so landlock leaves trees below it to their permissions.
base = "/opt" if ROOT else os.path.expanduser("~")
with tempfile.TemporaryDirectory(prefix="ih-confine.", dir=base) as work:
    os.chmod(work, 0o755)
    os.mkdir(work + "/bin")
    shutil.copy(TRY, work + "/bin/ih-try")
    check_acts(work)
    if ROOT:
        check_landlock(work)
    check_faults(work)
tap.done()
