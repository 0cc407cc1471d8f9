#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command that the documents and manual pages show exists, with the options that they give it.

usage: documents.py SOURCE IHARD IHARD-GUARD"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from tap import Tap, run  # noqa: E402

source, ihard, guard = sys.argv[1:4]
t = Tap()
helps = {}


def help_of(*words):
    if words not in helps:
        program = [guard] if words == ("ihard-guard",) else [ihard, *words]
        r = run(program + ["--help"])
        helps[words] = r.out + r.err if r.rc == 0 else None
    return helps[words]


def commands(text):
    """(verb words, options) of each `ihard …` in code: fenced or indented lines, and `…` in a paragraph."""
    for line in text.splitlines():
        for part in re.findall(r"`([^`]+)`", line) + ([line.strip()] if line.startswith("    ") else []):
            part = part.removeprefix("$ ").split("#")[0].split(" -- ")[0].split("|")[0]
            found = re.match(r"ihard(?:-guard)? (.*)", part)
            if found and not re.match(r"\S+ \S+:", part):  # not a message
                words = part.split()
                verb = [w for w in words[1:3] if re.fullmatch(r"[a-z][a-z-]*", w)]
                if words[0] == "ihard-guard":
                    verb = []
                yield words[0], verb, re.findall(r"(?<=\s)--[a-z][a-z-]*", part), part


for page in sorted(glob.glob(source + "/*.md") + glob.glob(source + "/docs/**/*.md", recursive=True)):
    bad = []
    for program, verb, options, shown in commands(open(page).read()):
        words = ("ihard-guard",) if program == "ihard-guard" else tuple(verb[:1])
        if program == "ihard" and not words and options and options[0] not in ("--help", "--version"):
            bad.append(shown)
            continue
        text = help_of(*words)
        if words and words[0] in ("boot", "policy", "bootspec", "store") and len(verb) > 1:
            text = help_of(*verb[:2]) or text
        if text is None or any(option not in text and option != "--help" for option in options if option != "--version"):
            bad.append(shown)
    t.ok(not bad, "%s shows commands that exist" % os.path.relpath(page, source), "\n".join(bad))
    missing = [name for name in re.findall(r"`((?:tests|docs|bench|tools|nix|common|integrity|policy|bpf|bootchain|wrapper|cli|man)/[^`*<> ]+)`", open(page).read())
               if not glob.glob(os.path.join(source, name.split(":")[0]) + ("" if os.path.exists(os.path.join(source, name)) else ".*"))]
    t.ok(not missing, "%s names files that exist" % os.path.relpath(page, source), "\n".join(missing))
t.done()
