#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`ihard run` end to end: what runs, what is refused, and with which exit code and sentence.

usage: run.py IHARD IH-SPAWN IH-TRY IH-WITHOUT IHARD-EXEC [races]
With "races" only the races run, 100,000 times.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from place import NOBODY, Place as Base, write  # noqa: E402
from tap import Tap, as_user, run, skip_all  # noqa: E402

IHARD, SPAWN, TRY, WITHOUT, EXEC = sys.argv[1:6]
PATH = "/usr/bin:/bin"
tap = Tap()

if os.geteuid() != 0:
    skip_all("only root can make a tree that nobody else can write")


class Place(Base):
    """With programs, and scripts that are trusted and that are not."""

    def __init__(self, top):
        super().__init__(top)
        for f in (TRY, SPAWN):
            shutil.copy(f, self.tree)
        for d in (self.tree, self.out):
            write(d + "/ok.sh", "#!/bin/sh\necho ran $0 \"$@\"\n")
            write(d + "/ok.py", "#!/usr/bin/python3\nimport sys; print('ran', sys.argv[1:])\n")

    def run(self, *command, options=(), env=None, user=None, **kw):
        base = {"PATH": PATH, "HOME": self.out, "LANG": "C.UTF-8"}
        base.update(env or {})
        return run([IHARD, "run", "--policy", self.policy, "--events", "none"] + list(options) + ["--"] + list(command),
                   env=base, preexec_fn=as_user(NOBODY) if user else None, cwd=kw.pop("cwd", self.out), **kw)


def check_codes(p):
    for user in (None, NOBODY):
        who = "user: " if user else "root: "
        r = p.run(p.tree + "/ok.sh", "a b", user=user)
        tap.ok(r.rc == 0 and r.out == "ran %s/ok.sh a b\n" % p.tree and r.err == "", who + "a trusted script runs, silently", r)
        r = p.run(p.out + "/ok.sh", user=user)
        tap.ok(r.rc == 126 and r.out == "" and r.err.count("\n") == 1 and p.out in r.err, who + "an untrusted one: 126 and one sentence", r)
        r = p.run("sh", "-c", "echo hi", user=user)
        tap.ok(r.rc == 126 and r.out == "" and "'-c'" in r.err, who + "inline code: 126", r)
        r = p.run("sh", user=user)
        tap.ok(r.rc == 0, who + "an interpreter with empty standard input runs nothing", r)
        r = p.run("no-such-program", user=user)
        tap.ok(r.rc == 127 and "not found" in r.err, who + "not found: 127", r)
        r = p.run(p.out + "/none", user=user)
        tap.ok(r.rc == 127, who + "no such file: 127", r)
        write(p.tree + "/exit.sh", "#!/bin/sh\nexit $1\n")
        write(p.tree + "/kill.sh", "#!/bin/sh\nkill -$1 $$\n")
        for code in (1, 42, 125, 126, 127, 255):
            tap.ok(p.run(p.tree + "/exit.sh", str(code), user=user).rc == code, who + "exit status %d is the command's own" % code)
        tap.ok(p.run(p.tree + "/kill.sh", "TERM", user=user).rc == -signal.SIGTERM, who + "a signal is a signal")
    r = run([IHARD, "run", "--policy", p.out + "/none.json", "--", "true"])
    tap.ok(r.rc == 125 and r.out == "", "no such policy: 125, nothing runs", r)
    write(p.out + "/open.json", json.dumps(p.server), 0o666)
    r = run([IHARD, "run", "--policy", p.out + "/open.json", "--", "true"])
    tap.ok(r.rc == 125 and "can be written by others" in r.err, "a policy that others can write: 125", r)
    for bad in (["--gate", "side"], ["--nonsense"], ["--profile", "none"], []):
        r = run([IHARD, "run"] + bad + (["--", "true"] if bad else []))
        tap.ok(r.rc == 125 and r.err.startswith("ihard"), "usage: %s: 125" % " ".join(bad), r)


def check_tree(p):
    write(p.tree + "/try.sh", '#!/bin/sh\n"$@"\necho "then $?"\n')
    for gate in ("tree", "outer"):
        r = p.run(p.tree + "/try.sh", p.out + "/ok.sh", options=["--gate", gate])
        tap.ok(r.out == "then 126\n", "gate %s: a script that starts an untrusted one gets 126 and goes on" % gate, r)
        r = p.run(p.tree + "/try.sh", p.tree + "/ok.sh", options=["--gate", gate])
        tap.ok("ran" in r.out and "then 0" in r.out, "gate %s: a trusted one runs" % gate, r)
    r = p.run(p.tree + "/try.sh", p.out + "/ok.sh")
    tap.ok("ihard: " in r.err and p.out + "/ok.sh" in r.err, "gate tree: the sentence says which", r)
    r = p.run(p.tree + "/try.sh", "sh", p.out + "/ok.sh")
    tap.ok("ran" not in r.out and "then 126" in r.out, "gate tree: an interpreter on an untrusted script is refused, too", r)
    r = p.run(p.tree + "/try.sh", "sh", p.out + "/ok.sh", options=["--gate", "outer"])
    tap.ok("ran" in r.out, "… which gate outer cannot see", r)
    r = p.run(p.tree + "/try.sh", "sh", "-c", "echo inline")
    tap.ok("inline\n" in r.out, "gate tree: inline code from trusted code is that code's own business", r)
    r = p.run("env", "sh", "-c", "echo inline")
    tap.ok(r.rc == 126, "… but not when a launcher hands on what a person said", r)
    for way in ("vfork", "posix_spawn", "thread", "daemon"):
        marker = p.out + "/marker." + way
        tool = write(p.out + "/evil", "#!/bin/sh\n: > %s\n" % marker)
        r = p.run(p.tree + "/ih-spawn", way, "--", "/bin/sh", tool)
        time.sleep(0.6 if way == "daemon" else 0)
        tap.ok(not os.path.exists(marker), "gate tree: %s of an interpreter on an untrusted script" % way, r)
        r = run([SPAWN, way, "--", "/bin/sh", tool])
        time.sleep(0.6 if way == "daemon" else 0)
        tap.ok(os.path.exists(marker), "… which works without the gate", r)
    for verb, args in (("ptrace", []), ("io-uring", []), ("memfd", []), ("clone", ["0x00800000"]), ("own-code", []), ("unshare", [])):
        for user in (None, NOBODY):
            r = p.run(p.tree + "/ih-try", verb, *args, user=user)
            bare = run([TRY, verb] + args, preexec_fn=as_user(NOBODY) if user else None)
            tap.ok(bare.rc == 0 and r.rc == 1, "confined as %s: %s %s is refused" % (user or "root", verb, " ".join(args)), r)


def check_environment(p):
    show = write(p.tree + "/show.sh", "#!/bin/sh\nenv\n")
    os.makedirs(p.tree + "/lib", exist_ok=True)
    os.makedirs(p.out + "/lib", exist_ok=True)
    lib = lambda d: d + "/lib"  # noqa: E731
    rows = [
        ("FOO", "bar", "bar"), ("LANG", "de_DE.UTF-8", "de_DE.UTF-8"), ("EMPTY", "", ""),
        ("LD_PRELOAD", p.out + "/x.so", None), ("BASH_ENV", p.out + "/ok.sh", None),
        ("PERL5OPT", "-I" + p.out, None), ("LUA_INIT", "os.exit(1)", None), ("NODE_OPTIONS", "--require " + p.out + "/x.js", None),
        ("PYTHONPATH", lib(p.tree), lib(p.tree)), ("PYTHONPATH", lib(p.out), None),
        ("PYTHONPATH", lib(p.out) + ":" + lib(p.tree), lib(p.tree)),
        ("PERL5LIB", lib(p.tree) + ":" + lib(p.out) + ":" + lib(p.tree), lib(p.tree) + ":" + lib(p.tree)),
        ("RUBYLIB", lib(p.tree), lib(p.tree)), ("OPENSSL_CONF", p.out + "/o.cnf", None),
        ("GCONV_PATH", p.out, None), ("PYTHONHOME", p.out, None), ("GIT_SSH_COMMAND", "evil", None),
    ]
    for name, value, kept in rows:
        r = p.run(show, env={name: value})
        got = dict(line.partition("=")[::2] for line in r.out.splitlines()).get(name)
        tap.ok(r.rc == 0 and got == kept, "environment: %s=%s %s" % (
            name, value.replace(p.top, "…"), "passes" if kept == value else "goes" if kept is None else "is filtered"), r)
    r = p.run(show, env={"LD_PRELOAD": p.out + "/x.so"}, options=["--verbose"])
    tap.ok("variable 'LD_PRELOAD'" in r.err, "environment: --verbose says what went", r)
    # what is set inside the tree is looked at again
    write(p.out + "/evil.sh", "echo evil\n")
    r = p.run(write(p.tree + "/inner.sh", "#!/bin/sh\nBASH_ENV=%s/evil.sh bash %s/ok.sh; X=1 %s/show.sh\n" % (p.out, p.tree, p.tree)))
    tap.ok("evil" not in r.out and "ran" in r.out and "X=1" in r.out, "environment: set inside, dropped at exec", r)
    os.makedirs(p.out + "/cwd/json", exist_ok=True)
    write(p.out + "/cwd/json/__init__.py", "print('evil')\n")
    write(p.out + "/cwd/json/tool.py", "")
    data = write(p.out + "/cwd/x.json", "[1]")
    r = p.run("python3", "-m", "json.tool", data, cwd=p.out + "/cwd")
    tap.ok(r.rc == 0 and "evil" not in r.out and "1" in r.out, "python -m does not look into an untrusted working directory", r)


def check_code_trees(p):
    """Trees that hold code and no programs."""
    code = p.top + "/code"
    os.mkdir(code)
    write(code + "/part.sh", "#!/bin/sh\necho part\n")
    write(p.tree + "/starts.sh", "#!/bin/sh\n%s/part.sh\necho then $?\n" % code)
    policy = json.loads(json.dumps(p.server))
    paths = [q for q in policy["trust"] if "trees" in q][0]
    for where, refused in (("code_trees", True), ("trees", False)):
        paths[where] = paths.get(where, []) + [code]
        path = write("%s/%s.json" % (p.top, where), json.dumps(policy), 0o644)
        for user in (None, NOBODY):
            for gate in ("tree", "outer"):
                wrap = [IHARD, "run", "--policy", path, "--events", "none", "--gate", gate, "--"]
                name = "%s, gate %s, %s: " % ("user" if user else "root", gate, where)
                who = as_user(NOBODY) if user else None
                r = run(wrap + ["sh", code + "/part.sh"], preexec_fn=who)
                tap.ok(r.rc == 0 and r.out == "part\n", name + "read as code", r)
                r = run(wrap + [p.tree + "/starts.sh"], preexec_fn=who)
                tap.ok(r.out == ("then 126\n" if refused else "part\nthen 0\n"), name + ("not started" if refused else "started"), r)


def check_names(p):
    """A name that somebody else can lead elsewhere is not passed on."""
    write(p.tree + "/name.sh", "#!/bin/sh\necho $0\n")
    os.symlink(p.tree, p.out + "/link")
    for user in (None, NOBODY):
        for argv in ([p.out + "/link/name.sh"], ["sh", p.out + "/link/name.sh"], ["sh", "-e", "link/name.sh"],
                     ["env", "sh", "link/name.sh"], [p.tree + "/try.sh", "sh", p.out + "/link/name.sh"]):
            r = p.run(*argv, user=user)
            tap.ok(r.out.splitlines()[:1] == [p.tree + "/name.sh"], "names: %s gives the canonical name" % " ".join(a.replace(p.top, "…") for a in argv), r)
    os.chdir(p.tree)
    r = p.run("sh", "./name.sh", cwd=p.tree)
    tap.ok(r.out == "./name.sh\n", "names: one that cannot be led elsewhere stays as it is", r)
    with open(p.tree + "/name.sh") as f:
        r = run([IHARD, "run", "--policy", p.policy, "--events", "none", "--", "sh", "/dev/fd/%d" % f.fileno()], pass_fds=[f.fileno()])
        tap.ok(r.rc == 0 and r.out.startswith("/dev/fd/"), "names: a descriptor of a trusted file", r)
    os.mkfifo(p.out + "/fifo")
    r = p.run("sh", p.out + "/fifo", timeout=20)
    tap.ok(r.rc == 126, "names: a FIFO is refused without waiting for a writer", r)


def check_placed(p):
    """What looks for code beside argv[0] finds its own, not somebody else's."""
    version = "python3.%d" % int(run(["/usr/bin/python3", "-c", "import sys; print(sys.version_info[1])"]).out)
    for d, word in ((p.out + "/venv", "EVIL"), (p.tree + "/venv", "GOOD")):
        os.makedirs(d + "/bin")
        os.makedirs(d + "/lib/%s/site-packages" % version)
        os.symlink("/usr/bin/python3", d + "/bin/python3")
        write(d + "/pyvenv.cfg", "home = /usr/bin\n", 0o644)
        write(d + "/lib/%s/site-packages/x.pth" % version, "import sys; print('%s')\n" % word, 0o644)
        write(d + "/bin/php", "", 0o755)
        write(d + "/bin/php.ini", "auto_prepend_file=%s/prepend.php\n" % d, 0o644)
        write(d + "/prepend.php", word + "\n", 0o644)
    os.symlink(p.tree + "/venv/bin", p.out + "/led")  # what lies beside the link counts for python, too
    write(p.out + "/pyvenv.cfg", "home = /usr/bin\n", 0o644)
    shutil.copytree(p.out + "/venv/lib", p.out + "/lib.venv")
    call = write(p.tree + "/as.sh", '#!/bin/bash\nname=$1\nshift\nexec -a "$name" "$@"\n')
    into = write(p.tree + "/in.sh", '#!/bin/bash\ncd "$1"\nshift\nexec -a ./python3 "$@"\n')
    write(p.tree + "/ok.php", "<?php echo \"ran\\n\";\n", 0o644)
    out, tree, py = p.out + "/venv/bin", p.tree + "/venv/bin", p.tree + "/ok.py"
    rows = [
        ("a link to python in an untrusted directory", [out + "/python3", py], PATH),
        ("… by a relative name", ["venv/bin/python3", py], PATH),
        ("… found along PATH", ["python3", py], out + ":" + PATH),
        ("… found along PATH by a launcher", ["env", "python3", py], out + ":" + PATH),
        ("… through a link to a trusted one", [p.out + "/led/python3", py], PATH),
        ("an argv[0] of somebody's choice", [call, out + "/python3", "/usr/bin/python3", py], PATH),
        ("… relative to a directory", [into, out, "/usr/bin/python3", py], PATH),
        ("… with dots", [call, tree + "/../../../out/venv/bin/python3", "/usr/bin/python3", py], PATH),
    ]
    if os.path.exists("/usr/bin/php"):
        rows += [("php's, too", [call, out + "/php", "/usr/bin/php", p.tree + "/ok.php"], PATH)]
    for user in (None, NOBODY):
        for what, argv, path in rows:
            bare = run(argv, env={"PATH": path, "HOME": p.out}, cwd=p.out)
            r = p.run(*argv, user=user, env={"PATH": path})
            tap.ok("ran" in r.out and "EVIL" not in r.out and ("EVIL" in bare.out or "led" in argv[0]), "placed: %s: runs as itself" % what,
                   "bare: %s\nihard: %s" % (bare, r))
        r = p.run(tree + "/python3", py, user=user)
        tap.ok("GOOD" in r.out and "ran" in r.out, "placed: a trusted virtual environment is one", r)
    r = p.run("env", "python3", py, env={"PATH": out + ":" + PATH}, options=["--gate", "outer"])
    tap.ok("EVIL" not in r.out, "placed: --gate outer, what a launcher starts", r)


def check_reports(p):
    events = p.out + "/events.json"
    r = p.run(p.out + "/ok.sh", options=["--audit"])
    tap.ok(r.rc == 0 and "ran" in r.out and "would be denied" in r.err and '"verdict": "allow"' in r.err,
           "audit: runs, says what would be denied and the rule that would allow it", r)
    rule = json.loads("{" + r.err.split("allow it: {", 1)[1])
    rule["program"], rule["sources"] = rule.get("program", "any"), rule.get("sources", "any")
    policy = dict(p.server, rules=[rule] + p.server["rules"])
    path = write(p.top + "/with-rule.json", json.dumps(policy), 0o644)
    r = run([IHARD, "policy", "lint", path])
    tap.ok("unknown field" not in r.err and r.rc != 125, "audit: that rule is one that a policy can hold", r)
    r = run([IHARD, "run", "--policy", path, "--events", "none", "--", p.out + "/ok.sh"])
    tap.ok(r.rc == 0 and "ran" in r.out, "audit: with that rule it is allowed", r)
    r = p.run(p.tree + "/try.sh", "sh", p.out + "/ok.sh", options=["--audit"])
    tap.ok("ran" in r.out and "would be denied" in r.err, "audit: below, too", r)
    run([IHARD, "run", "--policy", p.policy, "--events", events, "--", p.out + "/ok.sh"], env={"PATH": PATH})
    run([IHARD, "run", "--policy", p.policy, "--events", events, "--", p.tree + "/try.sh", "sh", p.out + "/ok.sh"], env={"PATH": PATH})
    lines = [json.loads(line) for line in open(events)]
    tap.ok(len(lines) == 2 and [e["gate"] for e in lines] == ["outer", "tree"], "events: one line each, outer and tree", lines)
    tap.ok(all(e["event"] == "denied" and e["script"].endswith("/out/ok.sh") and e["argv"] and e["reason"] and e["pid"] for e in lines),
           "events: verdict, script, arguments, reason, process", lines)
    tap.ok(os.stat(events).st_mode & 0o777 == 0o600, "events: the file is its owner's")
    r = run([IHARD, "run", "--policy", p.policy, "--events", p.out + "/no/such", "--", "true"])
    tap.ok(r.rc == 125 and "events" in r.err, "events: where they cannot go, nothing runs", r)


# what ihard run leans on, call by call; the errno decides how it fails, never whether it confines
FAULTS = ["prctl:38", "prctl:4", "prctl:28", "prctl:1499557217", "seccomp", "landlock_create_ruleset", "landlock_add_rule",
          "landlock_restrict_self", "capset", "prlimit64:0", "execveat", "ptrace", "socketpair", "clone", "openat2",
          "getdents64", "pidfd_open", "pidfd_getfd", "process_vm_readv", "readlinkat", "close_range", "setsid", "wait4",
          "fgetxattr", "fstatfs", "pread64", "rt_sigaction", "newfstatat", "statx", "fcntl", "dup2", "pipe2"]


def check_faults(p):
    marker = p.out + "/fault"
    act = write(p.tree + "/act.sh", '#!/bin/sh\n: > %s\n%s/ih-try ptrace\nsh %s/evil.sh\n' % (marker, p.tree, p.out))
    write(p.out + "/evil.sh", ": > %s.evil\n" % marker)
    for call in FAULTS:
        for error in ("ENOSYS", "EPERM", "EINVAL", "EMFILE", "ENOMEM"):
            for f in (marker, marker + ".evil"):
                if os.path.exists(f):
                    os.unlink(f)
            try:
                r = run([WITHOUT, "%s=%s" % (call, error), "--", IHARD, "run", "--policy", p.policy, "--events", "none", "--", act],
                        env={"PATH": PATH}, timeout=20)
            except subprocess.TimeoutExpired:
                tap.ok(False, "fault: %s=%s ends" % (call, error), "still running after 20 s")
                continue
            ran, evil = os.path.exists(marker), os.path.exists(marker + ".evil")
            tap.ok(not evil and (not ran or r.out.startswith("EPERM")),
                   "fault: %s=%s: never unconfined" % (call, error), r)
            tap.ok(ran or r.rc < 0 or "ihard" in r.err or "error while loading" in r.err or r.err != "",
                   "fault: %s=%s: %s" % (call, error, "works" if ran else "a sentence"), r)


def check_peer(p):
    """What the small ihard-exec cannot do alone it leaves to ihard-exec-full, or nothing runs."""
    alone, both = p.top + "/alone", p.top + "/both"
    for place in (alone, both):
        os.makedirs(place)
        shutil.copy(EXEC, place + "/ihard-exec")
    shutil.copy(EXEC + "-full", both + "/ihard-exec-full")
    store = p.top + "/store"
    os.makedirs(store + "/%s-x" % ("a" * 32))
    with open(p.policy, encoding="utf-8") as f:
        text = json.load(f)
    program = store + "/%s-x/true" % ("a" * 32)
    shutil.copy("/bin/true", program)
    text["trust"] = [t for t in text["trust"] if t["provider"] != "nix"]
    policy = write(p.top + "/trees.json", json.dumps(text), 0o644)
    text["trust"].append({"provider": "nix", "store": store, "keys": ["k:" + "A" * 43 + "="]})
    with_store = write(p.top + "/store.json", json.dumps(text), 0o644)
    text["trust"][-1] = {"provider": "seal", "seals": [p.top + "/seals"], "keys": ["k:" + "A" * 43 + "="]}
    with_seals = write(p.top + "/seals.json", json.dumps(text), 0o644)
    user = as_user(NOBODY)
    rows = [
        ("a user, no store: needs no other", alone, policy, ["--gate=outer"], user, "/bin/true", 0, ""),
        ("a user, the tree, no store: needs no other", alone, policy, [], user, "/bin/true", 0, ""),
        ("a user, a store that is not touched", alone, with_store, ["--gate=outer"], user, "/bin/true", 0, ""),
        ("a user, a store that the tree may touch", alone, with_store, [], user, "/bin/true", 125, "which this needs"),
        ("a user, a program in the store", alone, with_store, ["--gate=outer"], user, program, 125, "which this needs"),
        ("a user, seals", alone, with_seals, ["--gate=outer"], user, "/bin/true", 125, "which this needs"),
        ("root, who has capabilities to give up", alone, policy, ["--gate=outer"], None, "/bin/true", 125, "which this needs"),
        ("the full one looks into the store", both, with_store, ["--gate=outer"], user, program, 126, "database"),
        ("the full one gates the tree", both, with_store, [], user, "/bin/true", 0, ""),
        ("the full one gives up capabilities", both, policy, ["--gate=outer"], None, "/bin/true", 0, ""),
    ]
    for name, place, file, options, demote, command, rc, sentence in rows:
        compiled = p.top + "/peer.bin"
        run([IHARD, "policy", "compile", "--output", compiled, file])
        r = run([place + "/ihard-exec", "--policy=" + compiled] + options + ["--", command], preexec_fn=demote)
        tap.ok(r.rc == rc and sentence in r.err and bool(r.err) == (rc != 0), "exec, two programs: " + name, r)


def check_exec(p):
    """ihard-exec: the static wrapper, under its own name and an interpreter's."""
    policy = p.top + "/policy.bin"
    r = run([IHARD, "policy", "compile", "--output", policy, p.policy])
    tap.ok(r.rc == 0 and os.path.exists(policy), "exec: the policy is compiled", r)
    shims = write(p.top + "/shims", "# shims\nsh /bin/sh\npython3 /usr/bin/python3\nbad %s/ok.sh\n" % p.out, 0o644)
    base = [EXEC, "--policy=" + policy, "--shims=" + shims]
    env = {"PATH": p.out, "LD_PRELOAD": p.out + "/x.so"}
    tap.ok("statically linked" in run(["file", EXEC]).out or b"NEEDED" not in subprocess.check_output(["readelf", "-d", EXEC]),
           "exec: needs no loader") if shutil.which("readelf") else None
    rows = [
        ("a trusted script", ["--", p.tree + "/ok.sh", "x"], 0, "ran"), ("an untrusted one", ["--", p.out + "/ok.sh"], 126, ""),
        ("as sh: a trusted script", ["--as=sh", "--", "sh", p.tree + "/ok.sh"], 0, "ran"),
        ("as sh: an untrusted one", ["--as=sh", "--", "sh", p.out + "/ok.sh"], 126, ""),
        ("as sh: inline", ["--as=sh", "--", "sh", "-c", "echo ran"], 126, ""),
        ("as a login shell", ["--as=-sh", "--", "sh", p.tree + "/ok.sh"], 0, "ran"),
        ("as python3: a trusted script", ["--as=python3", "--", "python3", p.tree + "/ok.py", "-c"], 0, "ran ['-c']"),
        ("as a name that stands for nothing", ["--as=ruby", "--", "ruby", "x"], 125, ""),
        ("as an interpreter that is not trusted", ["--as=bad", "--", "bad"], 126, ""),
        ("not found", ["--", "nothing"], 127, ""),
    ]
    # as root by the full program, as an ordinary user by the small one alone
    for who, demote in (("root", None), ("user", as_user(NOBODY))):
        for name, argv, rc, out in rows:
            r = run(base + argv, env=env, preexec_fn=demote)
            tap.ok(r.rc == rc and r.out.startswith(out) and bool(r.err) == (rc != 0), "exec as %s: %s" % (who, name), r)
    check_peer(p)
    # a wrapper inside a wrapped tree: the outer gate goes on judging
    shutil.copy(EXEC, p.tree + "/ihard-exec")
    shutil.copy(EXEC + "-full", p.tree + "/ihard-exec-full")
    deep = [p.tree + "/ihard-exec", "--policy=" + policy, "--"] * 3
    r = p.run(*deep, p.tree + "/ok.sh")
    tap.ok(r.rc == 0 and "ran" in r.out, "exec: a wrapper in a wrapped tree", r)
    r = p.run(*deep, p.out + "/ok.sh")
    tap.ok(r.rc == 126 and "ran" not in r.out, "exec: … refuses, too", r)
    os.chmod(policy, 0o666)
    r = run(base + ["--", "/bin/true"])
    tap.ok(r.rc == 125 and "can be written by others" in r.err, "exec: a policy that others can write", r)
    os.chmod(policy, 0o644)
    os.chmod(shims, 0o666)
    r = run(base + ["--as=sh", "--", "sh", p.tree + "/ok.sh"])
    tap.ok(r.rc == 125 and "can be written by others" in r.err, "exec: a table of shims that others can write", r)
    with open(policy, "r+b") as f:
        f.seek(200)
        f.write(b"\xff\xff")
    r = run(base + ["--", "/bin/true"])
    tap.ok(r.rc == 125, "exec: a damaged policy", r)


def flip(link, targets, stop):
    n = 0
    if os.path.lexists(link + ".n"):
        os.unlink(link + ".n")  # of one that was killed between the two
    while not stop.is_set():
        os.symlink(targets[n % 2], link + ".n")
        os.rename(link + ".n", link)
        n += 1


def check_races(p, rounds):
    """A link that flips between a trusted and an untrusted directory or file: never the wrong one."""
    bad = p.out + "/bad"
    os.makedirs(bad, exist_ok=True)
    write(bad + "/r.sh", "#!/bin/sh\necho EVIL\n")
    write(p.tree + "/r.sh", "#!/bin/sh\necho good\n")
    shutil.copy("/bin/true", p.tree + "/r.elf")
    shutil.copy("/bin/echo", bad + "/r.elf")
    kinds = [("directory", ["/bin/sh", p.out + "/flip/r.sh"], NOBODY), ("script", [p.out + "/flip/r.sh"], NOBODY),
             ("program", [p.out + "/flip/r.elf", "EVIL"], NOBODY), ("as root", ["/bin/sh", p.out + "/flip/r.sh"], None)]
    below = rounds * 9 // 40  # of each kind: most by far from a program that runs already, which takes less time
    for name, argv, user in kinds:
        stop, wrong, ok, denied = threading.Event(), 0, 0, 0
        child = os.fork()
        if child == 0:
            try:
                flip(p.out + "/flip", [p.tree, bad], stop)
            finally:
                os._exit(0)
        n = 0
        # both were there to be met: how often each is met is the scheduler's business, so it goes on until both were
        while n < rounds // 40 or (n < 40 * rounds and not (ok and denied)):
            r = p.run(*argv, user=user)
            wrong += "EVIL" in r.out
            ok += r.rc == 0
            denied += r.rc == 126
            n += 1
        for _ in range(100):
            r = p.run(p.tree + "/ih-spawn", "loop", str(below), "--", *argv, user=user, timeout=3600)
            ran, said = r.out.count("good"), r.err.count("is not trusted")
            if "EVIL" in r.out or (said and (ran or "elf" in argv[0])):
                break
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        tap.ok(wrong == 0 and ok + denied == n and ok and denied,
               "race: %s, %d times: %d ran, %d refused, %d wrong" % (name, n, ok, denied, wrong))
        tap.ok("EVIL" not in r.out and re.search(r"^\d+\.\d+$", r.out, re.M) and said and (ran or "elf" in argv[0]),
               "race: %s, %d times below a program: %d said so, %d refusals said" % (name, below, ran, said), r)


def main():
    with tempfile.TemporaryDirectory(prefix="ih-run.", dir="/opt") as top:
        p = Place(top)
        if "races" in sys.argv[6:]:
            check_races(p, int(os.environ.get("IH_RACES", "100000")))
        else:
            check_codes(p)
            check_tree(p)
            check_environment(p)
            check_code_trees(p)
            check_names(p)
            check_placed(p)
            check_reports(p)
            check_exec(p)
            check_faults(p)
            check_races(p, 800)
    tap.done()


main()
