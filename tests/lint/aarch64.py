#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every C file of the user side compiles for aarch64 too: no instruction, header or width of x86 is taken
for granted. Nothing is linked or run. Needs clang and the headers of libc6-dev-arm64-cross (77 without)."""
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADERS = "/usr/aarch64-linux-gnu/include"
FOLDERS = ["common", "integrity", "policy", "wrapper", "bootchain", "cli"]
# The libraries' headers are the machine's own: they say the same everywhere, and come last.
FLAGS = ["--target=aarch64-linux-gnu", "-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
         "-Wno-unused-parameter", "-Wno-missing-field-initializers", "-I" + ROOT, "-isystem", HEADERS,
         "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"]


def check(clang, build, path):
    made = ["-I" + os.path.join(build, d) for d in [""] + FOLDERS] + ['-DIH_LIBEXEC="/libexec"']
    run = subprocess.run([clang] + FLAGS + made + [path], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    return run.stdout if run.returncode else ""


def main():
    clang = shutil.which("clang") or shutil.which("clang-14")
    if not clang or not os.path.isdir(HEADERS):
        print("clang or the headers of aarch64 are missing: Debian package libc6-dev-arm64-cross")
        sys.exit(77)
    files = sorted(f for d in FOLDERS for f in glob.glob(os.path.join(ROOT, d, "**", "*.c"), recursive=True))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [out for out in pool.map(lambda f: check(clang, sys.argv[1], f), files) if out]
    print("".join(found) + "aarch64: %d files, %d do not compile" % (len(files), len(found)))
    sys.exit(1 if found else 0)


main()
