#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Manual pages: each renders without a warning, and each command and verb has one."""
import os
import re
import shutil
import subprocess
import sys

import tree


def render(name):
    env = dict(os.environ, MANROFFSEQ="", MANWIDTH="100", LC_ALL="C.UTF-8")
    run = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", name], cwd=tree.root(),
                         env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    return [f"{name}: {line}" for line in run.stderr.splitlines()]


def lint(name):
    run = subprocess.run(["mandoc", "-Tlint", "-Wwarning", name], cwd=tree.root(),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return run.stdout.splitlines()


def missing():
    """One page per cmd_<verb>.c; ihard.1 names each verb."""
    found = []
    main_page = tree.text("man/ihard.1") if "man/ihard.1" in tree.files(".1") else ""
    for name in tree.files(".c"):
        m = re.match(r"cli/cmd_([a-z_]+)\.c$", name)
        if not m:
            continue
        verb = m.group(1).replace("_", "-")
        if f"man/ihard-{verb}.1" not in tree.files(".1"):
            found.append(f"man/ihard-{verb}.1: is missing, and '{name}' is there")
        if f"ihard\\-{verb}" not in main_page and f"ihard-{verb}" not in main_page:
            found.append(f"man/ihard.1: does not name ihard-{verb}(1)")
    return found


def main():
    pages = [n for n in tree.files(".1", ".5", ".7", ".8") if n.startswith("man/")]
    found = missing()
    if not shutil.which("man") and not found:
        print("man is missing: Debian package man-db")
        sys.exit(77)
    for name in pages:
        found += render(name)
        if shutil.which("mandoc"):
            found += lint(name)
    tree.finish(found, f"{len(pages)} manual pages")


main()
