#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernels that lack something: what `ihard run` falls back on, and the sentence that says what is lost.

usage: kernels.py IHARD IH-TRY IH-WITHOUT
A system call that answers as an older kernel would, for everything in the tree and for as long as it lives. Each row:
the trusted script runs or does not, a sentence says so, and an untrusted script below it never runs.
"""
import json
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from place import write  # noqa: E402
from tap import Tap, as_user, run, skip_all  # noqa: E402

IHARD, TRY, WITHOUT = sys.argv[1:4]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
RUNS, STOPS = True, False
ROWS = [
    # what is missing, how it answers, gates, does the script run, what is said (None: nothing)
    ("no Landlock built in (before 5.13)", ["landlock_create_ruleset=ENOSYS"], "both", RUNS, "this kernel has no Landlock, so files outside"),
    ("Landlock not switched on", ["landlock_create_ruleset=EOPNOTSUPP"], "both", RUNS, "lsm=landlock"),
    ("no exec securebits (before 6.14)", ["prctl:28=EPERM"], "both", RUNS, "SECBIT_EXEC_RESTRICT_FILE"),
    ("no seccomp filters", ["seccomp=ENOSYS"], "both", STOPS, "no seccomp filters"),
    ("no filters by seccomp(2) (before 3.17)", ["seccomp=EINVAL"], "both", STOPS, "no seccomp filters"),
    ("no no_new_privs", ["prctl:38=EINVAL"], "both", STOPS, "no_new_privs"),
    ("no execveat (before 3.19)", ["execveat=ENOSYS"], "both", STOPS, "cannot run"),
    ("no openat2 (before 5.6)", ["openat2=ENOSYS"], "both", RUNS, None),
    ("no clone3 (before 5.3)", ["clone3=ENOSYS"], "both", RUNS, None),
    ("no faccessat2 (before 5.8)", ["faccessat2=ENOSYS"], "both", RUNS, None),
    ("no statx (before 4.11)", ["statx=ENOSYS"], "both", STOPS, "ihard"),
    ("no pidfd_getfd (before 5.6): refused, and not said", ["pidfd_getfd=ENOSYS"], "tree", RUNS, None),
    ("no pidfd_open (before 5.3)", ["pidfd_open=ENOSYS"], "tree", RUNS, None),
    ("no PTRACE_GET_SYSCALL_INFO (before 5.3)", ["ptrace:16910=EIO"], "tree", STOPS, "cannot tell what process"),
    ("no PTRACE_SEIZE (before 3.4)", ["ptrace:16902=EIO"], "tree", STOPS, "--gate outer"),
    ("tracing forbidden (Yama 3)", ["ptrace:16902=EPERM"], "tree", STOPS, "--gate outer"),
    ("no close_range (before 5.9)", ["close_range=ENOSYS"], "tree", STOPS, "set up the supervisor"),
    ("no memory of others to be read", ["process_vm_readv=ENOSYS"], "tree", RUNS, None),
    ("everything that came after 6.1", ["prctl:28=EPERM", "prctl:65=EINVAL"], "both", RUNS, "SECBIT_EXEC_RESTRICT_FILE"),
]
tap = Tap()
if os.geteuid() != 0:
    skip_all("only root can make a tree that nobody else can write")


# /opt: a trusted tree may not lie where everybody can make files
with tempfile.TemporaryDirectory(prefix="ih-kernels.", dir="/opt") as top:
    os.chmod(top, 0o755)
    tree, out = top + "/tree", top + "/out"
    os.mkdir(tree)
    os.mkdir(out)
    shutil.copy(TRY, tree + "/ih-try")
    act = write(tree + "/act.sh", "#!/bin/sh\necho ran\n%s/ih-try ptrace\n%s/ih-try written\nsh %s/evil.sh\n%s/evil.sh\necho end\n" % (tree, tree, out, out))
    write(out + "/evil.sh", "#!/bin/sh\necho EVIL\n")
    with open(ROOT + "/policy/profiles/server.json") as f:
        policy = json.load(f)
    [p for p in policy["trust"] if "trees" in p][0]["trees"].append(tree)
    path = write(top + "/policy.json", json.dumps(policy), 0o644)
    for what, taken, gates, runs, says in ROWS:
        for gate in ("tree", "outer") if gates == "both" else (gates,):
            for who in (None, as_user(65534)):
                name = "%s: %s, gate %s: " % ("user" if who else "root", what, gate)
                r = run([WITHOUT] + taken + ["--", IHARD, "run", "--policy", path, "--events", "none", "--gate", gate, "--", act],
                        env={"PATH": "/usr/bin:/bin"}, preexec_fn=who, timeout=60)
                words = r.out.split()
                tap.ok(("ran" in words) == runs and ("end" in words) == runs, name + ("runs" if runs else "nothing runs"), r)
                if runs:
                    tap.ok("EPERM" in words and (gate == "outer" or ("EACCES" in words and "EVIL" not in words)), name + "as confined as it can be", r)
                else:
                    tap.ok(r.rc in (125, 126) and re.search("^ihard: ", r.err, re.M), name + "125 or 126", r)
                if says:
                    tap.ok(says in r.err, name + "the sentence", r)
tap.done()
