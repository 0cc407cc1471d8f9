#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real programs under `ihard run` with profile server: they work as without it.

usage: programs.py IHARD
The tree beside the profile's own is where the project, the hooks and the packages lie: root's, as installed code
is. Where more had to be allowed than that, the row names the rule, and is shown to be refused without it.
What is downloaded or built into a directory that is not trusted is refused when it is run from there.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import Tap, run, skip_all  # noqa: E402

IHARD = os.path.abspath(sys.argv[1])
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
UNIT = "ih-programs-test.service"
RULES = {
    # in a repository that others can write, .git/config can name programs; what git starts is judged in its turn
    "git-anywhere": {"interpreters": ["git"], "modes": ["program", "none"], "program": ">=owned", "sources": "any",
                     "tolerates": ["unstable"], "verdict": "allow"},
    # whoever wrote the unit file is root: the shell line in it is as good as a script
    "unit-lines": {"interpreters": ["sh", "bash"], "modes": ["inline"], "program": ">=owned", "sources": ">=owned", "units": [UNIT], "verdict": "allow"},
}
tap = Tap()
if os.geteuid() != 0:
    skip_all("only root can make a tree that nobody else can write")


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def make_policies(top, tree):
    with open(os.path.join(ROOT, "policy/profiles/server.json")) as f:
        policy = json.load(f)
    [p for p in policy["trust"] if "trees" in p][0]["trees"].append(tree)
    base = list(policy["rules"])
    for name, rule in [("", None)] + list(RULES.items()):
        policy["rules"] = ([dict(rule, name=name)] if rule else []) + base
        write("%s/policy%s.json" % (top, name), json.dumps(policy))


def make_package(tree):
    """A pure package: as source, and as a wheel."""
    files = {
        "app/__init__.py": "VERSION = '1.0'\n",
        "app/util.py": "import subprocess\n\n\ndef go():\n    return subprocess.run('echo from shell', shell=True, capture_output=True, text=True).stdout\n",
        "app/__main__.py": "from app.util import go\nprint(go(), end='')\n",
        "app/test_util.py": "import unittest\nfrom app.util import go\n\n\nclass T(unittest.TestCase):\n    def test_go(self):\n"
                            "        self.assertEqual(go(), 'from shell\\n')\n",
        # as ansible does it: a program of modules that starts itself, and hands code to python's standard input
        "app/controller.py": "import subprocess, sys\nprint(subprocess.run([sys.executable, '-m', 'app.worker', 'a'], capture_output=True, text=True).stdout, end='')\n"
                             "print(subprocess.run([sys.executable], input='import json; print(json.dumps({\"changed\": True}))', capture_output=True, text=True).stdout, end='')\n"
                             "print(subprocess.run(['/bin/sh', '-c', sys.executable + ' -m app.worker b && sleep 0'], capture_output=True, text=True).stdout, end='')\n",
        "app/worker.py": "import sys\nprint('worker', sys.argv[1])\n",
        "app/pool.py": "import multiprocessing as m\n\n\ndef main():\n    with m.get_context('spawn').Pool(2) as p:\n        print(sum(p.map(abs, range(-9, 0))))\n\n\n"
                       "if __name__ == '__main__':\n    main()\n",
    }
    for name, text in files.items():
        write(tree + "/pkg/" + name, text)
    write(tree + "/pkg/setup.py", "from setuptools import setup\nsetup(name='app', version='1.0', packages=['app'])\n")
    os.makedirs(tree + "/wheels")
    with zipfile.ZipFile(tree + "/wheels/app-1.0-py3-none-any.whl", "w") as z:
        for name, text in files.items():
            z.writestr(name, text)
        z.writestr("app-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: app\nVersion: 1.0\n")
        z.writestr("app-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr("app-1.0.dist-info/RECORD", "".join(n + ",,\n" for n in list(files) + ["app-1.0.dist-info/METADATA", "app-1.0.dist-info/WHEEL"]))


def make_tree(tree):
    write(tree + "/project/Makefile", "V := $(shell echo 1)\nall: $(OUT)/hello\n$(OUT)/%.o: %.c\n\t$(CC) -O1 -c -o $@ $<\n$(OUT)/hello: $(OUT)/hello.o $(OUT)/part.o\n"
          "\t$(CC) -o $@ $^\n\t@echo built $(V); cat hello.c | wc -l\n\t@$(MAKE) --no-print-directory -f sub.mk\n")
    write(tree + "/project/sub.mk", "all:\n\t@for i in 1 2; do echo sub $$i; done\n")
    write(tree + "/project/hello.c", "int part(void);\nint main(void) { return part(); }\n")
    write(tree + "/project/part.c", "int part(void) { return 0; }\n")
    write(tree + "/worker.js", "const{Worker,isMainThread,parentPort}=require('worker_threads');const{execFileSync}=require('child_process');"
          "if(isMainThread){let n=0;for(let i=0;i<4;i++){const w=new Worker(__filename);w.on('message',m=>{if(++n===4)console.log(m)})}}"
          "else parentPort.postMessage('from worker '+execFileSync('/bin/echo',['x']))")
    write(tree + "/hooks/pre-commit", "#!/bin/sh\necho hook ran >&2\n", 0o755)
    write(tree + "/hooks/post-commit", "#!/usr/bin/perl\nprint STDERR \"hook of perl ran\\n\";\n", 0o755)
    write(tree + "/commit.sh", "#!/bin/sh\nset -e\ncd \"$1\"\ngit init -q .\ngit config user.name a\ngit config user.email a@b\n"
          "git config core.hooksPath %s/hooks\necho x > f\ngit add f\ngit commit -qm one\necho y >> f\ngit commit -qam two\ngit checkout -q -b side HEAD~1\n"
          "echo z > g\ngit add g\ngit commit -qm three\ngit rebase -q - 2>&1\ngit log --oneline | wc -l\ngit grep -c x\n" % tree, 0o755)
    write(tree + "/unit.sh", "#!/bin/sh\nexec /bin/sh -c 'for i in 1 2 3; do printf %s $i; done; echo'\n", 0o755)
    write(tree + "/pipes.sh", "#!/bin/bash\nset -euo pipefail\nseq 100 | awk '{ s += $1 } END { print s }'\nfind \"$1\" -name '*.py' -print0 | xargs -0 grep -l subprocess | sort | "
          "sed 's,.*/,,'\ntar -C \"$1\" -cf - . | tar -tf - | wc -l\n", 0o755)
    make_package(tree)


def in_unit():
    """preexec_fn: into a control group as systemd makes it; None where that cannot be done."""
    for top in ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        d = top + "/" + UNIT
        try:
            if os.path.isdir("/run/systemd/system") or not os.path.exists(top + "/cgroup.procs"):
                continue
            os.makedirs(d, exist_ok=True)
        except OSError:
            continue

        def enter():
            with open(d + "/cgroup.procs", "w") as f:
                f.write(str(os.getpid()))
        return enter, d
    return None, None


def rows(tree, out, env):
    py = "/usr/bin/python3"  # Debian's own, which knows Debian's pip
    pkg = dict(env, PYTHONPATH=tree + "/pkg")
    pip = [py, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    pip_env = dict(env, PIP_CONFIG_FILE="/dev/null", PIP_CACHE_DIR=out + "/cache", TMPDIR=out)
    return [
        # name, command, environment, directory, what is printed (None: anything, with any status), rule
        ("make builds a C project", ["make"], dict(env, OUT=out + "/lib"), tree + "/project", "built 1", None),
        ("make -j2, again", ["make", "-B", "-j2"], dict(env, OUT=out + "/lib"), tree + "/project", "sub 2", None),
        ("gcc -flto of several files", ["gcc", "-O2", "-flto", "-o", out + "/lib/hello", tree + "/project/hello.c", tree + "/project/part.c"], env, out, "", None),
        ("gcc takes words from files", ["gcc", "@" + out + "/words"], env, out, "", None),
        ("git commits and rebases, with hooks from a trusted tree", [tree + "/commit.sh", out + "/repo"], env, out, "3", "git-anywhere"),
        ("python -m on a tree of modules", [py, "-m", "app"], pkg, out, "from shell", None),
        ("a program of modules that starts itself", [py, "-m", "app.controller"], pkg, out, '{"changed": true}', None),
        ("python's multiprocessing by spawn", [py, "-m", "app.pool"], pkg, out, "45", None),
        ("a pure package's own tests", [py, "-m", "unittest", "app.test_util"], pkg, out, "", None),
        ("a pure package's own tests, found by name", [py, "-m", "unittest", "discover", "-s", tree + "/pkg", "-t", tree + "/pkg"], env, tree + "/pkg", "", None),
        ("pip check, whatever it finds", pip + ["check"], pip_env, out, None, None),
        ("pip list", pip + ["list", "--format=freeze"], pip_env, out, "wheel==", None),
        ("pip installs a wheel from a trusted tree", pip + ["install", "-q", "--no-index", "--no-deps", "--find-links", tree + "/wheels", "--target",
                                                            out + "/lib", "app"], pip_env, out, "", None),
        ("pip downloads from a trusted tree", pip + ["download", "-q", "--no-index", "--no-deps", "--find-links", tree + "/wheels", "-d", out + "/lib", "app"],
         pip_env, out, "", None),
        ("pip hash", pip + ["hash", tree + "/wheels/app-1.0-py3-none-any.whl"], pip_env, out, "--hash=sha256:", None),
        ("node with worker threads and a child", ["node", tree + "/worker.js"], env, out, "from worker x", None),
        ("perldoc finds a module", ["perldoc", "-T", "-l", "strict"], env, out, "strict.pm", None),
        ("perldoc prints a function", ["perldoc", "-T", "-f", "splice"], env, out, "splice", None),
        ("perldoc formats a module", ["perldoc", "-T", "-o", "text", "File::Temp"], env, out, "tempfile", None),
        ("a shell script of pipes", [tree + "/pipes.sh", tree + "/pkg"], env, out, "5050", None),
        ("a unit's shell command, in a script", [tree + "/unit.sh"], env, out, "123", None),
        ("a unit's ExecStart=/bin/sh -c", ["/bin/sh", "-c", "for i in 1 2 3; do printf %s $i; done; echo"],
         {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "INVOCATION_ID": "0" * 32, "JOURNAL_STREAM": "8:1",
          "SYSTEMD_EXEC_PID": "1"}, "/", "123", "unit-lines"),
        ("tar and gzip", ["tar", "czf", out + "/x.tgz", "-C", tree, "hooks"], env, out, "", None),
        ("find and sort", ["find", tree + "/hooks", "-type", "f"], env, out, "pre-commit", None),
    ]


def fresh(out):
    for d in ("/repo", "/lib", "/cache"):
        shutil.rmtree(out + d, ignore_errors=True)
        os.mkdir(out + d)


def check(top, row, enter):
    name, argv, env, cwd, word, rule = row
    out = top + "/out"
    kw = dict(env=env, cwd=cwd, preexec_fn=enter if rule == "unit-lines" else None, timeout=180)
    if "/" not in argv[0] and not shutil.which(argv[0], path=env["PATH"]):
        tap.skip(name, "no " + argv[0])
        return
    if rule == "unit-lines" and not enter:
        tap.skip(name, "no control group can be made here")
        return
    fresh(out)
    bare = run(argv, **kw)
    if word is not None and (bare.rc != 0 or word not in bare.out):
        tap.skip(name, "it does not work here without ihard either")
        return
    wrapped = lambda r: [IHARD, "run", "--policy", "%s/policy%s.json" % (top, r), "--events", "none", "--"] + argv  # noqa: E731
    if rule:
        fresh(out)
        r = run(wrapped(""), **kw)
        tap.ok(r.rc != 0, "%s: refused without the rule '%s'" % (name, rule), r)
    fresh(out)
    r = run(wrapped(rule or ""), **kw)
    tap.ok(r.rc == bare.rc and bare.out == r.out, name + (": with the rule" if rule else ""), "bare: %s\nihard: %s" % (bare, r))


def check_refused(top, env):
    """The same programs, with code that nobody vouches for."""
    tree, out = top + "/tree", top + "/out"
    fresh(out)
    shutil.copytree(tree + "/pkg", out + "/lib/pkg")
    shutil.copytree(tree + "/project", out + "/lib/project")
    shutil.copytree(tree + "/hooks", out + "/lib/hooks")
    here = dict(env, PYTHONPATH=out + "/lib/pkg")
    for name, argv, e, cwd in [
            ("make in a directory that others can write", ["make"], dict(env, OUT=out), out + "/lib/project"),
            ("python -m on modules there", ["/usr/bin/python3", "-m", "app"], here, out),
            ("a package's tests there", ["/usr/bin/python3", "-m", "unittest", "discover", "-s", out + "/lib/pkg"], env, out),
            ("a hook there", [out + "/lib/hooks/pre-commit"], env, out),
            ("a unit's shell command in no unit", ["/bin/sh", "-c", "echo"], env, "/"),
            ("node on a script there", ["node", shutil.copy(tree + "/worker.js", out + "/lib")], env, out)]:
        r = run([IHARD, "run", "--policy", top + "/policyunit-lines.json", "--events", "none", "--"] + argv, env=e, cwd=cwd)
        tap.ok(r.rc != 0 and r.out == "", "refused: " + name, r)


def make_words(tree, out):
    """@files, where anybody can write them."""
    write(out + "/words", "-O1 @%s/more\n'%s/project/hello.c'\n\t\"%s/project/part.c\"\n" % (out, tree, tree), 0o666)
    write(out + "/more", "-o %s/lib/hel\\lo" % out, 0o666)
    shutil.copy("/bin/echo", tree + "/gcc-99")
    write(tree + "/words.sh", "#!/bin/sh\n%s/gcc-99 first @%s/words last\n" % (tree, out), 0o755)


def check_words(top, env):
    """What is in an @file is judged as the words that it stands for, and those are what the program gets: it can be changed later."""
    tree, out = top + "/tree", top + "/out"
    wrapped = [IHARD, "run", "--policy", top + "/policy.json", "--events", "none", "--"]
    said = "-O1 -o %s/lib/hello %s/project/hello.c %s/project/part.c" % (out, tree, tree)
    r = run(wrapped + [tree + "/gcc-99", "@" + out + "/words"], env=env, cwd=out)
    tap.ok(r.rc == 0 and r.out == said + "\n", "@file: the outermost command is given the words", "%s\nwanted: %s" % (r, said))
    r = run(wrapped + [tree + "/words.sh"], env=env, cwd=out)
    tap.ok(r.rc == 0 and r.out == "first " + said + " last\n", "@file: what it starts, too", "%s\nwanted: first %s last" % (r, said))
    r = run(wrapped + ["/bin/echo", "@" + out + "/words"], env=env, cwd=out)
    tap.ok(r.out == "@%s/words\n" % out, "@file: means nothing to other programs", r)
    for argv, text in [(["gcc"], "-fplugin=%s/evil.so -c x.c" % out), (["gcc"], "@%s/inner" % out), (["gcc", "-c"], "-wrapper '%s/evil.sh,--args' x.c" % out),
                       (["gcc"], "-B '%s/' -c x.c" % out), (["gcc"], "-specs=%s/specs -c x.c" % out), (["ld"], "--plugin %s/evil.so x.o" % out),
                       (["gcc"], "@/proc/self/fd/0 @%s/missing" % out)]:
        write(out + "/inner", "-f\\plugin=%s/evil.so" % out, 0o666)
        write(out + "/evil", text, 0o666)
        r = run(wrapped + argv + ["@" + out + "/evil"], env=env, cwd=out)
        tap.ok(r.rc == 126 and r.out == "", "@file: refused: %s %s" % (argv[0], text.replace(top, "…")), r)


# /opt: a trusted tree may not lie where everybody can make files
with tempfile.TemporaryDirectory(prefix="ih-programs.", dir="/opt") as top:
    os.chmod(top, 0o755)
    os.mkdir(top + "/out")
    os.mkdir(top + "/tree")
    make_policies(top, top + "/tree")
    make_tree(top + "/tree")
    make_words(top + "/tree", top + "/out")
    env = {"PATH": "/usr/bin:/bin", "HOME": top + "/out", "LANG": "C.UTF-8"}
    enter, group = in_unit()
    for row in rows(top + "/tree", top + "/out", env):
        check(top, row, enter)
    check_refused(top, env)
    check_words(top, env)
    if group:
        os.rmdir(group)
tap.done()
