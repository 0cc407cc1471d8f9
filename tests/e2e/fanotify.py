#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fanotify back end on this machine's kernel, in a root directory of its own: what is watched is
the file system of that root and what is mounted below it, never the machine's.

usage: fanotify.py IH-ASKED IHARD-GUARD IH-CRON POLICY

Each act: it works without the gate, is refused with it for the right reason, its neighbour goes on
working, and it works again when the gate is gone.
"""
import ctypes
import errno
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import small_root
import tap

PROGRAMS = ["bash", "sh", "true", "cat", "ls", "cp", "mv", "ln", "env", "sleep", "perl", "mount", "umount", "dd", "id"]
ACT = {"exec": 1, "check": 2, "arguments": 3, "open": 4, "map": 5}
REASON = {"unclear": 5, "program": 6, "source": 7, "inline": 8, "stdin": 9, "no-name": 13, "irregular": 14, "too-much": 19,
          "environment": 11}
t = tap.Tap()


class Gate:
    """The gate, for as long as the with statement lasts."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.log = tempfile.TemporaryFile("w+")
        self.p = subprocess.Popen(["/usr/bin/ih-asked", "--policy", "/etc/policy.json", *self.options, "--", "cat"],
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self.log)
        self.wait_for("attached")
        return self

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def wait_for(self, word):
        end = time.time() + 10
        while word not in self.text():
            if time.time() > end or self.p.poll() is not None:
                raise RuntimeError("the gate does not start: " + self.text())
            time.sleep(0.01)

    def __exit__(self, *_):
        self.p.stdin.close()
        self.p.wait(20)

    def said(self, act, reason, path):
        """Was there such an event? The gate prints from another thread: a little later, perhaps."""
        line = "event %d %d %s\n" % (ACT[act], REASON[reason], path)
        end = time.time() + 2
        while line not in self.text():
            if time.time() > end:
                return False
            time.sleep(0.02)
        return True


def act(argv, uid=0, env=None, data=""):
    """What comes of it: 'EPERM' and the like when exec fails, else exit status and output."""
    try:
        p = subprocess.run(argv, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
                           timeout=40, env={"PATH": "/usr/bin", "LC_ALL": "C", **(env or {})},
                           preexec_fn=tap.as_user(uid) if uid else None)
    except OSError as e:
        return errno.errorcode[e.errno], ""
    return p.returncode, p.stdout + p.stderr


def write(path, text, mode=0o644, uid=0):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)
    os.chown(path, uid, uid)


LOADER = "/lib64/ld-linux-x86-64.so.2"
# name, argv, more, output without the gate, result with it, event (act, reason, path)
REFUSED = [
    ("a foreign program", ["/home/tool"], {}, "", "EPERM", ("exec", "program", "/home/tool")),
    ("… by an ordinary user", ["/home/tool"], {"uid": 1000}, "", "EPERM", ("exec", "program", "/home/tool")),
    ("a foreign script", ["/home/script.sh"], {}, "FOREIGN", "EPERM", ("exec", "program", "/home/script.sh")),
    ("a foreign program, named to the loader", [LOADER, "/home/tool"], {}, "", 127, ("map", "program", "/home/tool")),
    ("a foreign script, named to bash", ["bash", "/home/script.sh"], {}, "FOREIGN", -9, ("arguments", "source", "/usr/bin/bash")),
    ("… under a name that says nothing", ["bash", "/home/noname"], {}, "FOREIGN", -9, ("arguments", "source", "/usr/bin/bash")),
    ("a foreign script, named to Python", ["python3", "/home/script.py"], {}, "FOREIGN", -9, ("arguments", "source", None)),
    ("code on Python's command line", ["python3", "-c", "print('FOREIGN')"], {}, "FOREIGN", -9, ("arguments", "inline", None)),
    ("… by way of env", ["env", "python3", "-c", "print('FOREIGN')"], {}, "FOREIGN", -9, ("arguments", "inline", "/usr/bin/env")),
    ("… by way of the loader", [LOADER, "/usr/bin/python3", "-c", "print('FOREIGN')"], {}, "FOREIGN", -9,
     ("arguments", "inline", "/usr/lib64/ld-linux-x86-64.so.2")),
    ("code on perl's command line", ["perl", "-e", "print qq(FOREIGN)"], {}, "FOREIGN", -9, ("arguments", "inline", "/usr/bin/perl")),
    ("code on standard input", ["python3"], {"data": "print('FOREIGN')"}, "FOREIGN", -9, ("arguments", "stdin", None)),
    ("code in the environment", ["bash", "/usr/share/ok.sh"], {"env": {"BASH_ENV": "/home/script.sh"}}, "FOREIGN", -9,
     ("arguments", "environment", "/usr/bin/bash")),
    ("a static shell, whose arguments cannot be seen", ["/usr/bin/busybox", "sh", "/usr/share/ok.sh"], {}, "fine", "EPERM",
     ("arguments", "unclear", "/usr/bin/busybox")),
    ("a trusted script that sources a foreign one", ["bash", "/usr/share/sources.sh"], {}, "FOREIGN", 1,
     ("open", "source", "/home/noname")),
    ("a trusted script that imports a foreign module", ["python3", "/usr/share/imports.py"], {}, "FOREIGN", 1,
     ("open", "source", "/home/script.py")),
]
# name, argv, more, output: with and without
WORKS = [
    ("a trusted program", ["true"], {}, ""),
    ("… by an ordinary user", ["/usr/bin/id", "-u"], {"uid": 1000}, "1000"),
    ("a trusted script", ["/usr/share/ok.sh"], {}, "fine"),
    ("a trusted script, named to bash", ["bash", "/usr/share/ok.sh"], {}, "fine"),
    ("a trusted Python script with modules of its own", ["python3", "/usr/share/ok.py"], {}, "fine"),
    ("a trusted script that hands code on", ["bash", "/usr/share/hands.sh"], {}, "fine"),
    ("Python's version", ["python3", "--version"], {}, "Python 3"),
    ("a foreign program read as data", ["cat", "/home/tool"], {}, "ELF"),
    ("a foreign script read as data", ["cat", "/home/script.sh"], {}, "FOREIGN"),
    ("a trusted program, named to the loader", [LOADER, "/usr/bin/true"], {}, ""),
]


# A line of a table: the user, the text, output without the gate, status and output with it
TABLES = [
    ("root's text", 0, "x=fi; echo ${x}ne", "fine", 0, "fine"),
    ("a person's text", 1000, "x=FOR; echo ${x}EIGN", "FOREIGN", 137, "option '-c' carries code"),
    ("a trusted script by its path", 1000, "/usr/share/ok.sh", "fine", 0, "fine"),
    ("… with words behind it", 1000, "/usr/bin/env /usr/share/ok.sh a b", "fine", 0, "fine"),
    ("… and more behind it", 1000, "/usr/share/ok.sh; x=FOR; echo ${x}EIGN", "FOREIGN", 137, "option '-c' carries code"),
    ("a foreign script by its path", 1000, "/home/script.sh", "FOREIGN", 126, ""),
    ("an interpreter that is handed code", 1000, "/usr/bin/env bash -c id", "uid=1000", 137, ""),
]


def furnish(asked, guard, cron, policy):
    """The root directory, entered."""
    small_root.unshare_mounts()
    root = small_root.make(small_root.workplace(), PROGRAMS)
    small_root.add_program(root, asked)
    small_root.add_program(root, guard)
    small_root.add_program(root, cron, "/usr/bin/cron")
    small_root.add_program(root, "/bin/busybox")
    small_root.copy(root, policy, "/etc/policy.json")
    os.chmod(root + "/etc/policy.json", 0o644)
    small_root.enter(root)
    os.makedirs("/usr/share", exist_ok=True)
    subprocess.run(["cp", "/usr/bin/true", "/home/tool"], check=True)
    subprocess.run(["cp", "/usr/bin/true", "/usr/bin/slowpoke"], check=True)
    subprocess.run(["cp", "/usr/bin/true", "/usr/bin/victim"], check=True)
    os.chmod("/home", 0o1777)
    write("/home/script.sh", "#!/bin/bash\necho FOREIGN\n", 0o755)
    write("/home/noname", "#!/bin/sh\necho FOREIGN\n", 0o755)
    write("/home/script.py", "print('FOREIGN')\n")
    write("/usr/share/ok.sh", "#!/bin/bash\necho fine\n", 0o755)
    write("/usr/share/ok.py", "import json, decimal\nprint('fine')\n")
    write("/usr/share/hands.sh", "python3 -I -c 'print(\"fi\" + \"ne\")'\n")
    write("/usr/share/sources.sh", ". /home/noname\n")
    write("/usr/share/imports.py", "import sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, '/home')\nimport script\n")


def check_acts():
    for name, argv, more, out, _, _ in REFUSED:
        got = act(argv, **more)
        t.ok(got[0] == 0 and out in got[1], "without the gate: " + name, got)
    with Gate() as gate:
        for name, argv, more, out, wanted, event in REFUSED:
            got = act(argv, **more)
            t.ok(got[0] == wanted and "FOREIGN" not in got[1], "refused: " + name, got)
            path = event[2] or os.path.realpath("/usr/bin/python3")
            t.ok(gate.said(event[0], event[1], path), "… and reported as " + " ".join(event[:2]), gate.text()[-600:])
        for name, argv, more, out in WORKS:
            got = act(argv, **more)
            t.ok(got[0] == 0 and out in got[1], "works: " + name, got)
    for name, argv, more, out, _, _ in REFUSED:
        got = act(argv, **more)
        t.ok(got[0] == 0 and out in got[1], "the gate is gone: " + name, got)
    with Gate("--audit") as gate:
        for name, argv, more, out, _, event in REFUSED:
            got = act(argv, **more)
            t.ok(got[0] == 0 and out in got[1], "audit: runs: " + name, got)
        for name, argv, more, out, _, event in REFUSED:
            path = event[2] or os.path.realpath("/usr/bin/python3")
            t.ok(gate.said(*event[:2], path), "audit: and is reported: " + name)


def check_names():
    """What a file is goes with the file, not with its name."""
    with Gate() as gate:
        t.ok(act(["/home/tool"])[0] == "EPERM", "a foreign program is refused")
        os.rename("/home/tool", "/home/renamed")
        t.ok(act(["/home/renamed"])[0] == "EPERM", "… renamed")
        os.link("/home/renamed", "/home/linked")
        t.ok(act(["/home/linked"])[0] == "EPERM", "… hard linked")
        os.symlink("/home/renamed", "/home/symlink")
        t.ok(act(["/home/symlink"])[0] == "EPERM", "… by a symbolic link")
        subprocess.run(["mount", "--bind", "/home", "/mnt"], check=True)
        t.ok(act(["/mnt/renamed"])[0] == "EPERM", "… through a bind mount")
        subprocess.run(["umount", "/mnt"], check=True)
        os.link("/usr/bin/true", "/home/true")
        act(["/home/true"])  # allowed when it was asked about before, by its own name, else refused
        t.ok(act(["/usr/bin/true"])[0] == 0, "… and its own name does not suffer")
        os.unlink("/home/true")
        fd = os.open("/home/renamed", os.O_RDONLY)
        os.rename("/home/renamed", "/home/tool")
        os.unlink("/home/linked")
        os.unlink("/home/symlink")
        t.ok(act(["/proc/self/fd/%d" % fd])[0] in ("EPERM", "ENOENT"), "… through a descriptor")
        os.close(fd)
        t.ok(not gate.p.poll(), "the gate stands")


def check_writers():
    """The answer about a file is forgotten when its content changes."""
    with Gate() as gate:
        t.ok(all(act(["/usr/bin/victim"])[0] == 0 for _ in range(3)), "a trusted program, three times")
        time.sleep(0.1)
        t.ok(act(["/usr/bin/victim"])[0] == 0, "… and once more, from memory")
        os.chmod("/usr/bin/victim", 0o777)
        r = act(["bash", "-c", ":"], uid=1000)  # an ordinary user cannot be asked for inline code
        t.ok(r[0] == -9, "a user's inline code is refused meanwhile", r)
        r = act(["dd", "if=/usr/bin/id", "of=/usr/bin/victim", "conv=notrunc", "bs=16", "count=1"], uid=1000)
        t.ok(r[0] == 0, "somebody writes into it", r)
        t.ok(act(["/usr/bin/victim"])[0] == "EPERM", "… and it is refused")
        os.chmod("/usr/bin/victim", 0o755)
        subprocess.run(["cp", "/usr/bin/true", "/usr/bin/victim"], check=True)
        time.sleep(0.1)
        t.ok(act(["/usr/bin/victim"])[0] == 0, "root puts it right, and it runs")
        t.ok(gate.said("exec", "program", "/usr/bin/victim"), "the refusal was reported")


def check_mounts():
    with Gate() as gate:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=True)
        time.sleep(0.3)
        subprocess.run(["cp", "/home/tool", "/mnt/tool"], check=True)
        t.ok(act(["/mnt/tool"])[0] == "EPERM", "a file system that was mounted later is watched")
        os.mkdir("/mnt/up")
        os.mkdir("/mnt/work")
        os.mkdir("/mnt/over")
        try:
            subprocess.run(["mount", "-t", "overlay", "overlay", "-o", "lowerdir=/home,upperdir=/mnt/up,workdir=/mnt/work",
                            "/mnt/over"], check=True, stderr=subprocess.DEVNULL)
            time.sleep(0.3)
            t.ok(act(["/mnt/over/tool"])[0] == "EPERM", "… also an overlay")
            subprocess.run(["umount", "/mnt/over"], check=True)
        except subprocess.CalledProcessError:
            t.skip("… also an overlay", "this kernel mounts no overlay here")
        subprocess.run(["umount", "/mnt"], check=True)
        t.ok(act(["/usr/bin/true"])[0] == 0, "all else works", gate.text()[-300:])


# what is mounted, where, what is done there, output, result with the gate
BOUND = [
    ("a foreign program over a trusted one", "/home/tool", "/usr/bin/victim", ["/usr/bin/victim"], "", "EPERM"),
    ("a folder with a foreign program over one in a tree", "/home/dir", "/usr/share/place", ["/usr/share/place/tool"], "", "EPERM"),
    ("… with a foreign script, named to bash", "/home/dir", "/usr/share/place", ["bash", "/usr/share/place/run"], "FOREIGN", -9),
    ("a foreign script over a trusted one", "/home/noname", "/usr/share/ok.sh", ["bash", "/usr/share/ok.sh"], "FOREIGN", -9),
    ("a folder of a tree in another place of it", "/usr/share/own", "/usr/share/place", ["/usr/share/place/tool"], "", 0),
    ("… over itself", "/usr/share/own", "/usr/share/own", ["/usr/share/own/tool"], "", 0),
    ("a trusted program over another", "/usr/share/own/tool", "/usr/bin/victim", ["/usr/bin/victim"], "", 0),
]


def check_bound():
    """A name in a tree that something from elsewhere was given by mounting it there."""
    for d in ("/home/dir", "/usr/share/place", "/usr/share/own"):
        os.makedirs(d)
    for d in ("/home/dir", "/usr/share/own"):
        subprocess.run(["cp", "/home/tool", d + "/tool"], check=True)
    write("/home/dir/run", "echo FOREIGN\n")
    for name, what, where, argv, out, wanted in BOUND:
        subprocess.run(["mount", "--bind", what, where], check=True)
        got = act(argv)
        t.ok(got[0] == 0 and out in got[1], "without the gate: " + name, got)
        with Gate():
            got = act(argv)
            t.ok(got[0] == wanted and "FOREIGN" not in got[1], ("works: " if wanted == 0 else "refused: ") + name, got)
            subprocess.run(["umount", where], check=True)
            t.ok(act(["/usr/bin/victim"])[0] == 0 and "fine" in act(["bash", "/usr/share/ok.sh"])[1], "… and what was there runs again")


def check_load():
    with Gate("--quiet") as gate:
        begin = time.time()
        script = "i=0; while [ $i -lt 2500 ]; do /usr/bin/true || exit 1; i=$((i+1)); done"
        write("/usr/share/many.sh", script)
        runs = [subprocess.Popen(["bash", "/usr/share/many.sh"], env={"PATH": "/usr/bin"}) for _ in range(4)]
        t.ok(all(p.wait(300) == 0 for p in runs), "10,000 execs by four at once: none refused")
        print("# %.1f s" % (time.time() - begin))
        for i in range(300):
            os.link("/home/tool", "/home/tool%d" % i) if i % 2 else subprocess.run(["cp", "/home/tool", "/home/tool%d" % i])
        results = []
        threads = [threading.Thread(target=lambda i=i: results.append(act(["/home/tool%d" % i])[0])) for i in range(300)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        t.ok(len(results) == 300 and set(results) == {"EPERM"}, "300 foreign programs at once: all refused", results)
        for i in range(300):
            os.unlink("/home/tool%d" % i)
        t.ok(not gate.p.poll(), "the gate stands")


def check_deadline():
    with Gate("--slow", "slowpoke") as gate:
        result = []
        begin = time.time()
        slow = threading.Thread(target=lambda: result.append((act(["/usr/bin/slowpoke"])[0], time.time() - begin)))
        slow.start()
        time.sleep(0.5)
        quick = time.time()
        t.ok(act(["/usr/bin/true"])[0] == 0 and act(["/usr/bin/ls", "/"])[0] == 0, "while one is verified others run")
        t.ok(time.time() - quick < 3, "… at once", time.time() - quick)
        slow.join(30)
        t.ok(result and result[0][0] == "EPERM" and 4 < result[0][1] < 7.5, "what takes too long is refused in time", result)
        time.sleep(4)
        t.ok(act(["/usr/bin/slowpoke"])[0] == 0, "… and known the next time", gate.text()[-300:])


def check_check():
    """execveat(AT_EXECVE_CHECK), Linux 6.14: what an interpreter asks about its script."""
    libc = ctypes.CDLL(None, use_errno=True)

    def check(path):
        fd = os.open(path, os.O_RDONLY)
        r = libc.syscall(322, fd, b"", None, None, 0x1000 | 0x10000)
        code = errno.errorcode.get(ctypes.get_errno(), "") if r else 0
        os.close(fd)
        return code
    if check("/home/script.sh") == "EINVAL":
        t.skip("AT_EXECVE_CHECK", "the kernel does not know it")
        return
    t.ok(check("/home/script.sh") == 0, "without the gate: AT_EXECVE_CHECK of a foreign script")
    with Gate() as gate:
        t.ok(check("/home/script.sh") == "EPERM", "AT_EXECVE_CHECK of a foreign script is refused")
        t.ok(check("/usr/share/ok.sh") == 0, "… and of a trusted one is not", gate.text()[-300:])


def check_guard():
    """The same acts under the guard itself, which fills in what it trusts before it attaches."""
    for name, uid, text, out, _, _ in TABLES:
        got = act(["/usr/bin/cron", str(uid), "/usr/bin/bash", text])
        t.ok(got[0] == 0 and out in got[1], "without the guard, cron: " + name, got)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        argv = ["/usr/bin/ihard-guard", "--backend", "fanotify", "--policy", "/etc/policy.json", "--socket", "none",
                "--events", "/tmp/events.jsonl"]
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.time() + 30
        while act(["/home/tool"])[0] != "EPERM":
            if time.time() > end or p.poll() is not None:
                log.seek(0)
                t.ok(False, "the guard begins", log.read())
                return
            time.sleep(0.1)
        for name, argv, more, _, wanted, _ in REFUSED:
            got = act(argv, **more)
            t.ok(got[0] == wanted and "FOREIGN" not in got[1], "under the guard: refused: " + name, got)
        got = act(["python3", "-c", "print('FOREIGN')"])
        t.ok("option '-c' carries code" in got[1], "… and the process is told why", got)
        for name, argv, more, out in WORKS:
            got = act(argv, **more)
            t.ok(got[0] == 0 and out in got[1], "under the guard: works: " + name, got)
        for name, uid, text, _, wanted, out in TABLES:
            got = act(["/usr/bin/cron", str(uid), "/usr/bin/bash", text])
            t.ok(got[0] == wanted and out in got[1] and "FOREIGN" not in got[1].replace(text, ""), "under the guard, cron: " + name, got)
        p.terminate()
        log.seek(0)
        t.ok(p.wait(20) == 0, "the guard ends when it is told to", log.read())
        t.ok(act(["/home/tool"])[0] == 0, "… and what it kept is open")
    with open("/tmp/events.jsonl", encoding="utf-8") as f:
        events = [json.loads(line) for line in f]
    t.ok(any(e.get("reason") == "inline" for e in events), "its events say so, too", events[:3])


def check_death():
    with Gate() as gate:
        t.ok(act(["/home/tool"])[0] == "EPERM", "refused")
        os.kill(gate.p.pid, signal.SIGKILL)
        gate.p.wait()
        t.ok(act(["/home/tool"])[0] == 0, "with its death the gate opens, as its one sentence says")
        gate.p.stdin.close()
    with Gate():
        t.ok(act(["/home/tool"])[0] == "EPERM", "a new one closes it again")


def main():
    asked, guard, cron, policy = sys.argv[1:]
    if platform.machine() != "x86_64":
        tap.skip_all("knows system calls and the loader of x86-64 only")
    if os.geteuid() != 0:
        tap.skip_all("needs root")
    try:
        furnish(asked, guard, cron, policy)
    except (OSError, subprocess.CalledProcessError) as e:
        tap.skip_all("cannot make a root directory on a file system of its own: %s" % e)
    if not os.path.exists("/usr/bin/busybox"):
        t.skip("a static shell", "there is no busybox")
        REFUSED[:] = [row for row in REFUSED if "busybox" not in row[1][0]]
    for check in (check_acts, check_names, check_writers, check_mounts, check_bound, check_check, check_load, check_deadline, check_guard, check_death):
        check()
    t.done()


main()
