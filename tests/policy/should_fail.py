#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""should_fail.py IHARD [--update]: every bad policy here is refused with its own sentence.

Beside them stands one that is good, changed in nothing but what makes each of them bad. With
--update prints the table anew, to be read before it takes the old one's place.
"""
import os
import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
from tap import Tap, run  # noqa: E402


def read_table():
    rows = {}
    for line in (HERE / "should-fail.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            name, sentence = line.split("\t")
            rows[name] = sentence
    return rows


def file_names():
    return sorted(f.name[len("should-fail-"):-len(".json")] for f in HERE.glob("should-fail-*.json"))


def refuse(ihard, place, name):
    """Exit codes and sentences of lint and of check, with the file's name as '%s'."""
    path = f"{place}/should-fail-{name}.json"
    lint = run([ihard, "policy", "lint", path])
    check = run([ihard, "check", "--policy", path, "--", "/bin/true"])
    lint.err = lint.err.strip().replace("ihard policy lint: ", "", 1).replace(path, "%s")
    check.err = check.err.strip().replace("ihard check: ", "", 1).replace(path, "%s")
    return lint, check


def copy_of_policies():
    """Our own, writable by nobody else: 'check' would not take them otherwise."""
    place = tempfile.mkdtemp(prefix="ihard-policies-")
    for source in HERE.glob("*.json"):
        target = f"{place}/{source.name}"
        shutil.copyfile(source, target)
        os.chmod(target, 0o644)
    return place


def main():
    ihard = sys.argv[1]
    place = copy_of_policies()
    rows = read_table()
    if "--update" in sys.argv:
        for name in file_names():
            print(f"{name}\t{refuse(ihard, place, name)[0].err}")
        shutil.rmtree(place)
        return
    t = Tap()
    t.ok(len(rows) >= 200, f"{len(rows)} bad policies")
    t.ok(sorted(rows) == file_names(), "each file has its sentence, each sentence its file",
         set(rows) ^ set(file_names()))
    good = run([ihard, "policy", "lint", f"{place}/should-pass.json"])
    t.ok(good.rc == 0, "the good one that they are made of passes", good)
    good = run([ihard, "check", "--policy", f"{place}/should-pass.json", "--", "/bin/true"])
    t.ok(good.rc == 1 and not good.err, "and judges: it lists scripts only", good)
    for name, sentence in sorted(rows.items()):
        lint, check = refuse(ihard, place, name)
        t.ok(lint.rc == 1 and lint.err == sentence and not lint.out, name,
             f"{lint}\nwanted: {sentence}")
        t.ok(check.rc == 125 and check.err == sentence and not check.out,
             f"{name}: and judges nothing", f"{check}\nwanted: {sentence}")
    shutil.rmtree(place)
    t.done()


main()
