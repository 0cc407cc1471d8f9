#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A policy for the attempts: a built-in profile, with the fixture store among its trees.

usage: make_policy.py PROFILE.json STORE > policy.json
"""
import json
import sys


def main():
    profile, store = sys.argv[1:]
    with open(profile, encoding="utf-8") as f:
        policy = json.load(f)
    trees = [p for p in policy["trust"] if "trees" in p]
    assert trees, "the profile lists no trees"
    trees[0]["trees"].append(store)
    json.dump(policy, sys.stdout, indent=1)


main()
