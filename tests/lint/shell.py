#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""shellcheck has nothing to say about the shell scripts of the tree."""
import re
import shutil
import subprocess
import sys

import tree


def main():
    if not shutil.which("shellcheck"):
        print("shellcheck is missing: Debian package shellcheck")
        sys.exit(77)
    scripts = []
    for name in tree.files():
        if name.startswith("tests/attempts/fixture/") or "/corpus/" in name:
            continue
        if name.endswith((".zsh", ".fish")):
            continue
        first = tree.text(name).split("\n", 1)[0]
        if name.endswith((".sh", ".bash")) or re.match(r"#!.*\b(ba|da)?sh\b", first):
            scripts.append(name)
    if not scripts:
        print("no scripts")
        sys.exit(0)
    run = subprocess.run(["shellcheck", "-x", "-s", "bash", "-S", "warning", "-f", "gcc"] + scripts,
                         cwd=tree.root(), stdout=subprocess.PIPE, text=True, check=False)
    print(run.stdout)
    print(f"{len(scripts)} scripts")
    sys.exit(1 if run.returncode else 0)


main()
