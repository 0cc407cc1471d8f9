#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ihard-interpreter(5) explains each word that the grammar compiler knows, and each built-in
grammar's file is listed where it is built in."""
import re

import tree

PAGE = "man/ihard-interpreter.5"
COMPILER = "policy/grammar_compile.c"
TABLES = ("role_names", "shape_names", "then_names", "test_names", "splitting_names", "mode_names",
          "style_names", "known_flags", "bits", "keys")


def words_of(source, table):
    """The strings of one array, comments left out."""
    body = re.search(r"\b%s\[[^\]]*\] = \{(.*?)\};" % table, source, re.S)
    if not body:
        return None
    return re.findall(r'"([^"]+)"', re.sub(r"/\*.*?\*/", "", body.group(1), flags=re.S))


def bold_or_italic(page):
    """Words that the page sets off, not those that its sentences happen to use."""
    found = set()
    for line in page.replace("\\-", "-").splitlines():
        if re.match(r"\.(B|I|BR|IR|BI|RB|RI) ", line):
            found.update(re.findall(r"[A-Za-z][A-Za-z-]*", line.split(" ", 1)[1]))
    return found


def problems():
    source, page = tree.text(COMPILER), tree.text(PAGE)
    known = bold_or_italic(page)
    found = []
    for table in TABLES:
        words = words_of(source, table)
        if not words:
            found.append(f"{COMPILER}: has no table '{table}', so that its words cannot be compared")
            continue
        found += [f"{PAGE}: does not explain '{word}' of {table}" for word in words if word not in known]
    members = set(re.findall(r'strcmp\(key, "([a-z-]+)"\)', source))
    found += [f"{PAGE}: does not explain the member '{word}'" for word in sorted(members - known)]
    build = tree.text("policy/meson.build")
    found += [f"policy/meson.build: does not list '{name}'" for name in tree.files(".json")
              if name.startswith("policy/interpreters/") and f"'{name[len('policy/'):]}'" not in build]
    return found


if __name__ == "__main__":
    tree.finish(problems(), "words of grammars")
