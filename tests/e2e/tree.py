#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tree gate: every exec is seen, none of a refused image runs, and nobody else notices.

usage: tree.py IH-TREE IH-SPAWN IH-TRY
The judge of ih-tree refuses every image whose first argument is "REFUSE".
"""
import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import Tap, as_user, run, skip_all  # noqa: E402

TREE, SPAWN, TRY = sys.argv[1:4]
ROOT = os.geteuid() == 0
NOBODY = 65534
tap = Tap()


def supervisors(log):
    """Supervisors that hold this log file open."""
    found = []
    for p in os.listdir("/proc"):
        try:
            if p.isdigit() and open("/proc/%s/comm" % p).read().strip() == "ihard-tree":
                if any(os.readlink("/proc/%s/fd/%s" % (p, f)) == log for f in os.listdir("/proc/%s/fd" % p)):
                    found.append(int(p))
        except OSError:
            pass
    return found


def wait_for(what, limit=5.0):
    end = time.time() + limit
    while not what() and time.time() < end:
        time.sleep(0.02)
    return what()


def check_status(work):
    for command, rc in (("exit 7", 7), ("kill -TERM $$", -15), ("kill -KILL $$", -9), ("true", 0)):
        r = run([TREE, "--", "sh", "-c", command])
        tap.ok(r.rc == rc, "exit status of '%s' is its own" % command, r)
    r = run([TREE, "--", work + "/none"])
    tap.ok(r.rc == 127, "a program that is not there: 127", r)
    p = subprocess.Popen([TREE, "--", "sh", "-c", "echo $$ $PPID"], stdout=subprocess.PIPE, encoding="utf-8")
    out = p.communicate()[0].split()
    tap.ok(out == [str(p.pid), str(os.getpid())], "process and parent are the same as without", out)
    r = run([TREE, "--", "sh", "-c", "wait; echo children: $(ps -o pid= --ppid $$ | wc -l)"])
    tap.ok("children: 2" in r.out or "children: 1" in r.out, "the supervisor is no child of the command", r)


def check_refused(work):
    marker = work + "/ran"
    # spawn ways: (name, command line before the program); all but exec start it from a child
    ways = [(w, [SPAWN, w, "--"]) for w in ("vfork", "posix_spawn", "thread", "daemon")]
    ways += [("exec", []), ("shell", ["sh", "-c", '"$@"', "sh"]), ("deep", ["sh", "-c", '(("$@"))||("$@")', "sh"]),
             ("execveat", [TRY, "exec-fd"])]
    for name, way in ways:
        log = work + "/log." + name
        act = [work + "/touch", marker]
        r = run([TREE, log, "--"] + way + act)
        tap.ok(wait_for(lambda: os.path.exists(marker)), "%s: a program that may run runs" % name, r)
        os.unlink(marker)
        r = run([TREE, log, "--"] + way + [act[0], "REFUSE", marker], cwd=work)
        wait_for(lambda: not supervisors(log))
        tap.ok(not os.path.exists(marker), "%s: a refused program does not run" % name, r)
        seen = open(log).read()
        tap.ok(seen.count(work + "/touch") >= 2, "%s: the judge saw both" % name, seen)
        if name != "daemon":
            tap.ok("ihard: refused: '%s/touch'" % work in r.err, "%s: the sentence is on standard error" % name, r)
        tap.ok(not supervisors(log), "%s: the supervisor left with the tree" % name)
    r = run([TREE, log, "--", "sh", "-c", '"$1" "$2" REFUSE; echo after $?', "sh", work + "/touch", marker], cwd=work)
    tap.ok("after 126" in r.out and "ihard: refused: '%s/touch'" % work in r.err and not os.path.exists(marker),
           "what is refused beforehand is an errno to its caller, which goes on", r)
    r = run([TREE, log, "--", "sh", "-c", 'cd / && "$1" "$2" REFUSE', "sh", "." + work + "/touch", marker], cwd=work)
    tap.ok(r.rc == 126 and "refused: '.%s/touch' in '/proc/" % work in r.err, "a relative name is the caller's own", r)
    r = run([TREE, "--", work + "/touch", "REFUSE", marker])
    tap.ok(r.rc == -9, "the outermost process, refused, dies by SIGKILL", r)


def check_provenance(work):
    log = work + "/log.prov"
    run([TREE, log, "--", "sh", "-c", "ls /; (ls; ls)"])
    rows = [line.split() for line in open(log)]
    tap.ok([r[1] for r in rows] == ["1"] + ["2"] * 3, "provenance is set at exec and inherited by fork", rows)


def check_escape(work):
    log = work + "/log.escape"
    for verb, args in (("ptrace", []), ("clone", ["0x00800000"]), ("clone3", [])):
        bare = run([TRY, verb] + args)
        r = run([TREE, log, "--", TRY, verb] + args)
        tap.ok(bare.rc == 0 and r.rc == 1, "%s %s is refused in the tree" % (verb, " ".join(args)), r)
    p = subprocess.Popen([TREE, log, "--", "sh", "-c", "sleep 30 & sleep 30 & echo up; wait"],
                         stdout=subprocess.PIPE)
    p.stdout.readline()
    sup = supervisors(log)
    tap.ok(len(sup) == 1, "one supervisor watches", sup)
    os.kill(sup[0], signal.SIGKILL)
    tap.ok(p.wait(timeout=10) == -9, "if the supervisor is killed, the command dies")
    tap.ok(p.stdout.read() == b"", "… and all that it started")
    r = run([TREE, log, "--", TREE, "--", "true"])
    tap.ok(r.rc == 125 and "cannot watch the process tree" in r.err, "a second gate inside says that it cannot watch", r)
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        p = subprocess.Popen([TREE, log, "--", "sh", "-c", "echo up; exec sleep 30"], stdout=subprocess.PIPE,
                             preexec_fn=lambda s=sig: signal.signal(s, signal.SIG_DFL))  # nohup(1) ignores some
        p.stdout.readline()
        time.sleep(0.05)
        p.send_signal(sig)
        tap.ok(p.wait(timeout=10) == -sig, "%s reaches the command" % sig.name)
    if not ROOT:
        return
    shutil.copy("/usr/bin/id", work + "/suid")
    os.chmod(work + "/suid", 0o4755)
    bare = run([work + "/suid", "-u"], preexec_fn=as_user(NOBODY))
    r = run([TREE, "--", work + "/suid", "-u"], preexec_fn=as_user(NOBODY))
    tap.ok(bare.out == "0\n" and r.out == "65534\n", "a set-user-id program gives nothing", r)
    p = subprocess.Popen([TREE, "--", "sh", "-c", "cp $1 /proc/$PPID/mem; for p in /proc/[0-9]*; do "
                          "grep -q ihard-tree $p/comm 2>/dev/null && : <$p/mem && echo open; done; true", "sh", "/etc/passwd"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=as_user(NOBODY))
    tap.ok(p.communicate()[0] == b"", "nobody of the same user can open the supervisor's memory")


def check_streams(work):
    start = time.time()
    r = run([TREE, "--", "sh", "-c", "sleep 3 >/dev/null 2>&1 </dev/null & echo x"])
    tap.ok(r.out == "x\n" and time.time() - start < 2.5, "the supervisor keeps nobody's pipe open", time.time() - start)
    # It waits to be told, since a child that has ended was never seen to continue.
    p = subprocess.Popen([TREE, "--", "sh", "-c", "echo up; kill -STOP $$; read x; echo after"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdout.readline()
    pid, status = os.waitpid(p.pid, os.WUNTRACED)
    tap.ok(os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGSTOP, "the parent sees the command stop", status)
    os.kill(p.pid, signal.SIGCONT)
    pid, status = os.waitpid(p.pid, os.WCONTINUED)
    tap.ok(os.WIFCONTINUED(status), "… and go on", status)
    p.stdin.write(b"\n")
    p.stdin.close()
    tap.ok(p.stdout.read() == b"after\n" and os.waitpid(p.pid, 0)[1] == 0, "… to its end")
    p.returncode = 0


def check_job(work):
    """A shell with job control: ^Z stops the job, fg goes on, ^C ends it, the shell goes on."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ["PS1"] = "$ "
        os.execvp("bash", ["bash", "--norc", "--noediting", "-i"])

    def until(text, limit=10):
        seen, end = b"", time.time() + limit
        import select
        while text not in seen and time.time() < end:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    seen += os.read(master, 4096)
                except OSError:
                    break
        return seen

    until(b"$ ")
    os.write(master, ("%s -- sh -c 'echo u\"\"p; while sleep 0.01; do :; done'\n" % TREE).encode())
    tap.ok(b"up\r" in until(b"up\r"), "job: the command runs in the foreground")
    for i in range(20):
        os.write(master, b"\x1a")
        if not tap.ok(b"Stopped" in until(b"Stopped"), "job: ^Z stops it, time %d" % i):
            break
        os.write(master, b"fg\n")
        until(b"sleep 0")
        time.sleep(0.017 * i)
    os.write(master, b"\x03")
    os.write(master, b"echo status $?\n")
    tap.ok(b"status 130" in until(b"status 1"), "job: fg goes on, ^C ends it with 130")
    os.write(master, b"exit\n")
    time.sleep(0.3)
    os.close(master)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def check_leaks(work):
    log = work + "/log.leak"
    n = 10000
    p = subprocess.Popen([TREE, log, "--", "sh", "-c",
                          '"$1" loop 500 -- /bin/true; echo warm; read x; "$1" loop %d -- /bin/true; echo done; read x' % n,
                          "sh", SPAWN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def until(word):
        for line in p.stdout:
            if line.strip() == word:
                return

    def state():
        sup = supervisors(log)[0]
        rss = [int(line.split()[1]) for line in open("/proc/%d/status" % sup) if line.startswith("VmRSS")][0]
        return len(os.listdir("/proc/%d/fd" % sup)), rss

    until("warm")
    before = state()
    p.stdin.write("\n")
    p.stdin.flush()
    until("done")
    after = state()
    p.stdin.write("\n")
    p.stdin.close()
    p.wait()
    tap.ok(after[0] == before[0] and after[1] <= before[1] + 256,
           "%d execs: the supervisor has as many descriptors and as much memory" % n, (before, after))
    seen = sum(1 for line in open(log))
    tap.ok(seen == n + 500 + 3, "%d execs: each was judged" % n, seen)


def check_real(work):
    """Programs that lean on processes and threads."""
    rows = [
        ("python threads and processes", ["python3", "-c", "import threading,subprocess,multiprocessing as m\n"
         "t=[threading.Thread(target=lambda:subprocess.run(['true'],check=True)) for _ in range(8)]\n"
         "[x.start() for x in t];[x.join() for x in t]\n"
         "print(sum(m.get_context('spawn').Pool(2).map(abs,[-1,-2])))"], "3"),
        ("shell pipelines", ["bash", "-c", "set -o pipefail; seq 1000 | sort -rn | head -1; diff <(echo a) <(echo a)"], "1000"),
        ("perl fork", ["perl", "-e", "for(1..50){fork()||exit 0} 1 while wait()>0; print 'ok'"], "ok"),
    ]
    if shutil.which("node"):
        rows.append(("node workers", ["node", "-e", "const{Worker}=require('worker_threads');new Worker("
                     "'require(\"child_process\").execSync(\"true\");console.log(\"w\")',{eval:true})"], "w"))
    for name, argv, out in rows:
        r = run([TREE, "--"] + argv)
        tap.ok(r.rc == 0 and r.out.strip() == out, "real: " + name, r)


probe = run([TREE, "--", "true"])
if probe.rc == 125:
    skip_all("this machine forbids tracing: " + probe.err.strip())
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
with tempfile.TemporaryDirectory(prefix="ih-tree.") as work:
    os.chmod(work, 0o777)
    shutil.copy("/usr/bin/touch", work + "/touch")
    check_status(work)
    check_refused(work)
    check_provenance(work)
    check_escape(work)
    check_streams(work)
    check_job(work)
    check_real(work)
    check_leaks(work)
tap.done()
