#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the kernel gate's answers to the attempts against `ihard check`'s and prints TAP, a row a case.

usage: compare.py [--bare BARE.json] CHECK.json GATE.json

CHECK: what `ihard check` answers, for cases that a command line, environment, standard input or
script decides. GATE: with the kernel gate. BARE: without a guard, which shows that the act works; a
case that does not work bare on this machine then counts for nothing.

differs.json beside this script lists what is known to come out otherwise, and why: "gate": runs
under the gate although it should be stopped, or is stopped although it should run; "check": `ihard
check` answers something else than the gate. What is listed and comes out as it should is a note.
"""
import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = {True: "runs", False: "is stopped", None: "is not asked"}


def rows(path):
    with open(path, encoding="utf-8") as f:
        return {r["id"]: r for r in map(json.loads, f) if not r.get("skipped")}


def verdict(case, check, known):
    """(good, what to say) of one case; check: its answer, or None."""
    ran, wanted = case["ran"], case["expect"] == "allow"
    why = known.get(case["id"], {})
    same = check is None or check == ran
    as_wanted = ran == wanted or case["tier"] == "policy"
    good = (as_wanted or "gate" in why) and (same or "check" in why)
    says = f"{case['expect']}: {WORDS[ran]}, ihard check: {WORDS[check]}"
    if not as_wanted and "gate" in why:
        says += f" # out of scope: {why['gate']}"
    elif not same and "check" in why:
        says += f" # differs: {why['check']}"
    return good, says


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bare")
    parser.add_argument("check")
    parser.add_argument("gate")
    arguments = parser.parse_args()
    check, gate = rows(arguments.check), rows(arguments.gate)
    if arguments.bare:
        works = {i for i, r in rows(arguments.bare).items() if r["ran"]}
        for i in sorted(set(gate) - works):
            print(f"# does not work here: {i}")
        gate = {i: r for i, r in gate.items() if i in works}
    with open(os.path.join(HERE, "differs.json"), encoding="utf-8") as f:
        known = json.load(f)
    failed = number = 0
    for case in gate.values():
        answer = check[case["id"]]["ran"] if case["id"] in check else None
        good, says = verdict(case, answer, known)
        number += 1
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {case['id']} {says}")
        if not good:
            print(f"# rc={case['rc']} {case['err'][-200:]!r} {case.get('setup_out', '')[-100:]!r}")
    failed += summary(gate, check, number)
    sys.exit(1 if failed else 0)


def summary(gate, check, number):
    deny = [r for r in gate.values() if r["expect"] == "deny"]
    core = [r for r in gate.values() if r["expect"] == "allow" and r["tier"] != "policy"]
    ran = sum(r["ran"] for r in deny)
    asked = [i for i in gate if i in check]
    same = sum(check[i]["ran"] == gate[i]["ran"] for i in asked)
    print(f"# {len(deny) - ran} of {len(deny)} attempts are stopped, {sum(r['ran'] for r in core)} of {len(core)} benign cases "
          f"work, {same} of {len(asked)} answers are those of ihard check")
    good = bool(deny) and bool(core) and bool(asked)
    print(f"{'ok' if good else 'not ok'} {number + 1} - there were attempts, benign cases and answers")
    print(f"1..{number + 1}")
    return 0 if good else 1


main()
