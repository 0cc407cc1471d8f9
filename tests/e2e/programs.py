#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real programs under `ihard run` with profile server: they work as without it.

usage: programs.py IHARD
The tree beside the profile's own is where the project, the hooks and the packages lie: root's, as installed code
is. One thing had to be allowed: git in a repository that others can write, whose .git/config can name
programs to be started (the rule "git-anywhere"; what git then starts is judged like everything else).
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import Tap, run, skip_all  # noqa: E402

IHARD = os.path.abspath(sys.argv[1])
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
tap = Tap()
if os.geteuid() != 0:
    skip_all("only root can make a tree that nobody else can write")


def write(path, text, mode=0o755):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


with tempfile.TemporaryDirectory(prefix="ih-programs.", dir="/opt") as top:
    os.chmod(top, 0o755)
    tree, out = top + "/tree", top + "/out"
    os.mkdir(out)
    os.mkdir(tree)
    with open(os.path.join(ROOT, "policy/profiles/server.json")) as f:
        policy = json.load(f)
    [p for p in policy["trust"] if "trees" in p][0]["trees"].append(tree)
    policy["rules"].insert(0, {"name": "git-anywhere", "interpreters": ["git"], "modes": ["program", "none"], "program": ">=owned",
                               "sources": "any", "tolerates": ["unstable"], "verdict": "allow"})
    write(top + "/policy.json", json.dumps(policy), 0o644)

    write(tree + "/project/Makefile", "all: hello\nhello: hello.c\n\t$(CC) -o $(OUT)/hello hello.c\n\t@echo built; cat hello.c | wc -l\n", 0o644)
    write(tree + "/project/hello.c", "int main(void) { return 0; }\n", 0o644)
    write(tree + "/worker.js", "const{Worker,isMainThread,parentPort}=require('worker_threads');"
          "if(isMainThread){const w=new Worker(__filename);w.on('message',m=>console.log(m))}else parentPort.postMessage('from worker')", 0o644)
    write(tree + "/pkg/app/__init__.py", "", 0o644)
    write(tree + "/pkg/app/util.py", "import subprocess\ndef go(): return subprocess.run('echo from shell', shell=True, capture_output=True, text=True).stdout\n", 0o644)
    write(tree + "/pkg/app/__main__.py", "from app.util import go\nprint(go(), end='')\n", 0o644)
    write(tree + "/pkg/app/test_util.py", "import unittest\nfrom app.util import go\nclass T(unittest.TestCase):\n"
          "    def test_go(self): self.assertEqual(go(), 'from shell\\n')\n", 0o644)
    write(tree + "/hooks/pre-commit", "#!/bin/sh\necho hook ran >&2\n")
    write(tree + "/commit.sh", "#!/bin/sh\nset -e\ncd \"$1\"\ngit init -q .\ngit config user.name a\ngit config user.email a@b\n"
          "git config core.hooksPath %s/hooks\necho x > f\ngit add f\ngit commit -qm one\ngit log --oneline | wc -l\n" % tree)
    write(tree + "/unit.sh", "#!/bin/sh\nexec /bin/sh -c 'for i in 1 2 3; do printf %s $i; done; echo'\n")

    env = {"PATH": "/usr/bin:/bin", "HOME": out, "LANG": "C.UTF-8"}
    rows = [
        ("make builds a C project", ["make"], dict(cwd=tree + "/project", env=dict(env, OUT=out)), "built"),
        ("git commits, with a hook from a trusted tree", [tree + "/commit.sh", out + "/repo"], dict(cwd=out, env=env), "1"),
        ("python -m on a tree of modules", ["python3", "-m", "app"], dict(cwd=out, env=dict(env, PYTHONPATH=tree + "/pkg")), "from shell"),
        ("a pure package's own tests", ["python3", "-m", "unittest", "app.test_util"], dict(cwd=out, env=dict(env, PYTHONPATH=tree + "/pkg")), ""),
        ("node with worker threads", ["node", tree + "/worker.js"], dict(cwd=out, env=env), "from worker"),
        ("perldoc", ["perldoc", "-T", "-l", "strict"], dict(cwd=out, env=env), ""),
        ("a unit's shell command", [tree + "/unit.sh"], dict(cwd=out, env=env), "123"),
        ("tar and gzip", ["tar", "czf", out + "/x.tgz", "-C", tree, "hooks"], dict(cwd=out, env=env), ""),
        ("find and sort", ["find", tree + "/hooks", "-type", "f"], dict(cwd=out, env=env), "pre-commit"),
    ]
    for name, argv, kw, word in rows:
        if "/" not in argv[0] and not shutil.which(argv[0], path=env["PATH"]):
            tap.skip(name, "no " + argv[0])
            continue
        for d in (out + "/repo",):
            shutil.rmtree(d, ignore_errors=True)
            os.mkdir(d)
        bare = run(argv, **kw)
        if bare.rc != 0:
            tap.skip(name, "it does not work here without ihard either")
            continue
        shutil.rmtree(out + "/repo")
        os.mkdir(out + "/repo")
        r = run([IHARD, "run", "--policy", top + "/policy.json", "--events", "none", "--"] + argv, **kw)
        same = bare.rc == r.rc and bare.out == r.out
        tap.ok(same and r.rc == 0 and word in r.out, name, "bare: %s\nihard: %s" % (bare, r))
tap.done()
