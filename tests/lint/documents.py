#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The design documents speak of the tree as it is.

Every example of C in docs/style.md stands in a source file to the letter; every name in the table of
folders in docs/architecture.md is a file (or folder) there; every attack of tests/vm/attacks stands in
docs/threats.md. It does not judge what they say.
"""
import os
import re

import tree


def examples():
    sources = "".join(tree.text(n) for n in tree.files(".c", ".h"))
    page = tree.text("docs/style.md")
    for block in re.finditer(r"```c\n(.*?)```", page, re.S):
        if block.group(1) not in sources:
            line = page[: block.start()].count("\n") + 1
            yield f"docs/style.md:{line}: no source file holds this example as it stands here"


def folders():
    page = tree.text("docs/architecture.md")
    names = tree.files()
    for n, line in enumerate(page.splitlines(), 1):
        row = re.match(r"(\S+/)\s.*: (.*·.*)$", line)
        if not row:
            continue
        for word in row.group(2).split(" · "):
            start = row.group(1) + word
            if not any(f.startswith((start + ".", start + "/")) for f in names):
                yield f"docs/architecture.md:{n}: there is no '{start}'"


def attacks():
    page = tree.text("docs/threats.md")
    for name in tree.files(".py"):
        row = re.match(r"tests/vm/attacks/(.*)\.py$", name)
        if row and not re.search(r"\b" + row.group(1) + r"\b", page):
            yield f"docs/threats.md: does not say what stops {row.group(1)} ({name})"


def main():
    assert os.path.exists(os.path.join(tree.root(), "docs/style.md"))
    tree.finish([*examples(), *folders(), *attacks()], "documents")


main()
