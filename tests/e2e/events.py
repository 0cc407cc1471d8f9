#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events of `ihard run`: every line is what docs/schema/event.schema.json says, and the journal gets the same.

usage: events.py IHARD IH-SPAWN IH-TRY SCHEMA
The journal's socket is one of our own, in a mount namespace of our own.
"""
import ctypes
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from place import write  # noqa: E402
from tap import Tap, as_user, run, skip_all  # noqa: E402

IHARD, SPAWN, TRY, SCHEMA = sys.argv[1:5]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NOBODY = 65534
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
IDS = {"denied": "5a3e1c7d9b8446f0a1c2e64b7f0d9311", "audit": "b7c0f2d4e5a94c118f3d27a6c1e08b52",
       "allowed": "0c9e6a41f7d84b23b5e1a8d3f6927c04"}
tap = Tap()
if os.geteuid() != 0:
    skip_all("only root can make a tree that nobody else can write")
try:
    import jsonschema
except ImportError:
    skip_all("python3-jsonschema is not installed")
with open(SCHEMA) as f:
    CHECK = jsonschema.Draft7Validator(json.load(f))


def setup(top):
    os.chmod(top, 0o755)
    for d in ("/tree", "/out"):
        os.mkdir(top + d)
        write(top + d + "/ok.sh", "#!/bin/sh\necho ran\n")
    os.chmod(top + "/out", 0o777)
    for f in (SPAWN, TRY):
        shutil.copy(f, top + "/tree")
    write(top + "/tree/try.sh", '#!/bin/sh\n"$@"\nexit 0\n')
    with open(ROOT + "/policy/profiles/server.json") as f:
        policy = json.load(f)
    [p for p in policy["trust"] if "trees" in p][0]["trees"].append(top + "/tree")
    write(top + "/policy.json", json.dumps(policy), 0o644)
    policy["report_allowed"] = True
    write(top + "/talk.json", json.dumps(policy), 0o644)


def rows(top):
    tree, out = top + "/tree", top + "/out"
    many = ["x" * 3000] * 90
    # name, policy, options, argv, what each line must have
    return [
        ("a script", "policy", [], [out + "/ok.sh"], [{"event": "denied", "gate": "outer", "reason": "source", "mode": "script",
                                                      "script": out + "/ok.sh", "provenance": "interactive"}]),
        ("inline", "policy", [], ["sh", "-c", "echo hi"], [{"event": "denied", "gate": "outer", "reason": "inline", "mode": "inline",
                                                           "interpreter": "sh", "argv": ["sh", "-c", "echo hi"], "argc": 3}]),
        ("hostile arguments", "policy", [], ["sh", "-c", "a\nIHARD_EVENT=allowed\n\"\\\t\x01\udcff"], [{"reason": "inline"}]),
        ("many and long arguments", "policy", [], ["sh", "-c", "echo"] + many, [{"argc": 93}]),
        ("below, asked for by name", "policy", [], [tree + "/try.sh", "sh", out + "/ok.sh"],
         [{"event": "denied", "gate": "tree", "reason": "source", "script": out + "/ok.sh", "exe": os.path.realpath("/bin/sh"),
           "provenance": "verified"}]),
        ("below, the image itself", "policy", [], [tree + "/ih-try", "exec-fd", "/bin/sh", out + "/ok.sh"],
         [{"event": "denied", "gate": "tree", "script": out + "/ok.sh"}]),
        ("a variable", "policy", ["env"], [tree + "/ok.sh"], []),
        ("audit", "policy", ["--audit"], [out + "/ok.sh"], [{"event": "audit", "gate": "outer", "reason": "source"}]),
        ("audit, below", "policy", ["--audit"], [tree + "/try.sh", "sh", out + "/ok.sh"], [{"event": "audit", "gate": "tree"}]),
        ("allowed, reported", "talk", [], [tree + "/ok.sh"], [{"event": "allowed", "gate": "outer", "script": tree + "/ok.sh", "rule": None}]),
        ("allowed, below", "talk", [], [tree + "/try.sh", "/bin/true"], [{"event": "allowed", "gate": "outer"},
                                                                    {"event": "allowed", "gate": "tree", "mode": "program"}]),
        ("allowed, silent", "policy", [], [tree + "/ok.sh"], []),
    ]


def has(event, wanted):
    return all(event.get(k) == v if v is not None else k in event for k, v in wanted.items())


def command(top, policy, options, argv, where):
    env = {"PATH": "/usr/bin:/bin"}
    if options == ["env"]:
        env["LD_PRELOAD"], options = top + "/out/x.so", []
    return dict(argv=[IHARD, "run", "--policy", "%s/%s.json" % (top, policy), "--events", where] + options + ["--"] + argv, env=env, cwd=top)


def check_lines(top, demote, who):
    for name, policy, options, argv, wanted in rows(top):
        where = top + "/out/events.jsonl"
        run(**command(top, policy, options, argv, where), preexec_fn=demote)
        with open(where, encoding="utf-8") as f:
            text = f.read()
        os.unlink(where)
        lines = [json.loads(line) for line in text.splitlines()]
        bad = ["%s: %s" % ("/".join(map(str, e.path)), e.message) for line in lines for e in CHECK.iter_errors(line)]
        tap.ok(not bad, "%s: %s: as the schema says" % (who, name), "\n".join(bad) + text)
        tap.ok(len(lines) == len(wanted) and all(map(has, lines, wanted)), "%s: %s: says what happened" % (who, name), text)
        uid = NOBODY if demote else 0
        tap.ok(all(e["uid"] == uid and e["gid"] == uid and e["pid"] > 1 for e in lines), "%s: %s: says who asked" % (who, name), text)


def fields(datagram):
    """The native protocol: KEY=VALUE, or KEY, a length of 64 bits, and the value."""
    got = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        if b"=" in line:
            key, _, value = line.partition(b"=")
        else:
            key, size = line, struct.unpack("<Q", rest[:8])[0]
            value, rest = rest[8:8 + size], rest[8 + size + 1:]
        got.setdefault(key.decode(), []).append(value.decode(errors="surrogateescape"))
        datagram = rest
    return got


def open_journal():
    libc = ctypes.CDLL(None, use_errno=True)
    os.makedirs("/run/systemd/journal", exist_ok=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) or \
            libc.mount(b"none", b"/run/systemd/journal", b"tmpfs", 0, None):
        return None
    return listen()


def listen():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind("/run/systemd/journal/socket")
    os.chmod("/run/systemd/journal/socket", 0o666)
    s.settimeout(0.2)
    return s


def take(s):
    got = []
    try:
        while True:
            got.append(fields(s.recv(1 << 20)))
    except socket.timeout:
        return got


def check_journal(top, s):
    keys = {"event": "IHARD_EVENT", "gate": "IHARD_GATE", "reason": "IHARD_REASON", "mode": "IHARD_MODE", "script": "IHARD_SCRIPT",
            "interpreter": "IHARD_INTERPRETER", "provenance": "IHARD_PROVENANCE", "rule": "IHARD_RULE", "exe": "IHARD_EXE"}
    for name, policy, options, argv, wanted in rows(top):
        run(**command(top, policy, options, argv, "journal"))
        got = take(s)
        good = len(got) == len(wanted)
        for datagram, want in zip(got, wanted):
            flat = {k: v[0] for k, v in datagram.items()}
            seen = {k: flat[j] for k, j in keys.items() if j in flat}
            good = good and has(seen, {k: v for k, v in want.items() if k in keys}) and len(datagram["IHARD_EVENT"]) == 1
            good = good and flat["MESSAGE_ID"] == IDS[flat["IHARD_EVENT"]] and flat["MESSAGE"] and int(flat["OBJECT_PID"]) > 1
            good = good and flat["SYSLOG_IDENTIFIER"] == "ihard" and flat["PRIORITY"] in "456" and flat["IHARD_UID"] == "0"
        tap.ok(good, "journal: %s" % name, got)
    # where nobody says anything it goes there, too
    run([IHARD, "run", "--policy", top + "/policy.json", "--", top + "/out/ok.sh"])
    tap.ok(len(take(s)) == 1, "journal: without --events")
    # one that was started anew while a tree runs, and one that is gone
    write(top + "/tree/twice.sh", '#!/bin/sh\nsh "$1"\necho first\nread x\nsh "$1"\nexit 0\n')
    for gone in (False, True):
        p = subprocess.Popen([IHARD, "run", "--policy", top + "/policy.json", "--", top + "/tree/twice.sh", top + "/out/ok.sh"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        p.stdout.readline()
        first = len(take(s))
        s.close()
        os.unlink("/run/systemd/journal/socket")
        if not gone:
            s = listen()
        p.communicate(b"\n")
        tap.ok(first == 1 and p.returncode == 0 and (gone or len(take(s)) == 1),
               "journal: %s meanwhile" % ("it goes away" if gone else "it is started anew"))


# /opt: a trusted tree may not lie where everybody can make files
with tempfile.TemporaryDirectory(prefix="ih-events.", dir="/opt") as top:
    setup(top)
    check_lines(top, None, "root")
    check_lines(top, as_user(NOBODY), "user")
    s = open_journal()
    if s is None:
        tap.skip("journal", "no mount namespace can be made here")
    else:
        check_journal(top, s)
tap.done()
