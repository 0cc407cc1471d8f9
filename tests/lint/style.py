#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What docs/style.md says and a regular expression can hold.

SPDX line first; files below 900 lines; no call that the style page refuses; no word that says a thing
is unfinished; own headers guarded by #pragma once. It does not judge names or comments.
"""
import re

import tree

LINES_MAX = 900
REFUSED = re.compile(
    r"(?<![\w.>])(strcpy|strcat|strncpy|sprintf|vsprintf|gets|atoi|atol|atoll|atof|system|popen|alloca|"
    r"tmpnam|tempnam|mktemp|getenv|dup|basename|strtok|rand|srand|gmtime|localtime|asctime|ctime|readdir_r)\s*\(")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|TB" r"D|WIP)\b|not (yet )?imple" r"mented|"
                        r"\bfor n" r"ow\b|\bplace" r"holder\b|\bstub" r"bed\b", re.IGNORECASE)
LICENSE_C = "SPDX-License-Identifier: LGPL-2.1-or-later"
LICENSE_BPF = "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause"
BPF_HEADERS = tuple(f"bpf/{name}.h" for name in ("kernel", "maps", "judge", "tables", "reading", "options", "arguments", "descriptors", "unit"))
CODE = (".c", ".h", ".py", ".sh", ".S", "meson.build", ".nix", ".bash", ".fish")
COMMENT = re.compile(r'"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)


def code_only(source):
    """C without comments, strings and characters; line numbers stay."""
    return COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), source)


def is_ours(name):
    return not name.startswith("tests/attempts/fixture/") and "/corpus/" not in name


def check_spdx(name, source):
    head = source.splitlines()[:2]
    want = LICENSE_BPF if name.startswith("bpf/") and (name.endswith(".bpf.c") or
                                                       name in BPF_HEADERS) else LICENSE_C
    lines = head[1:] if head and head[0].startswith("#!") else head[:1]
    if name.startswith("common/abi/"):  # both worlds include it
        return [] if any("SPDX-License-Identifier:" in l for l in lines) else [f"{name}:1: no SPDX line"]
    return [] if any(want in l for l in lines) else [f"{name}:1: the first line must be '{want}'"]


def check_c(name, source):
    found = []
    code = code_only(source)
    for n, line in enumerate(code.splitlines(), 1):
        m = REFUSED.search(line)
        if m:
            found.append(f"{name}:{n}: calls {m.group(1)}(), which docs/style.md refuses")
        if len(line.expandtabs(8)) > 100:
            found.append(f"{name}:{n}: longer than 100 columns")
    if name.endswith(".h") and "#pragma once" not in source:
        found.append(f"{name}:1: no #pragma once")
    return found


def main():
    assert REFUSED.search("r = system(x)") and not REFUSED.search("ih_system(x)")
    assert not REFUSED.search(code_only('/* system(x) */ puts("atoi(y)");').strip())
    found = []
    for name in tree.files():
        if not is_ours(name):
            continue
        source = tree.text(name)
        code = name.endswith(CODE) or source.startswith("#!")
        if code:
            found += check_spdx(name, source)
        if name.endswith((".c", ".h")):
            found += check_c(name, source)
        if name.endswith((".c", ".h", ".py", ".sh", ".nix")):
            count = source.count("\n")
            if count >= LINES_MAX:
                found.append(f"{name}:{LINES_MAX}: {count} lines; a file that needs a table of contents is a folder")
        if (code or name.endswith((".md", ".1", ".5", ".8", ".7"))) and name != "tests/lint/style.py":
            for n, line in enumerate(source.splitlines(), 1):
                m = UNFINISHED.search(line)
                if m:
                    found.append(f"{name}:{n}: '{m.group(0)}' says that this is unfinished")
    tree.finish(found, "style")


main()
