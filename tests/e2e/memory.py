#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Code that a running program takes in, under the tree gate: memory that was written, libraries that nobody vouches for.

usage: memory.py IHARD IH-TRY P.SO
P.SO is a library, for a copy that is trusted and one that is not. What compiles (a JIT) works as it does without ihard.
"""
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from place import NOBODY, Place as Base, write  # noqa: E402
from tap import Tap, as_user, run, skip_all  # noqa: E402

IHARD, TRY, LIBRARY = sys.argv[1:4]
ANY = {"name": "any", "modes": ["program", "none"], "program": "any", "sources": "any", "verdict": "allow"}
tap = Tap()
if os.geteuid() != 0:
    skip_all("only root can make a tree that nobody else can write")


class Place(Base):
    def __init__(self, top):
        super().__init__(top)
        for d in (self.tree, self.out):
            shutil.copy(LIBRARY, d + "/lib.so")
        self.act = shutil.copy(TRY, self.tree + "/ih-try")
        self.off = self.changed("off", confinement=dict(self.server["confinement"], write_xor_execute="off"))
        self.any = self.changed("any", rules=[ANY] + self.server["rules"])

    def run(self, *command, policy=None, user=None, events="none", env=None, options=()):
        base = dict({"PATH": "/usr/bin:/bin", "HOME": self.out, "LANG": "C.UTF-8"}, **(env or {}))
        return run([IHARD, "run", "--policy", policy or self.policy, "--events", events] + list(options) + ["--"] + list(command), env=base, cwd=self.out,
                   preexec_fn=as_user(NOBODY) if user else None)


def check_acts(p):
    good, bad = p.tree + "/lib.so", p.out + "/lib.so"
    rows = [
        # act, refused by server, with write_xor_execute off, where anything may run
        (["write-then-exec"], True, False, False), (["written"], True, False, False),
        (["map", bad], True, True, False), (["map", good], False, False, False),
        (["map-written", bad], True, True, False), (["map-written", good], True, False, False),
        (["map-later", good], True, False, False), (["map", "/dev/zero"], True, True, False),
        (["in-child", "written"], True, False, False), (["in-child", "in-child", "map", bad], True, True, False),
        (["in-child", "map", good], False, False, False),
    ]
    for user in (None, NOBODY):
        for act, *refused in rows:
            name = "%s: %s" % ("user" if user else "root", " ".join(act).replace(p.top, "…"))
            r = run([TRY] + act)
            tap.ok(r.rc == 0, name + ": works without the gate", r)
            for policy, wanted in zip((p.policy, p.off, p.any), refused):
                r = p.run(p.act, *act, policy=policy, user=user)
                what = "refused" if wanted else "allowed"
                tap.ok(r.rc == wanted and (not wanted or "EACCES" in r.out), "%s: %s by %s" % (name, what, os.path.basename(policy)), r)
                says = wanted and "map" in act
                if says:
                    tap.ok("may not take in '" in r.err, name + ": the sentence", r)
    call = write(p.tree + "/as.sh", '#!/bin/bash\nname=$1\nshift\nexec -a "$name" "$@"\n')
    for name in ("node", "/usr/bin/node", "java"):
        r = p.run(call, name, p.act, "written")
        tap.ok(r.rc == 1 and "EACCES" in r.out, "a program that is called %s compiles no more than without" % name, r)


def check_events(p):
    p.run(p.act, "map", p.out + "/lib.so", events=p.events)
    p.run(p.tree + "/twice.sh", events=p.events)
    with open(p.events) as f:
        seen = [json.loads(line) for line in f]
    tap.ok([(e["act"], e["event"], e["gate"]) for e in seen] == [("map", "denied", "tree"), ("memory", "denied", "tree")],
           "an event for a library, and one an image for memory, however often it tries", seen)
    tap.ok(seen and seen[0]["program"] == p.out + "/lib.so" and seen[0]["exe"].endswith("/ih-try"), "it says which file, and whose", seen)


def check_audit(p):
    """What is only reported runs; the same without --audit is in check_acts()."""
    rows = [(["map", p.out + "/lib.so"], "may not take in '%s/lib.so' as code" % p.out, '"sources": "any"'),
            (["written"], "may not execute memory that can be written", '"write_xor_execute": "off"'),
            (["in-child", "written"], "may not execute memory that can be written", 'style "jit"'),
            (["map", p.tree + "/lib.so"], None, None)]
    for act, sentence, rule in rows:
        log = p.top + "/audited"
        write(log, "", 0o644)
        r = p.run(p.act, *act, events=log, options=["--audit"])
        name = "audit: " + " ".join(act).replace(p.top, "…")
        tap.ok(r.rc == 0, name + " goes on", r)
        with open(log) as f:
            seen = [(e["act"], e["event"]) for e in map(json.loads, f)]
        if sentence:
            tap.ok("would be denied: " in r.err and sentence in r.err and rule in r.err, name + " is said, and what would allow it", r)
            tap.ok(seen == [("map" if "map" in act else "memory", "audit")], name + ": the event", seen)
        else:
            tap.ok(r.err == "" and not seen, name + ": nothing to say", r)


def check_programs(p):
    """What compiles code, and what only tries to."""
    write(p.out + "/text", "ab\nac\n", 0o644)
    js = write(p.tree + "/hot.js", "let s=0;function f(i){return i*2%7}for(let i=0;i<3e5;i++)s+=f(i);console.log(s)\n", 0o644)
    wasm = write(p.tree + "/wasm.js", "const b=Uint8Array.from([0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,65,42,11]);"
                 "console.log(new WebAssembly.Instance(new WebAssembly.Module(b)).exports.f())\n", 0o644)
    node = write(p.tree + "/load.js", "try{process.dlopen({exports:{}},process.argv[2])}catch(e){console.log(/self-register/.test(e.message)?'loaded':e.message)}\n", 0o644)
    py = write(p.tree + "/load.py", "import ctypes,sys\ntry:\n    ctypes.CDLL(sys.argv[1]); print('loaded')\nexcept OSError as e:\n    print(e)\n", 0o644)
    back = write(p.tree + "/back.py", "import ctypes as c\nT=c.CFUNCTYPE(c.c_int,c.c_void_p,c.c_void_p)\nseen=[]\n"
                 "a=(c.c_int*3)(3,1,2)\nc.CDLL(None).qsort(a,3,4,T(lambda x,y:seen.append(1) or 0))\nprint(len(seen)>0)\n", 0o644)
    lua = write(p.tree + "/hot.lua", "local s=0 for i=1,1e6 do s=(s+i)%1000 end print(s)\n", 0o644)
    scm = write(p.tree + "/hot.scm", "(display (let f ((i 0) (s 0)) (if (= i 100000) s (f (+ i 1) (modulo (+ s i) 1000)))))\n", 0o644)
    php = write(p.tree + "/hot.php", "<?php echo preg_match('/a(?=b)/', 'ab'), \"\\n\";\n", 0o644)
    rb = write(p.tree + "/hot.rb", "puts (1..100000).sum { |i| i % 7 }\n", 0o644)
    rows = [["node", js], ["node", wasm], ["luajit", lua], ["guile", "--no-auto-compile", "-q", scm], ["php", php], ["ruby", rb], ["ruby", "--jit", rb],
            ["java", "-version"], ["sbcl", "--version"], ["/usr/bin/python3", back], ["grep", "-P", "a(?=b)", p.out + "/text"], ["gdb", "--version"],
            ["valgrind", "-q", "/bin/echo", "below"], ["/lib64/ld-linux-x86-64.so.2", "/usr/bin/node", js]]
    for user in (None, NOBODY):
        who = as_user(NOBODY) if user else None
        for argv in rows:
            name = "%s: %s" % ("user" if user else "root", " ".join(argv).replace(p.top, "…"))
            bare = run(argv, env={"PATH": "/usr/bin:/bin", "HOME": p.out, "LANG": "C.UTF-8"}, cwd=p.out, preexec_fn=who) if shutil.which(argv[0], path="/usr/bin:/bin") else None
            if not bare or bare.rc:
                tap.skip(name, "it does not work here without ihard either")
                continue
            r = p.run(*argv, user=user)
            tap.ok((r.rc, r.out, r.err) == (bare.rc, bare.out, bare.err), name, "bare: %s\nihard: %s" % (bare, r))
    for argv in (["node", node], ["/usr/bin/python3", py]):
        if not shutil.which(argv[0], path="/usr/bin:/bin"):
            tap.skip("libraries: " + argv[0], "it is not here")
            continue
        r = p.run(*argv, p.tree + "/lib.so")
        tap.ok("loaded" in r.out, "%s loads a trusted library" % argv[0], r)
        bare = run(argv + [p.out + "/lib.so"], cwd=p.out)
        r = p.run(*argv, p.out + "/lib.so")
        tap.ok("loaded" in bare.out and "loaded" not in r.out and p.out + "/lib.so" in r.err, "… and not another, JIT or not", "bare: %s\nihard: %s" % (bare, r))


# /opt: a trusted tree may not lie where everybody can make files
with tempfile.TemporaryDirectory(prefix="ih-memory.", dir="/opt") as top:
    p = Place(top)
    write(p.tree + "/twice.sh", "#!/bin/sh\nexec %s in-child written\n" % p.act)
    check_acts(p)
    check_events(p)
    check_audit(p)
    check_programs(p)
tap.done()
