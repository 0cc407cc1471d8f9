#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sample of attempts against `ihard run`, as root and as an ordinary user.

usage: attempts_run.py BUILD-DIRECTORY
Out of a wrapper's reach, and so not counted: what a trusted script evaluates by itself (dataflow), and
inline code that a trusted program hands to an interpreter, which profile server allows
(native-argv-race: the race is lost by whoever looks once, but both command lines may run).
"""
import collections
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import Tap, skip_all  # noqa: E402

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attempts")
ALL = ["inline", "stdin", "env", "script-file", "exec-identity", "fd-and-race"]
tap = Tap()
if os.geteuid() != 0:
    skip_all("only root can make the fixture store")
for who in ([], ["--uid", "65534"]):
    with tempfile.TemporaryDirectory() as d:
        subprocess.run([HERE + "/run", "run", "--build", sys.argv[1], "--fast", "--jobs", "2", "--json", d + "/r",
                        "--suite", HERE + "/sample.jsonl"] + who, stdout=subprocess.DEVNULL, check=False)
        results = [r for r in map(json.loads, open(d + "/r")) if not r.get("skipped")]
    name = "user: " if who else "root: "
    total, ran = collections.Counter(), collections.defaultdict(list)
    for r in results:
        total[r["category"]] += 1
        if r["ran"]:
            ran[r["category"]].append(r["id"])
    for category in ALL:
        tap.ok(total[category] and not ran[category], name + "%s: all %d stopped" % (category, total[category]), ran[category])
    n, got = total["native-foothold"], len(ran["native-foothold"])
    tap.ok(n and got * 5 <= n, name + "native-foothold: %d of %d stopped" % (n - got, n), ran["native-foothold"])
    core = [r for r in results if r["expect"] == "allow" and r["tier"] != "policy"]
    broken = [r["id"] + ": " + r["err"] for r in core if not r["ran"]]
    tap.ok(core and not broken, name + "benign: all %d of the core work" % len(core), "\n".join(broken))
tap.done()
