#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each system call that ihard makes fails once: never an unconfined run, never silence, never a hang.

usage: faults.py IHARD IHARD-EXEC IH-CALLS IH-TRY
Which calls there are, and how often each is made, is found out first (ih-calls list), so the list cannot go stale.
The first, the middle and the last call of each kind fail, with ENOSYS, EPERM, EINVAL, EMFILE and ENOMEM.
IH_FAULTS=all does them all; without it each call fails with one of the errors, by turns.
"""
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from place import write  # noqa: E402
from tap import Tap, as_user, run, skip_all  # noqa: E402

IHARD, EXEC, CALLS, TRY = sys.argv[1:5]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ERRORS = ["ENOSYS", "EPERM", "EINVAL", "EMFILE", "ENOMEM"]
ALL = os.environ.get("IH_FAULTS") == "all"
LAST_WORDS = {"exit", "exit_group"}  # nothing can be said after them
# where the C library cannot start or lock, it ends the process by itself; nothing has run then
LIBC = {"brk", "arch_prctl", "mprotect", "futex", "mmap"}
SAYS = re.compile(r"^ihard(-exec)?: \S", re.M)
tap = Tap()
if os.geteuid() != 0:
    skip_all("only root can make a tree that nobody else can write")


def names():
    """Number to name, from the kernel's header; numbers do where it is missing."""
    try:
        with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h") as f:
            return {int(n): name for name, n in re.findall(r"#define __NR_(\w+)\s+(\d+)", f.read())}
    except OSError:
        return {}


NAMES = names()


def title(key):
    number, _, arg = key.partition(":")
    return NAMES.get(int(number), number) + (":" + arg if arg else "")


class Place:
    def __init__(self, top):
        os.chmod(top, 0o755)
        self.top, self.tree, self.out = top, top + "/tree", top + "/out"
        os.mkdir(self.tree)
        os.mkdir(self.out)
        shutil.copy(TRY, self.tree + "/ih-try")
        self.act = write(self.tree + "/act.sh", "#!/bin/sh\necho ran\n%s/ih-try ptrace\n%s/ih-try own-code\nsh %s/evil.sh\necho end\n" % (self.tree, self.tree, self.out))
        write(self.out + "/evil.sh", "#!/bin/sh\necho EVIL\n")
        with open(ROOT + "/policy/profiles/server.json") as f:
            policy = json.load(f)
        [p for p in policy["trust"] if "trees" in p][0]["trees"].append(self.tree)
        # a machine's own store would have the small ihard-exec hand over to the full one
        policy["trust"] = [p for p in policy["trust"] if p["provider"] != "nix"]
        self.policy = write(top + "/policy.json", json.dumps(policy), 0o644)
        r = run([IHARD, "policy", "compile", "--output", top + "/policy.bin", self.policy])
        tap.ok(r.rc == 0, "the policy compiles", r)
        self.shims = write(top + "/shims", "sh /bin/sh\n", 0o644)

    def commands(self):
        wrap = [IHARD, "run", "--policy", self.policy, "--events", self.top + "/events", "--gate"]
        wrapper = [EXEC, "--policy=" + self.top + "/policy.bin"]
        shim = wrapper + ["--shims=" + self.shims, "--as=sh", "--", "sh", self.act]
        user = as_user(65534)
        # name, program whose calls fail, command, does it gate the tree, who runs it: root leaves the small program
        return [("tree", IHARD, wrap + ["tree", "--", self.act], True, None),
                ("outer", IHARD, wrap + ["outer", "--", self.act], False, None),
                ("exec", EXEC + "-full", wrapper + ["--", self.act], True, None),
                ("shim", EXEC + "-full", shim, True, None),
                ("hand-over", EXEC, wrapper + ["--", self.act], True, None),
                ("exec as a user", EXEC, wrapper + ["--", self.act], True, user),
                ("exec as a user, outer", EXEC, wrapper + ["--gate=outer", "--", self.act], False, user),
                ("shim as a user", EXEC, shim, True, user)]


def calls_of(exe, command, who):
    r = run([CALLS, "list", exe, "--"] + command, preexec_fn=who)
    return [(k, int(n)) for k, n in re.findall(r"^(\d+(?::\d+)?) (\d+)$", r.err, re.M)]


def one(gate, exe, command, tree, who, fault):
    what = "%s: %s, call %d fails with %s" % (gate, title(fault[0]), fault[2], fault[1])
    argument = "%s=%d@%d" % (fault[0], getattr(errno, fault[1]), fault[2])
    try:
        r = run([CALLS, "fail", exe, argument, "--"] + command, timeout=30, env={"PATH": "/usr/bin:/bin"}, preexec_fn=who)
    except subprocess.TimeoutExpired:
        tap.ok(False, what, "still running after 30 s")
        return
    words = r.out.split()
    ran = "ran" in words
    if ran:
        # ptrace is refused by the filter, own code by Landlock unless a sentence says that Landlock is not there
        tried = [w for w in words[1:] if w.startswith("E") and w != "EVIL"]
        good = set(tried) <= {"EPERM", "EACCES"} and "worked" not in words
        good = good and (not tree or "EVIL" not in words) and ("end" in words or SAYS.search(r.err))
        why = "confined"
    elif title(fault[0]) in LIBC:
        good, why = "ihard" in r.err or r.rc in (127, -6, -11), "nothing runs"
    else:
        good, why = SAYS.search(r.err) and r.rc in (125, 126, 127, -9), "a sentence"
    tap.ok(good, what + ": " + why, r)


def choose(calls):
    n = 0
    for key, times in calls:
        if title(key) in LAST_WORDS:
            continue
        for k in sorted({1, times} | ({(times + 1) // 2} if ALL else set())):
            for i in range(len(ERRORS) if ALL else 1):
                yield key, ERRORS[(n + i) % len(ERRORS)], k
            n += 1


# /opt: a trusted tree may not lie where everybody can make files
with tempfile.TemporaryDirectory(prefix="ih-faults.", dir="/opt") as top:
    p = Place(top)
    for gate, exe, command, tree, who in p.commands():
        r = run(command, env={"PATH": "/usr/bin:/bin"}, preexec_fn=who)
        tap.ok(r.out.split() == ["ran", "EPERM", "EACCES"] + ([] if tree else ["EVIL"]) + ["end"] and r.rc == 0, gate + ": without a fault", r)
        calls = calls_of(exe, command, who)
        tap.ok(len(calls) > (10 if gate == "hand-over" else 20), "%s: leans on %d kinds of calls" % (gate, len(calls)), calls)
        for fault in choose(calls):
            one(gate, exe, command, tree, who, fault)
tap.done()
