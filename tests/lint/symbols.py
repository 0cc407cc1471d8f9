#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every global symbol of our static libraries begins with ih_.   usage: symbols.py NM LIBRARY…"""
import subprocess
import sys

import tree

# What a sanitizer or libFuzzer puts beside our symbols.
FOREIGN = ("__asan_", "__odr_asan", "__ubsan_", "__sanitizer_", "__sancov_", "__start_", "__stop_",
           "asan.module_", "_GLOBAL_", "__covrec", "DW.ref.", "__x86.", "__llvm_")


def main():
    nm, libraries = sys.argv[1], sys.argv[2:]
    found = []
    seen = 0
    for lib in libraries:
        out = subprocess.run([nm, "-A", "--defined-only", "-g", lib], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        for line in out.splitlines():
            name = line.split()[-1]
            seen += 1
            if not name.startswith(("ih_",) + FOREIGN):
                found.append(f"{line.split(' ')[0]} global symbol '{name}' does not begin with ih_")
    if not seen:
        found.append("no symbol was seen: nm or the libraries are not what this lint thinks")
    tree.finish(found, f"symbols of {len(libraries)} libraries")


main()
