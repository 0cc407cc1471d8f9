#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the attempt suite and reports, for each case, whether its payload ran.

  run_attempts.py [options] [-- PREFIX ...]

PREFIX is put in front of every command line, e.g.  -- ihard run --
With no PREFIX the commands run bare (use that to validate the suite, or to
test a system-wide guard such as a BPF LSM policy).

  --suite FILE     (repeatable) sample.jsonl and own.jsonl beside this script by default, and
                   words.jsonl (spellings of command lines and variables) with --judge
  --judge          PREFIX does not run the command but says whether it may run: exit 0
                   allowed, 1 denied, anything else is wrong either way. What is allowed
                   with an untrusted element "filtered" out of a path list counts as
                   stopped: it would start without it. Cases that no
                   command line, environment, standard input or script decides (races,
                   native footholds, what a trusted script does with data) are left out.
  --store DIR      trusted folder; made by fixture/store_fixture.sh if empty or
                   missing (default: a fresh folder under /opt or /tmp)
  --native DIR     p.elf, p.so and sc.bin, for machines without a compiler
  --prepare CMD    shell command run once after the store is built, with STORE
                   set: whatever makes the system trust it
  --every N        each Nth case only: a cross-section in a fraction of the time
  --from K         beginning with case K (0)
  --only REGEX     cases whose id matches        --category NAME  (repeatable)
  --expect E       deny or allow only            --layer NAME     (repeatable)
  --skip-policy    leave out benign cases with tier=policy
  --uid N          run every case as that uid/gid (setup too); needs root
  --jobs N         cases at a time (default 1; races want 1)
  --timeout S      default limit for one command (a case may name a longer one)
  --json FILE      write one JSON line per case with what happened
  --validate       exit 1 unless every deny case's payload RAN and every allow
                   case WORKED (meant for no PREFIX)
  --keep           keep the temp folders
  -v               print every case

Fields of a case: id, category, setup, argv, env, stdin, canary, expect, layer,
note; optional: fds {"5": {"file"|"pipe"|"memfd"|"deleted": ...}}, needs [binaries],
cleanup, settle, timeout, repeat, root, cwd, tier, stdin_closed.
$T, $STORE, ${STORE}, $ID and $BUSYBOX_STATIC are expanded in argv, env, stdin,
canary, fds and cwd, and are variables of the setup snippet.
canary: file:PATH (appeared), stdout:TEXT (was printed), exit:N.
Setup and cleanup run WITHOUT the prefix: they are the attacker's preparation
(writing files), not an execution that the guard must judge.  With a system-wide
guard, set EVASION_SETUP_PREFIX to a command that is exempt from it.
"""
import argparse, collections, fcntl, concurrent.futures as cf, json, os, re, shutil, signal, subprocess, sys, tempfile, time
H = os.path.dirname(os.path.abspath(__file__))
BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

def expand(s, v):
    for k in ("BUSYBOX_STATIC", "STORE", "ID", "T"):
        s = re.sub(r"\$\{%s\}|\$%s(?![A-Za-z0-9_])" % (k, k), lambda m: v[k], s)
    return s

DECIDED = {"inline", "stdin", "env", "script-file", "exec-identity", "fd-and-race", "benign"}

def decided_by_words(c):
    return c["category"] in DECIDED and c.get("repeat", 1) == 1 and not c["id"].startswith(("race-", "own-race-"))

def build_natives(d):
    f = os.path.join(H, "fixture"); os.makedirs(d, exist_ok=True)
    r = lambda *a: subprocess.run(a, check=True)
    r("gcc", "-O1", "-w", "-o", d + "/p.elf", f + "/payload.c", "-ldl")
    r("gcc", "-O1", "-w", "-shared", "-fPIC", "-DLIB", "-o", d + "/p.so", f + "/payload.c", "-ldl")
    r("gcc", "-c", f + "/sc.S", "-o", d + "/sc.o"); r("objcopy", "-O", "binary", "-j", ".text", d + "/sc.o", d + "/sc.bin")
    return d

class Runner:
    def __init__(s, a):
        s.a = a; s.prefix = a.prefix; s.uid = a.uid
        s.work = tempfile.mkdtemp(prefix="ev.", dir=a.tmp); os.chmod(s.work, 0o755)
        s.nat = a.native or build_natives(os.path.join(s.work, "native"))
        s.pay = json.load(open(os.path.join(H, "payloads.json")))
        s.store = os.path.abspath(a.store) if a.store else os.path.join(s.work, "store")
        if not os.path.isdir(s.store) or not os.listdir(s.store):
            e = dict(os.environ, STORE=s.store, SRC=os.path.join(H, "fixture"), PATH=BASE_PATH)
            subprocess.run(["bash", os.path.join(H, "fixture", "store_fixture.sh")], env=e, check=True)
        if a.prepare:
            subprocess.run(a.prepare, shell=True, env=dict(os.environ, STORE=s.store), check=True)
        s.busybox = shutil.which("busybox-static") or "/bin/busybox"
        c = os.path.join(H, "fixture", "busybox.static")
        if os.path.exists(c): s.busybox = c
        s.sp = os.environ.get("EVASION_SETUP_PREFIX", "").split()

    def skip(s, c):
        if c.get("root") and (s.uid or os.geteuid()): return "needs root"
        if c.get("nonroot") and not s.uid and os.geteuid() == 0: return "needs a non-root uid (--uid)"
        if c.get("needs_static_busybox") and not os.path.exists(os.path.join(H, "fixture", "busybox.static")): return "no static busybox"
        for n in c.get("needs", []):
            if not shutil.which(n, path=BASE_PATH): return "no " + n
        return None

    def demote(s):
        if s.uid:
            def f():
                os.setgroups([]); os.setgid(s.uid); os.setuid(s.uid)
            return f
        return None

    def shell(s, snip, T, v, timeout=90):
        env = dict(PATH=BASE_PATH, HOME=T, LANG="C.UTF-8", **v)
        p = subprocess.Popen(s.sp + ["bash", "-c", snip], cwd=T, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=s.demote(), start_new_session=True)
        try: out, _ = p.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, 9); out, _ = p.communicate()
        return p.returncode, out

    def run(s, c):
        why = s.skip(c)
        if why: return dict(id=c["id"], skipped=why)
        T = tempfile.mkdtemp(prefix="T.", dir=s.work); os.chmod(T, 0o755)
        v = dict(T=T, STORE=s.store, ID=os.path.basename(T), BUSYBOX_STATIC=s.busybox)
        for n, p in s.pay.items():
            with open(os.path.join(T, n), "w") as f: f.write(expand(p["content"], v))
            os.chmod(os.path.join(T, n), p["mode"])
        for n in ("p.elf", "p.so", "sc.bin"): shutil.copy(os.path.join(s.nat, n), T)
        open(os.path.join(T, ".evasion_T"), "w").close(); os.mkdir(os.path.join(T, "home"))
        if s.uid:
            for d, ds, fs in os.walk(T):
                os.chown(d, s.uid, s.uid)
                for f in fs: os.lchown(os.path.join(d, f), s.uid, s.uid)
        res = dict(id=c["id"], category=c["category"], expect=c["expect"], layer=c["layer"], tier=c.get("tier", ""))
        if c["setup"]:
            rc, out = s.shell(c["setup"], T, v)
            if rc: res["setup_rc"] = rc; res["setup_out"] = out[-300:].decode("utf8", "replace")
        kind, _, what = expand(c["canary"], v).partition(":")
        if kind == "file" and os.path.lexists(what): os.unlink(what)   # must be made by the run, not by setup
        env = dict(PATH=BASE_PATH, HOME=os.path.join(T, "home"), TERM="dumb", LANG="C.UTF-8", SHELL="/bin/sh")
        env.update({k: expand(x, v) for k, x in c["env"].items()})
        argv = s.prefix + [expand(x, v) for x in c["argv"]]
        cwd = expand(c.get("cwd", T), v)
        t0 = time.time(); limit = max(s.a.timeout, c.get("timeout", 0)); ran = False; rc = None; out = b""
        exe = shutil.which(argv[0], path=env.get("PATH") if "/" not in argv[0] else None) or argv[0]
        if "/" in argv[0] and argv[0].startswith("."): exe = argv[0]
        if s.a.judge:
            rc, out, err = s.one(c, exe, argv, env, cwd, v, T, limit)
            ran = rc == 0 and not (c["expect"] == "deny" and b" is filtered: without " in out)
            if rc not in (0, 1): ran = c["expect"] == "deny"   # no verdict is wrong either way
        for _ in range(0 if s.a.judge else c.get("repeat", 1)):
            rc, out, err = s.one(c, exe, argv, env, cwd, v, T, limit - (time.time() - t0))
            ran = s.seen(kind, what, rc, out, c.get("settle", 0.0) if c.get("repeat", 1) == 1 else 0)
            if ran or rc == "timeout" or time.time() - t0 > limit: break
        if not ran and not s.a.judge and kind == "file" and c["expect"] == "deny" and c.get("repeat", 1) == 1 and not s.a.fast:
            ran = s.seen(kind, what, rc, out, 0.25)
        res.update(ran=ran, rc=rc, secs=round(time.time() - t0, 2), out=(out or b"")[-160:].decode("utf8", "replace"), err=(err or b"")[-240:].decode("utf8", "replace"))
        res["ok"] = (ran == (c["expect"] == "allow"))
        if os.path.exists(os.path.join(T, "bgpid")):
            try: os.kill(int(open(os.path.join(T, "bgpid")).read()), signal.SIGKILL)
            except (OSError, ValueError): pass
        if c.get("cleanup"): s.shell(c["cleanup"], T, v)
        if not s.a.keep: shutil.rmtree(T, ignore_errors=True)
        return res

    def one(s, c, exe, argv, env, cwd, v, T, limit):
        passfd, fdmap, close = [], {}, []
        for n, spec in c.get("fds", {}).items():
            (kind, val), = spec.items(); val = expand(val, v)
            if kind == "file": fd = os.open(val, os.O_RDONLY)
            elif kind == "memfd":
                fd = os.memfd_create("m", 0); os.write(fd, val.encode()); os.lseek(fd, 0, 0)
            elif kind == "deleted":
                q = os.path.join(T, "deleted.tmp")
                with open(q, "w") as f: f.write(val)
                os.chmod(q, 0o755); fd = os.open(q, os.O_RDONLY); os.unlink(q)
            else:
                r, w = os.pipe(); os.write(w, val.encode()); os.close(w); fd = r
                if s.uid: os.fchown(fd, s.uid, s.uid)
            big = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100); os.close(fd)
            fdmap[int(n)] = big; close.append(big)
        dem = s.demote()
        stdin_closed = c.get("stdin_closed")
        def pre():
            for n, b in fdmap.items(): os.dup2(b, n, inheritable=True)
            if stdin_closed: os.close(0)
            if dem: dem()
        so = tempfile.TemporaryFile(); se = tempfile.TemporaryFile()
        si, sw = subprocess.DEVNULL, None
        if c["stdin"] is not None:
            si, sw = os.pipe(); os.set_blocking(sw, False)
            if s.uid: os.fchown(si, s.uid, s.uid)
        if 0 in fdmap: si = None
        try:
            p = subprocess.Popen(argv, executable=exe, cwd=cwd, env=env, stdin=si, stdout=so, stderr=se, close_fds=False, preexec_fn=pre, start_new_session=True)
        except OSError as e:
            for b in close + [x for x in (si, sw) if sw is not None]: os.close(b)
            return "spawn: %s" % e, b"", str(e).encode()
        for b in close + ([si] if sw is not None else []): os.close(b)
        try:
            if sw is not None:
                try: os.write(sw, expand(c["stdin"], v).encode())
                except OSError: pass
                os.close(sw)
            rc = p.wait(timeout=max(1, limit))
        except subprocess.TimeoutExpired: rc = "timeout"
        try: os.killpg(p.pid, signal.SIGKILL)      # only the group that this case started
        except OSError: pass
        if rc == "timeout": p.wait()
        so.seek(0); se.seek(0); o, e = so.read(65536 * 8), se.read(65536)
        so.close(); se.close()
        return rc, o, e

    def seen(s, kind, what, rc, out, settle):
        end = time.time() + settle
        while True:
            if kind == "file" and os.path.lexists(what): return True
            if kind == "stdout" and what.encode() in out: return True
            if kind == "exit" and str(rc) == what: return True
            if time.time() >= end: return False
            time.sleep(0.03)

def main():
    av = sys.argv[1:]; prefix = []
    if "--" in av: i = av.index("--"); av, prefix = av[:i], av[i + 1:]
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--suite", action="append"); ap.add_argument("--judge", action="store_true"); ap.add_argument("--store"); ap.add_argument("--prepare"); ap.add_argument("--native")
    ap.add_argument("--only"); ap.add_argument("--every", type=int, default=1); ap.add_argument("--from", type=int, default=0, dest="begin"); ap.add_argument("--category", action="append"); ap.add_argument("--layer", action="append"); ap.add_argument("--expect")
    ap.add_argument("--skip-policy", action="store_true"); ap.add_argument("--uid", type=int, default=0); ap.add_argument("--jobs", type=int, default=1)
    ap.add_argument("--timeout", type=float, default=20); ap.add_argument("--json"); ap.add_argument("--validate", action="store_true"); ap.add_argument("--keep", action="store_true")
    ap.add_argument("--fast", action="store_true", help="do not wait 0.25 s for late payloads"); ap.add_argument("--tmp", default="/tmp"); ap.add_argument("-v", action="store_true")
    a = ap.parse_args(av); a.prefix = prefix
    suites = ["sample.jsonl", "own.jsonl"] + (["words.jsonl"] if a.judge else [])
    cases = [json.loads(l) for f in a.suite or [os.path.join(H, n) for n in suites] for l in open(f) if l.strip()]
    cases = cases[a.begin::a.every]
    if a.judge: cases = [c for c in cases if decided_by_words(c)]
    if a.only: cases = [c for c in cases if re.search(a.only, c["id"])]
    if a.category: cases = [c for c in cases if c["category"] in a.category]
    if a.layer: cases = [c for c in cases if set(c["layer"]) & set(a.layer)]
    if a.expect: cases = [c for c in cases if c["expect"] == a.expect]
    if a.skip_policy: cases = [c for c in cases if c.get("tier") != "policy"]
    R = Runner(a); print("store:", R.store, " cases:", len(cases), " prefix:", " ".join(prefix) or "(none)", flush=True)
    res = []; js = open(a.json, "w") if a.json else None
    def note(r):
        res.append(r)
        if js: js.write(json.dumps(r) + "\n"); js.flush()
        if r.get("skipped"):
            if a.v: print("SKIP  %-34s %s" % (r["id"], r["skipped"]))
            return
        word = ("RAN" if r["ran"] else "blocked") if r["expect"] == "deny" else ("works" if r["ran"] else "BROKEN")
        bad = (not r["ran"] if r["expect"] == "deny" else not r["ran"]) if a.validate else not r["ok"]
        if a.v or bad: print("%-7s %-5s %-36s rc=%s %ss %s" % (word, r["expect"], r["id"], r["rc"], r["secs"], "| " + (r["err"] or r["out"] or r.get("setup_out", "")).strip().replace("\n", " / ")[-150:] if bad else ""), flush=True)
    with cf.ThreadPoolExecutor(a.jobs) as ex:
        for r in ex.map(R.run, cases): note(r)
    done = [r for r in res if not r.get("skipped")]
    stopped, passed = ("denied", "allowed") if a.judge else ("stopped", "ran")
    print("\n%-18s %6s %8s %8s" % ("category", "cases", stopped, passed))
    for cat in sorted({r["category"] for r in done}):
        x = [r for r in done if r["category"] == cat]; print("%-18s %6d %8d %8d" % (cat, len(x), sum(not r["ran"] for r in x), sum(r["ran"] for r in x)))
    d = [r for r in done if r["expect"] == "deny"]; al = [r for r in done if r["expect"] == "allow"]
    print("\nby sufficient layer (deny cases; a case counts in each layer that could stop it)")
    cnt = collections.Counter(); st = collections.Counter()
    for r in d:
        for l in r["layer"]: cnt[l] += 1; st[l] += not r["ran"]
    for l, n in cnt.most_common(): print("  %-16s %4d  stopped %4d" % (l, n, st[l]))
    core = [r for r in al if r["tier"] != "policy"]; pol = [r for r in al if r["tier"] == "policy"]
    print("\nDENY : %d of %d stopped (%d payloads ran)" % (sum(not r["ran"] for r in d), len(d), sum(r["ran"] for r in d)))
    print("ALLOW: %d of %d core work, %d of %d policy-dependent work (false positives: %d + %d)" % (sum(r["ran"] for r in core), len(core), sum(r["ran"] for r in pol), len(pol), sum(not r["ran"] for r in core), sum(not r["ran"] for r in pol)))
    print("skipped: %d" % (len(res) - len(done)))
    if not a.keep: shutil.rmtree(R.work, ignore_errors=True)
    if a.validate: sys.exit(0 if all(r["ran"] for r in done) else 1)
    sys.exit(0 if all(r["ok"] for r in done) else 1)
main()
