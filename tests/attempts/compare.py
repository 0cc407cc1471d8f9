#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds three runs of the attempts against each other and prints TAP.

usage: compare.py BARE.json CHECK.json GATE.json

BARE: without a guard, which shows that the act works. CHECK: what `ihard check` answers. GATE: with
the kernel gate. A case that does not work bare on this machine counts for nothing.
"""
import json
import sys


def rows(path):
    with open(path, encoding="utf-8") as f:
        return {r["id"]: r for r in map(json.loads, f) if not r.get("skipped")}


def main():
    bare, check, gate = map(rows, sys.argv[1:])
    works = [r["id"] for r in bare.values() if r["ran"] and r["id"] in gate]
    deny = [i for i in works if gate[i]["expect"] == "deny"]
    core = [i for i in works if gate[i]["expect"] == "allow" and gate[i]["tier"] != "policy"]
    ran = [i for i in deny if gate[i]["ran"]]
    broken = [i for i in core if not gate[i]["ran"]]
    differ = [i for i in works if i in check and check[i]["ran"] != gate[i]["ran"]]
    for i in sorted(bare):
        if not bare[i]["ran"]:
            print(f"# does not work here: {i} {bare[i]['err'][-100:]!r}")
    for title, ids in (("ran", ran), ("broken", broken), ("differs from check", differ)):
        for i in ids:
            print(f"# {title}: {i} rc={gate[i]['rc']} check={check.get(i, {}).get('ran')} {gate[i]['err'][-200:]!r}")
    print(f"# {len(deny)} attempts work without the gate, {len(deny) - len(ran)} are stopped by it; "
          f"{len(core)} benign, {len(core) - len(broken)} work; {len(differ)} of {len(works)} differ from ihard check")
    results = [(len(deny) > 0 and len(ran) * 100 <= len(deny), "at most 1 % of the attempts run"),
               (not broken and core, "all core benign cases work"),
               (not differ, "the kernel answers as `ihard check`, row by row")]
    print(f"1..{len(results)}")
    for number, (good, title) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {title}")
    sys.exit(0 if all(good for good, _ in results) else 1)


main()
