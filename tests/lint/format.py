#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
""".clang-format decides how C looks: every .c and .h file equals what clang-format 14 makes of it."""
import shutil
import subprocess
import sys

import tree


def main():
    tool = shutil.which("clang-format-14")
    if not tool:
        print("clang-format-14 is missing: Debian package clang-format-14")
        sys.exit(77)
    names = [n for n in tree.files(".c", ".h") if not n.startswith("tests/attempts/fixture/")]
    run = subprocess.run([tool, "--dry-run", "-Werror", "--style=file"] + names, cwd=tree.root(),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(run.stdout[-6000:])
    if run.returncode:
        print("format: clang-format-14 -i --style=file FILE mends it")
    sys.exit(1 if run.returncode else 0)


main()
