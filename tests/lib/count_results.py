#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads what meson recorded (testlog.json) and ends in one plain line: N passed, N failed, N skipped.

usage: count_results.py LOG…     Exit 1 when a test failed or none ran.
"""
import json
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP", "IGNORED"}


def main():
    passed, failed, skipped = [], [], []
    for log in sys.argv[1:]:
        try:
            with open(log, encoding="utf-8") as f:
                rows = [json.loads(line) for line in f if line.strip()]
        except FileNotFoundError:
            print(f"{log}: is not there: no test ran")
            rows = [{"name": log, "result": "ERROR"}]
        for row in rows:
            kind = passed if row["result"] in PASSED else skipped if row["result"] in SKIPPED else failed
            kind.append(row["name"])
    for name in skipped:
        print(f"skipped: {name}")
    for name in failed:
        print(f"failed: {name}")
    print(f"{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    sys.exit(1 if failed or not passed else 0)


main()
